#include "agent/queue_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "agent/fields.h"

namespace openclaw::agent {
namespace {

constexpr std::int64_t kMostDebounceMs = 60'000;
constexpr std::int64_t kMostCap = 1'000;

// The first name of a value is the one that is shown; the others are older ones.
constexpr std::array<std::pair<std::string_view, QueueMode>, 7> kModes{{
    {"steer", QueueMode::kSteer},
    {"followup", QueueMode::kFollowup},
    {"collect", QueueMode::kCollect},
    {"steer-backlog", QueueMode::kSteerBacklog},
    {"interrupt", QueueMode::kInterrupt},
    {"steer+backlog", QueueMode::kSteerBacklog},
    {"queue", QueueMode::kSteer},
}};
constexpr std::array<std::pair<std::string_view, QueueDrop>, 3> kDrops{{
    {"old", QueueDrop::kOld},
    {"new", QueueDrop::kNew},
    {"summarize", QueueDrop::kSummarize},
}};

template <class Table>
auto value_named(const Table& table, std::string_view name) {
  using Value = decltype(table.front().second);
  const auto* found = std::ranges::find(table, name, &Table::value_type::first);
  return found == table.end() ? std::optional<Value>() : std::optional<Value>(found->second);
}

template <class Table, class Value>
std::string_view name_of(const Table& table, Value value) {
  return std::ranges::find(table, value, &Table::value_type::second)->first;
}

std::optional<std::int64_t> whole_number(std::string_view text, std::string_view& rest) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || value < 0) return std::nullopt;
  rest = text.substr(static_cast<std::size_t>(read.ptr - text.data()));
  return value;
}

// "500", "500ms", "2s", "1m".
std::optional<std::int64_t> milliseconds_in(std::string_view text) {
  std::string_view unit;
  const auto value = whole_number(text, unit);
  const std::int64_t each = unit.empty() || unit == "ms" ? 1
                            : unit == "s"                ? 1'000
                            : unit == "m"                ? 60'000
                                                         : 0;
  if (!value || each == 0 || *value > std::numeric_limits<std::int64_t>::max() / each)
    return std::nullopt;
  return *value * each;
}

Error not_understood(std::string_view word) {
  return make_error(
      Code::kInvalidArgument,
      "/queue does not know \"" + std::string(cut_utf8(word, 40)) +
          "\". Usage: /queue [steer | followup | collect | steer-backlog | interrupt] "
          "[debounce:2s] [cap:20] [drop:old|new|summarize], or /queue default");
}

}  // namespace

QueueSettings queue_settings(const config::Config& config, std::string_view channel,
                             const json::object& entry) {
  QueueSettings out;
  const std::string base = "messages.queue.";
  std::string mode = config.get_string(base + "mode");
  std::int64_t debounce = config.get_int(base + "debounceMs", out.debounce_ms);
  if (!channel.empty()) {
    mode = config.get_string(base + "byChannel." + std::string(channel), mode);
    debounce = config.get_int(base + "debounceMsByChannel." + std::string(channel), debounce);
  }
  std::string drop = config.get_string(base + "drop");
  if (const auto own = text_at(entry, "queueMode"); !own.empty()) mode = own;
  if (const auto own = text_at(entry, "queueDrop"); !own.empty()) drop = own;
  out.mode = value_named(kModes, mode).value_or(out.mode);
  out.chosen = !mode.empty();
  out.drop = value_named(kDrops, drop).value_or(out.drop);
  out.debounce_ms =
      std::clamp<std::int64_t>(int_at(entry, "queueDebounceMs", debounce), 0, kMostDebounceMs);
  out.cap = std::clamp<std::int64_t>(
      int_at(entry, "queueCap", config.get_int(base + "cap", out.cap)), 1, kMostCap);
  return out;
}

Result<json::object> parse_queue_command(std::string_view rest) {
  json::object changes;
  for (rest = trimmed(rest); !rest.empty(); rest = trimmed(rest)) {
    const auto end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
    const auto word = rest.substr(0, end);
    rest.remove_prefix(end);
    const auto colon = word.find(':');
    const auto key = word.substr(0, colon);
    const auto value =
        colon == std::string_view::npos ? std::string_view() : word.substr(colon + 1);
    std::string_view after;
    if (word == "default" || word == "reset") {
      for (const char* each : {"queueMode", "queueDebounceMs", "queueCap", "queueDrop"})
        changes[each] = nullptr;
    } else if (const auto mode = value_named(kModes, word)) {
      changes["queueMode"] = name_of(kModes, *mode);
    } else if (const auto ms = milliseconds_in(value); key == "debounce" && ms) {
      changes["queueDebounceMs"] = std::min(*ms, kMostDebounceMs);
    } else if (const auto cap = whole_number(value, after);
               key == "cap" && cap && *cap > 0 && after.empty()) {
      changes["queueCap"] = std::min(*cap, kMostCap);
    } else if (const auto drop = value_named(kDrops, value); key == "drop" && drop) {
      changes["queueDrop"] = name_of(kDrops, *drop);
    } else {
      return not_understood(word);
    }
  }
  return changes;
}

std::string queue_text(const QueueSettings& settings) {
  return std::string(name_of(kModes, settings.mode)) +
         " debounce:" + std::to_string(settings.debounce_ms) +
         "ms cap:" + std::to_string(settings.cap) +
         " drop:" + std::string(name_of(kDrops, settings.drop));
}

}  // namespace openclaw::agent
