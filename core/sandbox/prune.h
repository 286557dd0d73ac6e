// When a container has outlived its use. Pure.
#pragma once

#include <cstdint>

#include "sandbox/settings.h"

namespace openclaw::sandbox {

struct PruneRule {
  double idle_hours = 24;   // 0: never by idleness
  double max_age_days = 7;  // 0: never by age
};

PruneRule prune_rule(const Settings& settings);
bool should_prune(const PruneRule& rule, std::int64_t now_ms, std::int64_t created_at_ms,
                  std::int64_t last_used_at_ms);
// Used so lately that a change of settings does not replace it.
bool is_hot(std::int64_t now_ms, std::int64_t last_used_at_ms);

}  // namespace openclaw::sandbox
