#include "channel/conversation_reader.h"

#include <algorithm>
#include <utility>

#include "channel/access.h"
#include "json_fields.h"
#include "utf8.h"

namespace openclaw::channel {
namespace {

constexpr std::chrono::milliseconds kPlatformTime{20'000};

// The fields people and agents get, whatever else a plugin says.
json::object message_entry(const json::object& from) {
  const auto text = [&](const char* key, std::size_t most) {
    return valid_utf8(text_of(from, key).substr(0, most));
  };
  json::object out{
      {"messageId", text("messageId", 256)},  {"own", flag_of(from, "own")},
      {"senderId", text("senderId", 256)},    {"senderName", text("senderName", kMostPeerName)},
      {"text", text("text", kMostHeardText)}, {"timestampMs", number_of(from, "timestampMs")}};
  if (std::string thread = text("threadId", 256); !thread.empty()) out["threadId"] = thread;
  return out;
}

json::object message_entry(const RecordedMessage& from) {
  json::object out{
      {"messageId", from.message_id},   {"own", from.own},   {"senderId", from.sender_id},
      {"senderName", from.sender_name}, {"text", from.text}, {"timestampMs", from.at_ms}};
  if (!from.thread.empty()) out["threadId"] = from.thread;
  return out;
}

}  // namespace

json::object target_conversation(const MessageAction& action) {
  std::string id = plain_sender_id(action.to, action.channel);
  json::object out;
  if (const std::size_t topic = id.find(":topic:"); topic != std::string::npos) {
    out["threadId"] = id.substr(topic + 7);
    id.resize(topic);
  }
  if (!action.thread_id.empty()) out["threadId"] = action.thread_id;
  out["id"] = id;
  return out;
}

Awaitable<Result<json::array>> ConversationReader::ask_platform(std::string instance,
                                                                json::object conversation,
                                                                std::int64_t limit, Limits limits) {
  json::object query{{"conversation", std::move(conversation)}, {"limit", limit}};
  std::string text = json::serialize(query);
  Limits time = limits.with_deadline(limits.deadline.earlier(Deadline::after(kPlatformTime)));
  auto answer = co_await accounts_.call(std::move(instance), "channel.read", std::move(text), time);
  if (answer.has_error()) co_return answer.error();
  const json::object* told = answer->if_object();
  const json::value* list = told == nullptr ? nullptr : told->if_contains("messages");
  if (list == nullptr || !list->is_array())
    co_return make_error(Code::kProtocol, "the plugin's answer has no messages");
  json::array out;
  for (const json::value& each : list->get_array()) {
    if (!each.is_object()) continue;
    if (out.size() >= static_cast<std::size_t>(limit)) break;
    out.push_back(message_entry(each.get_object()));
  }
  co_return out;
}

Awaitable<Result<json::object>> ConversationReader::read(std::shared_ptr<Account> account,
                                                         MessageAction action, Limits limits) {
  const AccountPlan& plan = account->plan;
  json::object conversation = target_conversation(action);
  RecordQuery query;
  query.instance = plan.instance_id();
  query.chat = text_of(conversation, "id");
  query.thread = text_of(conversation, "threadId");
  query.limit = action.limit;
  json::object out{{"accountId", plan.account}, {"target", query.chat}};
  if (plan.traits.reads_history) {
    auto asked = co_await ask_platform(query.instance, conversation, action.limit, limits);
    if (asked.has_value()) {
      out["source"] = "platform";
      out["messages"] = std::move(asked.value());
      co_return out;
    }
    out["note"] = asked.error().message;
  }
  auto recorded = co_await store_.messages_of(std::move(query));
  if (recorded.has_error()) co_return recorded.error();
  json::array messages;
  for (const RecordedMessage& each : recorded.value()) messages.push_back(message_entry(each));
  out["source"] = "record";
  out["messages"] = std::move(messages);
  co_return out;
}

}  // namespace openclaw::channel
