// Snowflake: an id of the service. Unsigned 64 bit, written as text in JSON; it holds the time at
// which it was made, so ids compare as numbers and never as texts.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace discord {

// 0 when the text is none.
inline std::uint64_t snowflake(std::string_view text) {
  std::uint64_t id = 0;
  if (text.empty() || text.size() > 20) return 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
  return failure == std::errc() && end == text.data() + text.size() ? id : 0;
}

constexpr std::int64_t kSnowflakeEpochMs = 1'420'070'400'000;

inline std::int64_t snowflake_time_ms(std::uint64_t id) {
  return static_cast<std::int64_t>(id >> 22U) + kSnowflakeEpochMs;
}

}  // namespace discord
