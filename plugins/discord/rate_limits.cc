#include "rate_limits.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "json_fields.h"

namespace discord {
namespace {

constexpr std::size_t kMostBuckets = 4096;
constexpr std::size_t kMostNames = 256;
constexpr double kLongestResetS = 24 * 3600;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; };
    return lower(x) == lower(y);
  });
}

double number(std::string_view text, double otherwise) {
  const std::string copy(text.substr(0, 32));
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  return end != copy.c_str() && std::isfinite(value) ? value : otherwise;
}

}  // namespace

RateHeaders read_rate_headers(std::string_view headers_json) {
  RateHeaders out;
  const parts::json::value value = parts::parsed(headers_json);
  if (!value.is_object()) return out;
  for (const auto& [key, header] : value.get_object()) {
    if (!header.is_string()) continue;
    const std::string_view text(header.get_string().data(), header.get_string().size());
    if (same_name(key, "x-ratelimit-bucket")) {
      out.bucket = text.substr(0, 64);
    } else if (same_name(key, "x-ratelimit-remaining")) {
      out.remaining = static_cast<std::int64_t>(std::clamp(number(text, -1), -1.0, 1e6));
    } else if (same_name(key, "x-ratelimit-reset-after")) {
      out.reset_after_ms =
          static_cast<std::uint64_t>(std::clamp(number(text, 0), 0.0, kLongestResetS) * 1000);
    }
  }
  return out;
}

std::string RateLimits::key_of(const Route& route) const {
  const auto named = names_.find(route.name);
  return (named == names_.end() ? route.name : named->second) + "/" + route.major;
}

RateLimits::Bucket& RateLimits::bucket_at(const std::string& key, std::uint64_t now_ms) {
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) return found->second;
  if (buckets_.size() >= kMostBuckets) {
    // What is over says nothing any more.
    std::erase_if(buckets_, [now_ms](const auto& entry) {
      return entry.second.reset_at <= now_ms && entry.second.held_until <= now_ms;
    });
    if (buckets_.size() >= kMostBuckets) buckets_.erase(buckets_.begin());
  }
  return buckets_[key];
}

std::uint64_t RateLimits::wait_ms(const Route& route, std::uint64_t now_ms) const {
  std::uint64_t until = all_held_until_;
  const auto found = buckets_.find(key_of(route));
  if (found != buckets_.end()) {
    const Bucket& bucket = found->second;
    until = std::max(until, bucket.held_until);
    if (bucket.remaining <= 0) until = std::max(until, bucket.reset_at);
  }
  return until > now_ms ? until - now_ms : 0;
}

void RateLimits::take(const Route& route, std::uint64_t now_ms) {
  Bucket& bucket = bucket_at(key_of(route), now_ms);
  if (bucket.reset_at > now_ms) {
    --bucket.remaining;
  } else {
    bucket.remaining = 1;  // unknown until the answer comes
  }
}

void RateLimits::learn(const Route& route, const RateHeaders& headers, std::uint64_t now_ms) {
  if (headers.bucket.empty() || headers.remaining < 0) return;
  if (names_.size() >= kMostNames) names_.clear();
  names_[route.name] = headers.bucket;
  Bucket& bucket = bucket_at(key_of(route), now_ms);
  const std::uint64_t reset_at = now_ms + headers.reset_after_ms;
  // Answers may overtake each other: within one window the lowest count is the newest.
  const bool same_window = bucket.reset_at > now_ms && reset_at <= bucket.reset_at + 50;
  bucket.remaining =
      same_window ? std::min(bucket.remaining, headers.remaining) : headers.remaining;
  bucket.reset_at = std::max(reset_at, same_window ? bucket.reset_at : 0);
}

void RateLimits::hold(const Route& route, std::uint64_t for_ms, bool everywhere,
                      std::uint64_t now_ms) {
  if (everywhere) {
    all_held_until_ = std::max(all_held_until_, now_ms + for_ms);
    return;
  }
  Bucket& bucket = bucket_at(key_of(route), now_ms);
  bucket.held_until = std::max(bucket.held_until, now_ms + for_ms);
}

}  // namespace discord
