#include "channel/start_times.h"

#include <algorithm>
#include <cmath>

namespace openclaw::channel {
namespace {

namespace json = boost::json;
constexpr std::size_t kKept = 200;

float in_ms(StartTimes::Duration duration) {
  return std::chrono::duration<float, std::milli>(duration).count();
}

// To the hundredth of a millisecond.
double quantile(std::vector<float>& times, double share) {
  const auto at = std::min(times.size() - 1,
                           static_cast<std::size_t>(static_cast<double>(times.size()) * share));
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(at), times.end());
  return std::round(static_cast<double>(times[at]) * 100) / 100;
}

json::object quantiles(std::vector<float> times) {
  return {{"p50", quantile(times, 0.5)}, {"p99", quantile(times, 0.99)}};
}

}  // namespace

void StartTimes::add(Duration until_stored, Duration until_turn) {
  const Times times{in_ms(until_stored), in_ms(until_turn)};
  if (last_.size() < kKept) {
    last_.push_back(times);
  } else {
    last_[next_++ % kKept] = times;
  }
}

json::value StartTimes::summary() const {
  if (last_.empty()) return nullptr;
  std::vector<float> stored, turn;
  for (const Times& each : last_) {
    stored.push_back(each.stored_ms);
    turn.push_back(each.turn_ms);
  }
  return json::object{{"messages", last_.size()},
                      {"storedMs", quantiles(std::move(stored))},
                      {"turnMs", quantiles(std::move(turn))}};
}

}  // namespace openclaw::channel
