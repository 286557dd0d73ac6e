// openclaw.kv/1: the instance's own keys in the one store.
#include "plugin/service_state.h"

namespace openclaw::plugin {
namespace {

// A callback of either shape as one function; null is fine.
using Answer = std::function<void(oc_status, std::string_view)>;

Answer answer(oc_value_fn fn, void* user) {
  return [fn, user](oc_status status, std::string_view value) {
    if (fn != nullptr) fn(user, status, bytes_of(value));
  };
}
Answer answer(oc_ack_fn fn, void* user) {
  return [fn, user](oc_status status, std::string_view) {
    if (fn != nullptr) fn(user, status);
  };
}

std::shared_ptr<Owed> begin(const std::shared_ptr<InstanceServices>& services,
                            const Answer& answer) {
  auto owed = services->owe(ServiceKind::kKv);
  if (!owed) {
    services->deliver([answer, status = services->refusal()] { answer(status, {}); });
    return nullptr;
  }
  owed->on_release([owed, answer] { owed->finish([answer] { answer(OC_CANCELLED, {}); }); });
  return owed;
}

void end(const std::shared_ptr<Owed>& owed, const Answer& answer, oc_status status,
         std::string value = {}) {
  owed->finish([answer, status, value = std::move(value)] { answer(status, value); });
}

void get(oc_host_ctx* ctx, oc_str key, oc_value_fn fn, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return;
  auto to = answer(fn, user);
  auto owed = begin(services, to);
  if (!owed) return;
  services->hub().kv.get(services->id(), std::string(view_of(key)),
                         [owed, to](Result<std::string> r) {
                           if (r.has_error()) return end(owed, to, status_of(r.error().code));
                           end(owed, to, OC_OK, std::move(*r));
                         });
}

void put(oc_host_ctx* ctx, oc_str key, oc_bytes value, oc_ack_fn fn, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return;
  auto to = answer(fn, user);
  auto owed = begin(services, to);
  if (!owed) return;
  services->hub().kv.put(services->id(), std::string(view_of(key)), std::string(view_of(value)),
                         [owed, to](Result<void> r) {
                           end(owed, to, r.has_error() ? status_of(r.error().code) : OC_OK);
                         });
}

void erase(oc_host_ctx* ctx, oc_str key, oc_ack_fn fn, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return;
  auto to = answer(fn, user);
  auto owed = begin(services, to);
  if (!owed) return;
  services->hub().kv.erase(services->id(), std::string(view_of(key)), [owed, to](Result<void> r) {
    end(owed, to, r.has_error() ? status_of(r.error().code) : OC_OK);
  });
}

void scan(oc_host_ctx* ctx, oc_str prefix, oc_value_fn fn, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return;
  auto to = answer(fn, user);
  auto owed = begin(services, to);
  if (!owed) return;
  services->hub().kv.scan(services->id(), std::string(view_of(prefix)),
                          [owed, to](Result<std::vector<std::string>> r) {
                            if (r.has_error()) return end(owed, to, status_of(r.error().code));
                            json::array keys;
                            for (auto& key : *r) keys.emplace_back(std::move(key));
                            end(owed, to, OC_OK, json::serialize(keys));
                          });
}

}  // namespace

const oc_kv_v1& kv_table() {
  static constexpr oc_kv_v1 table{sizeof(oc_kv_v1), 0, &get, &put, &erase, &scan};
  return table;
}

}  // namespace openclaw::plugin
