// AgentService: runs turns. One turn at a time per session; later messages steer the running one or
// wait. Slash commands (/help /status /new /stop /model /tools /tool) are answered here for every
// entry point, with or without a model. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/queue_settings.h"
#include "async/runtime.h"
#include "config/config.h"
#include "plugin/plugin_host.h"
#include "sandbox/sandbox_manager.h"
#include "session/session_store.h"
#include "tool/tool_router.h"
#include "workspace/media_stage.h"

namespace openclaw::agent {

struct TurnOrigin {
  enum class Kind { kRpc, kHttp, kChannel, kCli, kSubagent } kind = Kind::kRpc;
  std::string channel, account, to, thread_id;  // where a reply goes, for channels
  std::string chat_type;                        // "direct", "group", "channel"
  std::string group_id, sender_id, sender_name, sender_username;
  std::string device_id;  // of the RPC client; empty when none
  bool is_owner = false;
  bool may_command = true;  // sender is allowed to use slash commands
};

// A file that came with a message and stays where it is until the message has its turn.
struct IncomingFile {
  std::string kind, name, mime;  // what the sender says
  // Asked once. What it answers is read on the blocking pool.
  std::function<Awaitable<Result<workspace::MediaSource>>(Limits)> fetch = {};
};

struct TurnRequest {
  std::string run_id;       // the idempotency key; made up when empty
  std::string session_key;  // canonical
  std::string text;
  json::array attachments;          // [{"mimeType","data"(base64)|"path","name"}]
  std::vector<IncomingFile> files;  // after the attachments
  TurnOrigin origin;
  std::string extra_system_prompt;
  std::string model;  // "provider/model"; empty = the session's or the agent's
  std::string thinking;
  bool steer = true;  // false: wait for the running turn instead of steering it
  // An earlier process began this run and did not end it: go on where its transcript ends.
  bool resume = false;
  bool tools_ran = false;  // with `resume`: that process had come to `before_tools`
  // The caller keeps the run on disk and asks for it again, with `resume`, when the process ends
  // before the run does. Waited for before the first tool starts; no tool starts when it fails.
  std::function<Awaitable<Result<void>>()> before_tools = {};
  // Asked before each call of the model: messages that came meanwhile, each with its own run_id,
  // and that the turn now reads as well. A crash between this and the result: asked for again with
  // `resume`, such a message is "steered" when the transcript has it.
  std::function<Awaitable<std::vector<TurnRequest>>()> more = {};
  Limits limits;
};

struct Usage {
  std::int64_t input = 0, output = 0, cache_read = 0, cache_write = 0;
};

struct TurnResult {
  std::string run_id;
  // "ok", "error", "aborted", "timeout", "steered" (went into a running turn), "cut" (with
  // `resume`: tools had run and nobody can say how far; nothing was done now)
  std::string status;
  std::string text;  // whole reply; empty or NO_REPLY means: say nothing
  std::string error;
  std::string stop_reason;  // "stop", "rpc", "timeout", "max_iterations" ...
  std::string session_id, provider, model;
  Usage usage;
  std::int64_t duration_ms = 0;
  bool was_command = false;  // answered by a slash command
};

// Streams and data as in the gateway protocol, section 8: lifecycle, assistant, tool, thinking,
// compaction.
struct AgentEvent {
  std::string run_id, session_key, stream;
  json::object data;
  std::uint64_t seq = 0;  // per run, from 1
  std::int64_t ts = 0;
};

class AgentService {
 public:
  static std::unique_ptr<AgentService> create(Runtime& runtime, config::ConfigStore& config,
                                              plugin::PluginHost& plugins,
                                              session::SessionStore& sessions,
                                              tool::ToolRouter& tools,
                                              sandbox::SandboxManager& sandboxes);
  virtual ~AgentService() = default;

  // Ends when the turn has ended. Never throws; failures are in the result.
  virtual Awaitable<TurnResult> run(TurnRequest request) = 0;
  // Aborts the run, or every run of the session when `run_id` is empty. Answers the run ids it
  // stopped.
  virtual std::vector<std::string> abort(std::string_view session_key, std::string_view run_id,
                                         std::string_view reason) = 0;
  virtual bool is_running(std::string_view session_key) const = 0;
  virtual std::size_t active_runs() const = 0;
  // What a caller that keeps its own queue does with messages for a session whose turn runs.
  virtual Awaitable<QueueSettings> queue_settings(std::string session_key, std::string channel);

  using Listener = std::function<void(const AgentEvent&)>;
  // Returns an id for unsubscribe.
  virtual std::uint64_t subscribe(Listener listener) = 0;
  virtual void unsubscribe(std::uint64_t id) = 0;

  // {"id","name","provider","contextWindow","reasoning","input"} of every configured or discovered
  // model.
  virtual Awaitable<Result<json::array>> models(Limits limits) = 0;
  virtual Awaitable<> stop(Deadline deadline) = 0;

  // Starts a run that nobody waits for; `done` (may be empty) gets its result. Ends with the
  // service.
  virtual void run_detached(TurnRequest request, std::function<void(const TurnResult&)> done);
  // Whether tools of this session run in a sandbox: a child session must not be less confined than
  // its parent.
  virtual bool is_sandboxed(std::string_view agent_id, std::string_view session_key) const;
};

// sessions_list, sessions_history, sessions_send, sessions_spawn, session_status.
void add_session_tools(tool::ToolRouter& router, AgentService& agents,
                       session::SessionStore& sessions, config::ConfigStore& config);

}  // namespace openclaw::agent
