#include "workspace/file_tools.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "workspace/file_operations.h"
#include "workspace/text_window.h"

namespace openclaw::workspace {
namespace {

using tool::ToolResult;

json::object text_field(std::string_view description) {
  return {{"type", "string"}, {"description", description}};
}
json::object line_field(std::string_view description) {
  return {{"type", "integer"}, {"minimum", 1}, {"description", description}};
}

// The first of `names` that the arguments have. Models trained on other programs use other names.
std::optional<std::string> text_of(const json::object& args,
                                   std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) {
    const json::value* value = args.if_contains(name);
    if (value != nullptr && value->is_string()) return std::string(value->as_string());
  }
  return std::nullopt;
}
std::uint64_t number_of(const json::object& args, std::string_view name, std::uint64_t otherwise) {
  const json::value* value = args.if_contains(name);
  return value != nullptr && value->is_int64() && value->as_int64() > 0
             ? static_cast<std::uint64_t>(value->as_int64())
             : otherwise;
}

using Operation = std::function<Result<ToolResult>(FileScope&, const json::object& args)>;

struct Shared {
  sandbox::SandboxManager& sandboxes;
  Runtime& runtime;
  config::ConfigStore* config;
};

class FileTool final : public tool::Tool {
 public:
  FileTool(Shared shared, std::string name, std::string label, std::string description,
           json::object properties, Operation operation)
      : shared_(shared), operation_(std::move(operation)) {
    spec_.name = std::move(name);
    spec_.label = std::move(label);
    spec_.description = std::move(description);
    spec_.parameters = json::object{
        {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    spec_.group = "fs";
    spec_.gateway_tool = false;
  }
  const tool::ToolSpec& spec() const override { return spec_; }

 private:
  Awaitable<Result<ToolResult>> run(tool::ToolCall call, Limits limits) override;

  Shared shared_;
  Operation operation_;
  tool::ToolSpec spec_;
};

Awaitable<Result<ToolResult>> FileTool::run(tool::ToolCall call, Limits limits) {
  bool whole = false;
  if (shared_.config != nullptr && call.caller.is_owner) {
    whole = !workspace_only(shared_.config->current()->root(), call.caller.agent_id);
  }
  sandbox::View view = shared_.sandboxes.resolve(call.caller.agent_id, call.caller.session_key);
  // The policy judged this call as a sandboxed one; it must not end on the host.
  if (call.caller.sandboxed && !view.sandboxed) {
    co_return Error(Code::kUnavailable, "the sandbox settings changed during this call; try again");
  }
  std::function<Result<ToolResult>()> work = [operation = operation_, view = std::move(view), whole,
                                              args = std::move(call.args)] {
    FileScope scope(view, whole);
    return operation(scope, args);
  };
  co_return co_await run_blocking<ToolResult>(shared_.runtime, std::move(limits), std::move(work));
}

Result<ToolResult> missing(std::string_view what) {
  return Error(Code::kInvalidArgument, "argument " + std::string(what) + " (string) is missing");
}

Result<ToolResult> run_read(FileScope& scope, const json::object& args) {
  auto path = text_of(args, {"path", "file_path"});
  if (!path) return missing("path");
  return read_file(scope, *path, number_of(args, "offset", 1),
                   number_of(args, "limit", kWindowLines));
}

Result<ToolResult> run_write(FileScope& scope, const json::object& args) {
  auto path = text_of(args, {"path", "file_path"});
  auto content = text_of(args, {"content"});
  if (!path) return missing("path");
  if (!content) return missing("content");
  return write_file(scope, *path, *content);
}

Result<ToolResult> run_edit(FileScope& scope, const json::object& args) {
  auto path = text_of(args, {"path", "file_path"});
  auto old_text = text_of(args, {"oldText", "old_string"});
  auto new_text = text_of(args, {"newText", "new_string"});
  if (!path) return missing("path");
  if (!old_text) return missing("oldText");
  if (!new_text) return missing("newText");
  return edit_file(scope, *path, *old_text, *new_text);
}

Result<ToolResult> run_patch(FileScope& scope, const json::object& args) {
  auto input = text_of(args, {"input", "patch"});
  if (!input) return missing("input");
  return apply_patch(scope, *input);
}

}  // namespace

bool workspace_only(const json::object& config, std::string_view agent_id) {
  auto flag = [](const json::value* tools) -> std::optional<bool> {
    const json::object* object = tools ? tools->if_object() : nullptr;
    const json::value* fs = object ? object->if_contains("fs") : nullptr;
    const json::value* only =
        fs && fs->is_object() ? fs->as_object().if_contains("workspaceOnly") : nullptr;
    if (only == nullptr || !only->is_bool()) return std::nullopt;
    return only->as_bool();
  };
  const json::value* agents = config.if_contains("agents");
  const json::value* list =
      agents && agents->is_object() ? agents->as_object().if_contains("list") : nullptr;
  if (list != nullptr && list->is_array()) {
    for (const json::value& agent : list->as_array()) {
      const json::value* id = agent.is_object() ? agent.as_object().if_contains("id") : nullptr;
      if (id == nullptr || !id->is_string() || id->as_string() != agent_id) continue;
      if (auto own = flag(agent.as_object().if_contains("tools"))) return *own;
    }
  }
  return flag(config.if_contains("tools")).value_or(false);
}

void register_file_tools(tool::ToolRouter& router, sandbox::SandboxManager& sandboxes,
                         Runtime& runtime, config::ConfigStore* config) {
  Shared shared{sandboxes, runtime, config};
  auto add = [&](std::string name, std::string label, std::string description,
                 json::object properties, Operation operation) {
    auto added = router.add(std::make_unique<FileTool>(
        shared, std::move(name), std::move(label), std::move(description), std::move(properties),
        std::move(operation)));
    if (!added) spdlog::error("file tools: {}", added.error().message);
  };
  const json::object path = text_field("File, relative to the workspace.");
  const json::object other_path = text_field("Same as path.");
  add("read", "Read a file",
      "Reads a text file or an image. Shows up to 2000 lines or 50 KB; a note says how to go on "
      "with offset.",
      {{"path", path},
       {"file_path", other_path},
       {"offset", line_field("First line to show, from 1.")},
       {"limit", line_field("How many lines to show.")}},
      run_read);
  add("write", "Write a file", "Makes a file or replaces all of it; missing folders are made.",
      {{"path", path},
       {"file_path", other_path},
       {"content", text_field("The whole new content.")}},
      run_write);
  add("edit", "Edit a file",
      "Replaces one piece of text, which must occur exactly once, white space included.",
      {{"path", path},
       {"file_path", other_path},
       {"oldText", text_field("Text to replace, as it stands in the file.")},
       {"newText", text_field("Text to put there.")},
       {"old_string", text_field("Same as oldText.")},
       {"new_string", text_field("Same as newText.")}},
      run_edit);
  add("apply_patch", "Apply a patch",
      "Changes several files: \"*** Begin Patch\", then \"*** Add File: P\" with \"+\" lines, "
      "\"*** Delete File: P\", or "
      "\"*** Update File: P\" (and \"*** Move to: Q\") with hunks of \"@@ context\" and \" \", "
      "\"-\", \"+\" lines, then "
      "\"*** End Patch\".",
      {{"input", text_field("The patch.")}, {"patch", text_field("Same as input.")}}, run_patch);
}

}  // namespace openclaw::workspace
