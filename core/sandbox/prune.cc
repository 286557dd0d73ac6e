#include "sandbox/prune.h"

#include <algorithm>

namespace openclaw::sandbox {

namespace {
constexpr double kHourMs = 3600e3;
constexpr std::int64_t kHotMs = 300'000;
}  // namespace

PruneRule prune_rule(const Settings& settings) {
  auto number = [&](std::string_view key) {
    const json::value& value = settings.at(key).value;
    return value.is_number() ? value.to_number<double>() : 0.0;
  };
  return {number("prune.idleHours"), number("prune.maxAgeDays")};
}

bool should_prune(const PruneRule& rule, std::int64_t now_ms, std::int64_t created_at_ms,
                  std::int64_t last_used_at_ms) {
  auto idle = static_cast<double>(now_ms - std::max(last_used_at_ms, created_at_ms));
  auto age = static_cast<double>(now_ms - created_at_ms);
  bool too_idle = rule.idle_hours > 0 && idle > rule.idle_hours * kHourMs;
  bool too_old = rule.max_age_days > 0 && age > rule.max_age_days * 24 * kHourMs;
  return too_idle || too_old;
}

bool is_hot(std::int64_t now_ms, std::int64_t last_used_at_ms) {
  return now_ms - last_used_at_ms < kHotMs;
}

}  // namespace openclaw::sandbox
