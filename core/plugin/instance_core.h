// InstanceCore: what of an instance the plugin's threads can reach: its context, the host table,
// its thread and its operations. PluginInstance (plugin_instance.cc) is the loop's face of it.
//
// Shared: the loop, the plugin's thread and jobs between them hold it. A core whose plugin wedged
// or faulted is kept for the life of the process, since the plugin may still call into it.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "plugin/channel_acks.h"
#include "plugin/host_services.h"
#include "plugin/instance_context.h"
#include "plugin/loader.h"
#include "plugin/operation_table.h"
#include "plugin/plugin_thread.h"
#include "plugin/tables.h"

namespace openclaw::plugin {

inline constexpr std::size_t kMaxQueuedCalls = 1024;
inline constexpr std::size_t kMaxRequestBytes = 32 * 1024 * 1024;

struct InstanceSpec {
  std::string plugin_id, account;
  Permissions permissions;
  json::object config;
  std::string state_dir;
  std::vector<std::string> provides;
  LoadedLibrary library;
  int offer_abi_minor = 0;
  WatchLimits watch;
};

class InstanceCore final : public InstanceContext,
                           public std::enable_shared_from_this<InstanceCore> {
 public:
  static std::shared_ptr<InstanceCore> create(Runtime& runtime, HostServices& services,
                                              InstanceSpec spec);

  // InstanceContext
  const std::string& instance_id() const override { return instance_id_; }
  const Permissions& permissions() const override { return spec_.permissions; }
  const json::object& config() const override { return *config_.load(); }
  Runtime& runtime() override { return runtime_; }
  void post_to_plugin(std::function<void()> fn) override;
  bool on_plugin_thread() const override { return thread_->on_this_thread(); }

  const InstanceSpec& spec() const { return spec_; }
  State state() const { return state_.load(); }
  void set_state(State state);  // never leaves kFaulted and kWedged
  bool lost() const;            // faulted or wedged: never called again
  OperationTable& operations() { return *operations_; }
  const KindTables& tables() const { return tables_; }  // fixed once open_instance() has ended

  // Runs on the plugin's thread; the plugin must not be called from elsewhere.
  using Invoke = std::function<oc_status(oc_instance* self, const oc_call* call)>;
  // Queues one operation. The guard of the caller ends it by give_up(). [loop]
  Result<oc_op> begin(const std::string& slot, Invoke invoke, Deadline deadline,
                      Completer<json::value> done, ProgressSink progress,
                      std::function<void(std::uint64_t)> on_accepted);
  // True when it was still open: the plugin is told, and has two seconds. [loop]
  bool give_up(oc_op op);
  // create and get_interface, on the plugin's thread.
  void open_instance(Completer<void> done);
  // destroy, and the end of the thread.
  void close_instance(Completer<void> done);
  // Ends an instance that cannot be destroyed. [loop]
  void leave_behind();
  // A call into the plugin that is no operation (exec_signal, resume). [any-thread]
  void notify(std::string name, std::function<void(oc_instance*)> call);
  // New configuration for config(); the plugin hears of it by reconfigure.
  void set_config(json::object config);
  const std::string& config_json() const { return config_json_; }
  // Delivers OC_CANCELLED to every ack that is due.
  void cancel_acks();

  struct Events {
    std::function<void(json::object event, std::function<void(Code)> ack)> inbound;
    std::function<void(json::object state)> link_state;
  };
  // Where channel events go; cleared before the loop's face is gone. [loop]
  void set_events(Events events) { events_ = std::move(events); }

 private:
  friend struct HostTable;
  InstanceCore(Runtime& runtime, HostServices& services, InstanceSpec spec);
  // Calls into the plugin and turns what it throws into a fault. [plugin thread]
  bool guarded(const std::string& what, const std::function<void()>& call);
  void run_operation(oc_op op, const std::string& slot, const Invoke& invoke,
                     std::uint64_t deadline_ns);
  Result<void> create_plugin();
  void on_lost(State state, std::string why);  // [loop]

  Runtime& runtime_;
  HostServices& services_;
  const InstanceSpec spec_;
  const std::string instance_id_;
  std::string config_json_;
  std::deque<json::object> configs_;  // every one ever: services may still look at an old one
  std::atomic<const json::object*> config_;
  std::atomic<State> state_ = State::kLoaded;
  std::atomic<std::size_t> queued_calls_ = 0;
  oc_host host_{};
  KindTables tables_;
  ChannelAcks acks_;
  Events events_;
  std::shared_ptr<OperationTable> operations_;
  std::unique_ptr<PluginThread> thread_;
  oc_instance* instance_ = nullptr;  // [plugin thread]
};

// The functions of oc_host and openclaw.channel-host/1. Each finds its core through the context.
struct HostTable {
  static oc_host make(InstanceCore& core, int abi_minor);
  static InstanceCore& core_of(oc_host_ctx* ctx);
  static const void* get_service(oc_host_ctx* ctx, const char* id) noexcept;
  static void complete(oc_host_ctx* ctx, oc_op op, oc_status status, oc_str text) noexcept;
  static oc_status progress(oc_host_ctx* ctx, oc_op op, std::uint32_t stream,
                            oc_bytes data) noexcept;
  static void log(oc_host_ctx* ctx, std::int32_t level, oc_str message, oc_str fields) noexcept;
  static oc_status inbound(oc_host_ctx* ctx, oc_str event, oc_ack_fn ack, void* user) noexcept;
  static void link_state(oc_host_ctx* ctx, oc_str state) noexcept;
};

}  // namespace openclaw::plugin
