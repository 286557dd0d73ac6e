#include <sys/stat.h>

#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "installation/installation.h"

namespace openclaw::cli {

int run(int argc, char** argv) {
  umask(0077);  // whatever a command makes is this user's alone
  CLI::App app{"The personal-agent gateway", "openclaw"};
  app.set_version_flag("--version,-V", std::string(installation::version()));
  app.require_subcommand(0, 1);
  app.fallthrough(false);
  Context context(config::Paths::from_environment());
  add_gateway_commands(app, context);
  add_status_commands(app, context);
  add_devices_commands(app, context);
  add_agent_commands(app, context);
  add_logs_commands(app, context);
  add_sandbox_commands(app, context);
  add_plugins_commands(app, context);
  add_sessions_commands(app, context);
  add_doctor_commands(app, context);
  add_security_commands(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return kUsage;
  } catch (const std::exception& e) {
    context.out().error(e.what());
    return kFailed;
  }
  if (app.get_subcommands().empty()) std::fputs(app.help().c_str(), stdout);
  return context.exit_code;
}

}  // namespace openclaw::cli
