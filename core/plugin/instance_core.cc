#include "plugin/instance_core.h"

#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

namespace openclaw::plugin {
namespace {

constexpr std::chrono::seconds kCancelGrace{2};

// Cores whose plugin may still run. Deliberately never destroyed.
void keep_forever(std::shared_ptr<InstanceCore> core) {
  static auto* const kept = new std::vector<std::shared_ptr<InstanceCore>>;
  kept->push_back(std::move(core));
}

std::string text_of_error(const oc_error& error) {
  return std::string(error.message, strnlen(error.message, sizeof error.message));
}

}  // namespace

std::shared_ptr<InstanceCore> InstanceCore::create(Runtime& runtime, HostServices& services,
                                                   InstanceSpec spec) {
  auto core = std::shared_ptr<InstanceCore>(new InstanceCore(runtime, services, std::move(spec)));
  const std::weak_ptr<InstanceCore> weak = core;
  core->operations_ =
      std::make_shared<OperationTable>(runtime, core->instance_id_, [weak](oc_op op) {
        auto self = weak.lock();
        if (!self || !self->spec_.library.entry.resume) return;
        self->notify("resume", [entry = &self->spec_.library.entry, op](oc_instance* i) {
          entry->resume(i, op);
        });
      });
  core->thread_ = std::make_unique<PluginThread>(
      runtime, core->instance_id_, core->spec_.watch, [weak](const std::string& job) {
        if (auto self = weak.lock()) {
          self->on_lost(State::kWedged, "does not return from " + job);
        }
      });
  return core;
}

InstanceCore::InstanceCore(Runtime& runtime, HostServices& services, InstanceSpec spec)
    : runtime_(runtime),
      services_(services),
      spec_(std::move(spec)),
      instance_id_(spec_.plugin_id + "/" + spec_.account) {
  set_config(spec_.config);
  host_ = HostTable::make(*this, spec_.offer_abi_minor);
}

void InstanceCore::set_config(json::object config) {
  config_json_ = json::serialize(config);
  configs_.push_back(std::move(config));
  config_ = &configs_.back();
}

void InstanceCore::set_state(State state) {
  State now = state_.load();
  while (now != State::kFaulted && now != State::kWedged &&
         !state_.compare_exchange_weak(now, state)) {
  }
}

bool InstanceCore::lost() const {
  const State now = state_.load();
  return now == State::kFaulted || now == State::kWedged;
}

void InstanceCore::post_to_plugin(std::function<void()> fn) {
  thread_->post("a service callback", [self = shared_from_this(), fn = std::move(fn)] {
    if (!self->lost()) self->guarded("a service callback", fn);
  });
}

void InstanceCore::notify(std::string name, std::function<void(oc_instance*)> call) {
  thread_->post(name, [self = shared_from_this(), name, call = std::move(call)] {
    if (self->lost() || !self->instance_) return;
    self->guarded(name, [&] { call(self->instance_); });
  });
}

bool InstanceCore::guarded(const std::string& what, const std::function<void()>& call) {
  std::string thrown;
  try {
    call();
    return true;
  } catch (const std::exception& e) {
    thrown = e.what();
  } catch (...) {
    thrown = "something that is no std::exception";
  }
  // At once, so that no queued job calls it again; the rest on the loop.
  set_state(State::kFaulted);
  runtime_.post([self = shared_from_this(), why = "threw out of " + what + ": " + thrown] {
    self->on_lost(State::kFaulted, why);
  });
  return false;
}

void InstanceCore::on_lost(State state, std::string why) {
  set_state(state);
  spdlog::error("plugin {} {}; it is not called again until the gateway restarts", instance_id_,
                why);
  operations_->fail_all(make_error(
      Code::kUnavailable,
      "plugin " + instance_id_ + " " + why + "; end the gateway and start it again with: openclaw gateway run"));
  leave_behind();
}

void InstanceCore::leave_behind() {
  thread_->abandon();
  keep_forever(shared_from_this());
}

Result<oc_op> InstanceCore::begin(const std::string& slot, Invoke invoke, Deadline deadline,
                                  Completer<json::value> done, ProgressSink progress,
                                  std::function<void(std::uint64_t)> on_accepted) {
  if (queued_calls_.load() >= kMaxQueuedCalls) {
    return make_error(Code::kResourceExhausted, "plugin " + instance_id_ + " has " +
                                                    std::to_string(kMaxQueuedCalls) +
                                                    " calls waiting; try again later");
  }
  const oc_op op =
      operations_->open({slot, std::move(done), std::move(progress), std::move(on_accepted)});
  ++queued_calls_;
  const bool posted =
      thread_->post(slot, [self = shared_from_this(), op, slot, invoke = std::move(invoke),
                           deadline_ns = deadline.monotonic_ns()] {
        --self->queued_calls_;
        self->run_operation(op, slot, invoke, deadline_ns);
      });
  if (!posted) {
    operations_->give_up(op);
    return make_error(Code::kUnavailable,
                      "plugin " + instance_id_ + " is " + std::string(state_name(state())));
  }
  return op;
}

void InstanceCore::run_operation(oc_op op, const std::string& slot, const Invoke& invoke,
                                 std::uint64_t deadline_ns) {
  if (lost() || !instance_ || !operations_->begin(op)) return;
  oc_call call{};
  call.struct_size = sizeof call;
  call.op = op;
  call.deadline_ns = deadline_ns;
  oc_status status = OC_INTERNAL;
  if (!guarded(slot, [&] { status = invoke(instance_, &call); })) return;
  if (status == OC_OK) {
    operations_->accepted(op);
  } else {
    operations_->rejected(op, status);
  }
}

bool InstanceCore::give_up(oc_op op) {
  if (!operations_->give_up(op)) return false;
  thread_->post("cancel", [self = shared_from_this(), op] {
    if (self->lost() || !self->instance_ || !self->operations_->is_open(op)) return;
    self->guarded("cancel", [&] { self->spec_.library.entry.cancel(self->instance_, op); });
  });
  auto timer = std::make_shared<asio::steady_timer>(runtime_.loop(), kCancelGrace);
  timer->async_wait(
      [operations = std::weak_ptr(operations_), op, timer](const boost::system::error_code&) {
        if (auto table = operations.lock()) table->forget(op);
      });
  return true;
}

Result<void> InstanceCore::create_plugin() {
  const oc_plugin_entry& entry = spec_.library.entry;
  oc_create_args args{};
  args.struct_size = sizeof args;
  args.instance_id = lend(instance_id_);
  args.config_json = lend(config_json_);
  args.state_dir = lend(spec_.state_dir);
  oc_error error{};
  error.struct_size = sizeof error;
  oc_instance* made = nullptr;
  oc_status status = OC_INTERNAL;
  if (!guarded("create", [&] { status = entry.create(&host_, &args, &made, &error); })) {
    return make_error(Code::kInternal, "plugin " + instance_id_ + " threw out of create");
  }
  if (status != OC_OK || !made) {
    const Code code =
        status > OC_OK && status <= OC_INTERNAL ? static_cast<Code>(status) : Code::kInternal;
    const std::string text = text_of_error(error);
    return make_error(code, "plugin " + instance_id_ + " could not be created: " +
                                (text.empty() ? "no reason given" : text));
  }
  instance_ = made;
  for (const std::string& id : spec_.provides) {
    const void* table = nullptr;
    if (!guarded("get_interface", [&] { table = entry.get_interface(instance_, id.c_str()); })) {
      return make_error(Code::kInternal, "plugin " + instance_id_ + " threw out of get_interface");
    }
    if (!tables_.take(id, table)) {
      spdlog::warn("plugin {}: its manifest promises {}, which {}", instance_id_, id,
                   table ? "this host does not know" : "the plugin does not give");
    }
  }
  return {};
}

void InstanceCore::open_instance(Completer<void> done) {
  const bool posted =
      thread_->post("create", [self = shared_from_this(), done] { done(self->create_plugin()); });
  if (!posted) done(make_error(Code::kUnavailable, "plugin " + instance_id_ + " has ended"));
}

void InstanceCore::close_instance(Completer<void> done) {
  const bool posted = thread_->post("destroy", [held = shared_from_this(), done]() mutable {
    auto self = std::move(held);
    self->thread_->close();
    if (auto* instance = std::exchange(self->instance_, nullptr); instance && !self->lost()) {
      self->guarded("destroy", [&] { self->spec_.library.entry.destroy(instance); });
    }
    // Let go first: the last to hold a core joins its thread, and with this answer the loop may end.
    self.reset();
    done(Result<void>());
  });
  if (!posted) done(Result<void>());
}

void InstanceCore::cancel_acks() {
  for (const auto& ack : acks_.take_all()) {
    post_to_plugin([ack] { ack.fn(ack.user, OC_CANCELLED); });
  }
}

}  // namespace openclaw::plugin
