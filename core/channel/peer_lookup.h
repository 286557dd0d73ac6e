// From names to ids, among those the gateway has met. A name that several bear is no answer: the
// caller is told whose it is and decides. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "channel/conversation_record.h"
#include "result.h"

namespace openclaw::channel {

// {"input","resolved","id"?,"kind"?,"name"?,"username"?,"note"?,"candidates"?}. What is an id
// already is answered as it is.
json::object resolve_entry(std::string_view entry, std::string_view kind, std::string_view channel,
                           const std::vector<Peer>& peers);

}  // namespace openclaw::channel
