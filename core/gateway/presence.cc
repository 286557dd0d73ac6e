#include "gateway/presence.h"

#include <sys/utsname.h>

#include <algorithm>
#include <vector>

#include "gateway/peer.h"

namespace openclaw::gateway {
namespace {

constexpr std::int64_t kLifeMs = 5 * 60 * 1000;
constexpr std::size_t kMaxPresent = 200;

std::string key_of(const Client& client) {
  return lowered(!client.device_id.empty()     ? client.device_id
                 : !client.instance_id.empty() ? client.instance_id
                                               : client.conn_id);
}

std::int64_t time_of(const json::object& entry) {
  const auto* ts = entry.if_contains("ts");
  return ts && ts->is_int64() ? ts->get_int64() : 0;
}

void merge(json::object& entry, std::string_view key, const std::vector<std::string>& values) {
  auto& list = entry[key];
  if (!list.is_array()) list = json::array{};
  for (const auto& value : values) {
    bool there =
        std::any_of(list.get_array().begin(), list.get_array().end(),
                    [&](const json::value& v) { return v.is_string() && v.get_string() == value; });
    if (!there) list.get_array().emplace_back(value);
  }
}

void set(json::object& entry, std::string_view key, const std::string& value) {
  if (!value.empty()) entry[key] = value;
}

}  // namespace

Presence::Presence(std::string version) {
  utsname system{};
  ::uname(&system);
  std::string host = system.nodename;
  self_key_ = lowered(host);
  self_ = {{"host", host},
           {"version", version},
           {"platform", lowered(system.sysname) + " " + system.release},
           {"deviceFamily", system.sysname},
           {"modelIdentifier", system.machine},
           {"mode", "gateway"},
           {"reason", "self"},
           {"text", "Gateway: " + host + " · app " + version + " · mode gateway · reason self"}};
}

void Presence::connected(const Client& client, std::int64_t now) {
  if (client.mode == "cli") return;
  auto& entry = entries_[key_of(client)];
  auto host = client.display_name.empty() ? client.id : client.display_name;
  entry["host"] = host;
  if (!client.peer.local) set(entry, "ip", client.peer.client);
  set(entry, "version", client.version);
  set(entry, "platform", client.platform);
  set(entry, "deviceFamily", client.device_family);
  set(entry, "modelIdentifier", client.model_identifier);
  entry["mode"] = client.mode;
  entry["reason"] = "connect";
  entry["text"] = "Node: " + host + " · mode " + client.mode;
  set(entry, "deviceId", client.device_id);
  set(entry, "instanceId", client.device_id.empty() ? client.instance_id : client.device_id);
  merge(entry, "roles", {client.role});
  merge(entry, "scopes", client.scopes);
  entry["ts"] = now;
  ++version_;
}

void Presence::disconnected(const Client& client, std::int64_t now) {
  auto found = entries_.find(key_of(client));
  if (found == entries_.end()) return;
  found->second["reason"] = "disconnect";
  found->second["ts"] = now;
  ++version_;
}

void Presence::note(std::string key, json::object entry, std::int64_t now) {
  entry["ts"] = now;
  entries_[lowered(std::move(key))] = std::move(entry);
  ++version_;
}

json::array Presence::list(std::int64_t now) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    it = time_of(it->second) + kLifeMs < now ? entries_.erase(it) : std::next(it);
  }
  while (entries_.size() > kMaxPresent) {
    entries_.erase(std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return time_of(a.second) < time_of(b.second); }));
  }
  std::vector<const json::object*> sorted;
  for (const auto& [key, entry] : entries_) {
    if (key != self_key_) sorted.push_back(&entry);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return time_of(*a) > time_of(*b); });
  self_["ts"] = now;
  json::array out{self_};
  for (const auto* entry : sorted) out.emplace_back(*entry);
  return out;
}

}  // namespace openclaw::gateway
