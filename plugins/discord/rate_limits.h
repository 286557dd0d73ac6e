// RateLimits: when the next request of a route may go out. The service names its own buckets in
// the answers' headers; a bucket counts per top-level id (channel, server). A pure function of its
// inputs; times are milliseconds of one clock.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace discord {

// "POST /channels/:id/messages" and the top-level id in its address.
struct Route {
  std::string name, major;
};

// What the headers of one answer say.
struct RateHeaders {
  std::string bucket;  // empty: this answer says nothing
  std::int64_t remaining = -1;
  std::uint64_t reset_after_ms = 0;
};

// `headers_json`: {"name":"value"}, names in any case.
RateHeaders read_rate_headers(std::string_view headers_json);

class RateLimits {
 public:
  // 0: now.
  std::uint64_t wait_ms(const Route& route, std::uint64_t now_ms) const;
  // One request goes out. Its answer is not there yet, and the next must not wait for it.
  void take(const Route& route, std::uint64_t now_ms);
  void learn(const Route& route, const RateHeaders& headers, std::uint64_t now_ms);
  // The service refused with 429.
  void hold(const Route& route, std::uint64_t for_ms, bool everywhere, std::uint64_t now_ms);
  std::size_t buckets() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::int64_t remaining = 1;
    std::uint64_t reset_at = 0;  // from then on `remaining` says nothing
    std::uint64_t held_until = 0;
  };
  std::string key_of(const Route& route) const;
  Bucket& bucket_at(const std::string& key, std::uint64_t now_ms);

  std::map<std::string, std::string> names_;  // by route: the service's name of its bucket
  std::map<std::string, Bucket> buckets_;
  std::uint64_t all_held_until_ = 0;
};

}  // namespace discord
