// Presence: who is or was connected lately. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "gateway/client.h"
#include "result.h"

namespace openclaw::gateway {

class Presence {
 public:
  explicit Presence(std::string version);
  void connected(const Client& client, std::int64_t now);
  void disconnected(const Client& client, std::int64_t now);
  // A system-event with presence fields.
  void note(std::string key, json::object entry, std::int64_t now);
  // Newest first; the gateway's own entry is fresh.
  json::array list(std::int64_t now);
  std::uint64_t version() const { return version_; }

 private:
  json::object self_;
  std::string self_key_;
  std::map<std::string, json::object> entries_;
  std::uint64_t version_ = 1;
};

}  // namespace openclaw::gateway
