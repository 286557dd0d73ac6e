#include "browser_network.h"

#include "containers.h"
#include "create_body.h"

namespace openclaw::docker {

namespace {
constexpr std::uint32_t kNetworkTimeoutMs = 30'000;
}

Flow<Outcome<Nothing>> ensure_browser_network(Engine& engine, std::string name) {
  std::string path = "/networks/" + url_encoded(name);
  Outcome<Reply> found = co_await engine.call("GET", path, "", kNetworkTimeoutMs);
  if (found.has_error()) co_return found.error();
  if (found->status == 200) co_return Nothing{};
  if (found->status != 404) co_return engine_refused(*found, "look for the network " + name);
  json::object wanted = {{"Name", name},
                         {"Driver", "bridge"},
                         {"CheckDuplicate", true},
                         {"Options", {{"com.docker.network.bridge.enable_icc", "false"}}},
                         {"Labels", {{kLabelSandbox, "1"}}}};
  std::string body = json::serialize(wanted);
  Outcome<Reply> made = co_await engine.call("POST", "/networks/create", body, kNetworkTimeoutMs);
  if (made.has_error()) co_return made.error();
  // 409: another gateway was faster.
  if (made->status == 201 || made->status == 409) co_return Nothing{};
  co_return engine_refused(
      *made, "make the network " + name + " (agents.defaults.sandbox.browser.network)");
}

}  // namespace openclaw::docker
