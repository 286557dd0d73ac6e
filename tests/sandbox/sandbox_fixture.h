// A gateway's sandbox part as it runs in production (real plugin library, real services, real
// Docker engine) with a state folder and a clock of its own. Its containers carry the folder's
// gateway id and are removed at the end.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "plugin/host_services.h"
#include "plugin/plugin_host.h"
#include "sandbox/sandbox_manager.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::sandbox {

struct Ran {
  std::string out, err;
  Result<json::object> end = Error(Code::kInternal, "not run");
  int code() const {
    const json::value* value = end.has_value() ? end->if_contains("exitCode") : nullptr;
    return value ? static_cast<int>(value->to_number<std::int64_t>()) : -1;
  }
  std::string message() const { return end.has_error() ? end.error().message : std::string(); }
};

class SandboxFixture : public ::testing::Test {
 protected:
  void open_plugins();

  SandboxFixture();
  ~SandboxFixture() override;

  // Makes the file and the manager, or changes the file and reloads it. `docker` is the inner part
  // of agents.defaults.sandbox.docker; the image is the plain base image unless it says otherwise.
  void configure(const std::string& sandbox, const std::string& docker = "{}");
  void configure_whole(const std::string& text);
  // Without the check that a file gets at load.
  void configure_unchecked(json::object root);
  // Stops everything and removes the containers; configure() may follow.
  void close();
  // Stops everything, leaves the containers, and starts again with the same file.
  void restart();

  template <class T>
  T run(Awaitable<T> task) {
    std::optional<T> out;
    asio::co_spawn(runtime_.loop(), std::move(task), [&](const std::exception_ptr& e, T value) {
      if (e) std::rethrow_exception(e);
      out.emplace(std::move(value));
    });
    run_until([&] { return out.has_value(); });
    return std::move(*out);
  }
  void run(Awaitable<> task);
  void run_until(const std::function<bool()>& done);

  // `sh -lc command` in the sandbox of the session.
  Ran sh(const std::string& command, const std::string& session = "agent:main:x",
         Limits limits = Limits::within(std::chrono::seconds(60)));
  std::vector<Ran> sh_many(const std::string& command, std::size_t count);
  Ran exec(ExecRequest request, const std::string& session, Limits limits,
           const std::string& input = {});
  // `docker inspect` of a container or of one field of it.
  json::value inspect(const std::string& name);
  std::string name_of(const std::string& session = "agent:main:x");
  std::string container_id(const std::string& session = "agent:main:x");
  int docker(const std::string& arguments);

  void shut_down_gateway();

  storage::TempDir temp_;
  config::Paths paths_;
  Runtime runtime_;
  std::int64_t now_ms_ = 0;
  std::unique_ptr<plugin::HostServices> services_;
  std::unique_ptr<plugin::PluginHost> plugins_;
  std::unique_ptr<config::ConfigStore> store_;
  std::unique_ptr<SandboxManager> manager_;
};

}  // namespace openclaw::sandbox
