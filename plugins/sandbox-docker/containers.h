// Containers: makes, finds, starts and removes the sandbox containers of an engine, and knows which
// of them have our init. Touches only what carries our label. Strand only; owned by the backend.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <openclaw/plugin.hpp>

#include "create_body.h"
#include "engine.h"
#include "flow.h"
#include "init_link.h"
#include "outcome.h"

namespace openclaw::docker {

class Containers {
 public:
  struct Found {
    json::object container;  // of /containers/NAME/json; empty when there is none
    bool exists() const { return !container.empty(); }
  };

  Containers(Plugin& plugin, Engine& engine) : plugin_(plugin), engine_(engine) {}

  Flow<Outcome<Found>> find(std::string name);
  // What `ensure` answers about the new container.
  Flow<Outcome<json::object>> create(json::object spec, std::uint64_t timeout_ms);
  // The spare `id` under the spec's name from now on; what `ensure` answers. Fails when it is none
  // that the spec may have, or does not run.
  Flow<Outcome<json::object>> adopt(std::string id, json::object spec);
  Flow<Outcome<Nothing>> start(std::string id);
  // Starts one that was made for `spec` and does not run. False: it cannot be used as it is and has
  // to be made anew.
  Flow<Outcome<bool>> start_again(json::object container, json::object spec);
  Flow<Outcome<Nothing>> remove(std::string id);

  // Tries how commands get into a container that runs, and adds that to what is known of it.
  Flow<json::object> with_exec_path(json::object container, json::object spec);
  // Null: by the engine's exec.
  std::shared_ptr<InitLink> link(const std::string& id) const;
  void close_links();
  // Whoever has a sandbox removed may have changed what kept our init out of it: an image, a
  // profile.
  void try_init_again() { no_init_.clear(); }

 private:
  Flow<Outcome<std::string>> create_draft(json::object spec, std::string name, bool with_init);
  Flow<Outcome<Nothing>> run_setup(std::string container, json::object spec,
                                   std::uint64_t timeout_ms);
  Flow<Outcome<bool>> mounts_as_checked(json::object container, json::object spec);
  Flow<Outcome<Nothing>> rename(std::string id, std::string name);
  std::string why_no_init(const json::object& spec) const;
  void forget(const std::string& id);

  Plugin& plugin_;
  Engine& engine_;
  std::map<std::string, std::shared_ptr<InitLink>> links_;  // by container id
  // Why containers of an image and profiles cannot have our init.
  std::map<std::string, std::string> no_init_;
};

// What `ensure`, `describe` and `list` say about a container, from the engine's own description.
json::object runtime_of(const json::object& container);
bool is_ours(const json::object& container);
bool is_browser_container(const json::object& container);
// "running", "exited", ...
std::string state_of(const json::object& container);
bool is_spare(const json::object& container);
// The container is what the spec asks for.
bool has_settings_of(const json::object& container, const json::object& spec);

Failure engine_refused(const Reply& reply, const std::string& what);

}  // namespace openclaw::docker
