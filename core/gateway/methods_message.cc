// send, message.action, message.read, message.queue.*: messages by hand, without an agent.
#include "channel/buttons.h"
#include "gateway/channel_choice.h"
#include "gateway/server_state.h"
#include "session/session_key.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;
using channel::MessageAction;

constexpr std::chrono::minutes kSendTime{1};
constexpr std::chrono::seconds kReadTime{30};
constexpr std::size_t kMaxFileBytes = 5000000;  // decoded, each

// Files that come with the request, and files of the agent's workspace. An address is neither:
// nothing is fetched for a client.
Result<void> take_files(const ServerState& state, const json::object& params,
                        MessageAction& action) {
  const json::value* list = params.if_contains("attachments");
  for (const json::value& item : list ? list->get_array() : json::array()) {
    if (!item.is_object()) return Error(Code::kInvalidArgument, "attachments must be objects");
    const auto& in = item.get_object();
    channel::BroughtFile file{text_param(in, "fileName"), text_param(in, "mimeType"),
                              text_param(in, "content")};
    if (file.base64.size() / 4 * 3 > kMaxFileBytes)
      return Error(Code::kInvalidArgument, "attachment exceeds size limit (5000000 bytes)");
    action.brought.push_back(std::move(file));
  }
  if (std::string path = text_param(params, "mediaUrl"); !path.empty())
    action.media.push_back(std::move(path));
  const json::value* paths = params.if_contains("mediaUrls");
  for (const json::value& path : paths ? paths->get_array() : json::array())
    action.media.emplace_back(path.get_string());
  for (const std::string& path : action.media) {
    if (path.find("://") == std::string::npos) continue;
    return Error(Code::kInvalidArgument,
                 path +
                     " is an address; name a file of the agent's workspace, or bring it under "
                     "attachments");
  }
  const auto config = state.services.config.current();
  const std::string agent = text_param(params, "agentId");
  action.agent_id =
      agent.empty() ? session::default_agent(*config) : session::normalise_agent_id(agent);
  action.session_key = session::main_key(*config, action.agent_id);
  return {};
}

MessageAction action_of(const json::object& params) {
  MessageAction action;
  action.account = text_param(params, "accountId");
  action.to = text_param(params, "to");
  action.thread_id = text_param(params, "threadId");
  action.text = text_param(params, "message");
  action.message_id = text_param(params, "messageId");
  action.reply_to = text_param(params, "replyTo");
  action.emoji = text_param(params, "emoji");
  auto name = text_param(params, "action", "send");
  action.kind = name == "edit"     ? MessageAction::Kind::kEdit
                : name == "delete" ? MessageAction::Kind::kDelete
                : name == "react"  ? MessageAction::Kind::kReact
                                   : MessageAction::Kind::kSend;
  return action;
}

// Once for each idempotency key: who asks again gets the first answer.
Awaitable<Reply> perform(ServerState& state, MethodCall call) {
  auto id = text_param(call.params, "idempotencyKey");
  std::shared_ptr<Run> known = state.runs.find(call.method, id);
  if (known) {
    co_await known->done->wait(Deadline::never());
    co_return *known->reply;
  }
  auto channel = co_await known_channel(state, text_param(call.params, "channel"));
  if (channel.has_error()) co_return Reply::failed(channel.error());
  MessageAction action = action_of(call.params);
  if (const json::value* rows = call.params.if_contains("buttons")) {
    auto buttons = channel::buttons_from(*rows);
    if (buttons.has_error()) co_return Reply::failed(buttons.error());
    action.buttons = std::move(*buttons);
  }
  if (auto taken = take_files(state, call.params, action); taken.has_error())
    co_return Reply::failed(taken.error());
  auto run = state.runs.begin(call.method, id, now_ms());
  action.channel = *channel;
  action.idempotency_key = run->run_id;
  Limits limits = Limits::within(kSendTime);
  auto done = co_await state.services.channels.act(std::move(action), limits);
  Reply reply;
  if (done.has_error()) {
    reply = Reply::failed(done.error());
  } else {
    auto out = std::move(done.value());
    out["runId"] = run->run_id;
    out["channel"] = *channel;
    reply = Reply::ok(std::move(out));
  }
  state.runs.finish(*run, reply, done.has_error() ? "error" : "ok", {}, now_ms());
  co_return reply;
}

Awaitable<Reply> send(ServerState& state, MethodCall call) {
  if (text_param(call.params, "channel") == "webchat") {
    co_return Reply::invalid(
        "unsupported channel: webchat (internal-only). Use chat.send for WebChat UI messages");
  }
  const bool files = call.params.contains("mediaUrl") || call.params.contains("mediaUrls") ||
                     call.params.contains("attachments");
  if (text_param(call.params, "message").empty() && !files)
    co_return Reply::invalid("invalid send params: text or media is required");
  co_return co_await perform(state, std::move(call));
}

Awaitable<Reply> read_messages(ServerState& state, MethodCall call) {
  auto channel = co_await known_channel(state, text_param(call.params, "channel"));
  if (channel.has_error()) co_return Reply::failed(channel.error());
  MessageAction action = action_of(call.params);
  action.kind = MessageAction::Kind::kRead;
  action.channel = *channel;
  action.limit = int_param(call.params, "limit", action.limit);
  Limits limits = Limits::within(kReadTime);
  auto read = co_await state.services.channels.act(std::move(action), limits);
  if (read.has_error()) co_return Reply::failed(read.error());
  json::object out = std::move(read.value());
  out["channel"] = *channel;
  co_return Reply::ok(std::move(out));
}

channel::QueueRequest queue_request(const json::object& params) {
  channel::QueueRequest request;
  request.channel = text_param(params, "channel");
  request.account = text_param(params, "accountId");
  request.state = text_param(params, "state");
  request.id = int_param(params, "id", 0);
  request.limit = int_param(params, "limit", request.limit);
  return request;
}

Awaitable<Reply> ask_queue(ServerState& state, channel::QueueRequest request) {
  auto answer = co_await state.services.channels.queue(std::move(request));
  if (answer.has_error()) co_return Reply::failed(answer.error());
  co_return Reply::ok(std::move(answer.value()));
}

Awaitable<Reply> list_queue(ServerState& state, MethodCall call) {
  co_return co_await ask_queue(state, queue_request(call.params));
}

Awaitable<Reply> retry_queued(ServerState& state, MethodCall call) {
  auto request = queue_request(call.params);
  request.kind = channel::QueueRequest::Kind::kRetry;
  if (request.id == 0 && !bool_param(call.params, "all", false))
    co_return Reply::invalid("say which: id, or all");
  co_return co_await ask_queue(state, std::move(request));
}

Awaitable<Reply> drop_queued(ServerState& state, MethodCall call) {
  auto request = queue_request(call.params);
  request.kind = channel::QueueRequest::Kind::kDrop;
  co_return co_await ask_queue(state, std::move(request));
}

const ParamTable kSend{{{"to", Kind::kText, true},
                        {"message", Kind::kString},
                        {"mediaUrl", Kind::kString},
                        {"mediaUrls", Kind::kStrings},
                        {"attachments", Kind::kArray},
                        {"gifPlayback", Kind::kBoolean},
                        {"channel", Kind::kString},
                        {"accountId", Kind::kString},
                        {"agentId", Kind::kString},
                        {"threadId", Kind::kString},
                        {"sessionKey", Kind::kString},
                        {"idempotencyKey", Kind::kText, true, 0, 256}}};
const ParamTable kMessageAction{{{.name = "action",
                                  .kind = Kind::kText,
                                  .required = true,
                                  .choices = {"send", "edit", "delete", "react"}},
                                 {"to", Kind::kText, true, 0, 512},
                                 {"channel", Kind::kString},
                                 {"accountId", Kind::kString},
                                 {"threadId", Kind::kString, false, 0, 512},
                                 {"message", Kind::kString},
                                 {"messageId", Kind::kString, false, 0, 512},
                                 {"replyTo", Kind::kString, false, 0, 512},
                                 {"emoji", Kind::kString, false, 0, 128},
                                 {"buttons", Kind::kArray},
                                 {"mediaUrls", Kind::kStrings},
                                 {"attachments", Kind::kArray},
                                 {"agentId", Kind::kString},
                                 {"idempotencyKey", Kind::kText, true, 0, 256}}};

const ParamTable kMessageRead{{{"to", Kind::kText, true, 0, 512},
                               {"channel", Kind::kString},
                               {"accountId", Kind::kString},
                               {"threadId", Kind::kString, false, 0, 512},
                               {"limit", Kind::kInteger, false, 1, channel::kMostRead}}};
const ParamTable kQueueList{
    {{"channel", Kind::kString},
     {"accountId", Kind::kString},
     {.name = "state", .kind = Kind::kText, .choices = {"queued", "sending", "ambiguous", "dead"}},
     {"limit", Kind::kInteger, false, 1, 1000}}};
const ParamTable kQueueRetry{{{"id", Kind::kInteger, false, 1},
                              {"all", Kind::kBoolean},
                              {"channel", Kind::kString},
                              {"accountId", Kind::kString}}};
const ParamTable kQueueDrop{{{"id", Kind::kInteger, true, 1}}};

}  // namespace

void add_message_methods(std::vector<Method>& out) {
  out.push_back({"send", "operator.write", &kSend, send});
  out.push_back({"message.action", "operator.write", &kMessageAction, perform});
  out.push_back({"message.read", "operator.read", &kMessageRead, read_messages});
  out.push_back({"message.queue.list", "operator.read", &kQueueList, list_queue});
  out.push_back({"message.queue.retry", "operator.write", &kQueueRetry, retry_queued});
  out.push_back({"message.queue.drop", "operator.write", &kQueueDrop, drop_queued});
}

}  // namespace openclaw::gateway
