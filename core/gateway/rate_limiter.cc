#include "gateway/rate_limiter.h"

#include <algorithm>
#include <vector>

namespace openclaw::gateway {
namespace {

// An attacker with many addresses must not grow this without end.
constexpr std::size_t kMaxEntries = 8192;
constexpr std::ptrdiff_t kEvictBatch = 1024;
constexpr std::size_t kMaxBudgetKeys = 1024;

std::chrono::milliseconds up_to(RateLimiter::Clock::duration left) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds(0));
}

}  // namespace

RateLimiter::RateLimiter(Now now) : now_(now ? std::move(now) : Now(Clock::now)) {}

std::chrono::milliseconds RateLimiter::locked_for(std::string_view key) {
  auto found = entries_.find(key);
  if (found == entries_.end()) return {};
  return up_to(found->second.locked_until - now_());
}

bool RateLimiter::failed(std::string_view key, const RateLimits& limits) {
  auto now = now_();
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    make_room();
    found = entries_.emplace(std::string(key), Entry{}).first;
  }
  auto& entry = found->second;
  entry.last = now;
  while (!entry.failures.empty() && entry.failures.front() + limits.window <= now) {
    entry.failures.pop_front();
  }
  entry.failures.push_back(now);
  if (static_cast<int>(entry.failures.size()) < limits.max_attempts) return false;
  entry.failures.clear();
  entry.locked_until = now + limits.lockout;
  return true;
}

void RateLimiter::succeeded(std::string_view key) {
  if (auto found = entries_.find(key); found != entries_.end()) entries_.erase(found);
}

// A batch at a time: one by one, every failure of a flood would cost a walk over all entries.
void RateLimiter::make_room() {
  if (entries_.size() < kMaxEntries) return;
  auto now = now_();
  using Place = decltype(entries_)::iterator;
  std::vector<Place> all;
  all.reserve(entries_.size());
  for (auto it = entries_.begin(); it != entries_.end(); ++it) all.push_back(it);
  // Those that are locked stay as long as anything else can go: they are the ones that matter.
  auto worth = [&](Place it) { return std::pair(it->second.locked_until > now, it->second.last); };
  auto middle = all.begin() + kEvictBatch;
  std::nth_element(all.begin(), middle, all.end(),
                   [&](Place a, Place b) { return worth(a) < worth(b); });
  for (auto it = all.begin(); it != middle; ++it) entries_.erase(*it);
}

CallBudget::CallBudget(int calls, std::chrono::milliseconds window, RateLimiter::Now now)
    : calls_(calls),
      window_(window),
      now_(now ? std::move(now) : RateLimiter::Now(RateLimiter::Clock::now)) {}

std::chrono::milliseconds CallBudget::take(std::string_view key) {
  auto now = now_();
  if (taken_.size() >= kMaxBudgetKeys && taken_.find(key) == taken_.end()) taken_.clear();
  auto& times = taken_[std::string(key)];
  while (!times.empty() && times.front() + window_ <= now) times.pop_front();
  if (static_cast<int>(times.size()) >= calls_) return up_to(times.front() + window_ - now);
  times.push_back(now);
  return {};
}

}  // namespace openclaw::gateway
