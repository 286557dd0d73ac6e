// completion: scripts for bash, zsh and fish, printed or put where the shell finds them.
#include <cstdlib>
#include <fstream>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/completion_scripts.h"
#include "cli/prompt.h"
#include "storage/atomic_file.h"

namespace openclaw::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxProfileBytes = 4ULL * 1024 * 1024;

struct ScriptFlags {
  std::string shell;
  bool write_state = false, install = false, yes = false;
};

std::string script_for(const CLI::App& app, const std::string& shell) {
  auto tree = completion_tree(app);
  return shell == "bash" ? bash_script(tree) : shell == "zsh" ? zsh_script(tree) : fish_script(tree);
}

std::string own_shell() {
  const char* path = std::getenv("SHELL");  // NOLINT(concurrency-mt-unsafe)
  std::string name = path ? fs::path(path).filename().string() : "";
  return name == "zsh" || name == "fish" ? name : "bash";
}

Result<fs::path> write_script(const CLI::App& app, const fs::path& folder, const std::string& shell) {
  if (auto made = storage::make_private_dir(folder); made.has_error()) return made.error();
  auto file = folder / ("openclaw." + shell);
  if (auto written = storage::write_file_atomically(file, script_for(app, shell)); written.has_error()) {
    return written.error();
  }
  return file;
}

// One line at the end of the shell's own start file, once.
Result<std::string> add_to_profile(const Context& context, const std::string& shell, const fs::path& script) {
  auto profile = context.paths().home / (shell == "bash" ? ".bashrc" : shell == "zsh" ? ".zshrc"
                                                                                      : ".config/fish/config.fish");
  std::string line = shell == "fish" ? "test -f '" + script.string() + "'; and source '" + script.string() + "'"
                                     : "[ -f '" + script.string() + "' ] && source '" + script.string() + "'";
  auto text = storage::read_file_bounded(profile, kMaxProfileBytes);
  if (text.has_error() && text.error().code != Code::kNotFound) return text.error();
  if (text.has_value() && text->find(line) != std::string::npos) return "Completion is in " + profile.string() + " already.";
  std::error_code failed;
  fs::create_directories(profile.parent_path(), failed);
  std::ofstream out(profile, std::ios::app);
  out << (text.has_value() && !text->empty() && text->back() != '\n' ? "\n" : "") << line << "  # openclaw completion\n";
  out.flush();
  if (!out) return Error(Code::kUnavailable, "Cannot write " + profile.string());
  return "Added completion to " + profile.string() + "; it works in new shells.";
}

void install_script(const CLI::App& app, Context& context, const ScriptFlags& flags, const std::string& shell) {
  if (!flags.yes) {
    if (!Prompt::possible()) {
      context.out().error("--install changes your shell's start file; without a terminal add --yes");
      context.exit_code = kUsage;
      return;
    }
    auto go = Prompt().confirm("Add a line to your " + shell + " start file?", true);
    if (go.has_error() || !*go) return context.fail(Error(Code::kCancelled, "Nothing was changed."));
  }
  auto script = write_script(app, context.paths().state_dir / "completions", shell);
  if (script.has_error()) return context.fail(script.error());
  auto added = add_to_profile(context, shell, *script);
  if (added.has_error()) return context.fail(added.error());
  context.out().line(*added);
}

void run_completion(const CLI::App& app, Context& context, const ScriptFlags& flags) {
  auto shell = flags.shell.empty() ? own_shell() : flags.shell;
  if (flags.install) return install_script(app, context, flags, shell);
  if (!flags.write_state) {
    std::fputs(script_for(app, shell).c_str(), stdout);
    return;
  }
  for (const char* each : {"bash", "zsh", "fish"}) {
    auto written = write_script(app, context.paths().state_dir / "completions", each);
    if (written.has_error()) return context.fail(written.error());
  }
}

}  // namespace

void add_completion_commands(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("completion", "Print or install shell completion");
  auto flags = std::make_shared<ScriptFlags>();
  command->add_option("--shell,-s", flags->shell, "bash, zsh or fish (default: your shell)")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->add_flag("--write-state", flags->write_state, "Write all scripts to <state>/completions, print nothing");
  command->add_flag("--install,-i", flags->install, "Add it to your shell's start file");
  command->add_flag("--yes,-y", flags->yes, "Do not ask");
  command->callback([&app, &context, flags] { run_completion(app, context, *flags); });
}

}  // namespace openclaw::cli
