// The command line. Each verb group is one file with one add_*_commands function; main wires them together.
//
// Commands run on the main thread, print to standard output, complain on standard error and answer through
// Context::exit_code. Anything that lists takes --json: one JSON value on standard output, nothing else.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "config/config.h"
#include "gateway_client/gateway_client.h"
#include "result.h"

namespace CLI {
class App;
}

namespace openclaw::cli {

enum ExitCode : int { kOk = 0, kFailed = 1, kUsage = 2, kConfigError = 78 };  // 78: EX_CONFIG

// What every command shares. Lives in run() for the whole program.
class Context {
 public:
  explicit Context(config::Paths paths);

  const config::Paths& paths() const { return paths_; }
  Output& out() { return out_; }
  // Set by add_json_flag / add_gateway_flags.
  bool json = false;
  gateway_client::Overrides gateway;
  int timeout_ms = 10000;
  bool timeout_given = false;
  int exit_code = kOk;

  // The configuration without plugin schemas: enough to find a gateway, and cheap.
  Result<config::Snapshot> quick_config() const;
  // The configuration checked against the schemas of all plugins found.
  Result<config::Snapshot> full_config() const;
  std::vector<config::ForeignSection> foreign_sections() const;
  // full_config(); nothing when it failed, which was printed and set the exit code 78.
  std::optional<config::Snapshot> checked_config();

  // Prints the error (or {"ok":false,"error":{...}} with --json) and sets the exit code.
  void fail(const Error& error);

  // Whether a gateway should answer: one runs on this state directory, or the target is elsewhere.
  // Commands that can do without one look here first.
  bool gateway_expected() const;

  // Connects, runs `session`, closes. Connection errors are printed. Answers false when it failed.
  using Session = std::function<Awaitable<Result<void>>(gateway_client::GatewayClient&, json::object hello)>;
  // On a terminal a line counts the seconds of a wait for `waits_for`, unless that is empty.
  bool with_gateway(gateway_client::ConnectAs as, std::vector<std::string> scopes, Session session,
                    const std::string& waits_for = {});
  // One call on one connection, as most commands need it; nothing when it failed (and was printed).
  // A method that works instead of looking something up gets `work_time`, unless the user set a limit.
  std::optional<json::value> call_gateway(gateway_client::ConnectAs as, std::string method, json::value params,
                                          std::chrono::milliseconds work_time = {});

 private:
  config::Paths paths_;
  Output out_;
};

void add_json_flag(CLI::App& command, Context& context);
// --url --token --password --timeout
void add_gateway_flags(CLI::App& command, Context& context);

// gateway run|status|probe|health|call, health, status, dashboard, logs
void add_gateway_commands(CLI::App& app, Context& context);
void add_status_commands(CLI::App& app, Context& context);
void add_devices_commands(CLI::App& app, Context& context);
void add_agent_commands(CLI::App& app, Context& context);     // agent, tools
void add_agents_commands(CLI::App& app, Context& context);
void add_message_commands(CLI::App& app, Context& context);
void add_message_queue_commands(CLI::App& group, Context& context);
void add_message_read_command(CLI::App& group, Context& context);
void add_sandbox_commands(CLI::App& app, Context& context);
void add_plugins_commands(CLI::App& app, Context& context);
void add_logs_commands(CLI::App& app, Context& context);
// config, onboard, channels, pairing, sessions, doctor, security, completion
void add_config_commands(CLI::App& app, Context& context);
void add_onboard_commands(CLI::App& app, Context& context);
void add_channels_commands(CLI::App& app, Context& context);  // channels, pairing
void add_channels_add_command(CLI::App& group, Context& context);
void add_channels_login_command(CLI::App& group, Context& context);
void add_channels_logs_command(CLI::App& group, Context& context);
void add_channels_capabilities_command(CLI::App& group, Context& context);
void add_channels_resolve_command(CLI::App& group, Context& context);
void add_channels_logout_command(CLI::App& group, Context& context);
void add_pairing_commands(CLI::App& app, Context& context);
void add_sessions_commands(CLI::App& app, Context& context);
void add_doctor_commands(CLI::App& app, Context& context);
void add_security_commands(CLI::App& app, Context& context);
void add_completion_commands(CLI::App& app, Context& context);

// The whole program but for main(): parses, runs one command, answers the exit code.
int run(int argc, char** argv);

}  // namespace openclaw::cli
