// The part of Store that keeps the record of conversations. Seen by store*.cc alone.
#pragma once

#include "channel/database.h"

namespace openclaw::channel {

// Ends what is older, and more, than the record may hold.
Result<void> prune_record(Connection& db, std::int64_t now);

}  // namespace openclaw::channel
