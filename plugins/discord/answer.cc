// What answers of the REST API mean. Apart from the calls, so that it needs no host.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "rest_api.h"
#include "utf16.h"

namespace discord {
namespace {

constexpr std::size_t kMaxShown = 300;
constexpr double kLongestRetryAfterS = 24 * 3600;
constexpr int kDeepestForm = 8;

bool is_token_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// The first complaint in {"content":{"_errors":[{"code","message"}]}}, with the way to it.
std::string first_complaint(const json::object& errors, const std::string& path, int depth) {
  if (const json::array* list = parts::array_in(errors, "_errors");
      list != nullptr && !list->empty() && list->front().is_object()) {
    const json::object& complaint = list->front().get_object();
    return path + ": " + std::string(parts::text_in(complaint, "code")) + ", " +
           std::string(parts::text_in(complaint, "message"));
  }
  if (depth >= kDeepestForm) return {};
  for (const auto& [key, value] : errors) {
    if (!value.is_object()) continue;
    std::string found = first_complaint(
        value.get_object(), path + (path.empty() ? "" : ".") + std::string(key), depth + 1);
    if (!found.empty()) return found;
  }
  return {};
}

double seconds_in(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  if (v == nullptr || !v->is_number()) return 0;
  const double seconds = v->to_number<double>();
  return std::isfinite(seconds) ? std::clamp(seconds, 0.0, kLongestRetryAfterS) : 0;
}

}  // namespace

// A token is three groups of such characters with dots between them.
std::string shown(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < kMaxShown;) {
    std::size_t end = i;
    std::size_t dots = 0;
    while (end < text.size() && (is_token_character(text[end]) || text[end] == '.')) {
      dots += text[end] == '.' ? 1U : 0U;
      ++end;
    }
    if (end - i >= 40 && dots >= 2) {
      out += "<token>";
    } else {
      out += text.substr(i, std::max<std::size_t>(end - i, 1));
    }
    i = std::max(end, i + 1);
  }
  if (out.size() > kMaxShown) out.resize(kMaxShown);
  return parts::valid_utf8(out);
}

Reply read_reply(int http_status, std::string_view body) {
  Reply out;
  out.http_status = http_status;
  if (http_status >= 200 && http_status < 300) {
    if (!body.empty()) out.result = parts::parsed(body);
    // What is no JSON is no answer of this service: what became of the request is not known.
    if (body.empty() || !out.result.is_null()) out.kind = Reply::Kind::kOk;
    if (!out.ok()) out.text = "answered HTTP " + std::to_string(http_status) + " without JSON";
    return out;
  }
  out.status = OC_UNAVAILABLE;
  out.text = "answered HTTP " + std::to_string(http_status);
  if (http_status < 400 || http_status >= 500) return out;
  const json::value value = parts::parsed(body);
  const json::object* object = value.if_object();
  if (object == nullptr && (http_status == 400 || http_status == 403)) {
    // A page of what stands before the service, which blocks or chokes for a while: no word of the
    // service on this request, so that nothing is given up for it.
    return out;
  }
  out.kind = Reply::Kind::kRefused;
  if (object == nullptr) {
    // With 429 it is a ban of this machine's address.
    out.everywhere = http_status == 429;
    return out;
  }
  out.code = parts::int_in(*object, "code", 0);
  if (const auto message = parts::text_in(*object, "message"); !message.empty()) out.text = message;
  if (const json::object* errors = parts::object_in(*object, "errors")) {
    if (const std::string complaint = first_complaint(*errors, "", 0); !complaint.empty())
      out.text += " (" + complaint + ")";
  }
  out.text = shown(out.text);
  out.retry_after_ms = static_cast<std::uint64_t>(seconds_in(*object, "retry_after") * 1000);
  out.everywhere = parts::bool_in(*object, "global", false);
  return out;
}

}  // namespace discord
