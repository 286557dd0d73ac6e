// A Discord account as it runs in production (real plugin library, real host, real services, real
// sockets) against the stub server, whose people and faults the test moves. Every test ends with a
// look for the token in all that was logged and reported.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/runtime.h"
#include "net/http_client.h"
#include "plugin/host_services.h"
#include "plugin/plugin_host.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::discord_test {

using plugin::PluginInstance;

// The stub's world.
inline constexpr const char* kAnn = "910000000000000001";
inline constexpr const char* kBob = "910000000000000002";
inline constexpr const char* kGuild = "920000000000000001";
inline constexpr const char* kGeneral = "930000000000000001";
inline constexpr const char* kOps = "930000000000000002";
inline constexpr const char* kForum = "930000000000000003";
inline constexpr const char* kReadOnly = "930000000000000004";
inline constexpr const char* kHidden = "930000000000000005";

// The stub as a child process.
class Stub {
 public:
  Stub();
  ~Stub();
  Stub(const Stub&) = delete;
  Stub& operator=(const Stub&) = delete;
  const std::string& api() const { return api_; }
  const std::string& control() const { return control_; }
  const std::string& token() const { return token_; }
  const std::string& gateway() const { return gateway_; }
  const std::string& resume() const { return resume_; }
  const std::string& bot_id() const { return bot_id_; }

 private:
  pid_t pid_ = 0;
  int out_ = -1;
  int held_ = -1;  // its standard input: it ends with this process
  std::string api_, control_, token_, gateway_, resume_, bot_id_;
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

class DiscordFixture : public ::testing::Test {
 protected:
  DiscordFixture();
  ~DiscordFixture() override;

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

  json::object config() const;
  PluginInstance* create(json::object config, const std::string& account = "default");
  Result<void> start(PluginInstance& instance);
  // Created, started and online.
  PluginInstance* up(json::object more = {}, const std::string& account = "default");
  void down(PluginInstance* instance);

  Result<json::value> call(PluginInstance* instance, const std::string& slot, json::object payload,
                           std::chrono::milliseconds time = std::chrono::seconds(30),
                           plugin::ProgressSink progress = {});
  // To the channel "general" unless the payload says otherwise.
  Result<json::value> send(PluginInstance* instance, const std::string& text,
                           json::object more = {});
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
  // Ann writes to the bot, directly unless a channel is named; the id of the message.
  std::string write(const std::string& text, json::object more = {});
  void wait_events(std::size_t count);
  void wait_link(const std::string& state, const std::string& reason = "");
  json::array calls(const std::string& method, const std::string& path);
  // What the bot wrote there, as people see it.
  json::array shown(const std::string& channel = kGeneral);
  std::vector<std::string> texts(const std::string& channel = kGeneral);
  // "dir=in&op=2"
  json::array gateway_log(const std::string& query);
  std::string last_message() const;

  storage::TempDir temp_;
  Runtime runtime_;
  Stub stub_;
  net::HttpClient client_{runtime_};
  Recorder recorder_;
  std::vector<std::string> forbidden_;  // texts that may not be seen anywhere
  std::shared_ptr<std::vector<std::string>> logged_;
  std::unique_ptr<plugin::HostServices> services_;
  std::unique_ptr<plugin::PluginHost> host_;
};

}  // namespace openclaw::discord_test
