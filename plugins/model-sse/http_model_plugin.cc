#include "http_model_plugin.h"

#include <algorithm>
#include <stdexcept>

namespace openclaw::model {
namespace {

constexpr std::uint32_t kMaxAnswerBytes = 64U << 20;
constexpr std::size_t kMaxErrorBytes = 64U << 10;
constexpr std::uint64_t kDefaultTimeoutMs = 600'000;
constexpr std::uint64_t kListTimeoutMs = 15'000;

json::object parsed_object(std::string_view text, const char* what) {
  boost::system::error_code failure;
  auto value = json::parse(json::string_view(text.data(), text.size()), failure);
  if (failure || !value.is_object()) {
    throw std::invalid_argument(std::string(what) + " is not a JSON object");
  }
  return std::move(value.get_object());
}

void fail(Completion& done, const Failure& failure) {
  done.error(failure.code, failure.message, failure.retry_after_ms, failure.platform_code);
}

}  // namespace

struct HttpModelPlugin::Call {
  Call(Completion c, std::unique_ptr<Decoder> d)
      : done(std::move(c)), decoder(std::move(d)), reply({}), parser({}) {}
  Completion done;
  std::unique_ptr<Decoder> decoder;
  Reply reply;
  SseParser parser;
  std::uint64_t request = 0;
  std::string head;  // the first bytes, for answers that are no stream
  bool events_seen = false;
  std::deque<std::string> held;  // deltas while the host asks to pause
  bool paused = false;
  bool deaf = false;  // nobody listens any more
};

HttpModelPlugin::HttpModelPlugin(const Init& init)
    : ModelProviderPlugin(init),
      config_(parsed_object(init.config_json, "the provider's config")) {}

std::string HttpModelPlugin::base_url(std::string_view otherwise) const {
  auto url = std::string(text_at(config_, "baseUrl"));
  if (url.empty()) url = otherwise;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string HttpModelPlugin::secret_text(std::string_view key) const {
  if (const auto* reference = object_at(config_, key)) {
    auto name = text_at(*reference, "$secret");
    return name.empty() ? std::string() : "{{secret:" + std::string(name) + "}}";
  }
  return std::string(text_at(config_, key));
}

std::string HttpModelPlugin::all_headers() const {
  auto out = headers();
  out["content-type"] = "application/json";
  if (const auto* extra = object_at(config_, "headers")) {
    for (const auto& [name, value] : *extra) {
      if (value.is_string()) out[name] = value;
      if (!value.is_object()) continue;
      auto secret = text_at(value.get_object(), "$secret");
      if (!secret.empty()) out[name] = "{{secret:" + std::string(secret) + "}}";
    }
  }
  return json::serialize(out);
}

void HttpModelPlugin::chat(Completion done, std::string_view request_json) {
  boost::system::error_code failure;
  // A long conversation is many small values, which all go together.
  json::monotonic_resource memory;
  const auto request =
      json::parse(json::string_view(request_json.data(), request_json.size()), failure, &memory);
  if (failure || !request.is_object() || text_at(request.get_object(), "model").empty()) {
    done.error(OC_INVALID_ARGUMENT, "model.chat: the request is no JSON object with a \"model\"");
    return;
  }
  auto body = json::serialize(chat_body(request.get_object()));
  auto headers = all_headers();
  auto url = chat_url();
  auto op = done.op();
  auto limit = static_cast<std::uint64_t>(std::max<std::int64_t>(int_at(config_, "timeoutMs"), 0));
  if (limit == 0) limit = kDefaultTimeoutMs;
  auto timeout = std::min<std::uint64_t>({limit, done.remaining_ms(limit), 0x7fffffffU});
  auto call = std::make_shared<Call>(std::move(done), decoder());
  call->reply = Reply(
      [this, raw = call.get()](std::string_view delta) { deliver(*raw, std::string(delta)); });
  call->parser = SseParser([raw = call.get()](std::string_view name, std::string_view data) {
    raw->events_seen = true;
    raw->decoder->event(name, data, raw->reply);
  });
  calls_[op] = call;
  HttpRequest http_request;
  http_request.method = "POST";
  http_request.url = url;
  http_request.headers_json = headers;
  http_request.body = body;
  http_request.timeout_ms = static_cast<std::uint32_t>(std::max<std::uint64_t>(timeout, 1));
  http_request.max_response_bytes = kMaxAnswerBytes;
  auto handle = http().request(
      http_request,
      [this, op](oc_status status, const HttpResponse& response) {
        finished(op, status, response);
      },
      [this, op](std::string_view bytes) {
        auto found = calls_.find(op);
        if (found != calls_.end()) feed(*found->second, bytes);
      });
  call->request = handle;
}

void HttpModelPlugin::feed(Call& call, std::string_view bytes) {
  if (!call.events_seen && call.head.size() < kMaxErrorBytes) {
    call.head += bytes.substr(0, kMaxErrorBytes - call.head.size());
  }
  call.parser.feed(bytes);
  if (call.events_seen && !call.head.empty()) std::string().swap(call.head);
}

void HttpModelPlugin::deliver(Call& call, std::string delta) {
  if (call.deaf) return;
  if (call.paused) {
    call.held.push_back(std::move(delta));
    return;
  }
  auto status = call.done.progress(OC_STREAM_JSON, delta);
  if (status == OC_WOULD_BLOCK) {
    call.paused = true;
    call.held.push_back(std::move(delta));
  } else if (status == OC_NOT_FOUND) {
    call.deaf = true;
    http().cancel(call.request);
  }
}

void HttpModelPlugin::resume(oc_op op) {
  auto found = calls_.find(op);
  if (found == calls_.end()) return;
  auto& call = *found->second;
  call.paused = false;
  auto held = std::exchange(call.held, {});
  for (auto& delta : held) deliver(call, std::move(delta));
}

void HttpModelPlugin::finished(oc_op op, oc_status status, const HttpResponse& response) {
  auto found = calls_.find(op);
  if (found == calls_.end()) return;
  auto call = found->second;
  complete(*call, status, response);
  drop_call(op);
}

void HttpModelPlugin::complete(Call& call, oc_status status, const HttpResponse& response) {
  auto where = chat_url();
  if (status != OC_OK) {
    auto why =
        response.body.empty() ? std::string() : ": " + std::string(response.body.substr(0, 300));
    auto what = status == OC_CANCELLED           ? "the request was cancelled"
                : status == OC_DEADLINE_EXCEEDED ? "no answer in time from " + where
                : status == OC_PERMISSION_DENIED
                    ? "this plugin may not connect to " + where + "; check baseUrl"
                    : "cannot reach " + where + "; is the server running?";
    call.done.error(status, what + why);
    return;
  }
  if (!response.body.empty()) feed(call, response.body);  // a host that did not stream it
  if (response.status < 200 || response.status > 299) {
    fail(call.done, http_failure(response.status, response.headers_json, call.head, where));
    return;
  }
  call.parser.finish();
  if (!call.events_seen) {
    boost::system::error_code failure;
    auto body = json::parse(call.head, failure);
    if (failure || !body.is_object() || !call.decoder->document(body.get_object(), call.reply)) {
      call.done.error(OC_PROTOCOL, where +
                                       " answered with neither an event stream nor a known JSON "
                                       "document; check baseUrl");
      return;
    }
  }
  if (call.decoder->failure()) {
    fail(call.done, *call.decoder->failure());
    return;
  }
  if (call.parser.overflowed()) {
    call.done.error(OC_PROTOCOL, where + " sent an event larger than 16 MiB");
    return;
  }
  if (!call.decoder->ended()) {
    call.done.error(OC_UNAVAILABLE, "the stream from " + where + " broke off");
    return;
  }
  call.paused = false;
  for (auto& delta : std::exchange(call.held, {})) call.done.progress(OC_STREAM_JSON, delta);
  call.done.ok(json::serialize(call.reply.completion()));
}

void HttpModelPlugin::drop_call(oc_op op) {
  calls_.erase(op);
  if (stopping_ && calls_.empty()) {
    stopping_->ok();
    stopping_.reset();
  }
}

void HttpModelPlugin::cancel(oc_op op) {
  if (auto found = calls_.find(op); found != calls_.end()) http().cancel(found->second->request);
  if (auto found = listings_.find(op); found != listings_.end()) http().cancel(found->second);
}

void HttpModelPlugin::stop(Completion done) {
  if (calls_.empty()) {
    done.ok();
    return;
  }
  stopping_.emplace(std::move(done));
  for (auto& [op, call] : calls_) http().cancel(call->request);
}

void HttpModelPlugin::reconfigure(Completion done, std::string_view config_json) {
  config_ = parsed_object(config_json, "the provider's config");
  done.ok();
}

// Both vendors answer {"data":[{"id",...}]}.
void HttpModelPlugin::list_models(Completion done) {
  auto url = models_url();
  auto headers = all_headers();
  auto op = done.op();
  HttpRequest request;
  request.method = "GET";
  request.url = url;
  request.headers_json = headers;
  request.timeout_ms = static_cast<std::uint32_t>(
      std::max<std::uint64_t>(std::min(done.remaining_ms(kListTimeoutMs), kListTimeoutMs), 1));
  request.max_response_bytes = 8U << 20;
  auto finish = [this, op, url, done = std::move(done)](oc_status status,
                                                        const HttpResponse& response) mutable {
    listings_.erase(op);
    if (status != OC_OK) {
      done.error(status, "cannot reach " + url);
      return;
    }
    if (response.status != 200) {
      fail(done, http_failure(response.status, response.headers_json, response.body, url));
      return;
    }
    boost::system::error_code failure;
    auto body = json::parse(json::string_view(response.body.data(), response.body.size()), failure);
    const auto* data = !failure && body.is_object() ? array_at(body.get_object(), "data") : nullptr;
    if (data == nullptr) {
      done.error(OC_PROTOCOL, url + " did not answer a list of models; check baseUrl");
      return;
    }
    json::array models;
    for (const auto& entry : *data) {
      if (!entry.is_object() || text_at(entry.get_object(), "id").empty()) continue;
      const auto& from = entry.get_object();
      json::object model{{"id", text_at(from, "id")}};
      auto name = text_at(from, "display_name");
      if (name.empty()) name = text_at(from, "name");
      if (!name.empty()) model["name"] = name;
      for (auto key : {"context_length", "max_model_len", "context_window"}) {
        if (auto tokens = int_at(from, key); tokens > 0) model["contextWindow"] = tokens;
      }
      if (const auto* meta = object_at(from, "meta")) {  // llama.cpp
        if (auto tokens = int_at(*meta, "n_ctx_train"); tokens > 0) model["contextWindow"] = tokens;
      }
      models.push_back(std::move(model));
    }
    done.ok(json::serialize(json::object{{"models", std::move(models)}}));
  };
  auto handle = http().request(request, std::move(finish));
  if (handle != 0) listings_[op] = handle;
}

}  // namespace openclaw::model
