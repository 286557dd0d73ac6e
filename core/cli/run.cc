#include <sys/stat.h>

#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "config/schema_check.h"
#include "installation/installation.h"
#include "logging/logging.h"

namespace openclaw::cli {

namespace {

// The command that was asked for, as far as it exists.
const CLI::App& deepest(const CLI::App& app, std::string& path) {
  const CLI::App* at = &app;
  path = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().back();
    path += " " + at->get_name();
  }
  return *at;
}

std::vector<std::string> names_like(const CLI::App& command, const std::string& word) {
  std::vector<std::string> names;
  if (word.starts_with("-")) {
    for (const auto* option : command.get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  } else {
    for (const auto* verb : command.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(verb->get_name());
    }
  }
  return names;
}

// What was not understood, what was probably meant, where the help is.
void complain(const CLI::App& app, const CLI::ParseError& wrong, Output& out) {
  std::string path;
  const auto& command = deepest(app, path);
  auto extras = command.remaining();
  std::string message = wrong.what();
  if (!extras.empty()) {
    const auto& word = extras.front();
    auto names = names_like(command, word);
    if (word.starts_with("-")) {
      message = "\"" + path + "\" has no flag " + word.substr(0, word.find('=')) + ".";
    } else if (names.empty()) {
      message = "\"" + path + "\" has no use for \"" + word + "\".";
    } else {
      message = "There is no command \"" + path + " " + word + "\".";
    }
    auto meant = config::nearest(word.substr(0, word.find('=')), names);
    if (!meant.empty()) message += " Did you mean " + meant + "?";
  }
  if (!message.ends_with('.') && !message.ends_with('?')) message += '.';
  out.error(message + " See: " + path + " --help");
}

}  // namespace

int run(int argc, char** argv) {
  umask(0077);  // whatever a command makes is this user's alone
  // Rooms that a command uses without a gateway log too: their warnings are for people, standard
  // output may be JSON.
  logging::Options log;
  log.console_level = "warn";
  static_cast<void>(logging::setup(log));
  CLI::App app{"The personal-agent gateway", "openclaw"};
  app.set_version_flag("--version,-V", std::string(installation::version()));
  app.require_subcommand(0, 1);
  app.fallthrough(false);
  Context context(config::Paths::from_environment());
  add_gateway_commands(app, context);
  add_status_commands(app, context);
  add_devices_commands(app, context);
  add_agent_commands(app, context);
  add_agents_commands(app, context);
  add_message_commands(app, context);
  add_logs_commands(app, context);
  add_sandbox_commands(app, context);
  add_plugins_commands(app, context);
  add_sessions_commands(app, context);
  add_doctor_commands(app, context);
  add_security_commands(app, context);
  add_config_commands(app, context);
  add_channels_commands(app, context);
  add_onboard_commands(app, context);
  add_completion_commands(app, context);  // reads the finished tree
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    complain(app, wrong, context.out());
    return kUsage;
  } catch (const std::exception& e) {
    context.out().error(e.what());
    return kFailed;
  }
  if (app.get_subcommands().empty()) std::fputs(app.help().c_str(), stdout);
  return context.exit_code;
}

}  // namespace openclaw::cli
