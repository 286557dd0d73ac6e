#include "channel/conversation_record.h"

#include "json_fields.h"
#include "result.h"

namespace openclaw::channel {
namespace {

std::string files_in(const json::object& event) {
  std::string out;
  const json::value* files = event.if_contains("attachments");
  if (files == nullptr || !files->is_array()) return out;
  for (const json::value& file : files->get_array()) {
    if (!file.is_object()) continue;
    const std::string kind = text_of(file.get_object(), "kind");
    const std::string name = text_of(file.get_object(), "name");
    out += (out.empty() ? "[" : "\n[") + (kind.empty() ? "file" : kind) +
           (name.empty() ? "" : ": " + name) + "]";
    if (out.size() > kMostHeardText) break;
  }
  return out;
}

}  // namespace

Heard heard_from(const std::string& instance, const json::object& event) {
  const json::object& conversation = object_of(event, "conversation");
  const json::object& sender = object_of(event, "sender");
  Heard out;
  out.instance = instance;
  out.chat = text_of(conversation, "id");
  out.chat_title = text_of(conversation, "title");
  out.thread = text_of(conversation, "threadId");
  out.direct = text_of(conversation, "type") == "direct";
  out.message_id = text_of(event, "messageId");
  out.text = text_of(event, "text");
  const std::string files = files_in(event);
  out.text += (out.text.empty() || files.empty() ? "" : "\n") + files;
  out.sender_id = text_of(sender, "id");
  out.sender_name = text_of(sender, "name");
  out.sender_username = text_of(sender, "username");
  return out;
}

}  // namespace openclaw::channel
