// What a model is told before the conversation: who it is, tools, workspace and its bootstrap
// files, sandbox, time, and the runtime line.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/agent_settings.h"
#include "async/runtime.h"
#include "sandbox/sandbox_manager.h"
#include "tool/tool.h"

namespace openclaw::agent {

struct BootstrapFile {
  std::string name, text;
  bool cut = false;
  std::size_t bytes = 0;  // of the whole file
};
// Blocking. Regular files directly in the workspace, opened beneath it: the agent can write there,
// so a link that leads out must not pull another file into the prompt.
std::vector<BootstrapFile> read_bootstrap(const std::filesystem::path& workspace,
                                          const std::vector<std::string>& names,
                                          std::size_t max_chars, std::size_t total_max_chars);
// Sub-agents get the files that describe the work, not the person.
std::vector<std::string> bootstrap_names(bool is_main, bool is_subagent);

struct PromptParts {
  const AgentSettings* settings = nullptr;
  const sandbox::View* view = nullptr;
  std::vector<const tool::ToolSpec*> tools;
  std::vector<BootstrapFile> files;
  std::string model, thinking, channel, extra;
  bool is_subagent = false;
};
std::string system_prompt(const PromptParts& parts);

}  // namespace openclaw::agent
