#include "plugin/host_services.h"

#include <spdlog/spdlog.h>

#include "plugin/service_state.h"

namespace openclaw::plugin {
namespace {

constexpr std::string_view kHostOwner = "host";
constexpr std::uint64_t kCopyPiece = 1u << 20;

Result<void> fill_blob(storage::BlobStore& blobs, std::uint64_t blob, const BlobContent& content) {
  const std::string owner(kHostOwner);
  for (std::uint64_t offset = 0;;) {
    auto piece = content.read(offset, kCopyPiece);
    if (piece.has_error()) return piece.error();
    if (piece->empty()) return blobs.seal(owner, blob);
    offset += piece->size();
    if (auto added = blobs.append(owner, blob, *piece); added.has_error()) return added.error();
  }
}

class Secrets final : public SecretSource {
 public:
  explicit Secrets(ServiceHub& hub) : hub_(hub) {}
  std::optional<std::string> get(std::string_view name) const override {
    auto value = hub_.secrets.get(name);
    if (value.has_value()) return std::move(*value);
    // There is no way to answer an error here, and a file with loose rights must not go unnoticed.
    if (value.error().code != Code::kNotFound) spdlog::warn("{}", value.error().message);
    return std::nullopt;
  }
  void put_transient(std::string name, std::string value) override {
    hub_.secrets.put_transient(std::move(name), std::move(value));
  }
  Result<void> put(std::string name, std::string value) override {
    return hub_.secrets.put(std::move(name), std::move(value));
  }

 private:
  ServiceHub& hub_;
};

class HostServicesImpl final : public HostServices {
 public:
  HostServicesImpl(Runtime& runtime, const std::filesystem::path& state_dir)
      : runtime_(runtime), hub_(std::make_shared<ServiceHub>(runtime, state_dir)), secrets_(*hub_) {
    publish_hub(runtime_, hub_);
  }
  ~HostServicesImpl() override { withdraw_hub(runtime_); }

  const void* table(std::string_view id) const override;
  Awaitable<> release(InstanceContext& instance, Deadline deadline) override;
  SecretSource& secrets() override { return secrets_; }
  void set_secret_observer(std::function<void(std::string_view)> observer) override {
    hub_->set_observer(std::move(observer));
  }
  std::string metrics_text() const override { return hub_->metrics.text(); }
  Awaitable<Result<std::string>> read_blob(std::uint64_t blob, std::uint64_t max_bytes) override;
  Awaitable<Result<std::uint64_t>> make_blob(std::string bytes, std::string mime) override;
  Result<BlobContent> take_blob(std::uint64_t blob) override;
  Awaitable<Result<std::uint64_t>> copy_to_blob(BlobContent content) override;
  void drop_blob(std::uint64_t blob) override { hub_->blobs.drop(blob); }
  Awaitable<> stop(Deadline deadline) override;

 private:
  Runtime& runtime_;
  std::shared_ptr<ServiceHub> hub_;
  Secrets secrets_;
};

const void* HostServicesImpl::table(std::string_view id) const {
  if (id == OC_TIMER_V1) return &timer_table();
  if (id == OC_TASK_V1) return &task_table();
  if (id == OC_HTTP_V1) return &http_table();
  if (id == OC_WEBSOCKET_V1) return &websocket_table();
  if (id == OC_STREAM_V1) return &stream_table();
  if (id == OC_KV_V1) return &kv_table();
  if (id == OC_BLOB_V1) return &blob_table();
  if (id == OC_SECRETS_V1) return &secrets_table();
  if (id == OC_METRICS_V1) return &metrics_table();
  return nullptr;
}

Awaitable<> HostServicesImpl::release(InstanceContext& instance, Deadline deadline) {
  auto services = InstanceServices::existing(instance);
  if (!services) co_return;
  services->begin_release();
  Limits limits{deadline, {}};
  std::function<void(Completer<void>)> wait_for_work = [services](Completer<void> done) {
    services->when_blocking_idle([done] { done(Result<void>()); });
  };
  auto idle = co_await suspend<void>(runtime_, limits, wait_for_work);
  if (idle.has_error()) {
    spdlog::error("{}: blocking work of the plugin did not end in time", services->id());
  }
  // What was posted before this has run when it runs.
  std::function<void(Completer<void>)> wait_for_calls = [services](Completer<void> done) {
    services->deliver([done] { done(Result<void>()); });
  };
  auto drained = co_await suspend<void>(runtime_, limits, wait_for_calls);
  if (drained.has_error()) {
    spdlog::error("{}: the plugin did not take its last callbacks in time", services->id());
  }
  services->detach();
  hub_->blobs.drop_unsealed(services->id());
}

Awaitable<Result<std::string>> HostServicesImpl::read_blob(std::uint64_t blob, std::uint64_t max_bytes) {
  std::function<Result<std::string>()> work = [hub = hub_, blob,
                                               max_bytes]() -> Result<std::string> {
    auto info = hub->blobs.info(blob);
    if (info.has_error()) return info.error();
    if (info->bytes > max_bytes) {
      return Error(Code::kResourceExhausted, "the blob has " + std::to_string(info->bytes) +
                                                 " bytes, more than the allowed " +
                                                 std::to_string(max_bytes));
    }
    return hub->blobs.read(blob, 0, info->bytes);
  };
  co_return co_await run_blocking<std::string>(runtime_, {}, work);
}

Awaitable<Result<std::uint64_t>> HostServicesImpl::make_blob(std::string bytes, std::string mime) {
  std::function<Result<std::uint64_t>()> work =
      [hub = hub_, bytes = std::move(bytes), mime = std::move(mime)]() -> Result<std::uint64_t> {
    std::string owner(kHostOwner);
    auto blob = hub->blobs.create(owner, mime);
    if (blob.has_error()) return blob.error();
    auto done = hub->blobs.append(owner, *blob, bytes);
    if (done.has_value()) done = hub->blobs.seal(owner, *blob);
    if (done.has_value()) return *blob;
    hub->blobs.drop(*blob);
    return done.error();
  };
  co_return co_await run_blocking<std::uint64_t>(runtime_, {}, work);
}

Awaitable<Result<std::uint64_t>> HostServicesImpl::copy_to_blob(BlobContent content) {
  std::function<Result<std::uint64_t>()> work =
      [hub = hub_, content = std::move(content)]() -> Result<std::uint64_t> {
    auto blob = hub->blobs.create(std::string(kHostOwner), content.mime);
    if (blob.has_error()) return blob.error();
    auto filled = fill_blob(hub->blobs, *blob, content);
    if (filled.has_value()) return *blob;
    hub->blobs.drop(*blob);
    return filled.error();
  };
  Limits none;
  co_return co_await run_blocking<std::uint64_t>(runtime_, none, std::move(work));
}

Result<BlobContent> HostServicesImpl::take_blob(std::uint64_t blob) {
  auto info = hub_->blobs.info(blob);
  if (info.has_error()) return info.error();
  if (!info->sealed) return Error(Code::kFailedPrecondition, "the blob is not sealed yet");
  BlobContent out;
  out.bytes = info->bytes;
  out.mime = info->mime;
  std::shared_ptr<ServiceHub> taken(hub_.get(), [hub = hub_, blob](ServiceHub*) { hub->blobs.drop(blob); });
  out.read = [taken, blob](std::uint64_t offset, std::uint64_t count) {
    return taken->blobs.read(blob, offset, count);
  };
  return out;
}

Awaitable<> HostServicesImpl::stop(Deadline deadline) {
  withdraw_hub(runtime_);
  co_await hub_->websockets.stop(deadline);
  co_await hub_->streams.stop(deadline);
  if (!hub_->http.started() && !hub_->kv.used()) co_return;
  // Both wait for a thread of theirs.
  std::function<Result<bool>()> work = [hub = hub_]() -> Result<bool> {
    hub->http.stop();
    hub->kv.close();
    return true;
  };
  Limits limits{deadline, {}};
  co_await run_blocking<bool>(runtime_, limits, work);
}

}  // namespace

std::unique_ptr<HostServices> HostServices::create(Runtime& runtime,
                                                   std::filesystem::path state_dir) {
  return std::make_unique<HostServicesImpl>(runtime, state_dir);
}

}  // namespace openclaw::plugin
