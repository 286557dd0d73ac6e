// channels capabilities: what a channel can do, by its plugin's manifest, and how its accounts are.
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "json_fields.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

struct CapabilityFlags {
  std::string channel, account, target;
};

json::object support_of(const channel::ChannelTraits& traits) {
  json::object out = traits.capabilities;
  out["buttons"] = traits.buttons;
  out["sendsFiles"] = traits.sends_files;
  out["readsHistory"] = traits.reads_history;
  out["typing"] = traits.typing_interval_ms > 0;
  out["streaming"] = traits.stream_interval_ms > 0;
  if (traits.stream_interval_ms > 0) {
    out["streamIntervalMs"] = traits.stream_interval_ms;
    out["streamGroupIntervalMs"] = traits.stream_group_interval_ms;
  }
  return out;
}

// What the configuration says; what the running gateway says is put over it.
json::array planned_accounts(const std::vector<channel::AccountPlan>& plans,
                             const std::string& channel) {
  json::array out;
  for (const auto& plan : plans) {
    if (plan.channel != channel) continue;
    out.push_back(json::object{{"accountId", plan.account},
                               {"enabled", plan.enabled},
                               {"configured", plan.configured},
                               {"problem", plan.problem}});
  }
  return out;
}

json::array accounts_of(const std::optional<json::value>& status, const std::string& channel,
                        json::array planned) {
  const auto* by_channel = status ? find_at(*status, "/channelAccounts") : nullptr;
  if (by_channel == nullptr || !by_channel->is_object()) return planned;
  const auto* accounts = by_channel->get_object().if_contains(channel);
  if (accounts == nullptr || !accounts->is_array()) return planned;
  json::array out;
  for (const auto& each : accounts->get_array()) {
    if (!each.is_object()) continue;
    json::object account;
    for (const char* key : {"accountId", "enabled", "configured", "running", "connected",
                            "lastError", "application", "probe"}) {
      if (const auto* value = each.get_object().if_contains(key)) account[key] = *value;
    }
    out.push_back(std::move(account));
  }
  return out;
}

json::array only_account(json::array accounts, const std::string& id) {
  json::array out;
  for (auto& each : accounts) {
    if (id.empty() || text_at(each, "/accountId") == id) out.push_back(std::move(each));
  }
  return out;
}

std::string joined_list(const json::object& from, const char* key) {
  const auto* list = from.if_contains(key);
  std::string out;
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& each : list->get_array()) {
    if (each.is_string()) out += (out.empty() ? "" : ", ") + std::string(each.get_string());
  }
  return out;
}

std::string abilities(const json::object& support) {
  std::string out;
  for (const auto& [key, word] : {std::pair{"replies", "reply"},
                                  {"edits", "edit"},
                                  {"deletes", "delete"},
                                  {"reactions", "reactions"},
                                  {"threads", "threads"},
                                  {"buttons", "buttons"},
                                  {"commands", "commands"},
                                  {"typing", "typing"},
                                  {"readsHistory", "history"}}) {
    if (flag_of(support, key)) out += (out.empty() ? "" : ", ") + std::string(word);
  }
  return out;
}

std::string limits_of(const json::object& support) {
  std::string out;
  if (const auto chars = number_of(support, "maxTextChars"); chars > 0)
    out = std::to_string(chars) + " characters";
  if (const auto mb = number_of(support, "maxFileMb"); mb > 0)
    out += (out.empty() ? "" : ", ") + std::to_string(mb) + " MB a file";
  return out;
}

std::string state_of(const json::value& account) {
  const auto& about = account.get_object();
  std::string bot = text_at(account, "/probe/bot/username");
  if (bot.empty()) bot = text_at(account, "/application/username");
  const std::string as = bot.empty() ? "" : " as @" + bot;
  if (!flag_of(about, "configured")) return "not configured";
  if (!flag_of(about, "enabled")) return "switched off";
  if (flag_of(about, "connected")) return "connected" + as;
  if (const auto error = text_of(about, "lastError"); !error.empty())
    return "not connected: " + error;
  return flag_of(about, "running") ? "connecting" + as : "configured; its gateway does not run";
}

void print_channel(Context& context, const json::object& entry) {
  auto& out = context.out();
  const auto& support = entry.at("support").get_object();
  out.line(
      out.paint(Colour::kBold, text_of(entry, "label") + " (" + text_of(entry, "channel") + ")"));
  const auto row = [&](const char* name, const std::string& text) {
    if (!text.empty()) out.line("  " + std::string(name) + text);
  };
  row("Chats:     ", joined_list(support, "chatTypes"));
  row("Messages:  ", abilities(support));
  row("Media:     ", flag_of(support, "sendsFiles") ? joined_list(support, "media") : "");
  row("Streaming: ", flag_of(support, "streaming")
                         ? "by edits, every " +
                               std::to_string(number_of(support, "streamIntervalMs")) +
                               " ms; in groups " +
                               std::to_string(number_of(support, "streamGroupIntervalMs")) + " ms"
                         : "no");
  row("Limits:    ", limits_of(support));
  row("Plugin:    ", text_of(entry, "trouble"));
  for (const auto& account : entry.at("accounts").get_array())
    row("Account ", text_at(account, "/accountId") + ": " + state_of(account));
  if (entry.at("accounts").get_array().empty())
    row("Account: ", "none. Add one: openclaw channels add --channel " + text_of(entry, "channel"));
  if (const auto* target = entry.if_contains("target"); target && target->is_object()) {
    const auto& about = target->get_object();
    row("Target:    ",
        flag_of(about, "resolved")
            ? text_of(about, "id") + " " + text_of(about, "kind") + " " + text_of(about, "name")
            : "unresolved: " + text_of(about, "note"));
  }
}

// False when it failed, and was printed.
bool add_target(Context& context, const CapabilityFlags& flags, json::object& entry) {
  json::object params{{"channel", flags.channel}, {"entries", json::array{flags.target}}};
  if (!flags.account.empty()) params["accountId"] = flags.account;
  auto answer = context.call_gateway(ConnectAs::kLeast, "channels.resolve", std::move(params));
  const auto* result = answer ? find_at(*answer, "/results/0") : nullptr;
  if (result != nullptr) entry["target"] = *result;
  return result != nullptr;
}

void channels_capabilities(Context& context, const CapabilityFlags& flags) {
  if (flags.channel.empty() && !(flags.account.empty() && flags.target.empty())) {
    context.fail(Error(Code::kInvalidArgument,
                       "--account and --target belong to one channel: add --channel <name>"));
    context.exit_code = kUsage;
    return;
  }
  auto installed = installed_plugins(context);
  auto config = config::load(context.paths(), installed.sections);
  if (config.has_error()) return context.fail(config.error());
  auto kinds = channel_kinds(installed.plugins);
  if (!flags.channel.empty()) {
    auto kind = find_kind(kinds, flags.channel);
    if (kind.has_error()) return context.fail(kind.error());
    kinds = {*kind};
  }
  std::optional<json::value> status;
  if (context.gateway_expected()) {
    status = context.call_gateway(ConnectAs::kLeast, "channels.status",
                                  json::object{{"probe", true}, {"timeoutMs", context.timeout_ms}});
    if (!status) return;
  }
  const auto plans = accounts_in_use(**config, installed);
  json::array channels;
  for (const auto& kind : kinds) {
    auto accounts =
        only_account(accounts_of(status, kind.id, planned_accounts(plans, kind.id)), flags.account);
    if (!flags.account.empty() && accounts.empty()) {
      return context.fail(Error(Code::kNotFound, "There is no account \"" + flags.account +
                                                     "\" of " + kind.id +
                                                     ". See: openclaw channels list"));
    }
    json::object entry{{"channel", kind.id},
                       {"label", kind.traits.label},
                       {"support", support_of(kind.traits)},
                       {"accounts", std::move(accounts)}};
    if (!kind.trouble.empty()) entry["trouble"] = kind.trouble;
    if (!flags.target.empty() && !add_target(context, flags, entry)) return;
    channels.push_back(std::move(entry));
  }
  if (context.json)
    return context.out().print_json(json::object{{"channels", std::move(channels)}});
  for (const auto& entry : channels) print_channel(context, entry.get_object());
  if (!status)
    context.out().note(
        "No gateway runs: whether accounts connect is not known. Start it: openclaw gateway run");
}

}  // namespace

void add_channels_capabilities_command(CLI::App& group, Context& context) {
  auto flags = std::make_shared<CapabilityFlags>();
  auto* command =
      group.add_subcommand("capabilities", "Show what channels can do, and how their accounts are");
  command->add_option("--channel", flags->channel,
                      "Only this channel (default: all that are installed)");
  command->add_option("--account", flags->account, "Only this account");
  command->add_option("--target", flags->target, "A person or group to look up as well");
  add_json_flag(*command, context);
  add_gateway_flags(*command, context);
  command->callback([&context, flags] { channels_capabilities(context, *flags); });
}

}  // namespace openclaw::cli
