#include "telegram_plugin.h"

#include <ctime>
#include <exception>
#include <utility>

#include "command_menu.h"
#include "proxy_address.h"

namespace telegram {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

namespace {
constexpr std::uint32_t kProbeMs = 8'000;
}  // namespace

TelegramPlugin::TelegramPlugin(const openclaw::Init& init)
    : ChannelPlugin(init),
      settings_(read_settings(init.instance_id, init.config_json)),
      api_(*this, settings_.api_root, settings_.token),
      pauses_(timer()),
      connection_({*this, api_, pauses_, settings_}),
      moved_(*this),
      intake_({*this, api_, pauses_, settings_, connection_, moved_,
               [this](Work work) { spawn(std::move(work)); }}),
      poller_({*this, api_, settings_, connection_, intake_}),
      webhook_({*this, api_, pauses_, settings_, connection_, intake_}),
      sender_({*this, api_, pauses_, settings_, moved_,
               [this](const std::string& why) { connection_.token_lost(why); }}),
      downloads_(*this, api_, [this](const std::string& why) { connection_.token_lost(why); }) {}

// Runs it beside what runs already. What it throws is logged, not lost.
void TelegramPlugin::spawn(Work work) {
  openclaw::run_detached(counted(std::move(work)));
}

TelegramPlugin::Work TelegramPlugin::counted(Work work) {
  struct Count {
    TelegramPlugin& plugin;
    ~Count() {
      if (--plugin.under_way_ == 0) plugin.end_stop();
    }
  };
  ++under_way_;
  const Count count{*this};
  try {
    co_await work;
  } catch (const std::exception& e) {
    log().error(e.what());
  }
  co_return Nothing{};
}

// From the first request to the last: who the bot is, then its updates, one way or the other.
TelegramPlugin::Work TelegramPlugin::receiving() {
  Flow<Connection::Next> connecting = connection_.connect();
  if (co_await std::move(connecting) == Connection::Next::kGoOn) {
    Work loading = moved_.load(connection_.bot().id);
    co_await std::move(loading);
    spawn(offer_commands(*this, api_, settings_, connection_.bot().id));
    Work receiving = settings_.by_webhook() ? webhook_.run() : poller_.run();
    co_await std::move(receiving);
  }
  connection_.settle_start(OC_CANCELLED, "the account was stopped before it had started");
  co_return Nothing{};
}

TelegramPlugin::Work TelegramPlugin::guarded(Work work) {
  std::string thrown;
  try {
    co_await work;
  } catch (const std::exception& e) {
    thrown = std::string("receiving ended by a fault of this plugin: ") + e.what();
  }
  if (!thrown.empty()) connection_.failed(thrown);
  co_return Nothing{};
}

std::string TelegramPlugin::why_not_to_start() const {
  if (settings_.token.empty())
    return settings_.config_key + " has no botToken; type: " + settings_.token_command();
  if (!settings_.proxy.empty()) {
    std::string why = parts::why_no_proxy(settings_.proxy, settings_.config_key + ".proxy");
    if (!why.empty()) return why;
  }
  return settings_.by_webhook() ? why_no_webhook() : std::string();
}

std::string TelegramPlugin::why_no_webhook() const {
  const std::string& url = settings_.webhook_url;
  const std::string key = settings_.config_key;
  // The service's own rule; a server of one's own may be on the same machine.
  if (!url.starts_with("https://") && (settings_.official_service || !url.starts_with("http://"))) {
    return key + ".webhookUrl must be written https://HOST/PATH; type: openclaw config set " + key +
           ".webhookUrl https://HOST/PATH, or to poll: openclaw config unset " + key +
           ".webhookUrl";
  }
  if (settings_.webhook_secret.empty()) {
    return key + ".webhookUrl needs " + key + ".webhookSecret; type: openclaw config set " + key +
           ".webhookSecret \"$(openssl rand -hex 32)\"";
  }
  return {};
}

void TelegramPlugin::start(Completion done) {
  if (const std::string why = why_not_to_start(); !why.empty()) {
    done.error(OC_FAILED_PRECONDITION, why);
    return;
  }
  if (!http().available() || !timer().available() || !kv().available() ||
      !channel_host().available()) {
    done.error(OC_FAILED_PRECONDITION,
               "the host lacks a service that this plugin needs (http, timer, kv, channel-host)");
    return;
  }
  running_ = true;
  connection_.begin(std::move(done));
  spawn(guarded(receiving()));
}

void TelegramPlugin::stop(Completion done) {
  running_ = false;
  connection_.stop();
  intake_.stop();
  sender_.close();
  pauses_.close();
  stopping_.emplace(std::move(done));
  api_.close();
  if (under_way_ == 0) end_stop();
}

void TelegramPlugin::end_stop() {
  if (!stopping_) return;
  Completion done = std::move(*stopping_);
  stopping_.reset();
  done.ok();
}

void TelegramPlugin::cancel(oc_op op) {
  connection_.cancel_start(op);
  sender_.cancel(op);
  downloads_.cancel(op);
  if (const auto probe = probes_.find(op); probe != probes_.end()) api_.cancel(probe->second);
}

bool TelegramPlugin::usable(Completion& done) {
  if (running_ && connection_.lost()) {
    done.error(OC_UNAUTHENTICATED, "Telegram does not accept this account's bot token; type: " +
                                       settings_.token_command());
    return false;
  }
  if (running_ && connection_.connected()) return true;
  done.error(OC_UNAVAILABLE, "the account is not connected to Telegram");
  return false;
}

void TelegramPlugin::send(Completion done, std::string_view message_json) {
  if (usable(done)) spawn(sender_.say(std::move(done), std::string(message_json), false));
}

void TelegramPlugin::edit(Completion done, std::string_view edit_json) {
  if (usable(done)) spawn(sender_.say(std::move(done), std::string(edit_json), true));
}

void TelegramPlugin::remove(Completion done, std::string_view ref_json) {
  if (usable(done)) spawn(sender_.remove(std::move(done), std::string(ref_json)));
}

void TelegramPlugin::react(Completion done, std::string_view reaction_json) {
  if (usable(done)) spawn(sender_.react(std::move(done), std::string(reaction_json)));
}

void TelegramPlugin::presence(Completion done, std::string_view presence_json) {
  if (usable(done)) spawn(sender_.presence(std::move(done), std::string(presence_json)));
}

void TelegramPlugin::fetch_media(Completion done, std::string_view media_json) {
  if (usable(done)) spawn(downloads_.fetch(std::move(done), std::string(media_json)));
}

void TelegramPlugin::webhook(Completion done, std::string_view request_json,
                             std::string_view body) {
  (void)request_json;  // the host has judged it; the update is all in the body
  if (!settings_.by_webhook()) {
    done.error(OC_FAILED_PRECONDITION, "this account polls");
  } else if (usable(done)) {
    spawn(webhook_.take(std::move(done), std::string(body)));
  }
}

void TelegramPlugin::probe(Completion done) {
  if (!running_) {
    done.error(OC_UNAVAILABLE, "the account is not running");
    return;
  }
  spawn(run_probe(std::move(done)));
}

TelegramPlugin::Work TelegramPlugin::run_probe(Completion done) {
  const std::uint64_t began = openclaw::monotonic_now_ns();
  const oc_op op = done.op();
  BotApi::Options options;
  options.timeout_ms = kProbeMs;
  options.handle = &probes_[op];
  Flow<Reply> asking = api_.call("getMe", {}, options);
  const Reply me = co_await asking;
  Reply hook;
  if (me.ok()) {
    Flow<Reply> asking_hook = api_.call("getWebhookInfo", {}, options);
    hook = co_await asking_hook;
  }
  probes_.erase(op);
  json::object out{{"ok", me.ok()},
                   {"elapsedMs", (openclaw::monotonic_now_ns() - began) / 1'000'000U}};
  if (!me.ok()) out["error"] = me.text;
  if (me.refused()) out["status"] = me.code;
  if (const json::object* bot = me.result.if_object()) {
    out["bot"] = json::object{
        {"id", std::to_string(parts::int_in(*bot, "id", 0))},
        {"username", parts::text_in(*bot, "username")},
        {"canJoinGroups", parts::bool_in(*bot, "can_join_groups", false)},
        {"canReadAllGroupMessages", parts::bool_in(*bot, "can_read_all_group_messages", false)}};
    connection_.reads_groups(parts::bool_in(*bot, "can_read_all_group_messages", false));
  }
  if (const json::object* info = hook.result.if_object()) {
    out["webhook"] = webhook_status(*info);
    const std::string trouble = webhook_trouble(*info, std::time(nullptr));
    if (settings_.by_webhook() && !trouble.empty()) out["warnings"] = json::array{trouble};
  }
  if (me.kind == Reply::Kind::kCancelled) {
    done.error(OC_CANCELLED, "the probe was cancelled");
  } else {
    done.ok(json::serialize(out));
  }
  co_return Nothing{};
}

}  // namespace telegram
