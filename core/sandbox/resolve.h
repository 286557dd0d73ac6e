// Where the tools of a session run, and the names that everything about one sandbox derives from
// its scope key.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "sandbox/sandbox_manager.h"
#include "sandbox/settings.h"

namespace openclaw::sandbox {

// A folder or container name for a scope key: readable, and never the key itself (keys hold what
// people on channels choose).
std::string derived_name(std::string_view scope_key);
// A session that has this scope; `agent_id` is whose it is. A probe stands for all sessions of an
// agent.
std::string session_in_scope(std::string_view scope_key, std::string_view agent_id);
// Whether the filters of `sandbox recreate` mean this scope. Empty filters: every scope.
// `scope_of_session` is the scope that the session of `session_key` has.
bool scope_is_meant(std::string_view scope_key, std::string_view session_key,
                    std::string_view scope_of_session, std::string_view agent_id);
// Which gateway a container belongs to, when several share one engine.
std::string gateway_id(const config::Paths& paths);
// Where an agent works when nothing confines it.
std::filesystem::path agent_workspace(const config::Config& config, const config::Paths& paths,
                                      std::string_view agent_id);
// The main session of an agent.
bool is_main_session(const json::object& root, std::string_view agent_id,
                     std::string_view session_key);
// The limits of docker.* as a spec has them, whatever the container is for.
void put_limits(json::object& spec, const Settings& settings);
// What `key` ("docker.binds") lists, as mounts of a spec.
json::array bind_mounts(const Settings& settings, std::string_view key);
// The break-glass keys that are set, as a spec has them.
json::object allowances(const Settings& settings);
// SHA-256 (hex) of the value with its keys in order.
std::string canonical_hash(const json::value& value);
// "5000:5000" of the folder, or of this process when the folder does not exist yet.
std::string owner_of(const std::filesystem::path& folder);

// resolve_view() for a gateway, where each tool call asks several times: what was found is kept as
// long as the configuration and the owner of the workspace are the same. Loop thread only.
class ViewCache {
 public:
  View of(const config::Snapshot& config, const config::Paths& paths, std::string_view agent_id,
          std::string_view session_key);

 private:
  struct Known {
    View view;
    std::string owner;
  };
  const Known* current(const std::string& key) const;
  config::Snapshot config_;
  std::map<std::string, std::shared_ptr<const Settings>> settings_;  // by agent
  std::map<std::string, Known> known_;                               // by agent and session
};

}  // namespace openclaw::sandbox
