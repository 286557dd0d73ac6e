// IoLoop: one thread that waits for descriptors and times and runs what is posted to it. All
// processes of the backend are its children and all their state is its own, so nothing needs locks.
//
// Commands carry --die-with-parent, which means the thread that started them: it must live as long
// as the instance.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include <openclaw/plugin.hpp>

#include "descriptor.h"

namespace openclaw::bwrap {

class IoLoop {
 public:
  using Ready = std::function<void(std::uint32_t events)>;
  // Hears of exceptions that handlers let out.
  explicit IoLoop(std::function<void(const char*)> complain) : complain_(std::move(complain)) {}
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;
  ~IoLoop() { stop(); }

  Outcome<Nothing> start();
  // Joins; what is still posted, watched or due is dropped.
  void stop();
  // [any-thread] False when it does not run.
  bool post(Callback<void()> job);

  // The rest on the loop's thread only. EPOLLIN, EPOLLOUT or none; errors and hang-ups always come.
  void watch(int fd, std::uint32_t events, Ready ready);
  void change(int fd, std::uint32_t events);
  void forget(int fd);
  std::uint64_t after(std::uint64_t ms, std::function<void()> late);
  void disarm(std::uint64_t timer);

 private:
  struct Watch {
    int fd;
    std::shared_ptr<Ready> ready;
  };
  struct Timer {
    std::uint64_t id;
    std::function<void()> late;
  };
  void run();
  void run_posted();
  void run_timers();
  int patience_ms() const;
  void guarded(const std::function<void()>& body);

  std::function<void(const char*)> complain_;
  Descriptor epoll_, wake_;
  std::thread thread_;
  std::mutex mutex_;
  std::deque<Callback<void()>> posted_;  // under the mutex
  bool closing_ = false;                 // under the mutex
  // By a number of its own: a descriptor's number is reused while old events are still in hand.
  std::map<std::uint64_t, Watch> watches_;
  std::map<int, std::uint64_t> tokens_;
  std::multimap<std::uint64_t, Timer> timers_;  // by time
  std::uint64_t last_ = 0;
};

}  // namespace openclaw::bwrap
