// channels logout: the stored token of an account goes, and the account stops.
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "channel/logout.h"
#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

constexpr std::chrono::milliseconds kLogoutTime{30'000};  // an account takes its time to end

// Without a gateway nothing has to be stopped.
Result<json::value> log_out_here(const Context& context, const std::string& channel,
                                 const std::string& account) {
  auto installed = installed_plugins(context);
  auto kind = find_kind(channel_kinds(installed.plugins), channel);
  if (kind.has_error()) return kind.error();
  auto config = config::load(context.paths(), installed.sections);
  if (config.has_error()) return config.error();
  auto logout =
      channel::plan_logout(**config, channel, account, kind->traits, environment_variable);
  if (logout.has_error()) return logout.error();
  auto done = channel::carry_out(*logout, context.paths(), installed.sections);
  if (done.has_error()) return done.error();
  return json::value(channel::logout_json(*logout, channel, account));
}

void tell_rest(Context& context, const json::value& done, std::string_view pointer,
               const std::string& before, const std::string& behind) {
  const auto* list = find_at(done, pointer);
  if (list == nullptr || !list->is_array()) return;
  for (const auto& each : list->get_array()) {
    if (each.is_string()) context.out().line(before + std::string(each.get_string()) + behind);
  }
}

void channels_logout(Context& context, const std::string& channel, const std::string& written) {
  auto account = account_id(written);
  if (account.has_error()) return context.fail(account.error());
  std::optional<json::value> done;
  if (context.gateway_expected()) {
    done = context.call_gateway(gateway_client::ConnectAs::kFull, "channels.logout",
                                json::object{{"channel", channel}, {"accountId", *account}},
                                kLogoutTime);
  } else {
    auto here = log_out_here(context, channel, *account);
    if (here.has_error()) return context.fail(here.error());
    done = std::move(*here);
  }
  if (!done) return;
  if (context.json) return context.out().print_json(*done);
  const auto* cleared = find_at(*done, "/cleared");
  const bool took = cleared != nullptr && *cleared == json::value(true);
  context.out().line("Logged out " + channel + " account \"" + *account + "\"" +
                     (took ? ": its stored token is gone. The other settings are kept."
                           : ": it is switched off; no token of it was stored."));
  tell_rest(context, *done, "/environment", "The environment variable ",
            " still holds a token; unset it.");
  tell_rest(context, *done, "/files", "The file ",
            " still holds a token; delete it when it is not needed.");
  context.out().line("Log in again with: openclaw channels add --channel " + channel +
                     (*account == "default" ? "" : " --account " + *account));
}

}  // namespace

void add_channels_logout_command(CLI::App& group, Context& context) {
  auto channel = std::make_shared<std::string>();
  auto account = std::make_shared<std::string>();
  auto* command = group.add_subcommand(
      "logout", "Delete the stored token of an account and stop it; keep its settings");
  command->add_option("--channel", *channel, "Channel")->required();
  command->add_option("--account", *account, "Account id (default: default)");
  add_json_flag(*command, context);
  add_gateway_flags(*command, context);
  command->callback([&context, channel, account] { channels_logout(context, *channel, *account); });
}

}  // namespace openclaw::cli
