// DockerBackend: the sandbox backend "docker". Makes, finds, uses and removes containers that carry
// our label, and touches no others.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "containers.h"
#include "engine.h"
#include "flow.h"
#include "outcome.h"
#include "run.h"

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
  void probe(Completion done, std::string_view spec_json) override;

 private:
  Flow<Nothing> run_ensure(Completion done, std::string spec_json);
  Flow<Outcome<json::object>> ensured(json::object spec, std::uint64_t timeout_ms);
  Flow<Nothing> run_exec(Completion done, std::shared_ptr<Run> run);
  Flow<Nothing> run_describe(Completion done, std::string id);
  Flow<Nothing> run_remove(Completion done, std::string id);
  Flow<Nothing> run_list(Completion done);
  Flow<Nothing> run_probe(Completion done, json::object spec);

  Engine engine_;
  Containers containers_;
  std::map<oc_op, std::shared_ptr<Run>> runs_;
  std::vector<Completion> stopping_;  // waits until the last run has ended
};

}  // namespace openclaw::docker
