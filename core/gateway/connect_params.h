// The params of `connect` (gateway protocol, section 2), apart from the decision on them: this is what a
// stranger's first bytes are checked against. [any-thread]
#pragma once

#include "gateway/params.h"

namespace openclaw::gateway {

const ParamTable& connect_table();

}  // namespace openclaw::gateway
