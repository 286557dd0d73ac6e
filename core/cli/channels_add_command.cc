// channels add: which flags there are beside the common ones, each channel's manifest says.
#include <chrono>

#include <CLI/CLI.hpp>

#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "cli/config_edit.h"
#include "cli/prompt.h"
#include "cli/secret_flags.h"
#include "cli/webhook_flags.h"
#include "json_pointer.h"
#include "program/state_lock.h"
#include "storage/atomic_file.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

constexpr std::chrono::milliseconds kConnectTime{15'000};
constexpr std::uint64_t kMaxSecretFile = 64ULL * 1024;

struct AddFlags {
  std::string channel, account, name, token_file;
  SecretFlags secrets{{"--token", ""}};
  bool use_env = false;
  WebhookFlags webhook;
};

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
      auto flag = secret_flag(kind, source.key);
      return Error(Code::kInvalidArgument,
                   kind.traits.label + " needs its " + source.key + ": " + flag + " <text>, " + flag +
                       " - (read from standard input)" + (source.file_key.empty() ? "" : ", --token-file <path>") +
                   (source.env.empty() ? "" : ", or --use-env for the variable " + source.env));
    }
    auto text = prompt.secret(kind.traits.label + ", " + source.prompt);
    if (text.has_error()) return text.error();
    if (!is_plain_secret(*text)) return Error(Code::kInvalidArgument, source.key + " is empty or holds blanks");
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
    if (auto value = environment_variable(source.env); !value || value->empty()) {
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
  if (auto taken = take_secret_flags(flags.secrets, kind, setup); taken.has_error()) return taken.error();
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
  if (text_at(*answer, "/account/linkState") == "pairing") {
    context.out().line("Link it with: openclaw channels login --channel " + channel +
                       (account == "default" ? "" : " --account " + account));
  } else if (connected != nullptr && connected->is_bool() && connected->get_bool()) {
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
  const auto plans = accounts_in_use(**config, installed);
  const bool changed = std::any_of(plans.begin(), plans.end(), [&](const auto& plan) {
    return plan.channel == kind->id && plan.account == setup->account && plan.configured;
  });
  if (!write_config(context, *changes, installed.sections)) return;
  if (context.json) {
    context.out().print_json(json::object{{"ok", true}, {"channel", kind->id}, {"account", setup->account}});
    return;
  }
  context.out().line((changed ? "Changed " : "Added ") + kind->traits.label + " account \"" + setup->account + "\".");
  if (!kind->trouble.empty()) context.out().note("Its plugin does not load: " + kind->trouble);
  if (!gateway::running_gateway(context.paths().state_dir)) {
    context.out().line("Start the gateway with: openclaw gateway run");
  } else if ((*config)->get_string("gateway.reload.mode") != "off") {
    tell_outcome(context, kind->id, setup->account);
  }
}

}  // namespace

void add_channels_add_command(CLI::App& group, Context& context) {
  auto flags = std::make_shared<AddFlags>();
  auto* command = group.add_subcommand("add", "Add or change an account of a channel");
  command->add_option("--channel", flags->channel, "Channel, for example telegram");
  command->add_option("--account", flags->account, "Account id (default: default)");
  command->add_option("--name", flags->name, "Name for people");
  command->add_option("--token", flags->secrets["--token"],
                      "The channel's first secret; '-' reads it from standard input. Left out, it is asked for without echo");
  command->add_option("--token-file", flags->token_file, "File that holds the token; read at each start");
  command->add_flag("--use-env", flags->use_env, "Take the token from the environment (default account)");
  add_webhook_flags(*command, flags->webhook);
  add_json_flag(*command, context);
  // Manifests are read when the command is meant, not at each start of the program.
  command->preparse_callback([&context, command, flags](std::size_t) {
    add_secret_flags(*command, channel_kinds(installed_plugins(context).plugins), flags->secrets);
  });
  command->callback([&context, flags] { channels_add(context, *flags); });
}


}  // namespace openclaw::cli
