#include "discord_plugin.h"

#include <exception>
#include <utility>

#include "proxy_address.h"

namespace discord {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

namespace {

constexpr std::uint32_t kProbeMs = 8'000;

}  // namespace

DiscordPlugin::DiscordPlugin(const openclaw::Init& init)
    : ChannelPlugin(init),
      settings_(read_settings(init.instance_id, init.config_json)),
      pauses_(timer()),
      api_(*this, pauses_, settings_),
      interactions_({*this, api_, settings_, [this](Work work) { spawn(std::move(work)); }}),
      gateway_({*this, api_, pauses_, settings_, interactions_,
                [this](Work work) { spawn(std::move(work)); }}),
      sender_({*this, api_, settings_, interactions_, [this] { return gateway_.bot().id; },
               [this](const std::string& why) { gateway_.token_lost(why); }}),
      downloads_(*this, api_, [this](const std::string& why) { gateway_.token_lost(why); }),
      history_({api_, [this] { return gateway_.bot().id; },
                [this](const std::string& why) { gateway_.token_lost(why); }}) {}

// Runs it beside what runs already. What it throws is logged, not lost.
void DiscordPlugin::spawn(Work work) {
  openclaw::run_detached(counted(std::move(work)));
}

DiscordPlugin::Work DiscordPlugin::counted(Work work) {
  struct Count {
    DiscordPlugin& plugin;
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

DiscordPlugin::Work DiscordPlugin::reading(Work work) {
  std::string thrown;
  try {
    co_await work;
  } catch (const std::exception& e) {
    thrown = std::string("the gateway ended by a fault of this plugin: ") + e.what();
  }
  if (!thrown.empty()) gateway_.failed(thrown);
  co_return Nothing{};
}

std::string DiscordPlugin::why_not_to_start() const {
  if (settings_.secret.empty())
    return settings_.config_key + " has no token; type: " + settings_.token_command();
  if (!settings_.proxy.empty())
    return parts::why_no_proxy(settings_.proxy, settings_.config_key + ".proxy");
  return {};
}

void DiscordPlugin::start(Completion done) {
  if (const std::string why = why_not_to_start(); !why.empty()) {
    done.error(OC_FAILED_PRECONDITION, why);
    return;
  }
  if (!http().available() || !websocket().available() || !timer().available() ||
      !kv().available() || !secrets().available() || !channel_host().available()) {
    done.error(OC_FAILED_PRECONDITION,
               "the host lacks a service that this plugin needs (http, websocket, timer, kv, "
               "secrets, channel-host)");
    return;
  }
  running_ = true;
  spawn(reading(gateway_.run(std::move(done))));
}

void DiscordPlugin::stop(Completion done) {
  running_ = false;
  gateway_.stop();
  sender_.close();
  pauses_.close();
  stopping_.emplace(std::move(done));
  api_.close();
  if (under_way_ == 0) end_stop();
}

void DiscordPlugin::end_stop() {
  if (!stopping_) return;
  Completion done = std::move(*stopping_);
  stopping_.reset();
  done.ok();
}

void DiscordPlugin::cancel(oc_op op) {
  gateway_.cancel_start(op);
  sender_.cancel(op);
  downloads_.cancel(op);
  history_.cancel(op);
  if (const auto probe = probes_.find(op); probe != probes_.end()) api_.cancel(probe->second);
}

bool DiscordPlugin::usable(Completion& done) {
  if (running_ && gateway_.lost()) {
    done.error(gateway_.token_is_wrong() ? OC_UNAUTHENTICATED : OC_UNAVAILABLE,
               gateway_.why_lost());
    return false;
  }
  if (running_ && gateway_.connected()) return true;
  done.error(OC_UNAVAILABLE, "the account is not connected to Discord");
  return false;
}

void DiscordPlugin::send(Completion done, std::string_view message_json) {
  if (usable(done)) spawn(sender_.say(std::move(done), std::string(message_json), false));
}

void DiscordPlugin::edit(Completion done, std::string_view edit_json) {
  if (usable(done)) spawn(sender_.say(std::move(done), std::string(edit_json), true));
}

void DiscordPlugin::remove(Completion done, std::string_view ref_json) {
  if (usable(done)) spawn(sender_.remove(std::move(done), std::string(ref_json)));
}

void DiscordPlugin::react(Completion done, std::string_view reaction_json) {
  if (usable(done)) spawn(sender_.react(std::move(done), std::string(reaction_json)));
}

void DiscordPlugin::presence(Completion done, std::string_view presence_json) {
  if (usable(done)) spawn(sender_.presence(std::move(done), std::string(presence_json)));
}

void DiscordPlugin::fetch_media(Completion done, std::string_view media_json) {
  if (usable(done)) spawn(downloads_.fetch(std::move(done), std::string(media_json)));
}

void DiscordPlugin::read(Completion done, std::string_view query_json) {
  if (usable(done)) spawn(history_.read(std::move(done), std::string(query_json)));
}

void DiscordPlugin::probe(Completion done) {
  if (!running_) {
    done.error(OC_UNAVAILABLE, "the account is not running");
    return;
  }
  spawn(run_probe(std::move(done)));
}

DiscordPlugin::Work DiscordPlugin::run_probe(Completion done) {
  const std::uint64_t began = clock_ms();
  const oc_op op = done.op();
  RestApi::Options options;
  options.timeout_ms = kProbeMs;
  options.hold = &probes_[op];
  Call who;
  who.path = "/users/@me";
  who.route = {"GET /users/@me", ""};
  Flow<Reply> asking = api_.call(std::move(who), options);
  const Reply me = co_await asking;
  Reply application;
  if (me.ok()) {
    Call what;
    what.path = "/applications/@me";
    what.route = {"GET /applications/@me", ""};
    Flow<Reply> asking_more = api_.call(std::move(what), options);
    application = co_await asking_more;
  }
  probes_.erase(op);
  json::object out{{"ok", me.ok()}, {"elapsedMs", clock_ms() - began}};
  if (!me.ok()) out["error"] = me.text;
  if (me.refused()) out["status"] = me.http_status;
  if (const json::object* bot = me.result.if_object()) {
    out["bot"] = json::object{{"id", parts::text_in(*bot, "id")},
                              {"username", parts::text_in(*bot, "username")}};
  }
  if (const json::object* known = application.result.if_object()) {
    const std::string_view content = content_intent(*known);
    out["application"] = json::object{{"id", parts::text_in(*known, "id")},
                                      {"intents", json::object{{"messageContent", content}}}};
    if (content != "disabled") gateway_.intents_granted();
    if (content == "disabled" && settings_.message_content) {
      out["ok"] = false;
      out["error"] = explain_fatal(4014, settings_.config_key, settings_.token_command()).message;
    }
  }
  if (me.kind == Reply::Kind::kCancelled) {
    done.error(OC_CANCELLED, "the probe was cancelled");
  } else {
    done.ok(json::serialize(out));
  }
  co_return Nothing{};
}

}  // namespace discord
