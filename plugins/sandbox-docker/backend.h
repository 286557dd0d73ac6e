// DockerBackend: the sandbox backend "docker". Makes, finds, uses and removes containers that carry
// our label, and touches no others.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "bind_guard.h"
#include "engine.h"
#include "exec_run.h"
#include "flow.h"
#include "outcome.h"

namespace openclaw::docker {

class DockerBackend final : public SandboxBackendPlugin {
 public:
  explicit DockerBackend(const Init& init);

  void stop(Completion done) override;
  void cancel(oc_op op) override;
  void resume(oc_op op) override;
  void ensure(Completion done, std::string_view spec_json) override;
  void exec(Completion done, std::string_view runtime_id, std::string_view exec_json) override;
  void exec_input(Completion done, oc_op exec_op, std::string_view data, bool eof) override;
  void exec_signal(oc_op exec_op, int signo) override;
  void describe(Completion done, std::string_view runtime_id) override;
  void remove(Completion done, std::string_view runtime_id) override;
  void list(Completion done) override;

 private:
  struct Found {
    json::object container;  // of /containers/NAME/json; empty when there is none
    bool exists() const { return !container.empty(); }
  };

  Flow<Nothing> run_ensure(Completion done, std::string spec_json);
  Flow<Outcome<json::object>> ensured(json::object spec, std::uint64_t timeout_ms);
  Flow<Outcome<json::object>> create_new(json::object spec, std::uint64_t timeout_ms);
  Flow<Outcome<Nothing>> run_setup(std::string container, json::object spec,
                                   std::uint64_t timeout_ms);
  Flow<Outcome<Nothing>> map_sources(json::array* mounts);
  Flow<Outcome<Found>> find(std::string name);
  Flow<Outcome<Nothing>> start_container(std::string id);
  Flow<Outcome<Nothing>> delete_container(std::string id);
  Flow<Nothing> run_exec(Completion done, std::shared_ptr<ExecRun> run);
  Flow<Nothing> run_describe(Completion done, std::string id);
  Flow<Nothing> run_remove(Completion done, std::string id);
  Flow<Nothing> run_list(Completion done);
  Outcome<json::object> checked_body(const json::object& spec) const;

  Engine engine_;
  std::map<oc_op, std::shared_ptr<ExecRun>> runs_;
  std::vector<Completion> stopping_;  // waits until the last run has ended
};

// What `ensure`, `describe` and `list` say about a container, from the engine's own description.
json::object runtime_of(const json::object& container);

}  // namespace openclaw::docker
