// pairing list|approve: who may talk to the agent in direct messages. Works on the files; the gateway reads
// them anew for each decision.
#include <algorithm>

#include <CLI/CLI.hpp>

#include "channel/channel_service.h"
#include "cli/cli.h"
#include "identity/device_identity.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

namespace fs = std::filesystem;
using channel::PairingRequest;
using channel::PairingStore;

constexpr std::string_view kSuffix = "-pairing.json";

struct PairingFlags {
  std::string first, second, channel, account;
  bool notify = false;
};

// Channels that somebody has asked at.
std::vector<std::string> channels_with_requests(const fs::path& state_dir) {
  std::vector<std::string> out;
  std::error_code failed;
  for (fs::directory_iterator it(state_dir / "credentials", failed), end; !failed && it != end; it.increment(failed)) {
    auto name = it->path().filename().string();
    if (name.size() > kSuffix.size() && name.ends_with(kSuffix)) {
      out.push_back(name.substr(0, name.size() - kSuffix.size()));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string requested_account(const PairingRequest& request) {
  return text_at(json::value(request.meta), "/accountId", "default");
}

json::object request_json(const PairingRequest& request) {
  return {{"id", request.id},
          {"code", request.code},
          {"createdAt", request.created_at},
          {"lastSeenAt", request.last_seen_at},
          {"meta", request.meta}};
}

struct PendingRequest {
  std::string channel;
  PairingRequest request;
};

Result<std::vector<PendingRequest>> pending_requests(const Context& context, const std::string& channel, const std::string& account) {
  PairingStore store(context.paths().state_dir);
  std::vector<PendingRequest> out;
  for (const auto& id : channel.empty() ? channels_with_requests(context.paths().state_dir)
                                        : std::vector<std::string>{channel}) {
    auto requests = store.list(id);
    if (requests.has_error()) return requests.error();
    for (auto& request : *requests) {
      if (account.empty() || requested_account(request) == account) out.push_back({id, std::move(request)});
    }
  }
  return out;
}

void pairing_list(Context& context, const PairingFlags& flags) {
  const auto& channel = flags.channel.empty() ? flags.first : flags.channel;
  auto found = pending_requests(context, channel, flags.account);
  if (found.has_error()) return context.fail(found.error());
  if (context.json) {
    json::array requests;
    for (const auto& [id, request] : *found) {
      auto entry = request_json(request);
      if (channel.empty()) entry["channel"] = id;
      requests.push_back(std::move(entry));
    }
    json::object out;
    if (!channel.empty()) out["channel"] = channel;
    out["requests"] = std::move(requests);
    context.out().print_json(out);
    return;
  }
  if (found->empty()) {
    context.out().line("No pending " + (channel.empty() ? "" : channel + " ") + "pairing requests.");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [id, request] : *found) {
    json::object meta = request.meta;
    meta.erase("accountId");
    rows.push_back({id, request.code, request.id, requested_account(request), request.created_at,
                    meta.empty() ? "" : json::serialize(meta)});
  }
  context.out().table({"CHANNEL", "CODE", "SENDER", "ACCOUNT", "REQUESTED", "ABOUT"}, rows);
  context.out().line("Approve with: openclaw pairing approve <channel> <code>");
}

std::string upper_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// The sender hears of it through the running gateway; that is a courtesy, the approval stands without.
void notify_sender(Context& context, const std::string& channel, const PairingRequest& request) {
  context.call_gateway(gateway_client::ConnectAs::kFull, "send",
                       json::object{{"channel", channel},
                                    {"accountId", requested_account(request)},
                                    {"to", request.id},
                                    {"message", "You are approved. Write whenever you like."},
                                    {"idempotencyKey", identity::random_token(16)}});
}

void pairing_approve(Context& context, const PairingFlags& flags) {
  // One word is a code, two are channel and code.
  auto channel = flags.second.empty() ? flags.channel : flags.first;
  auto code = upper_case(flags.second.empty() ? flags.first : flags.second);
  auto found = pending_requests(context, channel, flags.account);
  if (found.has_error()) return context.fail(found.error());
  std::erase_if(*found, [&](const PendingRequest& entry) { return entry.request.code != code; });
  if (found->empty()) {
    return context.fail(Error(Code::kNotFound, "No pending pairing request found for code: " + code +
                                                   " (codes hold for an hour). See: openclaw pairing list" +
                                                   (channel.empty() ? "" : " " + channel)));
  }
  if (found->size() > 1) {
    return context.fail(Error(Code::kInvalidArgument, "Several channels wait with this code; type: openclaw pairing "
                                                      "approve <channel> " + code));
  }
  const auto& entry = found->front();
  auto sender = PairingStore(context.paths().state_dir).approve(entry.channel, code);
  if (sender.has_error()) return context.fail(sender.error());
  if (context.json) {
    context.out().print_json(json::object{
        {"ok", true}, {"channel", entry.channel}, {"accountId", requested_account(entry.request)}, {"id", *sender}});
  } else {
    context.out().line("Approved " + entry.channel + " sender " + *sender + ".");
  }
  if (flags.notify) notify_sender(context, entry.channel, entry.request);
}

}  // namespace

void add_pairing_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("pairing", "Approve people who write to the agent for the first time");
  group->require_subcommand(1);
  auto flags = std::make_shared<PairingFlags>();
  auto* list_command = group->add_subcommand("list", "People who wait for approval");
  list_command->add_option("name", flags->first, "Channel (default: all)");
  list_command->add_option("--channel", flags->channel, "Channel");
  list_command->add_option("--account", flags->account, "Account id");
  add_json_flag(*list_command, context);
  list_command->callback([&context, flags] { pairing_list(context, *flags); });

  auto* approve_command = group->add_subcommand("approve", "Let the sender with this code talk to the agent");
  approve_command->add_option("code-or-channel", flags->first, "Code, or the channel when a code follows")->required();
  approve_command->add_option("code", flags->second, "Code");
  approve_command->add_option("--channel", flags->channel, "Channel");
  approve_command->add_option("--account", flags->account, "Account id");
  approve_command->add_flag("--notify", flags->notify, "Tell the sender, through the running gateway");
  add_json_flag(*approve_command, context);
  approve_command->callback([&context, flags] { pairing_approve(context, *flags); });
}

}  // namespace openclaw::cli
