// security audit.
#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/security_audit.h"
#include "gateway_client/target.h"
#include "installation/installation.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;
using gateway_client::GatewayClient;
using std::chrono::milliseconds;

struct AuditFlags {
  bool deep = false, fix = false;
};

// Whether the gateway lets somebody in who shows no secret.
Awaitable<> knock(Runtime* runtime, GatewayClient* client, milliseconds limit,
                  std::optional<Error>* refused) {
  auto hello = co_await client->connect(ConnectAs::kProbe, {}, Limits::within(limit));
  if (hello.has_error()) *refused = hello.error();
  co_await client->close();
  runtime->loop().stop();
}

json::object look_from_outside(const Context& context, const config::Config& config,
                               std::vector<Finding>& out) {
  auto target = gateway_client::resolve_target(config, context.gateway);
  if (target.has_error()) return {{"attempted", false}, {"error", target.error().message}};
  auto url = target->url;
  target->token.clear();
  target->password.clear();
  Runtime runtime;
  GatewayClient client(runtime, std::move(*target), context.paths().state_dir);
  std::optional<Error> refused;
  asio::co_spawn(runtime.loop(),
                 knock(&runtime, &client, milliseconds(context.timeout_ms), &refused),
                 [&](const std::exception_ptr& thrown) {
                   if (thrown) refused = Error(Code::kInternal, "the connection failed unexpectedly");
                 });
  runtime.loop().run();
  bool reached = !refused || refused->code != Code::kUnavailable;
  if (!refused) {
    out.push_back({"gateway.accepts_anybody", Severity::kCritical,
                   "The gateway lets in who shows no secret", url + " accepted a login without one",
                   "openclaw config set gateway.auth.mode token", {}});
  } else if (!reached) {
    out.push_back({"gateway.not_reached", Severity::kInfo, "The gateway could not be probed",
                   refused->message, "openclaw gateway run", {}});
  }
  return {{"attempted", true}, {"url", url}, {"reached", reached}, {"anonymousRefused", refused && reached}};
}

std::vector<Finding> findings(const Context& context, const config::Config& config) {
  auto options = installation::host_options(context.paths(), &config);
  Runtime runtime;
  auto services = plugin::HostServices::create(runtime, context.paths().state_dir);
  auto host = plugin::PluginHost::create(runtime, options, *services);
  host->scan();
  auto folders = options.bundled_dirs;
  folders.insert(folders.end(), options.plugin_dirs.begin(), options.plugin_dirs.end());
  AuditInput input{context.paths(), config, host->list(), std::move(folders)};
  std::vector<Finding> out;
  audit_gateway(input, out);
  audit_channels(input, out);
  audit_sandbox(input, out);
  audit_tools(input, out);
  audit_files(input, out);
  return out;
}

// Repairs and takes what is repaired off the list; answers what was done.
json::array repair(std::vector<Finding>& all) {
  json::array done;
  std::erase_if(all, [&](Finding& finding) {
    if (!finding.repair) return false;
    auto repaired = finding.repair();
    if (repaired.has_error()) {
      finding.detail += "; the repair failed: " + repaired.error().message;
      return false;
    }
    done.emplace_back(json::object{{"checkId", finding.check_id}, {"detail", finding.detail}});
    return true;
  });
  return done;
}

void print(Context& context, const std::vector<Finding>& all, const json::array& fixed,
           const std::array<int, 3>& counts) {
  for (const auto& one : fixed) {
    context.out().line(context.out().paint(Colour::kGreen, "fixed    ") + " " +
                       std::string(one.at("detail").as_string()));
  }
  for (const auto& finding : all) {
    auto colour = finding.severity == Severity::kCritical ? Colour::kRed
                  : finding.severity == Severity::kWarn   ? Colour::kYellow
                                                          : Colour::kDim;
    std::string word(severity_name(finding.severity));
    word.resize(8, ' ');
    context.out().line(context.out().paint(colour, word) + " " + finding.title + " [" +
                       finding.check_id + "]");
    context.out().line("         " + finding.detail);
    context.out().line("         fix: " + finding.remediation);
  }
  context.out().line(std::to_string(counts[0]) + " critical, " + std::to_string(counts[1]) +
                     " warn, " + std::to_string(counts[2]) + " info.");
}

void audit(Context& context, const AuditFlags& flags) {
  auto config = context.checked_config();
  if (!config) return;
  auto all = findings(context, **config);
  json::object deep;
  if (flags.deep) deep = look_from_outside(context, **config, all);
  json::array fixed;
  if (flags.fix) fixed = repair(all);
  std::stable_sort(all.begin(), all.end(),
                   [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  std::array<int, 3> counts{};
  json::array rows;
  for (const auto& finding : all) {
    ++counts[static_cast<std::size_t>(finding.severity)];
    rows.emplace_back(json::object{{"checkId", finding.check_id},
                                   {"severity", severity_name(finding.severity)},
                                   {"title", finding.title},
                                   {"detail", finding.detail},
                                   {"remediation", finding.remediation}});
  }
  if (counts[0] > 0) context.exit_code = kFailed;
  if (!context.json) {
    print(context, all, fixed, counts);
    return;
  }
  json::object out;
  out["summary"] = {{"critical", counts[0]}, {"warn", counts[1]}, {"info", counts[2]}};
  out["findings"] = std::move(rows);
  if (flags.deep) out["deep"] = json::object{{"gateway", std::move(deep)}};
  if (flags.fix) out["fixed"] = std::move(fixed);
  context.out().print_json(out);
}

}  // namespace

void add_security_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("security", "How safe this installation is");
  group->require_subcommand(1);
  auto flags = std::make_shared<AuditFlags>();
  auto* command = group->add_subcommand("audit", "Check configuration and files for open doors");
  command->add_flag("--deep", flags->deep, "Also knock at the running gateway without a secret");
  command->add_flag("--fix", flags->fix,
                    "Repair what needs no decision (file modes, open groups, redaction)");
  add_gateway_flags(*command, context);
  add_json_flag(*command, context);
  command->callback([&context, flags] { audit(context, *flags); });
}

}  // namespace openclaw::cli
