#include "tool/tool_router.h"

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <spdlog/spdlog.h>

#include "tool/argument_check.h"

namespace openclaw::tool {
namespace {

// Names and keys in log lines and messages may come from a model: one line, and short.
std::string printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 96))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (text.size() > 96) out += "...";
  return out;
}

std::string_view entry_name(Entry entry) {
  switch (entry) {
    case Entry::kAgent:
      return "agent";
    case Entry::kHttp:
      return "http";
    case Entry::kRpc:
      return "rpc";
    case Entry::kCommand:
      return "command";
    case Entry::kCli:
      return "cli";
    case Entry::kSubagent:
      return "subagent";
  }
  return "?";
}

}  // namespace

struct ToolRouter::Impl {
  struct Registered {
    std::shared_ptr<Tool>
        tool;  // shared with the calls in flight, so that a plugin's tools can go meanwhile
    std::shared_ptr<const ArgumentCheck> check;
  };

  std::vector<Registered> tools;
  std::map<std::string, std::size_t, std::less<>> by_name;
  std::shared_ptr<const policy::ToolPolicy> policy;

  void index() {
    by_name.clear();
    for (std::size_t i = 0; i < tools.size(); ++i) by_name.emplace(tools[i].tool->spec().name, i);
  }
  const Registered* find(std::string_view name) const {
    auto found = by_name.find(name);
    if (found == by_name.end()) found = by_name.find(policy::normalise_tool_name(name));
    return found == by_name.end() ? nullptr : &tools[found->second];
  }
};

// Without a policy nothing is known, and what is not known is not allowed.
ToolRouter::ToolRouter(Runtime&) : impl_(std::make_unique<Impl>()) {
  impl_->policy = policy::ToolPolicy::compile(json::object{}, {}, {});
}
ToolRouter::~ToolRouter() = default;

Result<void> ToolRouter::add(std::unique_ptr<Tool> tool) {
  const ToolSpec& spec = tool->spec();
  if (spec.name.empty() || spec.name != policy::normalise_tool_name(spec.name)) {
    return Error(Code::kInvalidArgument, "a tool cannot be called \"" + printable(spec.name) +
                                             "\": names are lower case and no alias");
  }
  if (impl_->by_name.contains(spec.name)) {
    return Error(Code::kAlreadyExists,
                 "a tool called " + spec.name + " exists already; the first one stays");
  }
  auto check = ArgumentCheck::compile(spec.parameters);
  if (!check)
    return Error(Code::kInvalidArgument, "tool " + spec.name + ": " + check.error().message);
  impl_->tools.push_back(
      {std::move(tool), std::make_shared<const ArgumentCheck>(std::move(*check))});
  impl_->index();
  return {};
}

void ToolRouter::remove_plugin(std::string_view plugin_id) {
  if (plugin_id.empty()) return;
  std::erase_if(impl_->tools,
                [&](const Impl::Registered& r) { return r.tool->spec().plugin_id == plugin_id; });
  impl_->index();
}

std::vector<const ToolSpec*> ToolRouter::catalogue() const {
  std::vector<const ToolSpec*> out;
  for (const auto& r : impl_->tools) out.push_back(&r.tool->spec());
  return out;
}

const ToolSpec* ToolRouter::find(std::string_view name) const {
  const Impl::Registered* found = impl_->find(name);
  return found ? &found->tool->spec() : nullptr;
}

std::vector<policy::ToolFacts> ToolRouter::facts() const {
  std::vector<policy::ToolFacts> out;
  for (const auto& r : impl_->tools) {
    const ToolSpec& spec = r.tool->spec();
    out.push_back({spec.name, spec.plugin_id, spec.owner_only, spec.is_channel_tool});
  }
  return out;
}

void ToolRouter::set_policy(std::shared_ptr<const policy::ToolPolicy> policy) {
  if (policy != nullptr) impl_->policy = std::move(policy);
}

const policy::ToolPolicy& ToolRouter::policy() const {
  return *impl_->policy;
}

policy::Verdict ToolRouter::authorize(std::string_view tool, const policy::Caller& caller) const {
  policy::Verdict verdict = impl_->policy->decide(tool, caller);
  if (!verdict.allowed) return verdict;
  const Impl::Registered* found = impl_->find(tool);
  if (found != nullptr && (found->tool->spec().gateway_tool || !caller.http_invoke)) return verdict;
  policy::Verdict missing;
  missing.rule = found ? "not offered by POST /tools/invoke" : "no such tool";
  missing.fix = found ? "Call it in an agent's turn or with `/tool` in a chat."
                      : "See `openclaw tools list`.";
  return missing;
}

std::vector<const ToolSpec*> ToolRouter::allowed(const policy::Caller& caller) const {
  std::vector<const ToolSpec*> out;
  for (const auto& r : impl_->tools) {
    const ToolSpec& spec = r.tool->spec();
    if (caller.http_invoke && !spec.gateway_tool) continue;
    if (impl_->policy->allows(spec.name, caller)) out.push_back(&spec);
  }
  return out;
}

Awaitable<Result<ToolResult>> ToolRouter::invoke(ToolCall call, Limits limits) {
  const std::string shown = printable(call.tool);
  policy::Verdict verdict = authorize(call.tool, call.caller);
  if (!verdict.allowed) {
    spdlog::info("tool {} refused: layer {}, {} ({}), entry {}, agent {}, session {}", shown,
                 policy::layer_name(verdict.layer), verdict.rule, verdict.key,
                 entry_name(call.entry), printable(call.caller.agent_id),
                 printable(call.caller.session_key));
    Code code = verdict.layer == policy::Layer::kNone ? Code::kNotFound : Code::kPermissionDenied;
    co_return Error(code, verdict.explain(shown), verdict_json(verdict));
  }
  // A copy: the registration may go while the tool runs.
  const Impl::Registered target = *impl_->find(call.tool);
  call.tool = target.tool->spec().name;
  Result<void> fits = check_bounds(call.args);
  if (fits) fits = target.check->check(call.args);
  if (!fits) {
    spdlog::debug("tool {} not run: {}", shown, printable(fits.error().message));
    co_return Error(fits.error().code, "Tool " + call.tool + ": " + fits.error().message + ".");
  }
  spdlog::debug("tool {} allowed: entry {}, agent {}, session {}, call {}", call.tool,
                entry_name(call.entry), printable(call.caller.agent_id),
                printable(call.caller.session_key), printable(call.call_id));
  std::string failure;
  try {
    co_return co_await target.tool->run(std::move(call), std::move(limits));
  } catch (const boost::system::system_error& e) {
    if (e.code() == boost::asio::error::operation_aborted)
      co_return Error(Code::kCancelled, "cancelled");
    failure = e.what();
  } catch (const std::exception& e) {
    failure = e.what();
  } catch (...) {
    failure = "an exception of an unknown type";
  }
  spdlog::error("tool {} threw: {}", shown, printable(failure));
  co_return Error(Code::kInternal, "Tool " + shown + " failed inside: " + printable(failure) +
                                       ". This is a defect; the log has the line.");
}

json::object verdict_json(const policy::Verdict& verdict) {
  return {{"layer", policy::layer_name(verdict.layer)},
          {"rule", verdict.rule},
          {"key", verdict.key},
          {"file", verdict.file},
          {"fix", verdict.fix}};
}

}  // namespace openclaw::tool
