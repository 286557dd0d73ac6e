// channels resolve: names of people and groups to the ids that other commands take.
#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "json_fields.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

struct ResolveFlags {
  std::vector<std::string> entries;
  std::string channel, account, kind = "auto";
};

std::string candidates_of(const json::object& result) {
  const auto* list = result.if_contains("candidates");
  std::string out;
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& each : list->get_array()) {
    if (!each.is_object()) continue;
    const auto& peer = each.get_object();
    const auto username = text_of(peer, "username");
    out += (out.empty() ? "" : ", ") + text_of(peer, "id") +
           (username.empty() ? "" : " (@" + username + ")");
  }
  return out;
}

void print_result(Context& context, const json::object& result) {
  std::string line = text_of(result, "input") + " -> ";
  if (flag_of(result, "resolved")) {
    line += text_of(result, "id");
    if (const auto name = text_of(result, "name"); !name.empty()) line += " (" + name + ")";
  } else {
    line += "unresolved";
  }
  if (const auto note = text_of(result, "note"); !note.empty()) line += " [" + note + "]";
  if (const auto others = candidates_of(result); !others.empty()) line += ": " + others;
  context.out().line(line);
}

void channels_resolve(Context& context, const ResolveFlags& flags) {
  json::array entries;
  for (const auto& entry : flags.entries) entries.emplace_back(entry);
  json::object params{{"entries", std::move(entries)}, {"kind", flags.kind}};
  if (!flags.channel.empty()) params["channel"] = flags.channel;
  if (!flags.account.empty()) params["accountId"] = flags.account;
  auto answer = context.call_gateway(gateway_client::ConnectAs::kLeast, "channels.resolve",
                                     std::move(params));
  if (!answer) return;
  const auto* results = find_at(*answer, "/results");
  const json::array none;
  const auto& list = results && results->is_array() ? results->get_array() : none;
  if (context.json) context.out().print_json(list);
  for (const auto& each : list) {
    if (!each.is_object()) continue;
    if (!context.json) print_result(context, each.get_object());
    if (!flag_of(each.get_object(), "resolved")) context.exit_code = kFailed;
  }
}

}  // namespace

void add_channels_resolve_command(CLI::App& group, Context& context) {
  auto flags = std::make_shared<ResolveFlags>();
  auto* command =
      group.add_subcommand("resolve", "Find the ids of people and groups by their names");
  command
      ->add_option("entries", flags->entries,
                   "Names: @alice, '#general', user:123, \"Ada Lovelace\"")
      ->required();
  command->add_option("--channel", flags->channel,
                      "Channel (default: the only one that is configured)");
  command->add_option("--account", flags->account, "Account of the channel");
  command->add_option("--kind", flags->kind, "What to look for (default: auto)")
      ->check(CLI::IsMember({"auto", "user", "group"}));
  add_json_flag(*command, context);
  add_gateway_flags(*command, context);
  command->callback([&context, flags] { channels_resolve(context, *flags); });
}

}  // namespace openclaw::cli
