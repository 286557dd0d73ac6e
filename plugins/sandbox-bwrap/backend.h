// BwrapBackend: the sandbox backend "bwrap". A sandbox is a mount namespace that descriptors keep,
// a control group and a list of arguments; each command is one bwrap in it, with namespaces of its
// own. There is no daemon and nothing that outlives the gateway, so `ensure` after a restart makes
// the sandbox anew and runs its setup command again.
//
// The ABI asks plugins not to fork; running commands is what this one is for. Everything below
// happens on the loop's thread, the host's calls are only handed over.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "cgroup.h"
#include "command_run.h"
#include "exec_request.h"
#include "io_loop.h"
#include "room.h"
#include "runtime_plan.h"

namespace openclaw::bwrap {

class BwrapBackend final : public SandboxBackendPlugin {
 public:
  explicit BwrapBackend(const Init& init);
  ~BwrapBackend() override;

  void start(Completion done) override;
  void stop(Completion done) override;
  void cancel(oc_op op) override { exec_signal(op, 9); }
  void resume(oc_op op) override;
  void ensure(Completion done, std::string_view spec_json) override;
  void exec(Completion done, std::string_view runtime_id, std::string_view exec_json) override;
  void exec_input(Completion done, oc_op exec_op, std::string_view data, bool eof) override;
  void exec_signal(oc_op exec_op, int signo) override;
  void describe(Completion done, std::string_view runtime_id) override;
  void remove(Completion done, std::string_view runtime_id) override;
  void list(Completion done) override;
  void probe(Completion done, std::string_view spec_json) override;

 private:
  struct Sandbox {
    RuntimePlan plan;
    Room room;
    std::optional<Cgroup> cgroup;  // none: the host does not let us, limits are the process's own
    std::vector<std::string> arguments;
    std::int64_t created_at_ms = 0;
  };
  using SandboxPtr = std::shared_ptr<Sandbox>;
  struct Draft;  // one that `ensure` is making
  struct Removal {
    SandboxPtr sandbox;
    std::vector<Completion> waiting;
  };
  struct Running {
    std::shared_ptr<CommandRun> run;
    SandboxPtr sandbox;
  };

  void hand_over(Completion done, std::function<void(Completion)> job);
  void ensure_now(Completion done, const std::string& spec_json);
  void make(std::shared_ptr<Draft> draft);
  void setup(std::shared_ptr<Draft> draft);
  void finish(Draft& draft);
  Outcome<SandboxPtr> furnished(RuntimePlan plan);
  void exec_now(Completion done, const std::string& id, const std::string& exec_json);
  // Answers the number of the run.
  std::uint64_t run_in(const SandboxPtr& sandbox, const ExecRequest& request, CommandRun::Sink sink,
                       CommandRun::Ended ended);
  CommandRun* run_of(oc_op op);
  void retire(SandboxPtr sandbox, std::vector<Completion> waiting);
  void settle_removals();
  json::object described(const Sandbox& sandbox) const;
  void tell_limits(const Sandbox& sandbox);

  std::string program_, seccomp_;
  std::map<std::string, SandboxPtr> sandboxes_;  // by name, which is the runtime id
  std::map<std::uint64_t, Running> running_;
  std::map<oc_op, std::uint64_t> by_op_;
  std::vector<Removal> removals_;
  std::vector<Completion> stopping_;
  std::set<std::string> told_;  // kinds of limits that were logged
  std::uint64_t last_run_ = 0;
  bool stopped_ = false, swept_ = false;
  IoLoop loop_;  // last: it ends before what its jobs use
};

}  // namespace openclaw::bwrap
