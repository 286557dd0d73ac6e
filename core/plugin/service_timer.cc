// openclaw.timer/1: one Asio timer per armed number, on the loop; the calls go to the plugin's
// thread.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "plugin/service_state.h"

namespace openclaw::plugin {
namespace {

constexpr std::size_t kMaxTimers = 1024;
constexpr std::uint64_t kLongest_ms = 365ull * 24 * 3600 * 1000;

using Services = std::shared_ptr<InstanceServices>;
using TimerPtr = std::shared_ptr<InstanceServices::Timer>;

// On the plugin's thread, like disarm(): between its check and the call nothing can disarm.
void call(const Services& services, const TimerPtr& timer) {
  {
    std::lock_guard lock(services->mutex);
    timer->queued = false;
    if (!timer->armed) return;
    if (timer->period_ms == 0) {
      timer->armed = false;
      auto found = services->timers.find(timer->id);
      if (found != services->timers.end() && found->second == timer) services->timers.erase(found);
    }
  }
  timer->fn(timer->user, timer->id);
}

void wait(Services services, TimerPtr timer);

void fired(const Services& services, const TimerPtr& timer) {
  bool deliver = false;
  {
    std::lock_guard lock(services->mutex);
    if (!timer->armed) return;
    // A plugin that is busy for several periods gets one call, not a heap of them.
    deliver = !std::exchange(timer->queued, true);
  }
  if (deliver) services->deliver([services, timer] { call(services, timer); });
  if (timer->period_ms == 0) return;
  auto now = asio::steady_timer::clock_type::now();
  auto next = timer->waiter->expiry() + std::chrono::milliseconds(timer->period_ms);
  timer->waiter->expires_at(std::max(next, now));
  wait(services, timer);
}

void wait(Services services, TimerPtr timer) {
  auto& waiter = *timer->waiter;
  waiter.async_wait([services = std::move(services),
                     timer = std::move(timer)](const boost::system::error_code& failure) {
    if (!failure) fired(services, timer);
  });
}

void stop_waiting(InstanceServices& services, TimerPtr timer) {
  services.hub().runtime.post([timer = std::move(timer)] { timer->waiter.reset(); });
}

void arm(oc_host_ctx* ctx, uint64_t timer_id, uint64_t delay_ms, uint64_t period_ms, oc_timer_fn fn,
         void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services || fn == nullptr || services->released()) return;
  auto timer = std::make_shared<InstanceServices::Timer>();
  timer->id = timer_id;
  timer->period_ms = std::min(period_ms, kLongest_ms);
  timer->fn = fn;
  timer->user = user;
  TimerPtr replaced;
  {
    std::lock_guard lock(services->mutex);
    auto found = services->timers.find(timer_id);
    if (found == services->timers.end() && services->timers.size() >= kMaxTimers) {
      spdlog::warn("{}: a timer was refused, {} are armed", services->id(), kMaxTimers);
      return;
    }
    if (found != services->timers.end()) {
      replaced = found->second;
      replaced->armed = false;
    }
    services->timers[timer_id] = timer;
  }
  if (replaced) stop_waiting(*services, replaced);
  auto when = asio::steady_timer::clock_type::now() +
              std::chrono::milliseconds(std::min(delay_ms, kLongest_ms));
  auto& runtime = services->hub().runtime;
  runtime.post([&runtime, services, timer, when] {
    timer->waiter = std::make_unique<asio::steady_timer>(runtime.loop(), when);
    wait(services, timer);
  });
}

void disarm(oc_host_ctx* ctx, uint64_t timer_id) {
  auto services = InstanceServices::of(ctx);
  if (!services) return;
  TimerPtr timer;
  {
    std::lock_guard lock(services->mutex);
    auto node = services->timers.extract(timer_id);
    if (node.empty()) return;
    timer = std::move(node.mapped());
    timer->armed = false;
  }
  stop_waiting(*services, std::move(timer));
}

}  // namespace

void disarm_all(InstanceServices& services) {
  std::map<std::uint64_t, TimerPtr> timers;
  {
    std::lock_guard lock(services.mutex);
    timers.swap(services.timers);
    for (auto& [id, timer] : timers) timer->armed = false;
  }
  for (auto& [id, timer] : timers) stop_waiting(services, timer);
}

const oc_timer_v1& timer_table() {
  static constexpr oc_timer_v1 table{sizeof(oc_timer_v1), 0, &arm, &disarm};
  return table;
}

}  // namespace openclaw::plugin
