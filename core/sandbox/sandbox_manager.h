// SandboxManager: decides whether a session's tools run in a sandbox, keeps the sandboxes alive,
// runs commands in them. Knows modes, scopes and workspace access; the backend is a plugin found by
// its id.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "config/config.h"
#include "plugin/plugin_host.h"
#include "result.h"

namespace openclaw::sandbox {

class Settings;

// The resolved answer for one agent and session; pure function of config. `why` says it in a
// sentence.
struct View {
  bool sandboxed = false;
  std::string agent_id, session_key;
  std::string mode, scope,
      scope_key;                 // "off|non-main|all", "session|agent|shared", key of the container
  std::string workspace_access;  // "none|ro|rw"
  std::string backend;           // "docker"
  std::filesystem::path agent_workspace;  // on the host; of a sandbox that all share, the default
                                          // agent's
  std::filesystem::path host_workspace;   // on the host: what the tools see as `workdir` (the agent
                                          // workspace itself when not sandboxed or rw)
  std::string workdir;                    // inside the sandbox: "/workspace"
  bool read_only_files = false;           // workspaceAccess ro: write, edit, apply_patch are off
  json::object spec;                      // what `ensure` of the backend gets
  std::string config_hash;
  // Scope "session": what all of the agent's sandboxes have in common, whoever has them; and how
  // many are to be kept ready.
  std::string spare_hash;
  int spares = 0;
  std::shared_ptr<const Settings> settings;  // never null
  std::string why;
};

struct ExecRequest {
  std::vector<std::string> argv;  // never a shell string; exec builds {"sh","-lc",command}
  std::string cwd;                // inside the sandbox; empty = workdir
  std::vector<std::pair<std::string, std::string>> env;
  bool pty = false;
  bool keep_stdin_open = false;
};

// A running command. Loop thread only. Destroying it kills the command.
class Exec {
 public:
  virtual ~Exec() = default;
  // Waits for the end: {"exitCode":N} or {"signal":N}. kDeadlineExceeded and kCancelled after the
  // whole process tree was killed.
  virtual Awaitable<Result<json::object>> wait(Limits limits) = 0;
  virtual Awaitable<Result<void>> write(std::string data, bool eof, Limits limits) = 0;
  virtual void signal(int signo) = 0;
};
using OutputSink = std::function<void(bool is_stderr, std::string_view data)>;

struct ContainerInfo {  // one line of `sandbox list`
  std::string name, runtime_id, session_key, image, config_hash, state;
  std::string backend;  // who made it
  std::int64_t created_at_ms = 0, last_used_at_ms = 0;
  bool image_matches = true, stale = false;
  bool spare = false;  // nobody's yet
};

// One thing that a backend looked at on this host, in a sentence; `fix` is the command to type.
struct Finding {
  bool ok = false;
  std::string detail, fix;
};

class SandboxBrowsers;

// Loop thread only.
class SandboxManager {
 public:
  static std::unique_ptr<SandboxManager> create(Runtime& runtime, plugin::PluginHost& plugins,
                                                config::ConfigStore& config);
  // With clocks of its own: `now_ms` since 1970, for how old a container is, and `steady_ms`, which
  // nobody sets, for how long it was idle. Empty: the same for both.
  static std::unique_ptr<SandboxManager> create(Runtime& runtime, plugin::PluginHost& plugins,
                                                config::ConfigStore& config,
                                                std::function<std::int64_t()> now_ms,
                                                std::function<std::int64_t()> steady_ms = {});
  virtual ~SandboxManager() = default;
  // `exec`, file tools, `sandbox explain`: the same answer for all.
  virtual View resolve(std::string_view agent_id, std::string_view session_key) const = 0;
  // Starts a command in the session's sandbox, creating it first when needed (one creation at a
  // time per scope). Errors tell what to type: missing daemon, missing image, no permission on the
  // socket.
  virtual Awaitable<Result<std::unique_ptr<Exec>>> exec(View view, ExecRequest request,
                                                        OutputSink output, Limits limits) = 0;
  virtual Awaitable<Result<std::vector<ContainerInfo>>> list(Limits limits) = 0;
  // Removes matching containers so that the next use makes new ones. Empty filters: all.
  virtual Awaitable<Result<std::vector<std::string>>> recreate(std::string session_key,
                                                               std::string agent_id, bool force,
                                                               Limits limits) = 0;
  // What keeps the backend of `view` from making its sandbox, and what is well. Makes nothing;
  // empty when the backend cannot tell.
  virtual Awaitable<Result<std::vector<Finding>>> probe(View view, Limits limits);
  virtual Awaitable<> stop(Deadline deadline) = 0;
  // The browsers of sandboxed sessions, swept and stopped with the rest. Null: a manager without.
  virtual SandboxBrowsers* browsers() { return nullptr; }
  // Keeps as many spare sandboxes ready as the settings say (pool), from now on and in the
  // background; again after the settings have changed. Without it there are none.
  virtual void keep_spares() = 0;
  // Removes what idleHours and maxAgeDays say, what is out of date and idle, and spares that an
  // earlier gateway left. Runs by itself every few minutes; answers the names it removed.
  virtual Awaitable<std::vector<std::string>> sweep() = 0;
};

// Same resolution without a running gateway: the CLI's `sandbox explain`.
View resolve_view(const config::Config& config, const config::Paths& paths,
                  std::string_view agent_id, std::string_view session_key);

}  // namespace openclaw::sandbox
