// What a model may write in a reply to say which message it answers: [[reply_to_current]] or
// [[reply_to:ID]], at the start as a rule. It counts whatever replyToMode says, and nobody sees it;
// in code it is text. The first one counts. Pure.
#pragma once

#include <string>
#include <string_view>

namespace openclaw::channel {

struct TaggedReply {
  std::string text;  // without tags
  bool tagged = false;
  std::string message_id;  // of a tag; empty: the message that the turn is about
};
// A tag that is still being written has no text yet.
TaggedReply split_reply_tag(std::string_view text);

}  // namespace openclaw::channel
