// A channel account as it runs in production (real plugin library, real host, real services, real
// sockets) against the stub server of its platform. Every test ends with a look for secrets in all
// that was logged and reported. The loop runs on the test's thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/runtime.h"
#include "net/http_client.h"
#include "plugin/host_services.h"
#include "plugin/plugin_host.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::channel_test {

using plugin::PluginInstance;

// A stub of a chat company (tests/*-lab) as a child process.
class StubServer {
 public:
  explicit StubServer(const char* script);
  ~StubServer();
  StubServer(const StubServer&) = delete;
  StubServer& operator=(const StubServer&) = delete;
  // A field of its first line: "api", "control", "token" and what else that stub tells.
  std::string said(std::string_view key) const;
  std::string api() const { return said("api"); }
  std::string control() const { return said("control"); }
  std::string token() const { return said("token"); }

 private:
  pid_t pid_ = 0;
  int out_ = -1;
  int held_ = -1;  // its standard input: it ends with this process
  json::object said_;
};

// What the channel room would do: takes events, and acks them unless told to keep the ack.
class Recorder final : public plugin::ChannelEvents {
 public:
  void inbound(PluginInstance& from, json::object event, std::function<void(Code)> ack) override;
  void link_state(PluginInstance& from, json::object state) override;

  bool withhold = false;
  std::vector<Code> answers;  // for the next events, instead of kOk
  std::vector<json::object> events;
  std::vector<json::object> links;
  std::vector<std::function<void(Code)>> kept;
};

class ChannelFixture : public ::testing::Test {
 protected:
  ChannelFixture(std::string channel, const char* script);
  ~ChannelFixture() override;

  // What the account is configured with.
  virtual json::object config() const = 0;

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
  // Fails the test, and goes on, when it takes longer than 40 s.
  void run_until(const std::function<bool()>& done);

  PluginInstance* create(json::object config, const std::string& account = "default");
  Result<void> start(PluginInstance& instance);
  // Created, started and online.
  PluginInstance* up(json::object more = {}, const std::string& account = "default");
  void down(PluginInstance* instance);

  Result<json::value> call(PluginInstance* instance, const std::string& slot, json::object payload,
                           std::chrono::milliseconds time = std::chrono::seconds(30),
                           plugin::ProgressSink progress = {});
  // With the text and `more` in it.
  Result<json::value> send_to(PluginInstance* instance, json::object conversation,
                              const std::string& text, json::object more);
  // Starts the call and goes on; the result is there later.
  std::shared_ptr<std::optional<Result<json::value>>> begin(PluginInstance* instance,
                                                            const std::string& slot,
                                                            json::object payload,
                                                            std::chrono::milliseconds time);

  json::value control(const std::string& method, const std::string& path, json::value body = {});
  json::value get(const std::string& path) { return control("GET", path); }
  json::value post(const std::string& path, json::object body) {
    return control("POST", path, std::move(body));
  }
  void wait_events(std::size_t count);
  void wait_link(const std::string& state, const std::string& reason = "");

  storage::TempDir temp_;
  Runtime runtime_;
  const std::string channel_;
  StubServer stub_;
  net::HttpClient client_{runtime_};
  Recorder recorder_;
  std::vector<std::string> forbidden_;  // texts that may not be seen anywhere
  std::shared_ptr<std::vector<std::string>> logged_;
  std::unique_ptr<plugin::HostServices> services_;
  std::unique_ptr<plugin::PluginHost> host_;
};

}  // namespace openclaw::channel_test
