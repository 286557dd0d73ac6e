#include "rest_api.h"

#include <algorithm>
#include <utility>

namespace discord {
namespace {

using openclaw::Flow;
using openclaw::HttpRequest;
using openclaw::HttpResponse;
using openclaw::Nothing;

constexpr std::uint32_t kMaxAnswer = 1U << 20;
constexpr std::uint32_t kMaxLargeAnswer = 16U << 20;
constexpr std::uint64_t kShortestHoldMs = 100;
constexpr std::uint64_t kBanMs = 60'000;  // a ban that does not say how long it lasts
constexpr int kMostRefusals = 5;          // 429 for one call
constexpr std::string_view kUserAgent = "DiscordBot (https://openclaw.ai, 0.1)";

}  // namespace

struct RestApi::HttpWait : openclaw::Waiter {
  oc_status status = OC_INTERNAL;
  int http_status = 0;
  bool unsent = false;
  std::string body, headers;
  std::uint64_t blob = 0;
};

Reply RestApi::failed(const HttpWait& wait) {
  Reply out;
  out.status = wait.status;
  out.kind = wait.unsent                   ? Reply::Kind::kUnsent
             : wait.status == OC_CANCELLED ? Reply::Kind::kCancelled
                                           : Reply::Kind::kBroken;
  out.text = wait.body.empty() ? "the host refused the request" : shown(wait.body);
  return out;
}

namespace {

Reply stopped() {
  Reply out;
  out.kind = Reply::Kind::kUnsent;
  out.status = OC_CANCELLED;
  out.text = "cancelled before it was sent";
  return out;
}

Reply too_long_a_wait(std::uint64_t wait_ms) {
  Reply out;
  out.kind = Reply::Kind::kRefused;
  out.http_status = 429;
  out.text = "Discord lets this channel have no more requests for now";
  out.retry_after_ms = wait_ms;
  return out;
}

// Seconds, of a refusal that is no JSON.
std::uint64_t retry_after_of(std::string_view headers_json) {
  const json::value value = parts::parsed(headers_json);
  if (!value.is_object()) return 0;
  for (const char* key : {"retry-after", "Retry-After"}) {
    const std::string text(parts::text_in(value.get_object(), key));
    const long seconds = std::strtol(text.c_str(), nullptr, 10);
    if (seconds > 0) return static_cast<std::uint64_t>(std::min(seconds, 24L * 3600)) * 1000;
  }
  return 0;
}

}  // namespace

std::uint64_t clock_ms() {
  return openclaw::monotonic_now_ns() / 1'000'000U;
}

Call channel_call(std::string method, const std::string& channel, std::string_view route,
                  const std::string& path) {
  Call out;
  out.route = {method + " /channels/:id" + std::string(route), channel};
  out.method = std::move(method);
  out.path = "/channels/" + channel + path;
  return out;
}

Flow<Reply> RestApi::call(Call call, Options options) {
  CallHold own;
  if (options.hold == nullptr) options.hold = &own;
  for (int refusals = 0;; ++refusals) {
    for (;;) {
      if (closed_ || options.hold->cancelled) co_return stopped();
      const std::uint64_t wait = limits_.wait_ms(call.route, clock_ms());
      if (wait == 0) break;
      if (wait > options.most_wait_ms || refusals >= kMostRefusals) co_return too_long_a_wait(wait);
      Flow<Nothing> pause = pauses_.wait(wait, &options.hold->pause);
      co_await std::move(pause);
    }
    limits_.take(call.route, clock_ms());
    Flow<Reply> asking = once(call, options);
    Reply reply = co_await std::move(asking);
    if (!reply.limited()) co_return reply;
    // It did not take effect: the same request again, a little later than was asked.
    const std::uint64_t least = reply.retry_after_ms == 0 && reply.everywhere ? kBanMs : 0;
    const std::uint64_t hold = std::max({reply.retry_after_ms, least, kShortestHoldMs});
    if (reply.everywhere)
      plugin_.log().warn("Discord wants no request at all for " + std::to_string(hold) +
                         " ms: " + reply.text);
    limits_.hold(call.route, hold + 50 + clock_ms() % 50, reply.everywhere, clock_ms());
  }
}

// One request from its start to its end; it can be cancelled meanwhile. `wait` is the caller's.
Flow<Nothing> RestApi::exchange(HttpRequest request, HttpWait& wait, CallHold* hold, bool large) {
  openclaw::Http::Done done = [&wait](oc_status status, const HttpResponse& response) {
    wait.status = status;
    wait.http_status = response.status;
    wait.unsent = response.unsent;
    wait.headers = response.headers_json;
    wait.blob = response.body_blob;
    wait.body += response.body;
    wait.arrived();
  };
  openclaw::Http::Chunk on_chunk;
  if (large) on_chunk = [&wait](std::string_view piece) { wait.body += piece; };
  const std::uint64_t handle =
      plugin_.http().request(request, std::move(done), std::move(on_chunk));
  // A streamed answer may take its time; this one has a limit all the same.
  std::uint64_t guard = 0;
  if (!wait.has_arrived()) {
    open_.insert(handle);
    if (hold != nullptr) hold->http = handle;
    if (large) {
      guard = plugin_.timer().after(std::uint64_t{request.timeout_ms} * 2,
                                    [this, handle] { plugin_.http().cancel(handle); });
    }
  }
  co_await wait;
  plugin_.timer().disarm(guard);
  open_.erase(handle);
  if (hold != nullptr) hold->http = 0;
  co_return Nothing{};
}

Flow<Reply> RestApi::once(const Call& call, const Options& options) {
  json::object headers{{"authorization", settings_.authorization()}, {"user-agent", kUserAgent}};
  parts::Multipart form;
  std::string body;
  if (!call.files.empty()) {
    json::object fields{{"payload_json", json::serialize(call.body)}};
    Flow<parts::Multipart> making = parts::make_multipart(plugin_, std::move(fields), call.files);
    form = co_await std::move(making);
    if (form.status != OC_OK) {
      Reply out = stopped();
      out.status = form.status;
      out.text = "the file could not be read for sending";
      co_return out;
    }
    headers["content-type"] = form.content_type;
  } else if (!call.body.is_null()) {
    headers["content-type"] = "application/json";
    body = json::serialize(call.body);
  }
  const std::string url = settings_.api_root + call.path;
  const std::string headers_json = json::serialize(headers);
  HttpRequest request;
  request.method = call.method;
  request.url = url;
  request.headers_json = headers_json;
  request.body = body;
  request.body_blob = form.blob;
  request.timeout_ms = options.timeout_ms;
  request.max_response_bytes = options.large ? kMaxLargeAnswer : kMaxAnswer;
  HttpWait wait;
  Flow<Nothing> exchanging = exchange(request, wait, options.hold, options.large);
  co_await std::move(exchanging);
  if (form.blob != 0) plugin_.blob().drop(form.blob);
  if (wait.blob != 0) plugin_.blob().drop(wait.blob);
  if (wait.status != OC_OK) co_return failed(wait);
  Reply reply = read_reply(wait.http_status, wait.body);
  if (wait.blob != 0) reply.kind = Reply::Kind::kBroken;  // larger than any answer asked for
  if (reply.limited() && reply.retry_after_ms == 0)
    reply.retry_after_ms = retry_after_of(wait.headers);
  limits_.learn(call.route, read_rate_headers(wait.headers), clock_ms());
  co_return reply;
}

Flow<Download> RestApi::download(std::string url, std::uint32_t max_bytes, Options options) {
  Download out;
  if (closed_) {
    out.reply = stopped();
    co_return out;
  }
  const std::string headers_json = json::serialize(json::object{{"user-agent", kUserAgent}});
  HttpRequest request;
  request.url = url;
  request.headers_json = headers_json;
  request.timeout_ms = options.timeout_ms;
  request.max_response_bytes = max_bytes;
  request.flags = OC_HTTP_BODY_TO_BLOB;
  HttpWait wait;
  Flow<Nothing> exchanging = exchange(request, wait, options.hold, false);
  co_await std::move(exchanging);
  out.reply.http_status = wait.http_status;
  if (wait.status != OC_OK) {
    out.reply = failed(wait);
  } else if (wait.http_status == 200 && wait.blob != 0) {
    out.reply.kind = Reply::Kind::kOk;
    out.blob = wait.blob;
  } else {
    if (wait.blob != 0) plugin_.blob().drop(wait.blob);
    const bool refused =
        wait.http_status == 200 || (wait.http_status >= 400 && wait.http_status < 500);
    out.reply.kind = refused ? Reply::Kind::kRefused : Reply::Kind::kBroken;
    out.reply.status = OC_UNAVAILABLE;
    out.reply.text = wait.http_status == 200
                         ? "the file is empty"
                         : "the file's address answered HTTP " + std::to_string(wait.http_status);
  }
  co_return out;
}

void RestApi::cancel(CallHold& hold) {
  hold.cancelled = true;
  pauses_.wake(hold.pause);
  if (hold.http != 0) plugin_.http().cancel(hold.http);
}

std::uint64_t RestApi::wait_ms(const Route& route) const {
  return limits_.wait_ms(route, clock_ms());
}

void RestApi::close() {
  closed_ = true;
  const std::set<std::uint64_t> under_way = open_;
  for (const std::uint64_t handle : under_way) plugin_.http().cancel(handle);
}

}  // namespace discord
