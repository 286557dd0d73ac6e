// What every test of the plugin host needs: a loop, services that do nothing, and folders with
// copies of the test plugins, whose modes and contents the test may spoil.
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

#include "plugin/catalog.h"
#include "plugin/plugin_host.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::plugin {

class MapSecrets final : public SecretSource {
 public:
  std::optional<std::string> get(std::string_view name) const override;
  void put_transient(std::string name, std::string value) override { values[name] = value; }
  Result<void> put(std::string name, std::string value) override;
  std::map<std::string, std::string> values;
};

// Gives tables that nobody may call, so that their presence can be seen.
class NoServices final : public HostServices {
 public:
  const void* table(std::string_view id) const override;
  Awaitable<> release(InstanceContext& instance, Deadline deadline) override;
  SecretSource& secrets() override { return secrets_; }
  void set_secret_observer(std::function<void(std::string_view)>) override {}
  std::string metrics_text() const override { return {}; }
  Awaitable<Result<std::string>> read_blob(std::uint64_t, std::uint64_t) override;
  Awaitable<Result<std::uint64_t>> make_blob(std::string, std::string) override;
  Awaitable<> stop(Deadline) override { co_return; }
  MapSecrets secrets_;
  int released = 0;
};

class PluginFixture : public ::testing::Test {
 protected:
  PluginFixture();
  ~PluginFixture() override;

  // Runs the loop until the task has ended; what is still armed afterwards stays.
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
  void run_until(const std::function<bool()>& done);

  // A copy of a test plugin below the installed plugins, with its install record.
  std::filesystem::path install(const std::string& name);
  void record(const std::string& name);
  // The host is made at first use; change options_ before.
  PluginHost& host();
  PluginInstance* load(const std::string& id, json::object config = {},
                       const std::string& account = "default");
  PluginInstance* load_and_start(const std::string& id, json::object config = {});
  Result<json::value> call(PluginInstance& instance, const std::string& tool,
                           const std::string& args = "{}",
                           std::chrono::milliseconds time = std::chrono::seconds(10));

  storage::TempDir temp_;
  Runtime runtime_;
  NoServices services_;
  HostOptions options_;
  std::unique_ptr<PluginHost> host_;
};

}  // namespace openclaw::plugin
