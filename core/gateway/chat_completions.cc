#include "gateway/chat_completions.h"

#include <spdlog/spdlog.h>

#include "gateway/agents_catalogue.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

constexpr std::size_t kMaxMessages = 2000;

struct Question {
  std::string model, user, text, system;
  json::array attachments;
  bool stream = false;
};

Error bad(std::string message) {
  return Error(Code::kInvalidArgument, std::move(message));
}

// Text parts joined; images by data URL become attachments. A remote URL is refused: nothing is
// fetched for a caller.
Result<std::string> read_content(const json::object& message, json::array& attachments) {
  const auto* content = message.if_contains("content");
  if (!content || content->is_null()) return std::string();
  if (content->is_string()) return std::string(content->get_string());
  if (!content->is_array()) return bad("messages[].content must be a string or an array");
  std::string out;
  for (const auto& item : content->get_array()) {
    if (!item.is_object()) continue;
    const auto& part = item.get_object();
    auto type = text_param(part, "type");
    if (type == "text" || type == "input_text") {
      if (!out.empty()) out += '\n';
      out += text_param(part, "text");
    } else if (type == "image_url") {
      const auto* image = part.if_contains("image_url");
      auto url = image && image->is_object() ? text_param(image->get_object(), "url")
                                             : text_param(part, "image_url");
      auto comma = url.find(";base64,");
      if (url.rfind("data:image/", 0) != 0 || comma == std::string::npos) {
        return bad("image_url must be a data: URL with base64 content");
      }
      attachments.emplace_back(json::object{{"mimeType", url.substr(5, comma - 5)},
                                            {"data", url.substr(comma + 8)},
                                            {"name", "image"}});
    }
  }
  return out;
}

Result<Question> read_question(const std::string& body) {
  boost::system::error_code failed;
  json::parse_options options;
  options.max_depth = 64;
  auto document = json::parse(body, failed, {}, options);
  if (failed || !document.is_object()) return bad("the body is not a JSON object");
  const auto& object = document.get_object();
  Question out;
  out.model = text_param(object, "model", "openclaw");
  out.user = text_param(object, "user");
  out.stream = bool_param(object, "stream", false);
  const auto* messages = object.if_contains("messages");
  if (!messages || !messages->is_array() || messages->get_array().size() > kMaxMessages) {
    return bad("Missing user message in `messages`.");
  }
  std::vector<std::pair<std::string, std::string>> turns;
  json::array attachments;
  for (const auto& item : messages->get_array()) {
    if (!item.is_object()) continue;
    const auto& message = item.get_object();
    auto role = text_param(message, "role");
    json::array images;
    auto text = read_content(message, images);
    if (text.has_error()) return text.error();
    if (role == "system" || role == "developer") {
      if (!out.system.empty()) out.system += "\n\n";
      out.system += text.value();
    } else if (role == "user" || role == "assistant" || role == "tool") {
      if (role == "user") attachments = std::move(images);
      turns.emplace_back(role, std::move(text.value()));
    }
  }
  std::size_t last = turns.size();
  while (last > 0 && turns[last - 1].first != "user" && turns[last - 1].first != "tool") --last;
  bool empty =
      last == 0 || (turns[last - 1].second.find_first_not_of(" \t\r\n") == std::string::npos &&
                    attachments.empty());
  if (empty) return bad("Missing user message in `messages`.");
  out.attachments = std::move(attachments);
  if (last == 1) {
    out.text = turns[0].second;
    return out;
  }
  out.text = "[Chat messages since your last reply - for context]\n";
  for (std::size_t i = 0; i + 1 < last; ++i) {
    const char* who = turns[i].first == "user"   ? "User"
                      : turns[i].first == "tool" ? "Tool"
                                                 : "Assistant";
    out.text.append(who).append(": ").append(turns[i].second).append("\n");
  }
  out.text += "\n[Current message - respond to this]\n" + turns[last - 1].second;
  return out;
}

std::string agent_of(const HttpExchange& exchange, const std::string& model) {
  for (const auto* name : {"x-openclaw-agent-id", "x-openclaw-agent"}) {
    if (auto value = exchange.header(name); !value.empty()) return std::string(value);
  }
  for (std::string_view prefix : {"openclaw:", "openclaw/", "agent:"}) {
    if (model.rfind(prefix, 0) == 0) return model.substr(prefix.size());
  }
  return {};
}

Result<std::string> session_of(ServerState& state, const HttpExchange& exchange,
                               const Question& question) {
  auto config = state.snapshot();
  auto asked = agent_of(exchange, question.model);
  auto agent = asked.empty() || asked == "default" ? session::default_agent(*config)
                                                   : session::normalise_agent_id(asked);
  if (!agent_exists(*config, agent)) return bad("unknown agent id \"" + agent + "\"");
  if (auto key = exchange.header("x-openclaw-session-key"); !key.empty()) {
    return session::canonical_key(key.substr(0, 512), *config, agent);
  }
  auto rest = question.user.empty() ? "openai:" + identity::uuid_v4()
                                    : "openai-user:" + question.user.substr(0, 256);
  return session::canonical_key("agent:" + agent + ":" + rest, *config);
}

struct Stream {
  std::shared_ptr<HttpExchange> exchange;
  std::string id, model;
  std::int64_t created = 0;
  std::string sent;  // text that went out
  bool open = true;

  void chunk(json::object delta, json::value finish) {
    json::object choice{
        {"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}};
    json::object out{
        {"id", id}, {"object", "chat.completion.chunk"}, {"created", created}, {"model", model}};
    out["choices"] = json::array{std::move(choice)};
    open = open && exchange->stream("data: " + json::serialize(out) + "\n\n");
  }
  // The whole text so far; only what is new goes out.
  void text(const std::string& whole) {
    if (whole.size() <= sent.size() || whole.compare(0, sent.size(), sent) != 0) return;
    chunk({{"content", whole.substr(sent.size())}}, nullptr);
    sent = whole;
  }
};

json::object completion(const Stream& about, const agent::TurnResult& result) {
  const auto& u = result.usage;
  auto prompt = u.input + u.cache_read + u.cache_write;
  json::object message{{"role", "assistant"}, {"content", result.text}};
  json::object choice{{"index", 0}, {"message", std::move(message)}, {"finish_reason", "stop"}};
  json::object usage{{"prompt_tokens", prompt},
                     {"completion_tokens", u.output},
                     {"total_tokens", prompt + u.output}};
  json::object out{{"id", about.id},
                   {"object", "chat.completion"},
                   {"created", about.created},
                   {"model", about.model}};
  out["choices"] = json::array{std::move(choice)};
  out["usage"] = std::move(usage);
  return out;
}

}  // namespace

Awaitable<HttpResponse> serve_chat_completions(ServerState& state,
                                               std::shared_ptr<HttpExchange> exchange) {
  auto question = read_question(exchange->body());
  if (question.has_error())
    co_return error_response(400, question.error().message, "invalid_request_error");
  auto key = session_of(state, *exchange, question.value());
  if (key.has_error()) co_return error_response(400, key.error().message, "invalid_request_error");
  auto stream = std::make_shared<Stream>();
  stream->exchange = exchange;
  stream->id = "chatcmpl_" + identity::uuid_v4();
  stream->model = question.value().model;
  stream->created = now_ms() / 1000;
  agent::TurnRequest request;
  request.run_id = stream->id;
  request.session_key = key.value();
  request.text = std::move(question.value().text);
  request.extra_system_prompt = std::move(question.value().system);
  request.attachments = std::move(question.value().attachments);
  request.origin.kind = agent::TurnOrigin::Kind::kHttp;
  request.origin.is_owner = true;
  request.steer = false;
  request.limits.abort = exchange->gone();
  std::uint64_t subscription = 0;
  if (question.value().stream) {
    exchange->begin_stream("text/event-stream; charset=utf-8");
    stream->chunk({{"role", "assistant"}}, nullptr);
    subscription = state.services.agents.subscribe([stream](const agent::AgentEvent& event) {
      if (event.run_id == stream->id && event.stream == "assistant")
        stream->text(text_param(event.data, "text"));
    });
  }
  auto result = co_await state.services.agents.run(std::move(request));
  if (subscription != 0) state.services.agents.unsubscribe(subscription);
  bool failed =
      result.status == "error" || result.status == "timeout" || result.status == "aborted";
  if (failed) spdlog::warn("chat completion {}: {}", result.status, result.error);
  if (result.text == "NO_REPLY") result.text.clear();
  if (!question.value().stream) {
    if (failed) co_return error_response(500, "internal error", "api_error");
    co_return json_response(200, completion(*stream, result));
  }
  if (failed && stream->sent.empty()) {
    stream->chunk({{"content", "Error: internal error"}}, "stop");
  } else {
    stream->text(result.text);
  }
  exchange->stream("data: [DONE]\n\n");
  co_return HttpResponse{};
}

}  // namespace openclaw::gateway
