// openclaw.http/1: requests of plugins through the one client, after the guard and with secrets put
// in.
//
// The client's events come on its own thread and go straight to the plugin's: the loop is not
// involved.
#include <algorithm>
#include <cstring>

#include <spdlog/spdlog.h>

#include "plugin/service_secrets.h"

namespace openclaw::plugin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDefaultTimeout{30'000};
constexpr milliseconds kLongestTimeout{600'000};
constexpr milliseconds kDefaultIdle{300'000};
constexpr milliseconds kLongestIdle{3'600'000};
constexpr milliseconds kLongestStream{24 * 3'600'000};
constexpr std::uint64_t kDefaultResponse = 16u << 20;
constexpr std::uint64_t kLargestResponse = 64u << 20;
constexpr std::uint64_t kDefaultStream = 256u << 20;
constexpr std::size_t kInlineBody = 1u << 20;  // a larger body is a blob
constexpr int kMaxRedirects = 5;

using Services = std::shared_ptr<InstanceServices>;

struct Callbacks {
  oc_http_chunk_fn chunk;
  oc_http_done_fn done;
  void* user;
};

void set_limits(const oc_http_request& raw, bool streams, net::HttpRequest* request) {
  milliseconds asked(raw.timeout_ms);
  if (streams) {
    request->idle_timeout = asked.count() == 0 ? kDefaultIdle : std::min(asked, kLongestIdle);
    request->total_timeout = kLongestStream;
    request->max_response_bytes =
        raw.max_response_bytes == 0 ? kDefaultStream : raw.max_response_bytes;
  } else {
    request->total_timeout =
        asked.count() == 0 ? kDefaultTimeout : std::min(asked, kLongestTimeout);
    request->max_response_bytes =
        raw.max_response_bytes == 0
            ? kDefaultResponse
            : std::min<std::uint64_t>(raw.max_response_bytes, kLargestResponse);
  }
  request->connect_timeout =
      std::min(request->connect_timeout, streams ? request->idle_timeout : request->total_timeout);
}

// The escape that fits the body; nothing for a type in which a secret cannot be put safely.
std::optional<SecretPlace> body_place(const net::HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (net::lower_case(name) != "content-type") continue;
    auto type = net::lower_case(value.substr(0, value.find(';')));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    if (type == "application/json" || type.ends_with("+json")) return SecretPlace::kJsonBody;
    if (type == "application/x-www-form-urlencoded") return SecretPlace::kFormBody;
  }
  return std::nullopt;
}

Result<void> put_secrets_in(InstanceServices& services, bool in_body, net::HttpRequest* request) {
  // The destination is fixed before: a secret cannot choose where it goes.
  const net::Url destination = request->url;
  if (has_placeholder(destination.target)) {
    auto target = expand_secrets(services, destination.target, destination, SecretPlace::kUrl);
    if (target.has_error()) return target.error();
    request->url.target = std::move(*target);
  }
  auto place = body_place(request->headers);
  auto headers =
      expand_headers(services, request->headers, destination, &request->sensitive_headers);
  if (headers.has_error() || !in_body || !place || !has_placeholder(request->body)) return headers;
  auto body = expand_secrets(services, request->body, destination, *place);
  if (body.has_error()) return body.error();
  request->body = std::move(*body);
  return {};
}

Result<void> set_body(InstanceServices& services, const oc_http_request& raw,
                      net::HttpRequest* request) {
  request->body = std::string(view_of(raw.body));
  if (!request->body.empty() || raw.body_blob == 0) return {};
  auto blob = raw.body_blob;
  auto info = services.hub().blobs.info(blob);
  if (info.has_error()) return info.error();
  if (!info->sealed) return Error(Code::kFailedPrecondition, "the blob is not sealed yet");
  request->body_source_bytes = info->bytes;
  auto offset = std::make_shared<std::uint64_t>(0);
  auto self = services.shared_from_this();
  request->body_source = [self, blob, offset](char* buffer, std::size_t size) -> std::int64_t {
    auto piece = self->hub().blobs.read(blob, *offset, size);
    if (piece.has_error()) return -1;
    std::memcpy(buffer, piece->data(), piece->size());
    *offset += piece->size();
    return static_cast<std::int64_t>(piece->size());
  };
  return {};
}

Result<net::HttpRequest> build(InstanceServices& services, const oc_http_request& raw,
                               bool streams) {
  net::HttpRequest request;
  request.method = raw.method.len == 0 ? "GET" : std::string(view_of(raw.method));
  auto url = net::parse_url(view_of(raw.url));
  if (url.has_error()) return url.error();
  request.url = std::move(*url);
  auto guard = std::make_shared<const net::EgressGuard>(services.guard());
  auto verdict = guard->check(request.url);
  if (verdict.has_error()) return verdict.error();
  request.allow_private = verdict->allow_private;
  if (auto proxy = services.proxy(); !proxy.empty()) request.proxy = std::move(proxy);
  auto headers = parse_headers(view_of(raw.headers_json));
  if (headers.has_error()) return headers.error();
  request.headers = std::move(*headers);
  auto body = set_body(services, raw, &request);
  if (body.has_error()) return body.error();
  auto secrets = put_secrets_in(services, (raw.flags & OC_HTTP_SECRETS_IN_BODY) != 0, &request);
  if (secrets.has_error()) return secrets.error();
  if ((raw.flags & OC_HTTP_FOLLOW) != 0 && (raw.flags & OC_HTTP_ONCE) == 0) {
    request.max_redirects = kMaxRedirects;
    request.redirect_guard = [guard](const net::Url& next) { return guard->check(next); };
  }
  request.once = (raw.flags & OC_HTTP_ONCE) != 0;
  set_limits(raw, streams, &request);
  return request;
}

std::string headers_text(const net::HttpHeaders& headers) {
  json::object object;
  for (const auto& [name, value] : headers) {
    auto [entry, is_new] = object.emplace(name, json::string(value));
    if (!is_new) {
      entry->value().get_string() += ", ";
      entry->value().get_string() += value;
    }
  }
  return json::serialize(object);
}

// `body` is the body, or what went wrong when the status is not OC_OK.
void answer(const std::shared_ptr<Owed>& owed, const Callbacks& to, oc_status status,
            int http_status, std::string headers, std::string body, std::uint64_t blob,
            bool unsent = false) {
  owed->finish([to, status, http_status, headers = std::move(headers), body = std::move(body), blob,
                unsent] {
    oc_http_response response{};
    response.struct_size = sizeof response;
    response.http_status = static_cast<uint32_t>(http_status);
    response.headers_json = str_of(headers);
    response.body = bytes_of(body);
    response.body_blob = blob;
    response.unsent = unsent ? 1U : 0U;
    to.done(to.user, status, &response);
  });
}

void answer_error(const std::shared_ptr<Owed>& owed, const Callbacks& to, const Error& error) {
  const bool unsent = error.details.contains("unsent");
  answer(owed, to, status_of(error.code), 0, "{}", error.message, 0, unsent);
}

void spill(const Services& services, const std::shared_ptr<Owed>& owed, const Callbacks& to,
           net::HttpResponse response) {
  auto shared = std::make_shared<net::HttpResponse>(std::move(response));
  services->hub().runtime.post_blocking([services, owed, to, shared] {
    auto& blobs = services->hub().blobs;
    std::string mime;
    for (const auto& [name, value] : shared->headers) {
      if (name == "content-type") mime = value;
    }
    auto blob = blobs.create(services->id(), mime);
    if (blob.has_error()) return answer_error(owed, to, blob.error());
    auto written = blobs.append(services->id(), *blob, shared->body);
    if (written.has_value()) written = blobs.seal(services->id(), *blob);
    if (written.has_error()) {
      blobs.drop(services->id(), *blob);
      return answer_error(owed, to, written.error());
    }
    answer(owed, to, OC_OK, shared->status, headers_text(shared->headers), {}, *blob);
  });
}

net::HttpEvents events_for(const Services& services, const std::shared_ptr<Owed>& owed,
                           const Callbacks& to, bool to_blob) {
  net::HttpEvents events;
  if (to.chunk != nullptr) {
    events.chunk = [owed, to](std::string chunk, net::Credit credit) {
      owed->event([to, chunk = std::move(chunk), credit = std::move(credit)] {
        to.chunk(to.user, bytes_of(chunk));
      });
    };
  }
  events.done = [services, owed, to, to_blob](Result<net::HttpResponse> result) {
    if (result.has_error()) {
      spdlog::debug("{}: {}", services->id(), result.error().message);
      answer_error(owed, to, result.error());
    } else if (result->body.size() > kInlineBody || (to_blob && !result->body.empty())) {
      spill(services, owed, to, std::move(*result));
    } else {
      answer(owed, to, OC_OK, result->status, headers_text(result->headers),
             std::move(result->body), 0);
    }
  };
  return events;
}

// Starts it and remembers the plugin's number, as one step: the answer may be there at once.
void start(const Services& services, std::uint64_t id, net::HttpRequest request,
           net::HttpEvents events) {
  std::lock_guard lock(services->mutex);
  auto number = services->hub().http.start(std::move(request), std::move(events));
  services->http_ids[id] = number;
}

oc_status request(oc_host_ctx* ctx, const oc_http_request* given, oc_http_chunk_fn on_chunk,
                  oc_http_done_fn done, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return OC_UNAVAILABLE;
  constexpr std::size_t kLeast = offsetof(oc_http_request, body_blob);
  if (given == nullptr || done == nullptr || given->struct_size < kLeast)
    return OC_INVALID_ARGUMENT;
  oc_http_request raw{};
  std::memcpy(&raw, given, std::min<std::size_t>(given->struct_size, sizeof raw));
  {
    std::lock_guard lock(services->mutex);
    if (services->http_ids.count(raw.id) != 0) return OC_ALREADY_EXISTS;
  }
  auto owed = services->owe(ServiceKind::kHttp);
  if (!owed) return services->refusal();
  auto built = build(*services, raw, on_chunk != nullptr);
  if (built.has_error()) {
    spdlog::warn("{}: an HTTP request was refused: {}", services->id(), built.error().message);
    owed->abandon();
    return status_of(built.error().code);
  }
  Callbacks to{on_chunk, done, user};
  auto weak = std::weak_ptr(services);
  auto id = raw.id;
  owed->on_end([weak, id] {
    if (auto alive = weak.lock()) {
      std::lock_guard lock(alive->mutex);
      alive->http_ids.erase(id);
    }
  });
  start(services, id, std::move(*built),
        events_for(services, owed, to, (raw.flags & OC_HTTP_BODY_TO_BLOB) != 0));
  owed->on_release([weak, owed, to, id] {
    auto alive = weak.lock();
    std::uint64_t number = 0;
    if (alive) {
      std::lock_guard lock(alive->mutex);
      auto found = alive->http_ids.find(id);
      if (found != alive->http_ids.end()) number = found->second;
    }
    if (number != 0) alive->hub().http.cancel(number);
    answer_error(owed, to, Error(Code::kCancelled, "the instance is stopping"));
  });
  return OC_OK;
}

void cancel(oc_host_ctx* ctx, uint64_t id) {
  auto services = InstanceServices::of(ctx);
  if (!services) return;
  std::uint64_t number = 0;
  {
    std::lock_guard lock(services->mutex);
    auto found = services->http_ids.find(id);
    if (found != services->http_ids.end()) number = found->second;
  }
  if (number != 0) services->hub().http.cancel(number);
}

}  // namespace

const oc_http_v1& http_table() {
  static constexpr oc_http_v1 table{sizeof(oc_http_v1), 0, &request, &cancel};
  return table;
}

}  // namespace openclaw::plugin
