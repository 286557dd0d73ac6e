#include "plugin/plugin_thread.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>

#include <spdlog/spdlog.h>

namespace openclaw::plugin {

using Clock = std::chrono::steady_clock;

struct PluginThread::State : std::enable_shared_from_this<PluginThread::State> {
  struct Job {
    std::string name;
    std::function<void()> run;
  };

  State(Runtime& rt, std::string n, WatchLimits l, std::function<void(const std::string&)> wedged)
      : runtime(rt),
        name(std::move(n)),
        limits(l),
        on_wedged(std::move(wedged)) {}

  void run();
  void watch();  // [loop]
  void watch_in(Clock::duration delay);

  Runtime& runtime;
  const std::string name;
  const WatchLimits limits;
  std::function<void(const std::string&)> on_wedged;  // [loop]
  std::unique_ptr<asio::steady_timer> timer;          // [loop]; gone before an abandoned thread is on its own
  std::atomic<std::thread::id> id;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  bool closed = false;
  bool watched = false;  // a watch is on its way or its timer runs
  bool busy = false;
  std::string current;
  Clock::time_point since;
};

void PluginThread::State::run() {
  id = std::this_thread::get_id();
  // Signals are for main.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return closed || !jobs.empty(); });
    if (closed) return;
    Job job = std::move(jobs.front());
    jobs.pop_front();
    busy = true;
    current = job.name;
    since = Clock::now();
    const auto started = since;
    lock.unlock();
    job.run();
    job.run = nullptr;  // what it owns dies outside the lock
    const auto took = Clock::now() - started;
    lock.lock();
    busy = false;
    // Not when it was given up meanwhile: the process may be ending.
    if (took > limits.slow_after && !closed) {
      lock.unlock();
      spdlog::warn("plugin {}: {} held its thread for {} ms", name, job.name,
                   std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
      lock.lock();
    }
  }
}

// Armed while there is work, so that an idle instance costs no wake-ups.
void PluginThread::State::watch() {
  std::string stuck;
  {
    const std::lock_guard lock(mutex);
    if (closed || (!busy && jobs.empty())) {
      watched = false;
      return;
    }
    const auto age = busy ? Clock::now() - since : Clock::duration::zero();
    if (age < limits.wedged_after) {
      watch_in(limits.wedged_after - age);
      return;
    }
    stuck = current;
  }
  if (on_wedged) std::exchange(on_wedged, nullptr)(stuck);
}

void PluginThread::State::watch_in(Clock::duration delay) {
  if (!timer) timer = std::make_unique<asio::steady_timer>(runtime.loop());
  timer->expires_after(delay);
  timer->async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled) self->watch();
  });
}

PluginThread::PluginThread(Runtime& runtime, std::string name, WatchLimits limits,
                           std::function<void(const std::string&)> on_wedged)
    : state_(std::make_shared<State>(runtime, std::move(name), limits, std::move(on_wedged))),
      thread_([state = state_] { state->run(); }) {}

PluginThread::~PluginThread() {
  close();
  if (!thread_.joinable()) return;
  if (on_this_thread()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

bool PluginThread::post(std::string name, std::function<void()> job) {
  bool watch = false;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) return false;
    state_->jobs.push_back({std::move(name), std::move(job)});
    watch = !std::exchange(state_->watched, true);
  }
  state_->changed.notify_one();
  if (watch) state_->runtime.post([state = state_] { state->watch(); });
  return true;
}

void PluginThread::close() {
  std::deque<State::Job> unrun;  // destroyed outside the lock: their owners may post
  {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
    unrun.swap(state_->jobs);
  }
  state_->changed.notify_one();
  // A pending watch must not keep the loop from running out of work.
  state_->runtime.post([state = state_] {
    state->timer.reset();
    state->on_wedged = nullptr;
  });
}

void PluginThread::abandon() {
  close();
  state_->timer.reset();
  if (thread_.joinable()) thread_.detach();
}

bool PluginThread::on_this_thread() const {
  return state_->id.load() == std::this_thread::get_id();
}

}  // namespace openclaw::plugin
