#include "gateway.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "snowflake.h"

namespace discord {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;
using Why = LinkEnd::Why;

constexpr std::uint32_t kConnectMs = 15'000;
constexpr std::uint64_t kFirstBackOffMs = 1'000;
constexpr std::uint64_t kLongestBackOffMs = 60'000;
constexpr int kMostUnreached = 3;
constexpr std::uint64_t kLongestStartMs = 12'000;  // less than a host waits
constexpr std::uint64_t kLongestIdentifyWaitMs = 3'600'000;

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
  text.clear();
}

// Milliseconds; 0 when a session may be begun.
std::uint64_t limit_wait(const json::object& gateway) {
  const json::object* limit = parts::object_in(gateway, "session_start_limit");
  if (limit == nullptr || parts::int_in(*limit, "remaining", 1) > 0) return 0;
  return static_cast<std::uint64_t>(
      std::clamp<std::int64_t>(parts::int_in(*limit, "reset_after", 0), 1'000,
                               static_cast<std::int64_t>(kLongestIdentifyWaitMs)));
}

}  // namespace

Gateway::Gateway(Services services)
    : s_(std::move(services)),
      store_(s_.plugin),
      queue_({s_.plugin, s_.api, s_.pauses, s_.settings, store_}),
      random_(std::random_device{}()) {}

void Gateway::report(std::string_view state, std::string_view reason, std::string_view message) {
  if (state_ == state && reason_ == reason && message.empty()) return;
  state_ = state;
  reason_ = reason;
  json::object out{{"state", state}, {"mode", "gateway"}};
  if (!reason.empty()) out["reason"] = reason;
  if (!message.empty()) out["message"] = message;
  if (connected()) out["account"] = json::object{{"id", bot_.id}, {"username", bot_.username}};
  s_.plugin.channel_host().link_state(json::serialize(out));
}

Gateway::Next Gateway::give_up(oc_status status, const std::string& reason,
                               const std::string& message) {
  lost_ = true;
  why_lost_ = message;
  report("failed", reason, message);
  start_.settle(status, message);
  return Next::kEnd;
}

Gateway::Next Gateway::give_up_token(const std::string& why) {
  token_is_wrong_ = true;
  return give_up(OC_UNAUTHENTICATED, "unauthorized",
                 "Discord does not accept the bot token of " + s_.settings.config_key + " (" + why +
                     "). Reset it in the Developer Portal, page Bot, then type: " +
                     s_.settings.token_command());
}

void Gateway::token_lost(const std::string& why) {
  if (lost_) return;
  (void)give_up_token(why);
  if (const auto link = link_) link->end(Why::kStopped, "the token is not accepted");
}

void Gateway::failed(const std::string& why) {
  (void)give_up(OC_INTERNAL, "internal", why);
}

void Gateway::stop() {
  stopping_ = true;
  if (const auto link = link_) link->end(Why::kStopped, "the account is stopping");
  queue_.stop();
}

Flow<Nothing> Gateway::run(std::optional<Completion> started) {
  start_.expect(std::move(started));
  report("connecting");
  start_timer_ = s_.plugin.timer().after(kLongestStartMs, [this] { start_takes_long(); });
  Flow<Next> finding = find_bot();
  Next next = co_await std::move(finding);
  if (next == Next::kGoOn) {
    Flow<Nothing> loading = store_.load(bot_.id);
    co_await std::move(loading);
    // A session keeps the intents it was begun with.
    if (store_.session().intents != s_.settings.intents()) store_.forget();
    s_.spawn(queue_.run(bot_.id));
    while (next == Next::kGoOn && !stopping_ && !lost_) {
      Flow<Next> connecting = connect_once();
      next = co_await std::move(connecting);
    }
    queue_.stop();
  }
  s_.plugin.timer().disarm(start_timer_);
  start_.settle(OC_CANCELLED, "the account was stopped before it had started");
  co_return Nothing{};
}

// Ended for it and begun anew, the account would forget for how long it was told to wait.
void Gateway::start_takes_long() {
  if (state_ == "connecting" && reason_.empty())
    report("connecting", "waiting",
           "Discord has not let the bot in yet; it may want a pause after many starts. The account "
           "waits and connects by itself");
  start_.settle(OC_OK, "");
}

// Who the token belongs to; also the check of the token itself.
Flow<Gateway::Next> Gateway::find_bot() {
  while (!stopping_) {
    Call call;
    call.path = "/users/@me";
    call.route = {"GET /users/@me", ""};
    RestApi::Options options;
    options.timeout_ms = kConnectMs;
    Flow<Reply> asking = s_.api.call(std::move(call), options);
    const Reply reply = co_await std::move(asking);
    if (stopping_) break;
    if (const json::object* me = reply.result.if_object(); reply.ok() && me != nullptr) {
      bot_.username = parts::text_in(*me, "username");
      bot_.id =
          std::string(snowflake(parts::text_in(*me, "id")) == 0 ? "" : parts::text_in(*me, "id"));
      if (connected()) {
        failures_ = 0;
        co_return Next::kGoOn;
      }
    }
    if (reply.kind == Reply::Kind::kUnsent &&
        (reply.status == OC_UNAUTHENTICATED || reply.status == OC_PERMISSION_DENIED ||
         reply.status == OC_INVALID_ARGUMENT)) {
      // The host refused: no such secret, or an address that was not granted.
      co_return give_up(OC_FAILED_PRECONDITION, "refused",
                        s_.settings.config_key +
                            ": the host does not send this bot's requests; check token, "
                            "apiRoot and proxy, the reason is in: openclaw logs");
    }
    if (reply.refused() && reply.http_status == 404)
      co_return give_up(OC_FAILED_PRECONDITION, "refused",
                        s_.settings.config_key + ".apiRoot is not the address of a Discord API (" +
                            reply.text + ")");
    Flow<Next> failing = after_failure("the bot's name", reply);
    if (co_await std::move(failing) == Next::kEnd) co_return Next::kEnd;
  }
  co_return Next::kEnd;
}

// A call to the API failed; the account goes on after a pause unless it is the token.
Flow<Gateway::Next> Gateway::after_failure(std::string what, const Reply& reply) {
  if (reply.token_refused()) co_return give_up_token(reply.text);
  ++failures_;
  const std::string message = "Discord is not reachable: " + what +
                              " could not be asked for: " + reply.text + "; it is tried again";
  report("connecting", reply.limited() ? "rateLimited" : "unreachable", message);
  // The gateway need not wait for Discord to come back.
  start_.settle(OC_OK, "");
  const std::uint64_t least = reply.retry_after_ms;
  Flow<Nothing> waiting = back_off(least);
  co_await std::move(waiting);
  co_return stopping_ || lost_ ? Next::kEnd : Next::kGoOn;
}

// 1, 2, 4 ... 60 s, by a half less at random; nothing after the first failure of a healthy link.
Flow<Nothing> Gateway::back_off(std::uint64_t least_ms) {
  const std::uint64_t whole =
      std::min(kLongestBackOffMs, kFirstBackOffMs << std::clamp(failures_ - 1, 0, 16));
  std::uniform_int_distribution<std::uint64_t> spread(whole / 2, whole);
  Flow<Nothing> waiting = s_.pauses.wait(std::max(spread(random_), least_ms));
  co_return co_await std::move(waiting);
}

Flow<Reply> Gateway::ask_for_gateway() {
  Call call;
  call.path = "/gateway/bot";
  call.route = {"GET /gateway/bot", ""};
  RestApi::Options options;
  options.timeout_ms = kConnectMs;
  Flow<Reply> asking = s_.api.call(std::move(call), options);
  Reply reply = co_await std::move(asking);
  const json::object* gateway = reply.result.if_object();
  std::string url =
      gateway == nullptr ? std::string() : connection_url(parts::text_in(*gateway, "url"));
  if (reply.ok() && url.empty()) {
    reply.kind = Reply::Kind::kBroken;
    reply.text = "the answer names none";
  }
  if (reply.ok()) gateway_url_ = std::move(url);
  co_return reply;
}

Flow<std::string> Gateway::permit_to_begin() {
  while (!stopping_ && !lost_) {
    const std::int64_t wait = store_.next_begin_ms(wall_ms()) - wall_ms();
    if (wait > 0) {
      Flow<Nothing> pause = s_.pauses.wait(static_cast<std::uint64_t>(wait));
      co_await std::move(pause);
      continue;
    }
    Flow<Reply> asking = ask_for_gateway();
    const Reply reply = co_await std::move(asking);
    if (stopping_) break;
    if (!reply.ok()) {
      Flow<Next> failing = after_failure("the gateway's address", reply);
      if (co_await std::move(failing) == Next::kEnd) break;
      continue;
    }
    const std::uint64_t limit = limit_wait(reply.result.get_object());
    if (limit == 0) co_return gateway_url_;
    report("connecting", "sessionLimit",
           "Discord lets this bot begin no session for " + std::to_string(limit / 60'000 + 1) +
               " minutes: too many were begun today. If another program uses this bot's token, "
               "stop it");
    start_.settle(OC_OK, "");
    Flow<Nothing> pause = s_.pauses.wait(limit);
    co_await std::move(pause);
  }
  co_return std::string();
}

GatewayLink::Handlers Gateway::handlers(bool resuming) {
  GatewayLink::Handlers out;
  out.greeted = [this, resuming](GatewayLink& link) { greet(link, resuming); };
  out.dispatch = [this](Payload payload, std::size_t bytes) {
    return take(std::move(payload), bytes);
  };
  out.committed_seq = [this] { return store_.session().seq; };
  return out;
}

Flow<Gateway::Next> Gateway::connect_once() {
  const bool resuming = store_.session().usable();
  std::string url = resuming ? connection_url(store_.session().resume_url) : std::string();
  if (resuming && url.empty()) {
    store_.forget();
    co_return Next::kGoOn;
  }
  // The address that the session came with may be down for longer than the service.
  if (resuming && unreached_ >= kMostUnreached) {
    if (gateway_url_.empty()) {
      Flow<Reply> asking = ask_for_gateway();
      const Reply reply = co_await std::move(asking);
      if (reply.token_refused()) co_return give_up_token(reply.text);
    }
    if (stopping_ || lost_) co_return Next::kEnd;
    if (!gateway_url_.empty()) url = gateway_url_;
  }
  if (!resuming) {
    Flow<std::string> permit = permit_to_begin();
    url = co_await std::move(permit);
    if (url.empty()) co_return Next::kEnd;
  } else {
    queue_.drop_waiting();
  }
  const std::uint64_t began = clock_ms();
  link_ = std::make_shared<GatewayLink>(s_.plugin, handlers(resuming));
  link_->open(url);
  openclaw::Waiter& ended = link_->ended();
  co_await ended;
  const LinkEnd end = link_->outcome();
  link_.reset();
  unreached_ = end.greeted ? 0 : unreached_ + 1;
  Flow<Next> ending = after_end(end, resuming, end.ready ? clock_ms() - began : 0);
  co_return co_await std::move(ending);
}

// The token is in this process for as long as it takes to write it down for the service.
void Gateway::greet(GatewayLink& link, bool resuming) {
  const std::weak_ptr<GatewayLink> weak = link.weak_from_this();
  openclaw::Value got = [this, weak, resuming](oc_status status, std::string_view token) {
    const auto alive = weak.lock();
    if (!alive) return;
    if (status != OC_OK || token.empty()) {
      (void)give_up(OC_FAILED_PRECONDITION, "refused",
                    s_.settings.config_key +
                        ": the host does not give this bot's token; the reason is in: openclaw "
                        "logs");
      return alive->end(Why::kStopped, "the host does not give the token");
    }
    std::string text = resuming
                           ? resume_payload(token, store_.session())
                           : identify_payload(token, s_.settings.intents(), s_.settings.presence);
    const bool sent = alive->send(text);
    wipe(text);
    if (sent && !resuming) {
      store_.note_begin(wall_ms());
      s_.spawn(store_.save());
    }
    if (!sent) alive->end(Why::kLost, "the connection does not take anything");
  };
  s_.plugin.secrets().get(s_.settings.secret, std::move(got));
}

bool Gateway::take(Payload payload, std::size_t bytes) {
  if (payload.type == "READY") {
    auto ready = read_ready(payload.data);
    if (!ready) return true;  // without a session: the time limit ends it
    ready->session.intents = s_.settings.intents();
    presence_told_ = true;  // by identify
    store_.begin(ready->session);
    s_.interactions.introduce(store_.session().application_id);
    session_is_up();
  } else if (payload.type == "RESUMED") {
    s_.interactions.introduce(store_.session().application_id);
    session_is_up();
    tell_presence();
  }
  // It has to be answered within seconds, however much waits before it.
  if (payload.type == "INTERACTION_CREATE") s_.interactions.received(payload.data);
  Dispatch dispatch;
  dispatch.session_id = store_.session().id;
  dispatch.seq = payload.seq;
  dispatch.type = std::move(payload.type);
  if (dispatch.type != "READY") dispatch.data = std::move(payload.data);
  dispatch.bytes = bytes;
  return queue_.push(std::move(dispatch));
}

// A session that an earlier start began may show what was configured then.
void Gateway::tell_presence() {
  if (presence_told_ || !link_) return;
  presence_told_ = link_->send(presence_payload(s_.settings.presence));
}

void Gateway::session_is_up() {
  if (link_) link_->set_ready();
  failed_resumes_ = 0;
  report("online");
  start_.settle(OC_OK, "");
}

}  // namespace discord
