// PluginMetrics: numbers that plugins report, as Prometheus text. The count of series is bounded
// per instance: a label with free text must not eat the memory. [any-thread]
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace openclaw::plugin {

class PluginMetrics {
 public:
  enum class Kind { kCounter, kGauge, kHistogram };
  PluginMetrics();
  ~PluginMetrics();

  // False when it was dropped: a bad name or label, another kind under this name, too many series.
  bool record(const std::string& instance, Kind kind, std::string_view name,
              std::string_view labels_json, double value);
  std::string text() const;

  static constexpr std::size_t kSeriesPerInstance = 200;
  static constexpr std::size_t kNames = 500;

 private:
  struct Impl;
  mutable std::mutex mutex_;
  std::unique_ptr<Impl> impl_;  // made by the first record()
};

}  // namespace openclaw::plugin
