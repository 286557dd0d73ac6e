// Shell completion from the tree of commands: every verb and flag that --help shows, so it cannot fall behind.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace openclaw::cli {

struct CompletionFlag {
  std::vector<std::string> names;  // "--json", "-v"
  std::string about;
  bool takes_value = false;
  std::vector<std::string> choices;
};
struct CompletionNode {
  std::string path;  // "gateway run"; empty for the program
  std::vector<std::pair<std::string, std::string>> verbs;  // name, description
  std::vector<CompletionFlag> flags;
};
std::vector<CompletionNode> completion_tree(const CLI::App& app);

std::string bash_script(const std::vector<CompletionNode>& tree);
std::string zsh_script(const std::vector<CompletionNode>& tree);
std::string fish_script(const std::vector<CompletionNode>& tree);

}  // namespace openclaw::cli
