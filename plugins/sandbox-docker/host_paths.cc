#include "host_paths.h"

#include <unistd.h>

#include <array>

#include "mount_map.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {
constexpr std::uint32_t kLookTimeoutMs = 30'000;
}

Flow<Outcome<Nothing>> to_host_paths(Engine& engine, json::array* mounts) {
  if (::access("/.dockerenv", F_OK) != 0) co_return Nothing{};
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string path = "/containers/" + url_encoded(host.data()) + "/json";
  Outcome<Reply> self = co_await engine.call("GET", path, "", kLookTimeoutMs);
  if (self.has_error()) co_return self.error();
  // Not a container of this engine: another one's, or one whose host name was changed.
  if (self->status != 200 || !self->body.is_object()) co_return Nothing{};
  co_return mapped_sources(list_of(self->body.get_object(), "Mounts"), *mounts);
}

}  // namespace openclaw::docker
