#include "bot_api.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <utility>

#include "utf16.h"

namespace telegram {
namespace {

using openclaw::Flow;
using openclaw::HttpRequest;
using openclaw::HttpResponse;

constexpr std::uint32_t kMaxAnswer = 1U << 20;
constexpr std::uint32_t kMaxUpdates = 16U << 20;
constexpr std::size_t kMaxShown = 300;
constexpr std::int64_t kLongestRetryAfter = 24 * 3600;

struct HttpWait : openclaw::Waiter {
  oc_status status = OC_INTERNAL;
  int http_status = 0;
  bool unsent = false;
  std::string body;
  std::uint64_t blob = 0;
};

// What the service may name a file, relative to the address of all files: nothing that would make
// another address of it.
bool is_file_path(std::string_view path) {
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '.' || c == '_' ||
           c == '-';
  });
  return plain && !path.empty() && path.size() <= 512 && path.front() != '/' &&
         path.find("..") == std::string_view::npos && path.find("//") == std::string_view::npos;
}

bool is_token_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return out;
}

Reply failed(const HttpWait& wait) {
  Reply out;
  out.status = wait.status;
  out.kind = wait.status == OC_CANCELLED ? Reply::Kind::kCancelled
             : wait.unsent               ? Reply::Kind::kUnsent
                                         : Reply::Kind::kBroken;
  if (wait.status == OC_CANCELLED && wait.unsent) out.kind = Reply::Kind::kUnsent;
  out.text = wait.body.empty() ? "the host refused the request" : shown(wait.body);
  return out;
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < kMaxShown;) {
    std::size_t digits = i;
    while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0)
      ++digits;
    std::size_t end = digits;
    if (digits - i >= 5 && digits < text.size() && text[digits] == ':') {
      end = digits + 1;
      while (end < text.size() && is_token_character(text[end])) ++end;
    }
    if (end >= digits + 16) {
      out += "<token>";
      i = end;
    } else if (digits > i) {
      out += text.substr(i, digits - i);
      i = digits;
    } else {
      out += text[i++];
    }
  }
  if (out.size() > kMaxShown) out.resize(kMaxShown);
  return parts::valid_utf8(out);
}

bool Reply::says(std::string_view words) const {
  return refused() && lowered(text).find(lowered(words)) != std::string::npos;
}

Reply read_reply(int http_status, std::string_view body) {
  Reply out;
  json::value value = parts::parsed(body);
  json::object* object = value.if_object();
  if (object == nullptr || http_status >= 500) {
    // A gateway's page, or the service in trouble: what became of the request is not known.
    out.text = "answered HTTP " + std::to_string(http_status);
    if (http_status >= 400 && http_status < 500 && object == nullptr) {
      // No Bot API server, but somebody who refused it: nothing was done.
      out.kind = Reply::Kind::kRefused;
      out.code = http_status;
    }
    out.status = OC_UNAVAILABLE;
    return out;
  }
  if (parts::bool_in(*object, "ok", false)) {
    out.kind = Reply::Kind::kOk;
    if (json::value* result = object->if_contains("result")) out.result = std::move(*result);
    return out;
  }
  out.kind = Reply::Kind::kRefused;
  out.code = static_cast<int>(
      std::clamp<std::int64_t>(parts::int_in(*object, "error_code", http_status), 0, 999));
  out.text = shown(parts::text_in(*object, "description"));
  if (out.text.empty()) out.text = "error " + std::to_string(out.code);
  if (const json::object* more = parts::object_in(*object, "parameters")) {
    const std::int64_t seconds = parts::int_in(*more, "retry_after", 0);
    out.retry_after_ms =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(seconds, 0, kLongestRetryAfter)) * 1000;
    out.migrate_to = parts::int_in(*more, "migrate_to_chat_id", 0);
  }
  return out;
}

Flow<Reply> BotApi::call(std::string method, json::object params, Options options) {
  Body body;
  body.type = "application/json";
  body.text = json::serialize(params);
  Flow<Reply> posting = post(std::move(method), std::move(body), options);
  co_return co_await posting;
}

Flow<Reply> BotApi::upload(std::string method, json::object params,
                           std::vector<parts::FormFile> files, Options options) {
  Flow<parts::Multipart> making =
      parts::make_multipart(plugin_, std::move(params), std::move(files));
  const parts::Multipart form = co_await making;
  if (form.status != OC_OK) {
    Reply out;
    out.kind = Reply::Kind::kUnsent;
    out.status = form.status;
    out.text = "the file could not be read for sending";
    co_return out;
  }
  Body body;
  body.type = form.content_type;
  body.blob = form.blob;
  Flow<Reply> posting = post(std::move(method), std::move(body), options);
  Reply reply = co_await posting;
  plugin_.blob().drop(form.blob);
  co_return reply;
}

Flow<Reply> BotApi::post(std::string method, Body body, Options options) {
  if (closed_ && !options.also_closed) {
    Reply out;
    out.kind = Reply::Kind::kUnsent;
    out.status = OC_CANCELLED;
    out.text = "the account is stopping";
    co_return out;
  }
  const std::string url = base_ + method;
  const std::string headers = json::serialize(json::object{{"content-type", body.type}});
  HttpWait wait;
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers_json = headers;
  request.body = body.text;
  request.body_blob = body.blob;
  request.timeout_ms = options.timeout_ms;
  request.max_response_bytes = options.large ? kMaxUpdates : kMaxAnswer;
  if (options.once) request.flags |= OC_HTTP_ONCE;
  if (options.secrets_in_body) request.flags |= OC_HTTP_SECRETS_IN_BODY;
  openclaw::Http::Done done = [&wait](oc_status status, const HttpResponse& response) {
    wait.status = status;
    wait.http_status = response.status;
    wait.unsent = response.unsent;
    wait.body += response.body;
    wait.arrived();
  };
  openclaw::Http::Chunk on_chunk;
  if (options.large) on_chunk = [&wait](std::string_view piece) { wait.body += piece; };
  const std::uint64_t handle =
      plugin_.http().request(request, std::move(done), std::move(on_chunk));
  // A streamed answer may take its time; this one has a limit all the same.
  std::uint64_t guard = 0;
  if (!wait.has_arrived()) {
    open_.insert(handle);
    if (options.handle != nullptr) *options.handle = handle;
    if (options.large) {
      guard = plugin_.timer().after(std::uint64_t{options.timeout_ms} * 2,
                                    [this, handle] { cancel(handle); });
    }
  }
  co_await wait;
  plugin_.timer().disarm(guard);
  open_.erase(handle);
  if (options.handle != nullptr) *options.handle = 0;
  if (wait.status != OC_OK) co_return failed(wait);
  co_return read_reply(wait.http_status, wait.body);
}

Flow<Download> BotApi::download(std::string path, std::uint32_t max_bytes, Options options) {
  Download out;
  if (!is_file_path(path)) {
    out.reply.kind = Reply::Kind::kRefused;
    out.reply.text =
        "the Bot API server keeps the file where only programs beside it can read it; run that "
        "server without --local";
    co_return out;
  }
  if (closed_) {
    out.reply.status = OC_CANCELLED;
    out.reply.kind = Reply::Kind::kUnsent;
    out.reply.text = "the account is stopping";
    co_return out;
  }
  const std::string url = files_ + path;
  HttpWait wait;
  HttpRequest request;
  request.url = url;
  request.timeout_ms = options.timeout_ms;
  request.max_response_bytes = max_bytes;
  request.flags = OC_HTTP_BODY_TO_BLOB;
  openclaw::Http::Done done = [&wait](oc_status status, const HttpResponse& response) {
    wait.status = status;
    wait.http_status = response.status;
    wait.unsent = response.unsent;
    wait.body += response.body;
    wait.blob = response.body_blob;
    wait.arrived();
  };
  const std::uint64_t handle = plugin_.http().request(request, std::move(done));
  if (!wait.has_arrived()) {
    open_.insert(handle);
    if (options.handle != nullptr) *options.handle = handle;
  }
  co_await wait;
  open_.erase(handle);
  if (options.handle != nullptr) *options.handle = 0;
  if (wait.status != OC_OK) {
    out.reply = failed(wait);
  } else if (wait.http_status == 200 && wait.blob != 0) {
    out.reply.kind = Reply::Kind::kOk;
    out.blob = wait.blob;
  } else {
    if (wait.blob != 0) plugin_.blob().drop(wait.blob);
    const bool refused = wait.http_status >= 400 && wait.http_status < 500;
    out.reply.kind = refused ? Reply::Kind::kRefused : Reply::Kind::kBroken;
    out.reply.code = wait.http_status;
    out.reply.text = wait.http_status == 200
                         ? "the file is empty"
                         : "the file's address answered HTTP " + std::to_string(wait.http_status);
    if (wait.http_status == 200) out.reply.kind = Reply::Kind::kRefused;
  }
  co_return out;
}

void BotApi::close() {
  closed_ = true;
  const std::set<std::uint64_t> under_way = open_;
  for (const std::uint64_t handle : under_way) cancel(handle);
}

}  // namespace telegram
