#include "tool/plugin_tools.h"

#include <algorithm>
#include <set>
#include <utility>

#include <spdlog/spdlog.h>

#include "json_fields.h"

namespace openclaw::tool {
namespace {

constexpr std::string_view kInterface = "openclaw.tool/1";
constexpr std::size_t kMaxTools = 256;
constexpr std::size_t kMaxText = 256 * 1024;        // of all text parts together
constexpr std::size_t kMaxImage = 8 * 1024 * 1024;  // base64 characters of all images together

json::object context_of(const ToolCall& call) {
  const policy::Caller& who = call.caller;
  return {{"callId", call.call_id},        {"runId", call.run_id},    {"agentId", who.agent_id},
          {"sessionKey", who.session_key}, {"channel", who.channel},  {"account", who.account},
          {"senderId", who.sender_id},     {"isOwner", who.is_owner}, {"sandboxed", who.sandboxed}};
}

class PluginTool final : public Tool {
 public:
  PluginTool(ToolSpec spec, plugin::PluginHost& host, std::string instance_id)
      : spec_(std::move(spec)), host_(host), instance_id_(std::move(instance_id)) {}
  const ToolSpec& spec() const override { return spec_; }

 private:
  Awaitable<Result<ToolResult>> run(ToolCall call, Limits limits) override;

  ToolSpec spec_;
  plugin::PluginHost& host_;
  std::string instance_id_;  // not a pointer: the instance may be gone by the time of a call
};

Awaitable<Result<ToolResult>> PluginTool::run(ToolCall call, Limits limits) {
  plugin::PluginInstance* instance = nullptr;
  for (plugin::PluginInstance* candidate : host_.instances()) {
    if (candidate->id() == instance_id_) instance = candidate;
  }
  if (instance == nullptr || instance->state() != plugin::State::kRunning) {
    co_return Error(Code::kUnavailable, "Tool " + spec_.name + ": plugin " + instance_id_ +
                                            " is not running. See `openclaw plugins list`.");
  }
  std::vector<std::string> texts{spec_.name, json::serialize(call.args),
                                 json::serialize(context_of(call))};
  plugin::ProgressSink progress;
  if (call.on_update) {
    progress = [update = call.on_update](plugin::Stream stream, std::string_view data) {
      if (stream == plugin::Stream::kStdout || stream == plugin::Stream::kStderr) {
        update(json::object{{"text", data}});
      } else if (stream == plugin::Stream::kJson) {
        boost::system::error_code ec;
        json::value value = json::parse(data, ec);
        if (!ec && value.is_object()) update(value.as_object());
      }
      return true;
    };
  }
  std::string slot = "tool.invoke";
  Result<json::value> answer = co_await instance->call(std::move(slot), std::move(texts),
                                                       std::move(limits), std::move(progress));
  if (!answer) co_return answer.error();
  co_return plugin_tool_result(*answer);
}

}  // namespace

std::vector<ToolSpec> plugin_tool_specs(const plugin::Manifest& manifest,
                                        std::vector<std::string>& problems) {
  std::vector<ToolSpec> out;
  const json::value* list = manifest.raw.if_contains("tools");
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& entry : list->as_array()) {
    const json::object* object = entry.if_object();
    std::string name = object ? text_of(*object, "name") : std::string();
    if (name.empty() || name != policy::normalise_tool_name(name)) {
      problems.push_back("an entry of \"tools\" has no usable name: \"" + name.substr(0, 64) +
                         "\"");
      continue;
    }
    if (out.size() == kMaxTools) {
      problems.push_back("more than 256 tools; the rest is left out");
      break;
    }
    ToolSpec spec;
    spec.name = name;
    spec.label = text_of(*object, "label").empty() ? name : text_of(*object, "label");
    spec.description = text_of(*object, "description");
    const json::value* parameters = object->if_contains("parameters");
    if (parameters != nullptr && parameters->is_object()) spec.parameters = parameters->as_object();
    if (!spec.parameters.contains("type")) spec.parameters["type"] = "object";
    if (!spec.parameters.contains("properties")) spec.parameters["properties"] = json::object{};
    if (!spec.parameters.contains("additionalProperties"))
      spec.parameters["additionalProperties"] = false;
    spec.group = "plugins";
    spec.plugin_id = manifest.id;
    spec.owner_only = flag_of(*object, "ownerOnly");
    spec.is_channel_tool = !manifest.channels.empty();
    out.push_back(std::move(spec));
  }
  return out;
}

Awaitable<Result<void>> add_plugin_tools(ToolRouter& router, plugin::PluginHost& host,
                                         plugin::PluginInstance& instance, Limits limits) {
  if (!instance.provides(kInterface)) co_return Result<void>();
  const std::string id = instance.id();
  std::vector<std::string> problems;
  std::vector<ToolSpec> promised = plugin_tool_specs(instance.manifest(), problems);
  std::string slot = "tool.list";
  std::vector<std::string> none;
  Result<json::value> answer =
      co_await instance.call(std::move(slot), std::move(none), std::move(limits));
  if (!answer) {
    Error error = answer.error();
    error.message = "plugin " + id + " does not list its tools: " + error.message;
    co_return error;
  }
  std::set<std::string> listed;
  const json::object* object = answer->if_object();
  const json::value* tools = object ? object->if_contains("tools") : nullptr;
  if (tools != nullptr && tools->is_array()) {
    for (const json::value& tool : tools->as_array()) {
      if (tool.is_object()) listed.insert(text_of(tool.as_object(), "name"));
      if (tool.is_string()) listed.emplace(tool.as_string());
    }
  }
  for (ToolSpec& spec : promised) {
    if (listed.erase(spec.name) == 0) continue;
    Result<void> done = router.add(std::make_unique<PluginTool>(std::move(spec), host, id));
    if (!done) problems.push_back(done.error().message);
  }
  for (const std::string& name : listed) {
    problems.push_back("tool " + name.substr(0, 64) + " is not in the manifest and is not offered");
  }
  for (const std::string& problem : problems) spdlog::warn("plugin {}: {}", id, problem);
  co_return Result<void>();
}

ToolResult plugin_tool_result(const json::value& answer) {
  const json::object* object = answer.if_object();
  const json::value* content = object ? object->if_contains("content") : nullptr;
  if (content == nullptr || !content->is_array()) {
    std::string text =
        answer.is_string() ? std::string(answer.as_string()) : json::serialize(answer);
    if (text.size() > kMaxText)
      text = text.substr(0, kMaxText) + "\n[cut: the answer was larger than 256 KiB]";
    return ToolResult::text(std::move(text));
  }
  ToolResult result;
  result.is_error = flag_of(*object, "isError");
  const json::value* details = object->if_contains("details");
  if (details != nullptr && details->is_object()) result.details = details->as_object();
  std::size_t text_left = kMaxText, image_left = kMaxImage;
  for (const json::value& item : content->as_array()) {
    const json::object* part = item.if_object();
    if (part != nullptr && text_of(*part, "type") == "image") {
      std::string data = text_of(*part, "data");
      if (data.size() > image_left) {
        result.content.push_back(
            json::object{{"type", "text"}, {"text", "[cut: an image was too large]"}});
        continue;
      }
      image_left -= data.size();
      result.content.push_back(json::object{
          {"type", "image"}, {"data", std::move(data)}, {"mimeType", text_of(*part, "mimeType")}});
      continue;
    }
    std::string text =
        part && part->contains("text") ? text_of(*part, "text") : json::serialize(item);
    bool cut = text.size() > text_left;
    if (cut) text = text.substr(0, text_left) + "\n[cut: the answer was larger than 256 KiB]";
    text_left -= std::min(text_left, text.size());
    result.content.push_back(json::object{{"type", "text"}, {"text", std::move(text)}});
    if (cut) break;
  }
  return result;
}

}  // namespace openclaw::tool
