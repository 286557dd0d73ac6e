// The loop's face of one instance. PluginHost owns it. [loop]
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugin/instance_core.h"
#include "plugin/plugin_host.h"

namespace openclaw::plugin {

// One operation from the loop into the plugin; answers at the latest when the limits end.
Awaitable<Result<json::value>> operate(std::shared_ptr<InstanceCore> core, std::string slot,
                                       InstanceCore::Invoke invoke, Limits limits,
                                       ProgressSink progress,
                                       std::function<void(std::uint64_t)> on_accepted);

class InstanceFace final : public PluginInstance {
 public:
  InstanceFace(std::shared_ptr<const Manifest> manifest, std::shared_ptr<InstanceCore> core);
  ~InstanceFace() override;

  const std::string& id() const override { return core_->instance_id(); }
  const std::string& account() const override { return core_->spec().account; }
  const Manifest& manifest() const override { return *manifest_; }
  State state() const override { return core_->state(); }
  OperationCounts counts() const override { return core_->operations().counts(); }
  bool provides(std::string_view interface_id) const override {
    return core_->tables().has(interface_id);
  }
  Runtime& runtime() override { return core_->runtime(); }
  Awaitable<Result<json::value>> call(std::string slot, std::vector<std::string> texts,
                                      Limits limits, ProgressSink progress,
                                      std::function<void(std::uint64_t op)> on_accepted) override;
  Awaitable<Result<json::value>> exec_input(std::uint64_t exec_op, std::string data, bool eof,
                                            Limits limits) override;
  void exec_signal(std::uint64_t exec_op, int signo) override;
  Awaitable<Result<json::value>> write_file(std::string runtime_id, std::string path,
                                            std::uint64_t blob, Limits limits) override;
  Awaitable<Result<json::value>> webhook(std::string request_json, std::string body,
                                         Limits limits) override;
  void resume(std::uint64_t op) override { core_->operations().resume(op); }

  // Life cycle, driven by PluginHost.
  Awaitable<Result<void>> start(Limits limits);
  Awaitable<Result<void>> reconfigure(json::object config, Limits limits);
  bool can_reconfigure() const { return core_->spec().library.entry.reconfigure != nullptr; }
  // stop, release of the services, destroy. Afterwards the core is of no more use.
  Awaitable<Result<void>> shut_down(HostServices& services, Limits limits);
  const std::shared_ptr<InstanceCore>& core() const { return core_; }
  // After shut_down: a new core takes the place of the old.
  void replace_core(std::shared_ptr<InstanceCore> core);

 private:
  Result<void> ready(const std::string& slot) const;
  std::shared_ptr<const Manifest> manifest_;
  std::shared_ptr<InstanceCore> core_;
  bool start_called_ = false;
  bool shut_down_ = false;
};

}  // namespace openclaw::plugin
