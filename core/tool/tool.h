// Tool: something an agent can call. Implementations live in the rooms that own the concept
// (workspace, process, agent) or in plugins; they are registered with the ToolRouter and run only
// by it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "async/limits.h"
#include "policy/tool_policy.h"
#include "result.h"

namespace openclaw::tool {

struct ToolSpec {
  std::string name;         // normalised
  std::string label;        // for people: "Run a command"
  std::string description;  // for the model
  json::object parameters;  // JSON Schema of the arguments, additionalProperties false
  std::string group;        // "runtime", "fs", "sessions", "plugins" ...
  std::string plugin_id;    // empty for core tools
  bool owner_only = false;
  bool is_channel_tool = false;
  bool gateway_tool =
      true;  // false: not offered by POST /tools/invoke (exec, process and the file tools)
};

enum class Entry { kAgent, kHttp, kRpc, kCommand, kCli, kSubagent };

// One call: who, where, on whose behalf. Filled by the entry point, never by the model.
struct ToolCall {
  std::string tool;
  json::object args;
  std::string call_id;  // the model's toolCallId, or made up
  std::string run_id;   // empty outside of agent runs
  Entry entry = Entry::kAgent;
  policy::Caller caller;
  // Pieces of output while it runs, for tool events. May be empty. [loop thread]
  std::function<void(const json::object& partial)> on_update;
};

// What the model sees. A tool that ran and failed is a ToolResult with is_error; a tool that could
// not run is an Error.
struct ToolResult {
  json::array
      content;  // [{"type":"text","text":"..."}], images as {"type":"image","data","mimeType"}
  json::object details;
  bool is_error = false;

  static ToolResult text(std::string text, json::object details = {});
  static ToolResult failure(std::string text, json::object details = {});
  std::string joined_text() const;
};

class ToolRouter;

class Tool {
 public:
  virtual ~Tool() = default;
  virtual const ToolSpec& spec() const = 0;

 private:
  friend class ToolRouter;
  // Runs on the loop; arguments were validated against spec().parameters and policy has said yes.
  // Private: the router is the only caller in the program.
  virtual Awaitable<Result<ToolResult>> run(ToolCall call, Limits limits) = 0;
};

}  // namespace openclaw::tool
