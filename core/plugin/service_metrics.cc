// openclaw.metrics/1
#include "plugin/service_state.h"

namespace openclaw::plugin {
namespace {

void record(oc_host_ctx* ctx, PluginMetrics::Kind kind, oc_str name, oc_str labels, double value) {
  auto services = InstanceServices::of(ctx);
  if (!services) return;
  services->hub().metrics.record(services->id(), kind, view_of(name), view_of(labels), value);
}

void add(oc_host_ctx* ctx, oc_str counter, oc_str labels_json, double delta) {
  record(ctx, PluginMetrics::Kind::kCounter, counter, labels_json, delta);
}
void set(oc_host_ctx* ctx, oc_str gauge, oc_str labels_json, double value) {
  record(ctx, PluginMetrics::Kind::kGauge, gauge, labels_json, value);
}
void observe(oc_host_ctx* ctx, oc_str histogram, oc_str labels_json, double value) {
  record(ctx, PluginMetrics::Kind::kHistogram, histogram, labels_json, value);
}

}  // namespace

const oc_metrics_v1& metrics_table() {
  static constexpr oc_metrics_v1 table{sizeof(oc_metrics_v1), 0, &add, &set, &observe};
  return table;
}

}  // namespace openclaw::plugin
