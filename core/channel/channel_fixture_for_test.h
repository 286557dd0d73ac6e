// The channel room on a real store and real host services, with a fake platform and agent.
#pragma once

#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/fakes_for_test.h"
#include "channel/channel_service.h"
#include "channel/fakes_for_test.h"
#include "channel/store.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::channel {

using std::chrono::milliseconds;

// The whole room on a real store. crash() drops everything without stop(), as a kill does.
class ChannelServiceTest : public testing::Test {
 protected:
  ChannelServiceTest() {
    config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["1","2"]}}})";
  }
  ~ChannelServiceTest() override {
    if (life_ && life_->service) wait(life_->service->stop(Deadline::after(milliseconds(5000))));
  }

  // One life of the process.
  struct Life {
    explicit Life(const std::filesystem::path& dir, std::string_view config)
        : store({dir, dir / "openclaw.toml", dir}, {},
                config::from_json(json::parse(config).get_object())),
          services(plugin::HostServices::create(runtime, dir)),
          host(runtime),
          agent(runtime) {
      sandboxes.workspace = dir / "workspace";
    }
    ~Life() {
      service.reset();
      runtime.stop_blocking();
    }
    Runtime runtime;
    config::ConfigStore store;
    std::unique_ptr<plugin::HostServices> services;
    FakeHost host;
    agent::FakeSandboxes sandboxes;
    FakeAgent agent;
    std::unique_ptr<ChannelService> service;
  };

  void boot() {
    life_ = std::make_unique<Life>(dir_.path(), config_text_);
    life_->host.handler = [this](const std::string& slot, const json::object& payload,
                                 const plugin::ProgressSink& progress) {
      return platform(slot, payload, progress);
    };
    if (prepare) prepare(*life_);
    life_->service = ChannelService::create(life_->runtime, life_->store, life_->host,
                                            *life_->services, life_->sandboxes, life_->agent);
    auto started = wait(life_->service->start());
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }
  void stop_cleanly() {
    wait(life_->service->stop(Deadline::after(milliseconds(5000))));
    life_.reset();
  }
  // Nothing more runs and nothing is tidied up: the old life is put where nobody looks.
  void crash() {
    static auto* graveyard = new std::vector<std::unique_ptr<Life>>();
    graveyard->push_back(std::move(life_));
  }

  // Changes the store between two lives, as a process of `age` ago would have left it.
  void on_disk(const std::function<Awaitable<Result<bool>>(Store&)>& change,
               std::chrono::hours age = std::chrono::hours(0)) {
    Runtime runtime;
    Store store(runtime, [age] {
      const auto then = std::chrono::system_clock::now().time_since_epoch() - age;
      return std::chrono::duration_cast<milliseconds>(then).count();
    });
    std::string set_aside;
    ASSERT_TRUE(store.open(dir_.path() / "channels.db", set_aside).has_value());
    std::optional<Result<bool>> done;
    asio::co_spawn(runtime.loop(), change(store),
                   [&](const std::exception_ptr& e, Result<bool> changed) {
                     if (e) std::rethrow_exception(e);
                     done.emplace(std::move(changed));
                   });
    while (!done) runtime.loop().run_one();
    EXPECT_TRUE(done->has_value());
    store.close();
    runtime.stop_blocking();
  }
  InboxRow inbox_row(const std::string& id, const std::string& text) {
    InboxRow row;
    row.instance = "fake/default";
    row.event_id = id;
    row.event = message(id, text);
    row.lane = "fake/default\n1\n";
    return row;
  }
  OutboxRow outbox_row(const std::string& key, const std::string& text) {
    OutboxRow row;
    row.instance = "fake/default";
    row.lane = "fake/default\n1\n";
    row.idempotency_key = key;
    row.message = {{"conversation", {{"id", "1"}}}, {"text", text}};
    return row;
  }

  Result<json::value> platform(const std::string& slot, const json::object& payload,
                               const plugin::ProgressSink& progress) {
    calls.emplace_back(slot, payload);
    if (slot == "channel.fetch_media" && on_fetch) return on_fetch(payload);
    if (slot == "channel.send" && on_send) {
      if (auto answer = on_send(payload, progress)) return *answer;
    }
    if (slot == "channel.send" && !payload.contains("draft")) sent.push_back(payload);
    return json::value{{"messageId", "m" + std::to_string(++next_message_)}};
  }

  template <class T>
  T wait(Awaitable<T> task) {
    std::optional<T> out;
    asio::co_spawn(life_->runtime.loop(), std::move(task),
                   [&](const std::exception_ptr& e, T value) {
                     if (e) std::rethrow_exception(e);
                     out.emplace(std::move(value));
                   });
    EXPECT_TRUE(until([&] { return out.has_value(); }));
    return std::move(*out);
  }
  void wait(Awaitable<> task) {
    bool done = false;
    asio::co_spawn(life_->runtime.loop(), std::move(task), [&](const std::exception_ptr& e) {
      if (e) std::rethrow_exception(e);
      done = true;
    });
    EXPECT_TRUE(until([&] { return done; }));
  }
  Result<json::object> act(MessageAction action) {
    return wait(life_->service->act(std::move(action), Limits::within(milliseconds(5000))));
  }
  // A crash while the one turn runs; the next life makes it to its end.
  void crash_in_the_turn() {
    ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
    settle();
    crash();
    prepare = nullptr;
    boot();
    ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  }
  // Runs the loop until the condition holds.
  bool until(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    life_->runtime.loop().restart();
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      life_->runtime.loop().run_one_until(deadline);
    }
    return true;
  }
  // Runs what can run without waiting for anything but the disk.
  void settle() {
    bool done = false;
    auto deadline = std::chrono::steady_clock::now() + milliseconds(150);
    life_->runtime.loop().restart();
    while (!done && std::chrono::steady_clock::now() < deadline)
      life_->runtime.loop().run_one_until(deadline);
  }

  json::object message(const std::string& id, const std::string& text,
                       const std::string& sender = "1") {
    return {{"kind", "message"},
            {"eventId", id},
            {"account", "default"},
            {"conversation", {{"id", sender}, {"type", "direct"}}},
            {"sender", {{"id", sender}, {"name", "Ada"}}},
            {"messageId", id},
            {"text", text},
            {"timestampMs", 1}};
  }
  Code offer(json::object event) {
    std::optional<Code> answer;
    life_->host.events->inbound(*life_->host.instance(), std::move(event),
                                [&](Code code) { answer = code; });
    EXPECT_TRUE(until([&] { return answer.has_value(); }));
    return answer.value_or(Code::kInternal);
  }
  std::vector<std::string> sent_texts() const {
    std::vector<std::string> out;
    for (const auto& each : sent) out.emplace_back(each.at("text").get_string());
    return out;
  }

  storage::TempDir dir_;
  std::string config_text_;
  std::unique_ptr<Life> life_;
  std::function<void(Life&)> prepare;
  // What the platform has seen over all lives.
  std::vector<json::object> sent;
  std::vector<std::pair<std::string, json::object>> calls;
  std::function<std::optional<Result<json::value>>(const json::object&,
                                                   const plugin::ProgressSink&)>
      on_send;
  std::function<Result<json::value>(const json::object&)> on_fetch;
  int next_message_ = 0;
};

}  // namespace openclaw::channel
