// A loop thread, an instance with a thread of its own, and waiting with deadlines: what tests of
// the C service tables need.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openclaw/services.h>

#include "plugin/host_services.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::plugin {

class FakeInstance final : public InstanceContext {
 public:
  FakeInstance(Runtime& runtime, std::string id) : runtime_(runtime), id_(std::move(id)) {
    thread_ = std::thread([this] { run(); });
  }
  ~FakeInstance() override {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }
  const std::string& instance_id() const override { return id_; }
  const Permissions& permissions() const override { return granted; }
  const json::object& config() const override { return settings; }
  Runtime& runtime() override { return runtime_; }
  void post_to_plugin(std::function<void()> fn) override {
    std::lock_guard lock(mutex_);
    if (over_) return;
    queue_.push_back(std::move(fn));
    changed_.notify_all();
  }
  bool on_plugin_thread() const override { return std::this_thread::get_id() == thread_.get_id(); }
  oc_host_ctx* ctx() { return reinterpret_cast<oc_host_ctx*>(static_cast<InstanceContext*>(this)); }
  // Runs it on the plugin's thread and waits for it.
  void call(std::function<void()> fn) {
    std::promise<void> done;
    post_to_plugin([&] {
      fn();
      done.set_value();
    });
    done.get_future().wait();
  }

  Permissions granted;
  json::object settings;

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return over_ || !queue_.empty(); });
      if (over_) break;
      {
        auto fn = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        fn();
      }
      lock.lock();
    }
    auto dropped = std::move(queue_);
    lock.unlock();
  }
  Runtime& runtime_;
  std::string id_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool over_ = false;
  std::thread thread_;
};

// What a callback told; one per call, as `user`.
struct Told {
  std::mutex mutex;
  std::condition_variable changed;
  int ends = 0;
  oc_status status = -1;
  std::string value, headers;
  std::uint64_t blob = 0;
  unsigned http_status = 0;
  std::vector<std::string> events;

  void add(std::string event) {
    std::lock_guard lock(mutex);
    events.push_back(std::move(event));
    changed.notify_all();
  }
  void end(oc_status s, std::string_view text = {}) {
    std::lock_guard lock(mutex);
    ++ends;
    status = s;
    value = text;
    changed.notify_all();
  }
  // True when it ended within ten seconds.
  bool wait() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return ends > 0; });
  }
  bool wait_events(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return events.size() >= count; });
  }
};

inline std::string text_of(oc_bytes b) {
  return b.len == 0 ? std::string() : std::string(reinterpret_cast<const char*>(b.ptr), b.len);
}
inline std::string text_of(oc_str s) {
  return s.len == 0 ? std::string() : std::string(s.ptr, s.len);
}
inline oc_str as_str(std::string_view s) {
  return {s.data(), s.size()};
}
inline oc_bytes as_bytes(std::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
inline void told_value(void* user, oc_status status, oc_bytes value) {
  static_cast<Told*>(user)->end(status, text_of(value));
}
inline void told_ack(void* user, oc_status status) {
  static_cast<Told*>(user)->end(status);
}

class ServicesTest : public testing::Test {
 protected:
  ServicesTest() {
    loop_thread_ = std::thread([this] { runtime_.loop().run(); });
  }
  ~ServicesTest() override {
    on_loop([this]() -> Awaitable<> {
      return services_->stop(Deadline::after(std::chrono::seconds(5)));
    });
    instance_.reset();
    other_.reset();
    guard_.reset();
    loop_thread_.join();
    services_.reset();
    runtime_.stop_blocking();
  }
  // Runs the coroutine that `make` gives on the loop, to its end.
  void on_loop(std::function<Awaitable<>()> make) {
    std::promise<void> done;
    runtime_.post([&] {
      asio::co_spawn(runtime_.loop(), make(), [&](const std::exception_ptr&) { done.set_value(); });
    });
    done.get_future().wait();
  }
  void release(FakeInstance& instance) {
    on_loop([&]() -> Awaitable<> {
      return services_->release(instance, Deadline::after(std::chrono::seconds(5)));
    });
  }
  template <class Table>
  const Table& table(const char* id) {
    return *static_cast<const Table*>(services_->table(id));
  }

  storage::TempDir dir_;
  Runtime runtime_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_{runtime_.loop().get_executor()};
  std::thread loop_thread_;
  std::unique_ptr<HostServices> services_ = HostServices::create(runtime_, dir_.path() / "state");
  std::unique_ptr<FakeInstance> instance_ =
      std::make_unique<FakeInstance>(runtime_, "telegram/default");
  std::unique_ptr<FakeInstance> other_ = std::make_unique<FakeInstance>(runtime_, "telegram/ops");
};

}  // namespace openclaw::plugin
