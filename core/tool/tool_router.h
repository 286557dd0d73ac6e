// ToolRouter: the one gate. authorize -> validate -> dispatch; no other code can reach a Tool.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "tool/tool.h"

namespace openclaw::tool {

// Loop thread only. Owned by the gateway; outlives every room that holds a reference.
class ToolRouter {
 public:
  explicit ToolRouter(Runtime& runtime);
  ~ToolRouter();

  // A second tool of the same name is refused (kAlreadyExists): the first stays.
  Result<void> add(std::unique_ptr<Tool> tool);
  void remove_plugin(std::string_view plugin_id);
  // All tools, in order of registration.
  std::vector<const ToolSpec*> catalogue() const;
  const ToolSpec* find(std::string_view name) const;
  std::vector<policy::ToolFacts> facts() const;

  // Called after load, after reload and after tools change. Calls in flight keep the verdict they
  // got.
  void set_policy(std::shared_ptr<const policy::ToolPolicy> policy);
  const policy::ToolPolicy& policy() const;

  // Same function that invoke() uses; runs nothing.
  policy::Verdict authorize(std::string_view tool, const policy::Caller& caller) const;
  // What the model is offered: specs of the tools `caller` may use.
  std::vector<const ToolSpec*> allowed(const policy::Caller& caller) const;

  // kNotFound: no such tool. kPermissionDenied: policy; message is Verdict::explain(), details has
  // {"layer","rule","key","file","fix"}. kInvalidArgument: arguments do not fit the schema, message
  // names the field. Everything else is the tool's own.
  Awaitable<Result<ToolResult>> invoke(ToolCall call, Limits limits);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// {"layer","rule","key","file","fix"} of a verdict, as it stands in Error::details and in JSON
// output.
json::object verdict_json(const policy::Verdict& verdict);

}  // namespace openclaw::tool
