// onboard: from nothing to a configured agent. Repeatable: what is there stays, unless a flag says otherwise.
#include <chrono>
#include <ctime>

#include <CLI/CLI.hpp>

#include "agent/agent_settings.h"
#include "cli/config_edit.h"
#include "cli/onboard.h"
#include "cli/prompt.h"
#include "cli/workspace_files.h"
#include "installation/installation.h"
#include "program/state_lock.h"
#include "session/session_key.h"
#include "storage/atomic_file.h"
#include "storage/secret_store.h"

namespace openclaw::cli {
namespace {

namespace fs = std::filesystem;

std::string wizard_time() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Result<void> put_aside(const fs::path& path, const std::string& suffix) {
  std::error_code failed;
  if (!fs::exists(fs::symlink_status(path, failed))) return {};
  fs::path target = path;
  target += suffix;
  fs::rename(path, target, failed);
  if (failed) return Error(Code::kFailedPrecondition, "Cannot rename " + path.string() + ": " + failed.message());
  return {};
}

// Nothing is deleted: what is reset can be found under another name beside it.
Result<void> put_state_aside(const Context& context, const OnboardFlags& flags) {
  const auto& paths = context.paths();
  auto config = context.quick_config();
  auto suffix = ".reset." + wizard_time();
  std::replace(suffix.begin(), suffix.end(), ':', '-');
  std::vector<fs::path> targets;
  if (flags.reset_scope == "full") {
    targets.push_back(config ? agent::agent_settings(**config, paths, session::default_agent(**config)).workspace
                             : paths.state_dir / "workspace");
  }
  if (flags.reset_scope != "config") {
    for (const char* name : {"credentials", "agents", "secrets.json"}) targets.push_back(paths.state_dir / name);
  }
  targets.push_back(paths.config_file);
  for (const auto& target : targets) {
    if (auto done = put_aside(target, suffix); done.has_error()) return done;
  }
  return {};
}

Result<void> store_secrets(const fs::path& state_dir, const OnboardPlan& plan) {
  if (plan.secrets.empty()) return {};
  storage::SecretStore store(state_dir / "secrets.json");
  for (const auto& [name, value] : plan.secrets) {
    if (auto put = store.put(name, value); put.has_error()) return put;
  }
  return {};
}

// The wizard's mark changes only together with something else, so a repeated run leaves the file as it is.
void add_mark(OnboardPlan& plan, const OnboardFlags& flags) {
  if (plan.changes.empty()) return;
  plan.changes.push_back({"wizard.lastRunAt", json::value(wizard_time())});
  plan.changes.push_back({"wizard.lastRunVersion", json::value(installation::version())});
  plan.changes.push_back({"wizard.lastRunCommand", "onboard"});
  plan.changes.push_back({"wizard.lastRunMode", json::value(flags.mode)});
}

struct OnboardOutcome {
  fs::path workspace, sessions;
  std::vector<std::string> created;
  bool changed = false;
};

Result<void> make_folders(const config::Config& config, const config::Paths& paths, const OnboardFlags& flags,
                          OnboardOutcome& outcome) {
  auto agent = session::default_agent(config);
  outcome.workspace = agent::agent_settings(config, paths, agent).workspace;
  outcome.sessions = paths.state_dir / "agents" / agent / "sessions";
  if (auto made = storage::make_private_dir(outcome.sessions); made.has_error()) return made;
  if (flags.skip_bootstrap || config.get_bool("agents.defaults.skipBootstrap", false)) return {};
  auto created = create_workspace(outcome.workspace);
  if (created.has_error()) return created.error();
  outcome.created = std::move(*created);
  return {};
}

void print_outcome_json(Context& context, const config::Config& config, const OnboardFlags& flags, const OnboardPlan& plan,
                const OnboardOutcome& outcome) {
  json::object out{{"ok", true},
                   {"mode", flags.mode},
                   {"configPath", config.file().string()},
                   {"changed", outcome.changed},
                   {"authChoice", plan.auth_choice},
                   {"installDaemon", false},
                   {"skipSkills", flags.skip_skills},
                   {"skipHealth", flags.skip_health}};
  if (flags.mode == "local") {
    out["workspace"] = outcome.workspace.string();
    out["sessions"] = outcome.sessions.string();
    json::array created;
    for (const auto& name : outcome.created) created.emplace_back(name);
    out["createdFiles"] = std::move(created);
    out["gateway"] = json::object{{"port", config.get_int("gateway.port", 18789)},
                                  {"bind", config.get_string("gateway.bind", "loopback")},
                                  {"authMode", config.get_string("gateway.auth.mode", "token")},
                                  {"tailscaleMode", "off"},
                                  {"running", gateway::running_gateway(context.paths().state_dir).has_value()}};
    out["sandboxMode"] = config.get_string("agents.defaults.sandbox.mode", "off");
    if (auto model = config.get_string("agents.defaults.model.primary"); !model.empty()) out["model"] = model;
  }
  context.out().print_json(out);
}

void print_outcome(Context& context, const config::Config& config, const OnboardFlags& flags,
                   const OnboardPlan& plan, const OnboardOutcome& outcome) {
  auto& out = context.out();
  out.line((outcome.changed ? "Updated " : "Unchanged ") + config.file().string());
  if (!plan.secrets.empty()) {
    out.line("Keys are in " + (context.paths().state_dir / "secrets.json").string() + ", readable by you only.");
  }
  if (flags.mode != "local") {
    out.line("Next: openclaw gateway probe");
    return;
  }
  std::string created;
  for (const auto& name : outcome.created) created += (created.empty() ? "" : ", ") + name;
  out.line("Workspace " + outcome.workspace.string() + (created.empty() ? "" : ": created " + created));
  out.line("Sessions " + outcome.sessions.string());
  if (flags.install_daemon) out.note("Note: no service is installed; run the gateway under your init system.");
  bool running = gateway::running_gateway(context.paths().state_dir).has_value();
  out.line("");
  out.line(std::string("Next: ") + (running ? "openclaw dashboard" : "openclaw gateway run") +
           ", then openclaw agent -m \"hello\"");
}

void apply_onboarding(Context& context, OnboardFlags flags, const InstalledPlugins& installed, const config::Config& before) {
  const auto& paths = context.paths();
  auto plan = plan_onboarding(before, paths, channel_kinds(installed.plugins), flags);
  if (plan.has_error()) {
    context.fail(plan.error());
    if (plan.error().code == Code::kInvalidArgument) context.exit_code = kUsage;
    return;
  }
  std::error_code failed;
  if (auto made = storage::make_private_dir(paths.state_dir); made.has_error()) return context.fail(made.error());
  fs::permissions(paths.state_dir, fs::perms::owner_all, failed);
  OnboardOutcome outcome;
  outcome.changed = !plan->changes.empty();
  add_mark(*plan, flags);
  // Keys first: a configuration that names a key which is not there yet would be worse than an unused key.
  if (auto stored = store_secrets(paths.state_dir, *plan); stored.has_error()) return context.fail(stored.error());
  if (outcome.changed && !write_config(context, plan->changes, installed.sections)) return;
  auto after = config::load(config::Paths::from_environment(), installed.sections);
  if (after.has_error()) return context.fail(after.error());
  if (flags.mode == "local") {
    auto made = make_folders(**after, paths, flags, outcome);
    if (made.has_error()) return context.fail(made.error());
  }
  if (context.json) {
    print_outcome_json(context, **after, flags, *plan, outcome);
  } else {
    print_outcome(context, **after, flags, *plan, outcome);
  }
  if (flags.skip_health || context.json || !gateway::running_gateway(paths.state_dir)) return;
  if (context.call_gateway(gateway_client::ConnectAs::kLeast, "health", json::value())) {
    context.out().line("Gateway: running and healthy");
  }
}

void run_onboarding(Context& context, OnboardFlags flags) {
  auto refuse = [&](const std::string& message) {
    context.fail(Error(Code::kInvalidArgument, message));
    context.exit_code = kUsage;
  };
  if (flags.non_interactive && !flags.accept_risk) {
    return refuse("An agent with tools acts on this machine; a run without questions has to say that this is "
                  "understood. Type: openclaw onboard --non-interactive --accept-risk ...");
  }
  if (!flags.non_interactive && !Prompt::possible()) {
    return refuse("onboard asks questions and needs a terminal. Without one type: openclaw onboard "
                  "--non-interactive --accept-risk ...");
  }
  if (flags.reset && gateway::running_gateway(context.paths().state_dir)) return refuse("Stop the gateway before --reset.");
  auto installed = installed_plugins(context);
  // What is put aside does not count, nor does it matter whether it was valid.
  auto config = flags.reset ? Result<config::Snapshot>(config::from_json({})) : file_config(context, installed.sections);
  if (config.has_error()) return context.fail(config.error());
  if (!flags.non_interactive) {
    OnboardChoices choices{channel_kinds(installed.plugins),
                           look_at_backends(context.paths(), **config, installed.plugins)};
    auto asked = ask_onboard_questions(**config, choices, flags);
    if (asked.has_error()) return context.fail(asked.error());
  }
  if (flags.reset) {
    if (auto done = put_state_aside(context, flags); done.has_error()) return context.fail(done.error());
  }
  if (flags.mode.empty()) flags.mode = "local";
  apply_onboarding(context, std::move(flags), installed, **config);
}

}  // namespace

void add_onboard_commands(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("onboard", "Set up gateway, model, workspace and a channel");
  auto flags = std::make_shared<OnboardFlags>();
  add_onboard_flags(*command, *flags);
  add_json_flag(*command, context);
  command->callback([&context, flags] { run_onboarding(context, *flags); });
}

}  // namespace openclaw::cli
