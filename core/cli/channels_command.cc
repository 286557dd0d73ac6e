// channels add|list|status|login|remove; logs, capabilities, resolve and logout have files of their own.
#include <chrono>
#include <cstdlib>
#include <fstream>

#include <CLI/CLI.hpp>

#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "cli/config_edit.h"
#include "cli/prompt.h"
#include "cli/webhook_flags.h"
#include "config/schema_check.h"
#include "json_pointer.h"
#include "program/state_lock.h"
#include "storage/atomic_file.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

constexpr std::chrono::milliseconds kConnectTime{15'000};
constexpr std::uint64_t kMaxSecretFile = 64ULL * 1024;

struct AddFlags {
  std::string channel, account, name, token, token_file, bot_token, app_token, access_token, password;
  bool use_env = false;
  WebhookFlags webhook;
};

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  return value ? std::optional<std::string>(value) : std::nullopt;
}

bool plain_secret(std::string_view text) {
  return !text.empty() && text.size() <= 4096 &&
         std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > ' '; });
}

// --token is the channel's first secret; the others go by the name of their key: --bot-token is botToken.
Result<void> take_flags(const AddFlags& flags, const ChannelKind& kind, AccountSetup& setup) {
  const auto& secrets = kind.traits.secrets;
  auto put = [&](const char* flag, const std::string& key, const std::string& given) -> Result<void> {
    if (given.empty()) return {};
    auto found = std::find_if(secrets.begin(), secrets.end(), [&](const auto& s) { return s.key == key; });
    if (found == secrets.end()) {
      return Error(Code::kInvalidArgument, kind.traits.label + " has no use for " + flag);
    }
    auto text = given == "-" ? line_of_stdin() : Result<std::string>(given);
    if (text.has_error()) return text.error();
    if (!plain_secret(*text)) return Error(Code::kInvalidArgument, std::string(flag) + " holds blanks or is too long");
    setup.secrets.emplace_back(key, std::move(*text));
    return {};
  };
  std::string first = secrets.empty() ? std::string("token") : secrets.front().key;
  for (const auto& [flag, key, given] :
       {std::tuple{"--token", first, &flags.token}, {"--bot-token", std::string("botToken"), &flags.bot_token},
        {"--app-token", std::string("appToken"), &flags.app_token},
        {"--access-token", std::string("accessToken"), &flags.access_token},
        {"--password", std::string("password"), &flags.password}}) {
    if (auto taken = put(flag, key, *given); taken.has_error()) return taken;
  }
  return {};
}

Result<void> take_file(const AddFlags& flags, AccountSetup& setup) {
  if (flags.token_file.empty()) return {};
  auto path = std::filesystem::absolute(flags.token_file).lexically_normal();
  auto text = storage::read_file_bounded(path, kMaxSecretFile);
  if (text.has_error()) return Error(text.error().code, "--token-file " + path.string() + ": " + text.error().message);
  if (text->find_first_not_of(" \t\r\n") == std::string::npos) {
    return Error(Code::kInvalidArgument, "--token-file " + path.string() + " is empty");
  }
  setup.secret_file = path.string();
  return {};
}

// What no flag gave is asked for, when somebody is there to answer.
Result<void> ask_for_secrets(Context& context, const ChannelKind& kind, AccountSetup& setup) {
  Prompt prompt;
  for (const auto& source : kind.traits.secrets) {
    bool given = std::any_of(setup.secrets.begin(), setup.secrets.end(),
                             [&](const auto& secret) { return secret.first == source.key; });
    if (given || (!setup.secret_file.empty() && !source.file_key.empty())) continue;
    if (!Prompt::possible() || context.json) {
      return Error(Code::kInvalidArgument,
                   kind.traits.label + " needs its " + source.key + ": --token <token>, --token - (read from "
                   "standard input)" + (source.file_key.empty() ? "" : ", --token-file <path>") +
                   (source.env.empty() ? "" : ", or --use-env for the variable " + source.env));
    }
    auto text = prompt.secret(kind.traits.label + ", " + source.prompt);
    if (text.has_error()) return text.error();
    if (!plain_secret(*text)) return Error(Code::kInvalidArgument, source.key + " is empty or holds blanks");
    setup.secrets.emplace_back(source.key, std::move(*text));
  }
  return {};
}

Result<void> check_environment(Context& context, const ChannelKind& kind, const AccountSetup& setup) {
  if (setup.account != "default") {
    return Error(Code::kInvalidArgument, "--use-env is for the default account: a variable holds one token only");
  }
  bool any = false;
  for (const auto& source : kind.traits.secrets) {
    if (source.env.empty()) continue;
    any = true;
    if (auto value = variable(source.env); !value || value->empty()) {
      context.out().note("Note: " + source.env + " is not set here; the gateway's environment must have it.");
    }
  }
  if (any) return {};
  return Error(Code::kInvalidArgument, kind.traits.label + " takes no secret from the environment");
}

Result<std::string> chosen_channel(const AddFlags& flags, const std::vector<ChannelKind>& kinds) {
  if (!flags.channel.empty()) return flags.channel;
  if (kinds.size() == 1) return kinds.front().id;
  if (!Prompt::possible() || kinds.empty()) {
    return Error(Code::kInvalidArgument, "Which channel? Type: openclaw channels add --channel <name>");
  }
  std::vector<Prompt::Choice> choices;
  for (const auto& kind : kinds) choices.push_back({kind.id, kind.traits.label});
  return Prompt().choose("Which channel?", choices, kinds.front().id);
}

Result<AccountSetup> account_from(Context& context, const AddFlags& flags, const ChannelKind& kind) {
  AccountSetup setup;
  auto account = account_id(flags.account);
  if (account.has_error()) return account.error();
  setup.account = std::move(*account);
  setup.name = flags.name;
  setup.from_environment = flags.use_env;
  if (auto taken = take_flags(flags, kind, setup); taken.has_error()) return taken.error();
  if (auto taken = take_file(flags, setup); taken.has_error()) return taken.error();
  if (auto taken = take_webhook_flags(flags.webhook, kind, setup); taken.has_error()) return taken.error();
  if (flags.use_env) {
    if (!setup.secrets.empty() || !setup.secret_file.empty()) {
      return Error(Code::kInvalidArgument, "--use-env and a token exclude each other");
    }
    auto checked = check_environment(context, kind, setup);
    if (checked.has_error()) return checked.error();
    return setup;
  }
  if (auto asked = ask_for_secrets(context, kind, setup); asked.has_error()) return asked.error();
  return setup;
}

// What becomes of the account in the gateway that runs.
void tell_outcome(Context& context, const std::string& channel, const std::string& account) {
  auto answer = context.call_gateway(
      ConnectAs::kFull, "channels.apply",
      json::object{{"channel", channel}, {"accountId", account}, {"timeoutMs", kConnectTime.count()}},
      kConnectTime + std::chrono::seconds(5));
  if (!answer) return;
  const auto* connected = find_at(*answer, "/account/connected");
  const std::string error = text_at(*answer, "/account/error");
  if (connected != nullptr && connected->is_bool() && connected->get_bool()) {
    context.out().line("It is connected.");
  } else if (error.empty()) {
    context.out().line("It is still connecting; see how it does with: openclaw channels status --probe");
  } else {
    context.fail(make_error(Code::kUnavailable, "It does not connect: " + error));
  }
}

void channels_add(Context& context, const AddFlags& flags) {
  auto installed = installed_plugins(context);
  auto config = config::load(context.paths(), installed.sections);
  if (config.has_error()) return context.fail(config.error());
  auto kinds = channel_kinds(installed.plugins);
  auto channel = chosen_channel(flags, kinds);
  if (channel.has_error()) return context.fail(channel.error());
  auto kind = find_kind(kinds, *channel);
  if (kind.has_error()) return context.fail(kind.error());
  auto setup = account_from(context, flags, *kind);
  if (setup.has_error()) return context.fail(setup.error());
  auto changes = setup_changes(**config, *kind, *setup);
  if (changes.has_error()) return context.fail(changes.error());
  if (!write_config(context, *changes, installed.sections)) return;
  if (context.json) {
    context.out().print_json(json::object{{"ok", true}, {"channel", kind->id}, {"account", setup->account}});
    return;
  }
  context.out().line("Added " + kind->traits.label + " account \"" + setup->account + "\".");
  if (!kind->trouble.empty()) context.out().note("Its plugin does not load: " + kind->trouble);
  if (!gateway::running_gateway(context.paths().state_dir)) {
    context.out().line("Start the gateway with: openclaw gateway run");
  } else if ((*config)->get_string("gateway.reload.mode") != "off") {
    tell_outcome(context, kind->id, setup->account);
  }
}

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
    if (!forget || *id != "default" || source.env.empty() || !variable(source.env)) continue;
    context.out().note("Note: " + source.env + " is set and configures this account again; unset it.");
  }
}

// Linking by code needs the running plugin; channels whose account is a token have nothing to link.
void channels_login(Context& context, const std::string& channel) {
  auto installed = installed_plugins(context);
  auto kinds = channel_kinds(installed.plugins);
  std::string wanted = channel.empty() && kinds.size() == 1 ? kinds.front().id : channel;
  auto kind = find_kind(kinds, wanted);
  if (kind.has_error()) return context.fail(kind.error());
  context.fail(Error(Code::kFailedPrecondition,
                     kind->traits.secrets.empty()
                         ? kind->traits.label + " offers no linking by code"
                         : kind->traits.label + " needs no linking, only its " + kind->traits.secrets.front().key +
                               ". Type: openclaw channels add --channel " + kind->id));
}

void add_add(CLI::App& group, Context& context) {
  auto flags = std::make_shared<AddFlags>();
  auto* command = group.add_subcommand("add", "Add or change an account of a channel");
  command->add_option("--channel", flags->channel, "Channel, for example telegram");
  command->add_option("--account", flags->account, "Account id (default: default)");
  command->add_option("--name", flags->name, "Name for people");
  command->add_option("--token", flags->token,
                      "Token; '-' reads it from standard input. Left out, it is asked for without echo");
  command->add_option("--token-file", flags->token_file, "File that holds the token; read at each start");
  command->add_option("--bot-token", flags->bot_token, "Bot token, where a channel has several");
  command->add_option("--app-token", flags->app_token, "App token, where a channel has several");
  command->add_option("--access-token", flags->access_token, "Access token, where a channel has one");
  command->add_option("--password", flags->password, "Password, where a channel has one");
  command->add_flag("--use-env", flags->use_env, "Take the token from the environment (default account)");
  add_webhook_flags(*command, flags->webhook);
  add_json_flag(*command, context);
  command->callback([&context, flags] { channels_add(context, *flags); });
}

}  // namespace

void add_channels_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("channels", "Chat channels and their accounts");
  group->require_subcommand(1);
  add_add(*group, context);

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
  auto* login_command = group->add_subcommand("login", "Link an account by code, where a channel works so");
  login_command->add_option("--channel", *channel, "Channel");
  login_command->add_option("--account", *account, "Account id");
  login_command->callback([&context, channel] { channels_login(context, *channel); });

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
