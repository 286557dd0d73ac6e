// openclaw.blob/1: attachments by handle. append() writes on the caller's thread, which is the
// plugin's.
#include <cstring>

#include "plugin/service_state.h"

namespace openclaw::plugin {
namespace {

constexpr std::uint32_t kMaxRead = 4u << 20;

void create(oc_host_ctx* ctx, oc_str mime, oc_value_fn fn, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services || fn == nullptr) return;
  auto owed = services->owe(ServiceKind::kBlob);
  if (!owed) {
    services->deliver([fn, user, status = services->refusal()] { fn(user, status, {nullptr, 0}); });
    return;
  }
  auto blob = services->hub().blobs.create(services->id(), std::string(view_of(mime)));
  owed->finish([fn, user, blob] {
    if (blob.has_error()) return fn(user, status_of(blob.error().code), {nullptr, 0});
    uint8_t bytes[sizeof(std::uint64_t)];
    std::memcpy(bytes, &*blob, sizeof bytes);
    fn(user, OC_OK, {bytes, sizeof bytes});
  });
}

oc_status append(oc_host_ctx* ctx, uint64_t blob, oc_bytes data) {
  auto services = InstanceServices::of(ctx);
  if (!services) return OC_UNAVAILABLE;
  auto done = services->hub().blobs.append(services->id(), blob, view_of(data));
  return done.has_error() ? status_of(done.error().code) : OC_OK;
}

void seal(oc_host_ctx* ctx, uint64_t blob, oc_ack_fn fn, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return;
  auto done = services->hub().blobs.seal(services->id(), blob);
  auto status = done.has_error() ? status_of(done.error().code) : OC_OK;
  if (fn != nullptr) services->deliver([fn, user, status] { fn(user, status); });
}

void read(oc_host_ctx* ctx, uint64_t blob, uint64_t offset, uint32_t len, oc_value_fn fn,
          void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services || fn == nullptr) return;
  auto owed = services->owe(ServiceKind::kBlob);
  if (!owed) {
    services->deliver([fn, user, status = services->refusal()] { fn(user, status, {nullptr, 0}); });
    return;
  }
  owed->on_release([owed, fn, user] {
    owed->finish([fn, user] { fn(user, OC_CANCELLED, {nullptr, 0}); });
  });
  auto& hub = services->hub();
  hub.runtime.post_blocking([services, owed, blob, offset, len, fn, user] {
    auto data = services->hub().blobs.read(blob, offset, std::min(len, kMaxRead));
    owed->finish([fn, user, data = std::move(data)] {
      if (data.has_error()) return fn(user, status_of(data.error().code), {nullptr, 0});
      fn(user, OC_OK, bytes_of(*data));
    });
  });
}

void drop(oc_host_ctx* ctx, uint64_t blob) {
  auto services = InstanceServices::of(ctx);
  if (services) services->hub().blobs.drop(services->id(), blob);
}

}  // namespace

const oc_blob_v1& blob_table() {
  static constexpr oc_blob_v1 table{sizeof(oc_blob_v1), 0, &create, &append, &seal, &read, &drop};
  return table;
}

}  // namespace openclaw::plugin
