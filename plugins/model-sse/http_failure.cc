#include "http_failure.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace openclaw::model {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

double number(std::string_view text) {
  double value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && value > 0 && value < 1e9 ? value : 0;
}

struct VendorError {
  std::string type, code, message;
};

// {"error":{"message","type","code"}}, {"error":"text"} or {"message":"text"}; else the text
// itself.
VendorError vendor_error(std::string_view body) {
  VendorError out;
  boost::system::error_code failure;
  auto value = json::parse(json::string_view(body.data(), body.size()), failure);
  if (failure || !value.is_object()) {
    out.message = body.substr(0, 300);
    return out;
  }
  const auto& root = value.get_object();
  const auto* error = object_at(root, "error");
  const auto& from = error != nullptr ? *error : root;
  out.message = text_at(from, "message");
  if (out.message.empty()) out.message = text_at(root, "error");
  out.type = text_at(from, "type");
  out.code = text_at(from, "code");
  if (out.message.size() > 1000) out.message.resize(1000);
  return out;
}

std::string quoted(const VendorError& error) {
  return error.message.empty() ? std::string() : ": " + error.message;
}

}  // namespace

bool is_context_overflow(std::string_view code, std::string_view message) {
  if (code == "context_length_exceeded") return true;
  auto text = lowered(message);
  for (auto phrase : {"context length", "context_length", "maximum context", "context window",
                      "prompt is too long", "too many tokens", "exceeds the available context",
                      "input is too long", "exceed context"}) {
    if (text.find(phrase) != std::string::npos) return true;
  }
  return false;
}

std::uint64_t retry_after_ms(std::string_view headers_json) {
  boost::system::error_code failure;
  auto value = json::parse(json::string_view(headers_json.data(), headers_json.size()), failure);
  if (failure || !value.is_object()) return 0;
  double ms = 0;
  double seconds = 0;
  for (const auto& [name, header] : value.get_object()) {
    if (!header.is_string()) continue;
    auto key = lowered(name);
    if (key == "retry-after-ms") ms = number(header.get_string());
    if (key == "retry-after") seconds = number(header.get_string());
  }
  return static_cast<std::uint64_t>(ms > 0 ? ms : seconds * 1000);
}

Failure http_failure(int status, std::string_view headers_json, std::string_view body,
                     std::string_view where) {
  auto error = vendor_error(body);
  auto code = error.code.empty() ? error.type : error.code;
  Failure out{OC_INVALID_ARGUMENT, {}, 0, code};
  auto says = std::string(where) + " answered " + std::to_string(status) + quoted(error);
  if (status == 401 || status == 403) {
    out.code = OC_UNAUTHENTICATED;
    out.message = says +
                  ". Check the API key: openclaw config set models.providers.<id>.apiKey, "
                  "or the provider's environment variable";
  } else if (status == 402 || status == 429) {
    out.code = OC_RESOURCE_EXHAUSTED;
    out.retry_after_ms = retry_after_ms(headers_json);
    out.message = says;
  } else if (status == 404) {
    out.code = OC_NOT_FOUND;
    out.message = says + ". Check the model's name and baseUrl: openclaw models";
  } else if (status == 408 || status >= 500) {
    out.code = OC_UNAVAILABLE;
    out.retry_after_ms = retry_after_ms(headers_json);
    out.message = says;
  } else {
    out.message = says;
    if (is_context_overflow(error.code, error.message)) out.platform_code = "context_length";
  }
  return out;
}

Failure stream_failure(std::string_view type, std::string_view message) {
  Failure out{OC_UNAVAILABLE, "the model's stream ended with an error: " + std::string(message), 0,
              std::string(type)};
  if (type == "rate_limit_error" || type == "rate_limit_exceeded") out.code = OC_RESOURCE_EXHAUSTED;
  if (type == "authentication_error" || type == "permission_error") out.code = OC_UNAUTHENTICATED;
  if (type == "invalid_request_error") out.code = OC_INVALID_ARGUMENT;
  if (is_context_overflow(type, message)) {
    out.code = OC_INVALID_ARGUMENT;
    out.platform_code = "context_length";
  }
  return out;
}

}  // namespace openclaw::model
