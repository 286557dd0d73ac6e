// A sandbox backend on the C++ face whose commands are echoes: what the face does with every kind
// of slot, with exceptions and with completions that are forgotten.
#include <map>
#include <stdexcept>

#include <openclaw/plugin.hpp>

#include "openclaw_manifest.h"

namespace {

class Face final : public openclaw::SandboxBackendPlugin {
 public:
  explicit Face(const openclaw::Init& init) : SandboxBackendPlugin(init) {
    if (init.config_json.find("refuse") != std::string_view::npos)
      throw std::invalid_argument("told to refuse");
  }

  void start(openclaw::Completion done) override {
    if (!task().available() || !timer().available() || http().available())
      throw std::runtime_error("wrong services");
    done.ok();
  }
  void cancel(oc_op op) override {
    const auto found = running_.find(op);
    if (found == running_.end()) return;
    found->second.error(OC_CANCELLED, "killed by cancel");
    running_.erase(found);
  }

  void ensure(openclaw::Completion done, std::string_view spec) override {
    done.ok("{\"runtimeId\":" + openclaw::json_string(spec) +
            ",\"workdir\":" + openclaw::json_string(state_dir()) +
            ",\"instance\":" + openclaw::json_string(instance_id()) + "}");
  }
  void exec(openclaw::Completion done, std::string_view runtime, std::string_view exec) override {
    if (exec == "throw") throw std::runtime_error("thrown by exec");
    if (exec == "forget") return;
    if (exec == "time") return done.ok(std::to_string(done.remaining_ms(0)));
    done.progress(OC_STREAM_STDERR, runtime);
    running_.emplace(done.op(), std::move(done));
  }
  void exec_input(openclaw::Completion done, oc_op exec_op, std::string_view data,
                  bool eof) override {
    const auto found = running_.find(exec_op);
    if (found == running_.end()) return done.error(OC_NOT_FOUND, "no such command");
    found->second.progress(OC_STREAM_STDOUT, data);
    if (eof) {
      found->second.ok(R"({"exitCode":0})");
      running_.erase(found);
    }
    done.ok();
  }
  void exec_signal(oc_op exec_op, int signo) override {
    const auto found = running_.find(exec_op);
    if (found == running_.end()) return;
    found->second.ok("{\"signal\":" + std::to_string(signo) + "}");
    running_.erase(found);
  }
  void describe(openclaw::Completion done, std::string_view) override {
    done.error(OC_UNAVAILABLE, "later", 250, "E1");
  }
  void remove(openclaw::Completion done, std::string_view) override { done.ok(); }
  void list(openclaw::Completion done) override { done.ok("[]"); }
  void write_file(openclaw::Completion done, std::string_view runtime, std::string_view path,
                  std::uint64_t blob) override {
    done.ok(openclaw::json_string(std::string(runtime) + std::string(path) + std::to_string(blob)));
  }

 private:
  std::map<oc_op, openclaw::Completion> running_;
};

}  // namespace

OPENCLAW_PLUGIN(Face, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
