#include "host_paths.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "mount_map.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {
constexpr std::uint32_t kLookTimeoutMs = 30'000;

bool in_a_container() {
  return ::access("/.dockerenv", F_OK) == 0 || ::access("/run/.containerenv", F_OK) == 0;
}

// What the engine may know this container by.
std::array<std::string, 2> own_names() {
  std::ifstream in("/proc/self/mountinfo");
  std::string mounts((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return {own_container(mounts), host.data()};
}

}  // namespace

Flow<Outcome<Nothing>> to_host_paths(Engine& engine, json::array* mounts) {
  if (!in_a_container()) co_return Nothing{};
  for (const std::string& name : own_names()) {
    if (name.empty()) continue;
    std::string path = "/containers/" + url_encoded(name) + "/json";
    Outcome<Reply> self = co_await engine.call("GET", path, "", kLookTimeoutMs);
    if (self.has_error()) co_return self.error();
    if (self->status == 200 && self->body.is_object())
      co_return mapped_sources(list_of(self->body.get_object(), "Mounts"), *mounts);
  }
  co_return Nothing{};  // of another engine
}

}  // namespace openclaw::docker
