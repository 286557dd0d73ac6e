// openclaw.task/1: calls on the plugin's thread, and work on the blocking pool.
#include "plugin/service_state.h"

namespace openclaw::plugin {
namespace {

void post(oc_host_ctx* ctx, oc_task_fn fn, void* user) {
  auto services = InstanceServices::of(ctx);
  if (services && fn != nullptr) services->deliver([fn, user] { fn(user); });
}

// There is no status to cancel with, so what was accepted runs to its end, also during release.
oc_status run_blocking(oc_host_ctx* ctx, oc_task_fn work, oc_task_fn done, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return OC_UNAVAILABLE;
  if (work == nullptr) return OC_INVALID_ARGUMENT;
  auto owed = services->owe(ServiceKind::kBlocking);
  if (!owed) return services->refusal();
  services->run_blocking({work, done, user, std::move(owed)});
  return OC_OK;
}

}  // namespace

const oc_task_v1& task_table() {
  static constexpr oc_task_v1 table{sizeof(oc_task_v1), 0, &post, &run_blocking};
  return table;
}

}  // namespace openclaw::plugin
