#include "plugin/plugin_metrics.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <boost/json.hpp>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace openclaw::plugin {
namespace {

using Labels = std::map<std::string, std::string>;

constexpr std::size_t kLabels = 8;
constexpr std::size_t kLabelBytes = 64;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 100 && !(text[0] >= '0' && text[0] <= '9') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

bool parse_labels(std::string_view labels_json, Labels* out) {
  if (labels_json.empty()) return true;
  boost::system::error_code failure;
  auto document =
      boost::json::parse(boost::json::string_view(labels_json.data(), labels_json.size()), failure);
  if (failure || !document.is_object() || document.get_object().size() > kLabels) return false;
  for (const auto& [name, value] : document.get_object()) {
    // Names that Prometheus keeps for itself, and ours.
    bool taken = name == "instance" || name == "le" || name == "quantile" || name.starts_with("__");
    if (!is_name(std::string_view(name.data(), name.size())) || taken || !value.is_string()) {
      return false;
    }
    (*out)[std::string(name)] = std::string(value.get_string()).substr(0, kLabelBytes);
  }
  return true;
}

}  // namespace

struct PluginMetrics::Impl {
  struct Name {
    Kind kind;
    prometheus::Family<prometheus::Counter>* counter = nullptr;
    prometheus::Family<prometheus::Gauge>* gauge = nullptr;
    prometheus::Family<prometheus::Histogram>* histogram = nullptr;
  };
  prometheus::Registry registry;
  std::map<std::string, Name> names;
  std::map<std::string, std::set<std::pair<std::string, Labels>>> series;  // by instance

  Name* name_of(const std::string& name, Kind kind) {
    auto found = names.find(name);
    if (found != names.end()) return found->second.kind == kind ? &found->second : nullptr;
    if (names.size() >= kNames) return nullptr;
    Name entry{kind, nullptr, nullptr, nullptr};
    const std::string help = "reported by plugins";
    switch (kind) {
      case Kind::kCounter:
        entry.counter = &prometheus::BuildCounter().Name(name).Help(help).Register(registry);
        break;
      case Kind::kGauge:
        entry.gauge = &prometheus::BuildGauge().Name(name).Help(help).Register(registry);
        break;
      case Kind::kHistogram:
        entry.histogram = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
        break;
    }
    return &names.emplace(name, entry).first->second;
  }
};

PluginMetrics::PluginMetrics() = default;
PluginMetrics::~PluginMetrics() = default;

bool PluginMetrics::record(const std::string& instance, Kind kind, std::string_view name,
                           std::string_view labels_json, double value) {
  Labels labels;
  if (!is_name(name) || !std::isfinite(value) || !parse_labels(labels_json, &labels)) return false;
  if (kind == Kind::kCounter && value < 0) return false;
  // One prefix keeps plugins away from the gateway's own names.
  auto full = std::string(name.rfind("openclaw_plugin_", 0) == 0 ? "" : "openclaw_plugin_") +
              std::string(name);
  labels["instance"] = instance;
  std::lock_guard lock(mutex_);
  if (!impl_) impl_ = std::make_unique<Impl>();
  auto& series = impl_->series[instance];
  auto key = std::pair(full, labels);
  bool known = series.count(key) != 0;
  if (!known && series.size() >= kSeriesPerInstance) return false;
  auto* entry = impl_->name_of(full, kind);
  if (entry == nullptr) return false;
  if (!known) series.insert(std::move(key));
  static const prometheus::Histogram::BucketBoundaries kBuckets{0.001, 0.005, 0.01, 0.05, 0.1, 0.5,
                                                                1,     5,     10,   60,   300};
  switch (kind) {
    case Kind::kCounter:
      entry->counter->Add(labels).Increment(value);
      break;
    case Kind::kGauge:
      entry->gauge->Add(labels).Set(value);
      break;
    case Kind::kHistogram:
      entry->histogram->Add(labels, kBuckets).Observe(value);
      break;
  }
  return true;
}

std::string PluginMetrics::text() const {
  std::lock_guard lock(mutex_);
  if (!impl_) return {};
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace openclaw::plugin
