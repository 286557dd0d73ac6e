// channels list|status|remove; add, login, logs, capabilities, resolve and logout have files of their own.

#include <CLI/CLI.hpp>

#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "cli/config_edit.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

void channels_list(Context& context) {
  auto installed = installed_plugins(context);
  auto config = config::load(context.paths(), installed.sections);
  if (config.has_error()) return context.fail(config.error());
  auto plans = accounts_in_use(**config, installed);
  if (context.json) {
    json::object chat;
    json::array accounts;
    for (const auto& plan : plans) {
      auto& ids = chat[plan.channel];
      if (!ids.is_array()) ids = json::array();
      ids.get_array().emplace_back(plan.account);
      json::object entry{{"channel", plan.channel},       {"accountId", plan.account},
                         {"enabled", plan.enabled},       {"configured", plan.configured},
                         {"tokenSource", plan.token_source}};
      if (!plan.problem.empty()) entry["problem"] = plan.problem;
      accounts.push_back(std::move(entry));
    }
    context.out().print_json(
        json::object{{"chat", std::move(chat)}, {"auth", json::array()}, {"accounts", std::move(accounts)}});
    return;
  }
  if (plans.empty()) {
    std::string there;
    for (const auto& kind : channel_kinds(installed.plugins)) there += (there.empty() ? "" : ", ") + kind.id;
    context.out().line("No channels. Add one with: openclaw channels add --channel <name>" +
                       (there.empty() ? "" : "  (there is: " + there + ")"));
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& plan : plans) {
    rows.push_back({plan.channel, plan.account, plan.enabled ? "yes" : "no", plan.configured ? "yes" : "no",
                    plan.token_source, plan.problem});
  }
  context.out().table({"CHANNEL", "ACCOUNT", "ENABLED", "CONFIGURED", "TOKEN FROM", "PROBLEM"}, rows);
}

std::string shown_field(const json::object& account, std::string_view key) {
  const auto* value = account.if_contains(key);
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_bool()) return value->get_bool() ? "yes" : "no";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

void channels_status(Context& context, bool probe) {
  auto answer = context.call_gateway(ConnectAs::kLeast, "channels.status",
                                     json::object{{"probe", probe}, {"timeoutMs", context.timeout_ms}});
  if (!answer) return;
  if (context.json) {
    context.out().print_json(*answer);
    return;
  }
  const auto* by_channel = answer->is_object() ? answer->get_object().if_contains("channelAccounts") : nullptr;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> warnings;
  for (const auto& [id, accounts] : by_channel && by_channel->is_object() ? by_channel->get_object() : json::object()) {
    if (!accounts.is_array()) continue;
    for (const auto& entry : accounts.get_array()) {
      if (!entry.is_object()) continue;
      const auto& account = entry.get_object();
      std::vector<std::string> row{std::string(id)};
      for (const char* key : {"accountId", "enabled", "configured", "running", "connected", "lastError"}) {
        row.push_back(shown_field(account, key));
      }
      const auto* list = account.if_contains("warnings");
      for (const auto& warning : list && list->is_array() ? list->get_array() : json::array())
        if (warning.is_string()) warnings.push_back(row[0] + "/" + row[1] + ": " + warning.get_string().c_str());
      rows.push_back(std::move(row));
    }
  }
  if (rows.empty()) {
    context.out().line("No channels. Add one with: openclaw channels add --channel <name>");
    return;
  }
  context.out().table({"CHANNEL", "ACCOUNT", "ENABLED", "CONFIGURED", "RUNNING", "CONNECTED", "LAST ERROR"}, rows);
  for (const auto& warning : warnings) context.out().line(warning);
}

void channels_remove(Context& context, const std::string& channel, const std::string& account, bool forget) {
  auto installed = installed_plugins(context);
  auto config = config::load(context.paths(), installed.sections);
  if (config.has_error()) return context.fail(config.error());
  auto kind = find_kind(channel_kinds(installed.plugins), channel);
  // The section of a plugin that is gone can be taken out all the same.
  if (kind.has_error()) {
    if ((*config)->find("channels.\"" + channel + "\"") == nullptr) return context.fail(kind.error());
    ChannelKind gone;
    gone.id = channel;
    gone.traits.label = channel;
    kind = std::move(gone);
  }
  auto id = account_id(account);
  if (id.has_error()) return context.fail(id.error());
  auto changes = removal_changes(**config, *kind, *id, forget);
  if (changes.has_error()) return context.fail(changes.error());
  if (!write_config(context, *changes, installed.sections)) return;
  if (context.json) {
    context.out().print_json(
        json::object{{"ok", true}, {"channel", channel}, {"account", *id}, {"deleted", forget}});
    return;
  }
  context.out().line((forget ? "Deleted " : "Disabled ") + kind->traits.label + " account \"" + *id + "\"." +
                     (forget ? "" : " To delete its settings add --delete."));
  for (const auto& source : kind->traits.secrets) {
    if (!forget || *id != "default" || source.env.empty() || !environment_variable(source.env)) continue;
    context.out().note("Note: " + source.env + " is set and configures this account again; unset it.");
  }
}

}  // namespace

void add_channels_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("channels", "Chat channels and their accounts");
  group->require_subcommand(1);
  add_channels_add_command(*group, context);
  add_channels_login_command(*group, context);

  auto unused = std::make_shared<bool>(false);
  auto* list_command = group->add_subcommand("list", "Accounts that the configuration and the environment give");
  list_command->add_flag("--no-usage", *unused, "Accepted for older scripts; usage is not listed");
  add_json_flag(*list_command, context);
  list_command->callback([&context] { channels_list(context); });

  auto probe = std::make_shared<bool>(false);
  auto* status_command = group->add_subcommand("status", "Ask the running gateway how the channels do");
  status_command->add_flag("--probe,--deep", *probe, "Contact each platform now");
  add_gateway_flags(*status_command, context);
  add_json_flag(*status_command, context);
  status_command->callback([&context, probe] { channels_status(context, *probe); });

  auto channel = std::make_shared<std::string>();
  auto account = std::make_shared<std::string>();
  auto forget = std::make_shared<bool>(false);
  auto* remove_command = group->add_subcommand("remove", "Switch an account off, or delete it");
  remove_command->add_option("--channel", *channel, "Channel")->required();
  remove_command->add_option("--account", *account, "Account id (default: default)");
  remove_command->add_flag("--delete", *forget, "Delete its settings too");
  add_json_flag(*remove_command, context);
  remove_command->callback([&context, channel, account, forget] { channels_remove(context, *channel, *account, *forget); });

  add_channels_logs_command(*group, context);
  add_channels_capabilities_command(*group, context);
  add_channels_resolve_command(*group, context);
  add_channels_logout_command(*group, context);
  add_pairing_commands(app, context);
}

}  // namespace openclaw::cli
