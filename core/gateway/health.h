// HealthCache: the `health` payload. A question is answered at once from what is at most a minute
// old, and has it collected anew for the next one. Loop thread only.
#pragma once

#include <cstdint>

#include "async/runtime.h"

namespace openclaw::gateway {

struct ServerState;

class HealthCache {
 public:
  // {} when none was collected yet.
  const json::object& cached() const { return payload_; }
  std::uint64_t version() const { return version_; }
  // From the cache when it is fresh and no probe is asked for.
  Awaitable<json::object> get(ServerState& state, bool probe);
  // Collects in the background and broadcasts `health`; one at a time.
  void refresh_later(ServerState& state);

 private:
  Awaitable<json::object> collect(ServerState& state, bool probe);
  static Awaitable<> refresh(ServerState& state);
  json::object payload_;
  std::int64_t collected_at_ = 0;
  std::uint64_t version_ = 1;
  bool refreshing_ = false;
};

// The `status` payload; paths and session rows only for admins.
Awaitable<json::object> collect_status(ServerState& state, bool with_details);

}  // namespace openclaw::gateway
