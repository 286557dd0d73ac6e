// Compaction: when the conversation fills the model's window, its older part is replaced by a
// summary that the model itself writes. Pure parts; the turn runner makes the call.
#pragma once

#include <cstdint>
#include <string>

#include "agent/conversation.h"

namespace openclaw::agent {

// Tokens the next answer and its tool results may need.
std::size_t reserve_tokens(std::size_t window);
bool needs_compaction(std::size_t used, std::size_t window);
// Index of the first message to keep; 0: nothing can go. Never between a tool call and its result.
// `squeeze`: the model or the user wants it shorter than our own count would have it.
std::size_t first_kept(const Context& context, std::size_t window, bool squeeze);
// The text the model summarises: messages before `end`, long ones shortened, the oldest dropped
// when the whole would not fit either.
std::string summary_request(const Context& context, std::size_t end, std::size_t window);
std::string summary_instructions();

}  // namespace openclaw::agent
