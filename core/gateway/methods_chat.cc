// chat.*: the Control UI's and our page's way to talk to an agent.
#include <algorithm>

#include "gateway/agents_catalogue.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

constexpr std::size_t kMaxText = 12000;
constexpr std::size_t kMaxMessageBytes = 131072;
constexpr std::size_t kMaxHistoryBytes = 6291456;
constexpr std::size_t kMaxAttachmentBytes = 5000000;
constexpr std::int64_t kMaxTurnMs = 24LL * 3600 * 1000;

// "[Mon 2026-11-23 06:34 UTC] " and the block of sender data before it are for the model, not for
// people.
std::string without_envelope(std::string text) {
  if (text.rfind("Sender (untrusted metadata):", 0) == 0) {
    auto fence = text.find("```\n\n");
    if (fence != std::string::npos) text.erase(0, fence + 5);
  }
  if (text.empty() || text[0] != '[') return text;
  auto end = text.find("] ");
  if (end == std::string::npos || end > 40) return text;
  auto stamp = text.substr(1, end - 1);
  bool dated = stamp.size() >= 20 && stamp[3] == ' ' && stamp[8] == '-' && stamp[11] == '-' &&
               stamp[17] == ':';
  return dated ? text.substr(end + 2) : text;
}

void shorten(json::value& value, bool user) {
  if (!value.is_string()) return;
  auto text = std::string(value.get_string());
  if (user) text = without_envelope(std::move(text));
  if (text.size() > kMaxText) {
    text.resize(kMaxText);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
      text.pop_back();
    if (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80)) text.pop_back();
    text += "\n...(truncated)...";
  }
  value = text;
}

json::object shown_message(json::object message) {
  bool user = text_param(message, "role") == "user";
  if (auto* content = message.if_contains("content")) {
    shorten(*content, user);
    if (content->is_array()) {
      for (auto& block : content->get_array()) {
        if (!block.is_object()) continue;
        if (auto* text = block.get_object().if_contains("text")) shorten(*text, user);
      }
    }
  }
  if (json::serialize(message).size() <= kMaxMessageBytes) return message;
  json::object placeholder{{"role", text_param(message, "role")}};
  placeholder["content"] = json::array{
      json::object{{"type", "text"}, {"text", "[chat.history omitted: message too large]"}}};
  if (const auto* time = message.if_contains("timestamp")) placeholder["timestamp"] = *time;
  return placeholder;
}

Awaitable<Reply> chat_history(ServerState& state, MethodCall call) {
  auto written = text_param(call.params, "sessionKey");
  auto key = session::canonical_key(written, *state.snapshot());
  if (key.has_error()) co_return Reply::failed(key.error());
  auto limit = static_cast<std::size_t>(int_param(call.params, "limit", 200));
  auto entry = co_await state.services.sessions.entry(key.value());
  if (entry.has_error()) co_return Reply::failed(entry.error());
  json::object out;
  out["sessionKey"] = written;
  json::array messages;
  out["thinkingLevel"] = "off";
  if (entry.value().is_object()) {
    const auto& row = entry.value().get_object();
    out["sessionId"] = text_param(row, "sessionId");
    out["thinkingLevel"] = text_param(row, "thinkingLevel", "off");
    for (const auto* field : {"fastMode", "verboseLevel"}) {
      if (const auto* value = row.if_contains(field)) out[field] = *value;
    }
    auto history = co_await state.services.sessions.history(key.value(), limit);
    if (history.has_error()) co_return Reply::failed(history.error());
    std::vector<json::object> shown;
    std::size_t total = 0;
    // The newest are kept when all together are too much.
    for (auto it = history.value().rbegin(); it != history.value().rend(); ++it) {
      auto message = shown_message(std::move(*it));
      total += json::serialize(message).size();
      if (total > kMaxHistoryBytes) break;
      shown.push_back(std::move(message));
    }
    for (auto it = shown.rbegin(); it != shown.rend(); ++it) messages.emplace_back(std::move(*it));
  }
  out["messages"] = std::move(messages);
  co_return Reply::ok(std::move(out));
}

std::string clean_text(const std::string& text) {
  std::string out;
  for (char c : text) {
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (!control || c == '\t' || c == '\n' || c == '\r') out += c;
  }
  return out;
}

bool is_stop_word(std::string text) {
  auto first = text.find_first_not_of(" \t\r\n");
  auto last = text.find_last_not_of(" \t\r\n.!");
  text = first == std::string::npos || last == std::string::npos
             ? ""
             : text.substr(first, last - first + 1);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  static constexpr std::string_view kWords[] = {"stop", "/stop", "abort",    "/abort",
                                                "esc",  "exit",  "interrupt"};
  return std::find(std::begin(kWords), std::end(kWords), text) != std::end(kWords);
}

Result<void> check_attachments(const json::object& params) {
  const auto* list = params.if_contains("attachments");
  if (!list || !list->is_array()) return {};
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return Error(Code::kInvalidArgument, "attachments must be objects");
    const auto* content = item.get_object().if_contains("content");
    if (content && content->is_string() &&
        content->get_string().size() / 4 * 3 > kMaxAttachmentBytes) {
      return Error(Code::kInvalidArgument, "attachment exceeds size limit (5000000 bytes)");
    }
  }
  return {};
}

// What a client sends under "content" is what the agent reads under "data". A path is never taken
// from a client: it would name a file of this machine.
json::array attachments_of(const json::object& params) {
  json::array out;
  const auto* list = params.if_contains("attachments");
  if (!list || !list->is_array()) return out;
  for (const auto& item : list->get_array()) {
    const auto& in = item.get_object();
    auto content = text_param(in, "content");
    if (content.rfind("data:", 0) == 0) {
      auto comma = content.find(',');
      content = comma == std::string::npos ? "" : content.substr(comma + 1);
    }
    out.emplace_back(json::object{{"mimeType", text_param(in, "mimeType")},
                                  {"data", content},
                                  {"name", text_param(in, "fileName")}});
  }
  return out;
}

Reply abort_runs(ServerState& state, const Client& client, const std::string& key,
                 const std::string& run_id, std::string_view reason) {
  if (!run_id.empty()) {
    auto run = state.runs.find_run(run_id);
    if (run && run->session_key != key) return Reply::invalid("runId does not match sessionKey");
    if (run && !run->device_id.empty() && run->device_id != client.device_id &&
        !client.is_admin()) {
      return Reply::invalid("unauthorized");
    }
  }
  auto stopped = state.services.agents.abort(key, run_id, reason);
  json::array ids;
  for (const auto& id : stopped) {
    auto run = state.runs.find_run(id);
    state.chat.aborted(
        id, run && !run->written_session_key.empty() ? run->written_session_key : key, reason);
    ids.emplace_back(id);
  }
  json::object out;
  out["ok"] = true;
  out["aborted"] = !stopped.empty();
  out["runIds"] = std::move(ids);
  return Reply::ok(std::move(out));
}

Awaitable<Reply> chat_abort(ServerState& state, MethodCall call) {
  auto key = session::canonical_key(text_param(call.params, "sessionKey"), *state.snapshot());
  if (key.has_error()) co_return Reply::failed(key.error());
  co_return abort_runs(state, *call.client, key.value(), text_param(call.params, "runId"), "rpc");
}

Awaitable<> run_chat(ServerState& state, std::shared_ptr<Run> run, agent::TurnRequest request) {
  auto result = co_await state.services.agents.run(std::move(request));
  // A command has no run of the agent behind it: its event carries the key as the caller wrote it.
  state.chat.settle(run->run_id, result.was_command ? run->written_session_key : run->session_key,
                    result);
  bool good = result.status != "error";
  auto reply = Reply::ok(json::object{{"runId", run->run_id}, {"status", "ok"}});
  if (!good) {
    reply = Reply::unavailable(result.error);
    reply.payload =
        json::object{{"runId", run->run_id}, {"status", "error"}, {"summary", result.error}};
  }
  state.runs.finish(*run, std::move(reply), good ? "ok" : "error", result.error, now_ms());
}

Awaitable<Reply> chat_send(ServerState& state, MethodCall call) {
  auto written = text_param(call.params, "sessionKey");
  auto key = session::canonical_key(written, *state.snapshot());
  if (key.has_error()) co_return Reply::failed(key.error());
  auto message = text_param(call.params, "message");
  if (message.find('\0') != std::string::npos)
    co_return Reply::invalid("message must not contain null bytes");
  message = clean_text(message);
  auto good = check_attachments(call.params);
  if (good.has_error()) co_return Reply::failed(good.error());
  auto attachments = attachments_of(call.params);
  if (message.find_first_not_of(" \t\r\n") == std::string::npos && attachments.empty()) {
    co_return Reply::invalid("message or attachment required");
  }
  if (is_stop_word(message)) co_return abort_runs(state, *call.client, key.value(), {}, "stop");
  auto id = text_param(call.params, "idempotencyKey");
  if (auto known = state.runs.find("chat.send", id)) {
    if (!known->reply) co_return Reply::ok(json::object{{"runId", id}, {"status", "in_flight"}});
    co_return *known->reply;
  }
  auto parts = session::parse_key(key.value(), *state.snapshot());
  if (parts.has_error()) co_return Reply::failed(parts.error());
  if (!agent_exists(*state.snapshot(), parts.value().agent_id)) {
    co_return Reply::invalid("unknown agent id \"" + parts.value().agent_id + "\"");
  }
  auto run = state.runs.begin("chat.send", id, now_ms());
  run->session_key = key.value();
  run->written_session_key = written;
  run->device_id = call.client->device_id;
  run->conn_id = call.client->conn_id;
  auto entry = co_await state.services.sessions.entry(key.value());
  bool full = false;
  if (entry.has_value() && entry.value().is_object()) {
    const auto& row = entry.value().get_object();
    full = text_param(row, "verboseLevel") == "full";
    if (text_param(row, "sendPolicy") == "deny") {
      auto refused = Reply::invalid("send blocked by session policy");
      state.runs.finish(*run, refused, "error", refused.error->message, now_ms());
      co_return refused;
    }
  }
  state.chat.watch(id, key.value(), call.client->conn_id, full);
  agent::TurnRequest request;
  request.run_id = id;
  request.session_key = key.value();
  request.text = std::move(message);
  request.attachments = std::move(attachments);
  request.thinking = text_param(call.params, "thinking");
  request.origin.kind = agent::TurnOrigin::Kind::kRpc;
  request.origin.device_id = call.client->device_id;
  request.origin.sender_name =
      call.client->display_name.empty() ? call.client->id : call.client->display_name;
  request.origin.is_owner = call.client->is_admin();
  auto timeout = int_param(call.params, "timeoutMs", 0);
  if (timeout > 0)
    request.limits.deadline =
        Deadline::after(std::chrono::milliseconds(std::min(timeout, kMaxTurnMs)));
  state.tasks.spawn("chat.send", run_chat(state, run, std::move(request)));
  co_return Reply::ok(json::object{{"runId", id}, {"status", "started"}});
}

Awaitable<Reply> chat_inject(ServerState& state, MethodCall call) {
  auto written = text_param(call.params, "sessionKey");
  auto key = session::canonical_key(written, *state.snapshot());
  if (key.has_error()) co_return Reply::failed(key.error());
  auto entry = co_await state.services.sessions.entry(key.value());
  if (entry.has_error()) co_return Reply::failed(entry.error());
  if (!entry.value().is_object()) co_return Reply::invalid("session not found");
  auto text = text_param(call.params, "message");
  auto label = text_param(call.params, "label");
  if (!label.empty()) text = "[" + label + "]\n\n" + text;
  json::object message;
  message["role"] = "assistant";
  message["content"] = json::array{json::object{{"type", "text"}, {"text", text}}};
  message["timestamp"] = now_ms();
  message["stopReason"] = "injected";
  auto shown = message;
  auto id = co_await state.services.sessions.append(key.value(), "message", std::move(message));
  if (id.has_error()) co_return Reply::failed(id.error());
  json::object event;
  event["runId"] = "inject-" + id.value();
  event["sessionKey"] = key.value();
  event["seq"] = 0;
  event["state"] = "final";
  event["message"] = std::move(shown);
  state.hub.broadcast("chat", event, Hub::Delivery::kSure);
  co_return Reply::ok(json::object{{"ok", true}, {"messageId", id.value()}});
}

const ParamTable kHistory{
    {{"sessionKey", Kind::kText, true, 0, 512}, {"limit", Kind::kInteger, false, 1, 1000}}};
const ParamTable kChatSend{{{"sessionKey", Kind::kText, true, 0, 512},
                        {"message", Kind::kString, true},
                        {"thinking", Kind::kString},
                        {"deliver", Kind::kBoolean},
                        {"attachments", Kind::kArray},
                        {"timeoutMs", Kind::kInteger, false, 0},
                        {"systemInputProvenance", Kind::kAny},
                        {"systemProvenanceReceipt", Kind::kAny},
                        {"idempotencyKey", Kind::kText, true, 0, 256}}};
const ParamTable kAbort{{{"sessionKey", Kind::kText, true, 0, 512}, {"runId", Kind::kText}}};
const ParamTable kInject{{{"sessionKey", Kind::kText, true, 0, 512},
                          {"message", Kind::kText, true},
                          {"label", Kind::kString, false, 0, 100}}};

}  // namespace

void add_chat_methods(std::vector<Method>& out) {
  out.push_back({"chat.history", "operator.read", &kHistory, chat_history});
  out.push_back({"chat.abort", "operator.write", &kAbort, chat_abort});
  out.push_back({"chat.send", "operator.write", &kChatSend, chat_send});
  out.push_back({"chat.inject", "operator.admin", &kInject, chat_inject, false});
}

}  // namespace openclaw::gateway
