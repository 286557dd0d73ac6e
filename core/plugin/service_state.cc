#include "plugin/service_state.h"

#include <vector>

namespace openclaw::plugin {
namespace {

// Blocking jobs of one instance that run at once: it must not take the whole pool.
constexpr std::size_t kBlockingAtOnce = 2;

std::size_t bound_of(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kHttp:
      return 64;
    case ServiceKind::kWebSocket:
      return 16;
    case ServiceKind::kStream:
      return 1024;  // mostly silent: one per sandbox, say
    case ServiceKind::kKv:
      return 256;
    case ServiceKind::kBlob:
      return 64;
    case ServiceKind::kSecret:
      return 64;
    case ServiceKind::kBlocking:
      return 64;
    case ServiceKind::kCount:
      break;
  }
  return 0;
}

struct Registry {
  std::mutex mutex;
  std::map<const Runtime*, std::weak_ptr<ServiceHub>> hubs;
};
Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

ServiceHub::ServiceHub(Runtime& rt, const std::filesystem::path& state_dir)
    : runtime(rt),
      secrets(state_dir / "secrets.json"),
      blobs(state_dir / "blobs"),
      kv(rt, state_dir / "kv.db"),
      http(rt),
      websockets(rt),
      streams(rt) {}

void ServiceHub::observe_secret(std::string_view text) {
  std::lock_guard lock(observer_mutex_);
  if (observer_) observer_(text);
}

void ServiceHub::set_observer(std::function<void(std::string_view)> observer) {
  {
    std::lock_guard lock(observer_mutex_);
    observer_ = observer;
  }
  secrets.set_observer(std::move(observer));
}

void publish_hub(const Runtime& runtime, const std::shared_ptr<ServiceHub>& hub) {
  std::lock_guard lock(registry().mutex);
  registry().hubs[&runtime] = hub;
}

void withdraw_hub(const Runtime& runtime) {
  std::lock_guard lock(registry().mutex);
  registry().hubs.erase(&runtime);
}

void Owed::event(std::function<void()> call) {
  services_->deliver([self = shared_from_this(), call = std::move(call)] {
    if (!self->ended_) call();
  });
}

void Owed::finish(std::function<void()> call) {
  services_->deliver([self = shared_from_this(), call = std::move(call)] {
    if (std::exchange(self->ended_, true)) return;
    self->services_->forget(*self);
    call();
  });
}

void Owed::on_release(std::function<void()> cancel) {
  {
    std::lock_guard lock(services_->mutex);
    if (forgotten_) return;
    if (!services_->released_) {
      cancel_ = std::move(cancel);
      return;
    }
  }
  cancel();
}

void Owed::abandon() {
  services_->forget(*this);
}

InstanceServices::InstanceServices(InstanceContext& context, std::shared_ptr<ServiceHub> hub)
    : hub_(std::move(hub)), id_(context.instance_id()), context_(&context) {}

std::shared_ptr<InstanceServices> InstanceServices::existing(InstanceContext& context) {
  auto& slot = context.service_slot();
  std::lock_guard lock(slot.mutex);
  return std::static_pointer_cast<InstanceServices>(slot.state);
}

std::shared_ptr<InstanceServices> InstanceServices::of(oc_host_ctx* ctx) {
  if (ctx == nullptr) return nullptr;
  auto& context = *reinterpret_cast<InstanceContext*>(ctx);
  auto& slot = context.service_slot();
  std::lock_guard lock(slot.mutex);
  if (!slot.state) {
    std::shared_ptr<ServiceHub> hub;
    {
      std::lock_guard registry_lock(registry().mutex);
      auto found = registry().hubs.find(&context.runtime());
      if (found != registry().hubs.end()) hub = found->second.lock();
    }
    if (!hub) return nullptr;
    slot.state = std::make_shared<InstanceServices>(context, std::move(hub));
  }
  return std::static_pointer_cast<InstanceServices>(slot.state);
}

net::EgressGuard InstanceServices::guard() const {
  const auto& granted = permissions();
  return net::EgressGuard(granted.net, config(), granted.private_network);
}

std::string InstanceServices::proxy() const {
  const std::string& key = permissions().proxy_key;
  const auto* value = key.empty() ? nullptr : config().if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

void InstanceServices::deliver(std::function<void()> call) {
  std::lock_guard lock(context_mutex_);
  if (!detached_) context_->post_to_plugin(std::move(call));
}

bool InstanceServices::released() const {
  std::lock_guard lock(mutex);
  return released_;
}

std::shared_ptr<Owed> InstanceServices::owe(ServiceKind kind) {
  std::lock_guard lock(mutex);
  auto& count = counts_[static_cast<std::size_t>(kind)];
  if (released_ || count >= bound_of(kind)) return nullptr;
  ++count;
  auto ticket = next_ticket_++;
  auto owed = std::make_shared<Owed>(shared_from_this(), kind, ticket);
  owed_.emplace(ticket, owed);
  return owed;
}

void InstanceServices::forget(Owed& owed) {
  std::function<void()> cancel, cleanup;  // destroyed after the lock
  std::shared_ptr<Owed> self;
  {
    std::lock_guard lock(mutex);
    auto node = owed_.extract(owed.ticket_);
    if (!node.empty()) self = std::move(node.mapped());
    --counts_[static_cast<std::size_t>(owed.kind_)];
    owed.forgotten_ = true;
    cancel = std::move(owed.cancel_);
    cleanup = std::move(owed.cleanup_);
  }
  if (cleanup) cleanup();
}

void InstanceServices::run_blocking(Blocking job) {
  {
    std::lock_guard lock(mutex);
    if (blocking_running_ >= kBlockingAtOnce) {
      blocking_.push_back(std::move(job));
      return;
    }
    ++blocking_running_;
  }
  start_blocking(std::move(job));
}

void InstanceServices::start_blocking(Blocking job) {
  hub_->runtime.post_blocking([self = shared_from_this(), job = std::move(job)] {
    job.work(job.user);
    job.owed->finish([done = job.done, user = job.user] {
      if (done != nullptr) done(user);
    });
    std::optional<Blocking> next;
    std::function<void()> idle;
    {
      std::lock_guard lock(self->mutex);
      if (!self->blocking_.empty()) {
        next = std::move(self->blocking_.front());
        self->blocking_.pop_front();
      } else if (--self->blocking_running_ == 0) {
        idle = std::move(self->blocking_idle_);
      }
    }
    if (next) self->start_blocking(std::move(*next));
    if (idle) idle();
  });
}

void InstanceServices::when_blocking_idle(std::function<void()> then) {
  {
    std::lock_guard lock(mutex);
    if (blocking_running_ > 0) {
      blocking_idle_ = std::move(then);
      return;
    }
  }
  then();
}

void InstanceServices::begin_release() {
  std::vector<std::function<void()>> cancels;
  {
    std::lock_guard lock(mutex);
    released_ = true;
    for (auto& [ticket, owed] : owed_) {
      if (owed->cancel_) cancels.push_back(std::move(owed->cancel_));
    }
  }
  disarm_all(*this);
  for (auto& cancel : cancels) cancel();
}

void InstanceServices::detach() {
  {
    std::lock_guard lock(context_mutex_);
    detached_ = true;
  }
  // What was never answered because the plugin's thread does not run any more.
  std::map<std::uint64_t, std::shared_ptr<Owed>> owed;
  std::vector<std::function<void()>> cancels;  // each may hold its Owed
  std::lock_guard lock(mutex);
  owed.swap(owed_);
  for (auto& [ticket, one] : owed) cancels.push_back(std::move(one->cancel_));
}

Result<net::HttpHeaders> parse_headers(std::string_view headers_json) {
  net::HttpHeaders headers;
  if (headers_json.empty()) return headers;
  Error wrong(Code::kInvalidArgument, "headers_json is not an object of texts");
  boost::system::error_code failure;
  auto document = json::parse(json::string_view(headers_json.data(), headers_json.size()), failure);
  if (failure || !document.is_object()) return wrong;
  for (const auto& [name, value] : document.get_object()) {
    if (value.is_string()) {
      headers.emplace_back(std::string(name), std::string(value.get_string()));
    } else if (value.is_array()) {
      for (const auto& one : value.get_array()) {
        if (!one.is_string()) return wrong;
        headers.emplace_back(std::string(name), std::string(one.get_string()));
      }
    } else {
      return wrong;
    }
  }
  if (headers.size() > 100) return Error(Code::kInvalidArgument, "more than 100 headers");
  return headers;
}

}  // namespace openclaw::plugin
