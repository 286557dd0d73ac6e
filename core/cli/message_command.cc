// message send|edit|delete|react: by the running gateway, which has the accounts.
#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "identity/device_identity.h"
#include "json_pointer.h"
#include "storage/atomic_file.h"
#include "workspace/base64.h"
#include "workspace/media_name.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

constexpr std::uint64_t kMostFileBytes = 5'000'000;     // what the gateway takes of one file
constexpr std::chrono::milliseconds kSendTime{65'000};  // longer than the gateway tries

struct MessageFlags {
  std::string channel, account, target, thread, message, message_id, reply_to, emoji, buttons;
  std::vector<std::string> media;
  bool remove = false, dry_run = false;
};

json::object params_of(const std::string& action, const MessageFlags& flags) {
  json::object params{{"action", action}, {"to", flags.target}};
  for (const auto& [key, value] : {std::pair{"channel", &flags.channel},
                                   {"accountId", &flags.account},
                                   {"threadId", &flags.thread},
                                   {"message", &flags.message},
                                   {"messageId", &flags.message_id},
                                   {"replyTo", &flags.reply_to}}) {
    if (!value->empty()) params[key] = *value;
  }
  if (!flags.emoji.empty() && !flags.remove) params["emoji"] = flags.emoji;
  return params;
}

// The files' bytes go with the request: the gateway may run elsewhere.
Result<json::array> brought(const std::vector<std::string>& paths) {
  json::array out;
  for (const auto& path : paths) {
    if (path.find("://") != std::string::npos)
      return Error(Code::kInvalidArgument, "--media takes a file, not an address: " + path);
    auto bytes = storage::read_file_bounded(path, kMostFileBytes);
    if (bytes.has_error())
      return Error(bytes.error().code, "--media " + path + ": " + bytes.error().message);
    if (bytes->empty()) return Error(Code::kInvalidArgument, "--media " + path + " is empty");
    const auto name = std::filesystem::path(path).filename().string();
    out.emplace_back(json::object{{"fileName", name},
                                  {"mimeType", workspace::mime_of(name)},
                                  {"content", workspace::to_base64(*bytes)}});
  }
  return out;
}

void run_action(Context& context, const std::string& action, const MessageFlags& flags) {
  if (action == "react" && flags.emoji.empty() && !flags.remove) {
    context.fail(Error(Code::kInvalidArgument, "say which: --emoji EMOJI, or --remove"));
    context.exit_code = kUsage;
    return;
  }
  json::object params = params_of(action, flags);
  if (!flags.buttons.empty()) {
    boost::system::error_code no_json;
    json::value rows = json::parse(flags.buttons, no_json);
    if (no_json || !rows.is_array()) {
      context.fail(
          Error(Code::kInvalidArgument,
                "--buttons takes JSON: '[[{\"text\":\"Yes\",\"callback_data\":\"yes\"}]]'"));
      context.exit_code = kUsage;
      return;
    }
    params["buttons"] = std::move(rows);
  }
  if (action == "send" && flags.message.empty() && flags.media.empty()) {
    context.fail(Error(Code::kInvalidArgument, "say what: --message TEXT, --media FILE, or both"));
    context.exit_code = kUsage;
    return;
  }
  auto files = brought(flags.media);
  if (files.has_error()) return context.fail(files.error());
  if (flags.dry_run) {
    if (!flags.media.empty()) params["media"] = json::value_from(flags.media);
    context.out().print_json(params);
    return;
  }
  if (!files->empty()) params["attachments"] = std::move(*files);
  params["idempotencyKey"] = identity::uuid_v4();
  auto answer =
      context.call_gateway(ConnectAs::kFull, "message.action", std::move(params), kSendTime);
  if (!answer) return;
  if (context.json) return context.out().print_json(*answer);
  const char* done = action == "send"     ? "Sent"
                     : action == "edit"   ? "Edited"
                     : action == "delete" ? "Deleted"
                     : flags.remove       ? "Took the reaction back from"
                                          : "Reacted to";
  context.out().line(std::string(done) + " message " + text_at(*answer, "/messageId") + " (" +
                     text_at(*answer, "/channel") + ").");
}

void add_action(CLI::App& group, Context& context, const std::string& action, const char* about) {
  auto flags = std::make_shared<MessageFlags>();
  auto* command = group.add_subcommand(action, about);
  command->add_option("--channel", flags->channel,
                      "Channel (default: the only one that is configured)");
  command->add_option("--account", flags->account, "Account of the channel");
  command
      ->add_option("-t,--target", flags->target,
                   "Person, group or channel: the id as openclaw sessions shows it")
      ->required();
  command->add_option("--thread-id", flags->thread, "Topic or thread within it");
  if (action == "send" || action == "edit")
    command->add_option("-m,--message", flags->message, "Text, in Markdown")
        ->required(action == "edit");
  if (action == "send")
    command->add_option("--media", flags->media, "File to send with it; may be given again")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if (action == "send" || action == "edit")
    command->add_option("--buttons", flags->buttons, "Rows of buttons, as JSON");
  if (action == "send") {
    command->add_option("--reply-to", flags->reply_to, "Id of the message to answer");
  } else {
    command->add_option("--message-id", flags->message_id, "Which message")->required();
  }
  if (action == "react") {
    command->add_option("--emoji", flags->emoji, "One emoji");
    command->add_flag("--remove", flags->remove, "Take the reaction back");
  }
  command->add_flag("--dry-run", flags->dry_run, "Print what would be sent, and send nothing");
  add_json_flag(*command, context);
  add_gateway_flags(*command, context);
  command->callback([&context, action, flags] { run_action(context, action, *flags); });
}

}  // namespace

void add_message_commands(CLI::App& app, Context& context) {
  auto* group =
      app.add_subcommand("message", "Send messages by hand, change and read those there are");
  group->require_subcommand(1);
  add_action(*group, context, "send", "Send a message");
  add_action(*group, context, "edit", "Change the text of a message of the bot");
  add_action(*group, context, "delete", "Delete a message");
  add_action(*group, context, "react", "Put an emoji on a message, or take it back");
  add_message_read_command(*group, context);
  add_message_queue_commands(*group, context);
}

}  // namespace openclaw::cli
