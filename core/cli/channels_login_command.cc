// channels login: links an account by a code, on channels whose plugin makes such codes.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "cli/config_edit.h"
#include "json_pointer.h"
#include "qr_code/qr_code.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;
using std::chrono::milliseconds;

constexpr milliseconds kCodeTime{30'000};
constexpr milliseconds kStepTime{60'000};
constexpr milliseconds kBesideTime{5'000};  // for the connection itself
constexpr std::chrono::minutes kWholeTime{5};

struct LoginFlags {
  std::string channel, account;
  bool verbose = false;
};

Error nothing_to_link(const ChannelKind& kind) {
  const auto& secrets = kind.traits.secrets;
  return Error(Code::kFailedPrecondition,
               secrets.empty() ? kind.traits.label + " offers no linking by code"
                               : kind.traits.label + " needs no linking, only its " + secrets.front().key +
                                     ". Type: openclaw channels add --channel " + kind.id);
}

// An account that nobody has added yet is added by linking it. False: it could not be, and was told.
bool make_sure_it_is_there(Context& context, const InstalledPlugins& installed, const ChannelKind& kind,
                           const std::string& account) {
  auto config = config::load(context.paths(), installed.sections);
  if (config.has_error()) return context.fail(config.error()), false;
  auto plans = accounts_in_use(**config, installed);
  const bool there = std::any_of(plans.begin(), plans.end(), [&](const auto& plan) {
    return plan.channel == kind.id && plan.account == account && plan.enabled;
  });
  if (there) return true;
  AccountSetup setup;
  setup.account = account;
  auto changes = setup_changes(**config, kind, setup);
  if (changes.has_error()) return context.fail(changes.error()), false;
  if (!write_config(context, *changes, installed.sections)) return false;
  context.out().line("Added " + kind.traits.label + " account \"" + account + "\".");
  return context.call_gateway(ConnectAs::kFull, "channels.apply", json::object(), kStepTime).has_value();
}

// Answers the code that is shown.
Result<std::string> show_code(Context& context, const json::value& step) {
  const std::string qr = text_at(step, "/qr"), code = text_at(step, "/code");
  context.out().line(text_at(step, "/prompt") + ":");
  if (!qr.empty()) {
    auto drawn = QrCode::of(qr);
    if (drawn.has_error()) return drawn.error();
    context.out().line(drawn->for_terminal(context.out().is_terminal()));
  }
  if (!code.empty()) context.out().line("Code: " + code);
  std::fflush(stdout);  // whoever reads it through a pipe has to see it now
  return qr.empty() ? code : qr;
}

void channels_login(Context& context, const LoginFlags& flags) {
  auto installed = installed_plugins(context);
  auto kinds = channel_kinds(installed.plugins);
  auto kind = find_kind(kinds, flags.channel.empty() && kinds.size() == 1 ? kinds.front().id : flags.channel);
  if (kind.has_error()) return context.fail(kind.error());
  if (kind->traits.link_prompt.empty()) return context.fail(nothing_to_link(*kind));
  auto account = account_id(flags.account);
  if (account.has_error()) return context.fail(account.error());
  if (!context.gateway_expected()) {
    return context.fail(Error(Code::kFailedPrecondition,
                              "Linking is done by the running gateway. Start it with: openclaw gateway run"));
  }
  if (!make_sure_it_is_there(context, installed, *kind, *account)) return;
  const json::object who{{"channel", kind->id}, {"accountId", *account}};
  const auto until = std::chrono::steady_clock::now() + kWholeTime;
  json::object params = who;
  params["timeoutMs"] = kCodeTime.count();
  auto step = context.call_gateway(ConnectAs::kFull, "web.login.start", std::move(params), kCodeTime + kBesideTime);
  std::string seen;
  while (step) {
    const auto* connected = find_at(*step, "/connected");
    if (connected && *connected == json::value(true)) {
      return context.out().line(kind->traits.label + " account \"" + *account + "\" is linked.");
    }
    if (const auto error = text_at(*step, "/error"); !error.empty()) {
      return context.fail(Error(Code::kUnavailable, error));
    }
    const std::string qr = text_at(*step, "/qr"), code = qr.empty() ? text_at(*step, "/code") : qr;
    if (!code.empty() && code != seen) {
      auto shown = show_code(context, *step);
      if (shown.has_error()) return context.fail(shown.error());
      seen = std::move(*shown);
    }
    if (std::chrono::steady_clock::now() > until) {
      return context.fail(Error(Code::kDeadlineExceeded, "Nobody linked the account in time. Try again with: "
                                                         "openclaw channels login --channel " + kind->id));
    }
    params = who;
    params["timeoutMs"] = kStepTime.count();
    params["seen"] = seen.empty() ? "-" : seen;
    step = context.call_gateway(ConnectAs::kFull, "web.login.wait", std::move(params), kStepTime + kBesideTime);
  }
}

}  // namespace

void add_channels_login_command(CLI::App& group, Context& context) {
  auto flags = std::make_shared<LoginFlags>();
  auto* command = group.add_subcommand("login", "Link an account by a code that you scan or type on your phone");
  command->add_option("--channel", flags->channel, "Channel");
  command->add_option("--account", flags->account, "Account id (default: default)");
  command->add_flag("--verbose", flags->verbose, "Accepted for older scripts; the gateway's log has the details");
  add_gateway_flags(*command, context);
  command->callback([&context, flags] { channels_login(context, *flags); });
}

}  // namespace openclaw::cli
