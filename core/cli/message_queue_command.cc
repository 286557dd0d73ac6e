// message queue [retry|drop]: what is not sent yet, or was given up.
#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "json_fields.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

struct QueueFlags {
  std::string channel, account, state;
  std::int64_t id = 0, limit = 200;
  bool all = false;
};

const json::array& array_at(const json::value& from, std::string_view pointer) {
  static const json::array none;
  const json::value* found = find_at(from, pointer);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

json::object filter_of(const QueueFlags& flags) {
  json::object out;
  if (!flags.channel.empty()) out["channel"] = flags.channel;
  if (!flags.account.empty()) out["accountId"] = flags.account;
  return out;
}

std::int64_t number_at(const json::object& entry, const char* key) {
  const json::value* value = entry.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::vector<std::string> row_of(const json::object& entry) {
  std::string state = text_of(entry, "state");
  if (flag_of(entry, "mayHaveBeenSent")) state += " (may have been seen)";
  return {std::to_string(number_at(entry, "id")),
          text_of(entry, "channel") + "/" + text_of(entry, "accountId"),
          text_of(entry, "to"),
          std::move(state),
          std::to_string(number_at(entry, "attempts")),
          short_age(number_at(entry, "ageMs")),
          text_of(entry, "error")};
}

void list_queue(Context& context, const QueueFlags& flags) {
  json::object params = filter_of(flags);
  params["limit"] = flags.limit;
  if (!flags.state.empty()) params["state"] = flags.state;
  auto answer = context.call_gateway(ConnectAs::kLeast, "message.queue.list", std::move(params));
  if (!answer) return;
  if (context.json) return context.out().print_json(*answer);
  std::vector<std::vector<std::string>> rows;
  for (const json::value& entry : array_at(*answer, "/entries")) {
    if (entry.is_object()) rows.push_back(row_of(entry.get_object()));
  }
  if (rows.empty()) return context.out().line("Nothing waits, and nothing was given up.");
  context.out().table({"ID", "CHANNEL", "TO", "STATE", "TRIES", "AGE", "ERROR"}, rows);
  context.out().note("Send one after all: openclaw message queue retry ID. Or: openclaw message queue drop ID");
}

void retry_queued(Context& context, const QueueFlags& flags) {
  if ((flags.id == 0) == !flags.all) {
    context.fail(Error(Code::kInvalidArgument, "say which: the id that `openclaw message queue` shows, or --all"));
    context.exit_code = kUsage;
    return;
  }
  json::object params = filter_of(flags);
  if (flags.all) {
    params["all"] = true;
  } else {
    params["id"] = flags.id;
  }
  auto answer = context.call_gateway(ConnectAs::kFull, "message.queue.retry", std::move(params));
  if (!answer) return;
  if (context.json) return context.out().print_json(*answer);
  const std::size_t count = array_at(*answer, "/retried").size();
  context.out().line(count == 1 ? "1 message is sent again." : std::to_string(count) + " messages are sent again.");
  for (const json::value& each : array_at(*answer, "/skipped")) {
    if (each.is_object()) context.out().note(text_of(each.get_object(), "error"));
  }
}

void drop_queued(Context& context, const QueueFlags& flags) {
  auto answer = context.call_gateway(ConnectAs::kFull, "message.queue.drop", json::object{{"id", flags.id}});
  if (!answer) return;
  if (context.json) return context.out().print_json(*answer);
  context.out().line("Dropped message " + std::to_string(flags.id) + ".");
}

}  // namespace

void add_message_queue_commands(CLI::App& group, Context& context) {
  auto flags = std::make_shared<QueueFlags>();
  auto* queue = group.add_subcommand("queue", "List messages that are not sent");
  queue->require_subcommand(0, 1);
  queue->add_option("--channel", flags->channel, "Only this channel's");
  queue->add_option("--account", flags->account, "Only this account's");
  queue->add_option("--state", flags->state, "Only these")
      ->check(CLI::IsMember({"queued", "sending", "ambiguous", "dead"}));
  queue->add_option("--limit", flags->limit, "The newest so many (default 200)")->check(CLI::Range(1, 1000));
  add_json_flag(*queue, context);
  add_gateway_flags(*queue, context);
  auto* retry = queue->add_subcommand("retry", "Send a message that was given up, or do not wait for its next try");
  retry->add_option("id", flags->id, "Its id in the list")->check(CLI::PositiveNumber);
  retry->add_flag("--all", flags->all, "All that were given up");
  retry->add_option("--channel", flags->channel, "With --all: only this channel's");
  retry->add_option("--account", flags->account, "With --all: only this account's");
  auto* drop = queue->add_subcommand("drop", "Drop a message");
  drop->add_option("id", flags->id, "Its id in the list")->required()->check(CLI::PositiveNumber);
  for (auto* command : {retry, drop}) {
    add_json_flag(*command, context);
    add_gateway_flags(*command, context);
  }
  queue->callback([&context, queue, retry, drop, flags] {
    if (retry->parsed()) return retry_queued(context, *flags);
    if (drop->parsed()) return drop_queued(context, *flags);
    if (queue->get_subcommands().empty()) list_queue(context, *flags);
  });
}

}  // namespace openclaw::cli
