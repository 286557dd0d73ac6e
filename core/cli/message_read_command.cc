// message read: what was said in a conversation.
#include <ctime>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "json_fields.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

constexpr std::chrono::milliseconds kReadTime{35'000};  // longer than the gateway tries

struct ReadFlags {
  std::string channel, account, target, thread;
  std::int64_t limit = 20;
};

std::string local_time(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  char text[32];
  if (::localtime_r(&seconds, &parts) == nullptr) return {};
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts)};
}

// Text of outsiders: control characters would move the cursor of whoever reads it.
std::string without_controls(const std::string& text, bool one_line) {
  std::string out;
  for (char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (c == '\n' && !one_line) {
      out += "\n    ";
    } else {
      out += control ? ' ' : c;
    }
  }
  return out;
}

void print_message(Context& context, const json::object& message) {
  std::string who =
      flag_of(message, "own") ? "(bot)" : without_controls(text_of(message, "senderName"), true);
  if (who.empty()) who = without_controls(text_of(message, "senderId"), true);
  const auto when = local_time(number_of(message, "timestampMs"));
  context.out().line(
      context.out().paint(Colour::kDim,
                          when + " " + without_controls(text_of(message, "messageId"), true)) +
      " " + context.out().paint(Colour::kBold, who) + ": " +
      without_controls(text_of(message, "text"), false));
}

void read_messages(Context& context, const ReadFlags& flags) {
  json::object params{{"to", flags.target}, {"limit", flags.limit}};
  if (!flags.channel.empty()) params["channel"] = flags.channel;
  if (!flags.account.empty()) params["accountId"] = flags.account;
  if (!flags.thread.empty()) params["threadId"] = flags.thread;
  auto answer = context.call_gateway(gateway_client::ConnectAs::kLeast, "message.read",
                                     std::move(params), kReadTime);
  if (!answer) return;
  if (context.json) return context.out().print_json(*answer);
  const auto* messages = find_at(*answer, "/messages");
  std::size_t shown = 0;
  if (messages != nullptr && messages->is_array()) {
    for (const auto& each : messages->get_array()) {
      if (!each.is_object()) continue;
      print_message(context, each.get_object());
      ++shown;
    }
  }
  if (const auto why = text_at(*answer, "/note"); !why.empty())
    context.out().note("Not asked of the platform: " + why);
  if (text_at(*answer, "/source") != "record") {
    if (shown == 0) context.out().note("No messages there.");
    return;
  }
  context.out().note(std::string(shown == 0 ? "Nothing on record. " : "") +
                     "From the gateway's own record: what it let in and said in the last 7 days.");
}

}  // namespace

void add_message_read_command(CLI::App& group, Context& context) {
  auto flags = std::make_shared<ReadFlags>();
  auto* command = group.add_subcommand("read", "Read the last messages of a conversation");
  command->add_option("--channel", flags->channel,
                      "Channel (default: the only one that is configured)");
  command->add_option("--account", flags->account, "Account of the channel");
  command
      ->add_option("-t,--target", flags->target,
                   "Person, group or channel; names: openclaw channels resolve")
      ->required();
  command->add_option("--thread-id", flags->thread, "Only this topic or thread");
  command->add_option("--limit", flags->limit, "The newest so many (default: 20)")
      ->check(CLI::Range(1, 100));
  add_json_flag(*command, context);
  add_gateway_flags(*command, context);
  command->callback([&context, flags] { read_messages(context, *flags); });
}

}  // namespace openclaw::cli
