#include "io_loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace openclaw::bwrap {

namespace {
constexpr int kMaxEvents = 64;
}

void IoLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  std::uint64_t one = 1;
  if (wake_) static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  if (thread_.joinable()) thread_.join();
  // Out of the members first: what these own may ask to be forgotten while it is destroyed.
  tokens_.clear();
  auto watches = std::exchange(watches_, {});
  auto timers = std::exchange(timers_, {});
  auto posted = std::exchange(posted_, {});
}

Outcome<Nothing> IoLoop::start() {
  epoll_ = lifted(::epoll_create1(EPOLL_CLOEXEC));
  wake_ = lifted(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_ || !wake_) {
    return failure(OC_RESOURCE_EXHAUSTED,
                   "sandbox-bwrap: no descriptors to wait for commands: " + error_text(errno));
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  thread_ = std::thread([this] { run(); });
  return Nothing{};
}

bool IoLoop::post(Callback<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || !wake_) return false;
    posted_.push_back(std::move(job));
  }
  std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  return true;
}

void IoLoop::watch(int fd, std::uint32_t events, Ready ready) {
  std::uint64_t token = ++last_;
  watches_.emplace(token, Watch{fd, std::make_shared<Ready>(std::move(ready))});
  tokens_[fd] = token;
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void IoLoop::change(int fd, std::uint32_t events) {
  auto token = tokens_.find(fd);
  if (token == tokens_.end()) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = token->second;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void IoLoop::forget(int fd) {
  auto token = tokens_.find(fd);
  if (token == tokens_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  watches_.erase(token->second);
  tokens_.erase(token);
}

std::uint64_t IoLoop::after(std::uint64_t ms, std::function<void()> late) {
  std::uint64_t id = ++last_;
  timers_.emplace(monotonic_now_ns() / 1'000'000 + ms, Timer{id, std::move(late)});
  return id;
}

void IoLoop::disarm(std::uint64_t timer) {
  std::erase_if(timers_, [timer](const auto& entry) { return entry.second.id == timer; });
}

void IoLoop::guarded(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& e) {
    complain_(e.what());
  } catch (...) {
    complain_("something that is no std::exception was thrown");
  }
}

int IoLoop::patience_ms() const {
  if (timers_.empty()) return -1;
  std::uint64_t now = monotonic_now_ns() / 1'000'000, due = timers_.begin()->first;
  return due <= now ? 0 : static_cast<int>(std::min<std::uint64_t>(due - now, 60'000));
}

void IoLoop::run_timers() {
  std::uint64_t now = monotonic_now_ns() / 1'000'000;
  while (!timers_.empty() && timers_.begin()->first <= now) {
    std::function<void()> late = std::move(timers_.begin()->second.late);
    timers_.erase(timers_.begin());
    guarded(late);
  }
}

void IoLoop::run_posted() {
  std::deque<Callback<void()>> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(posted_);
  }
  for (auto& job : jobs) guarded([&] { job(); });
}

void IoLoop::run() {
  // Signals are for main; a write to a command that has gone answers EPIPE.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_setname_np(pthread_self(), "sandbox-bwrap");
  std::array<epoll_event, kMaxEvents> events{};
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (closing_) return;
    }
    int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, patience_ms());
    for (int i = 0; i < count; ++i) {
      // Copies: these records are packed.
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const std::uint64_t token = event.data.u64;
      const std::uint32_t what = event.events;
      if (token == 0) {
        std::uint64_t wakes = 0;
        static_cast<void>(!::read(wake_.get(), &wakes, sizeof wakes));
        continue;
      }
      auto found = watches_.find(token);
      if (found == watches_.end()) continue;
      // A copy: the handler may forget itself.
      std::shared_ptr<Ready> ready = found->second.ready;
      guarded([&] { (*ready)(what); });
    }
    run_timers();
    run_posted();
  }
}

}  // namespace openclaw::bwrap
