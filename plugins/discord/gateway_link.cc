#include "gateway_link.h"

#include <random>
#include <utility>

namespace discord {
namespace {

using Why = LinkEnd::Why;

constexpr std::size_t kMostMessage = 24U << 20;  // a large server's first event has some mebibytes
constexpr std::uint64_t kOpenMs = 30'000;
constexpr std::uint64_t kHelloMs = 20'000;
constexpr std::uint64_t kReadyMs = 60'000;
// Not 1000 or 1001: these end the session on the other side.
constexpr std::uint32_t kCloseCode = 4000;
// The service ends connections that send more than 120 in a minute.
constexpr int kMostSends = 110;
constexpr std::uint64_t kSendsWindowMs = 60'000;

std::uint64_t now_ms() {
  return openclaw::monotonic_now_ns() / 1'000'000U;
}

std::uint64_t random_below(std::uint64_t most) {
  static std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::uint64_t> spread(0, most);
  return spread(random);
}

}  // namespace

GatewayLink::GatewayLink(openclaw::Plugin& plugin, Handlers handlers)
    : plugin_(plugin), handlers_(std::move(handlers)), inflate_(kMostMessage) {}

void GatewayLink::open(const std::string& url) {
  // The socket may outlive this object by the time its end takes.
  const std::weak_ptr<GatewayLink> weak = weak_from_this();
  openclaw::WebSocketHandlers on;
  on.on_open = [weak](std::string_view) {
    if (const auto self = weak.lock()) self->wait_at_most(kHelloMs, "no greeting came");
  };
  on.on_message = [weak](std::string_view data, bool is_text) {
    if (const auto self = weak.lock()) self->on_frame(data, is_text);
  };
  on.on_close = [weak](oc_status status, std::uint32_t code, std::string_view reason) {
    if (const auto self = weak.lock()) self->on_close(status, code, reason);
  };
  wait_at_most(kOpenMs, "the connection did not open");
  socket_ = plugin_.websocket().connect(url, "", std::move(on));
}

bool GatewayLink::send(std::string_view text) {
  if (finished_) return false;
  const std::uint64_t now = now_ms();
  if (now >= sends_from_ms_ + kSendsWindowMs) {
    sends_from_ms_ = now;
    sends_ = 0;
  }
  if (sends_ >= kMostSends) return false;
  ++sends_;
  return plugin_.websocket().send(socket_, text) == OC_OK;
}

void GatewayLink::set_ready() {
  outcome_.ready = true;
  plugin_.timer().disarm(limit_timer_);
}

void GatewayLink::end(Why why, std::string text) {
  if (finished_) return;
  outcome_.why = why;
  outcome_.text = std::move(text);
  plugin_.websocket().close(socket_, kCloseCode, "");
  finish();
}

void GatewayLink::finish() {
  finished_ = true;
  plugin_.timer().disarm(beat_timer_);
  plugin_.timer().disarm(limit_timer_);
  ended_.arrived();
}

void GatewayLink::wait_at_most(std::uint64_t ms, std::string what) {
  plugin_.timer().disarm(limit_timer_);
  const std::weak_ptr<GatewayLink> weak = weak_from_this();
  limit_timer_ = plugin_.timer().after(ms, [weak, what = std::move(what)] {
    if (const auto self = weak.lock()) self->end(Why::kTimeout, what + " in time");
  });
}

void GatewayLink::on_close(oc_status status, std::uint32_t code, std::string_view reason) {
  if (finished_) return;
  const bool by_host =
      status == OC_PERMISSION_DENIED || status == OC_INVALID_ARGUMENT || status == OC_UNIMPLEMENTED;
  outcome_.why = status == OC_OK ? Why::kClosed : by_host ? Why::kRefused : Why::kLost;
  outcome_.code = code;
  outcome_.text = reason.substr(0, 200);
  if (status == OC_OK) outcome_.text += " (close code " + std::to_string(code) + ")";
  finish();
}

void GatewayLink::on_frame(std::string_view data, bool is_text) {
  if (finished_) return;
  const auto self = shared_from_this();  // a handler may let go of this link
  std::optional<std::string> inflated;
  if (!is_text) {
    inflated = inflate_.feed(data);
    if (!inflated) {
      if (inflate_.failed()) end(Why::kBroken, "the compressed stream is broken or too large");
      return;
    }
    data = *inflated;
  }
  auto payload = read_payload(data);
  if (!payload) return end(Why::kBroken, "what came is no payload");
  on_payload(std::move(*payload), data.size());
}

void GatewayLink::on_payload(Payload payload, std::size_t bytes) {
  switch (static_cast<Op>(payload.op)) {
    case Op::kHello:
      return on_hello(payload);
    case Op::kAck:
      acked_ = true;
      return;
    case Op::kHeartbeat:
      return send_beat();
    case Op::kReconnect:
      return end(Why::kReconnect, "the service asked for a new connection");
    case Op::kInvalidSession:
      outcome_.resumable = payload.data.is_bool() && payload.data.get_bool();
      return end(Why::kInvalid, "the service does not take the session");
    case Op::kDispatch:
      if (!handlers_.dispatch(std::move(payload), bytes))
        end(Why::kBehind, "more came than could be stored");
      return;
    default:
      return;  // newer than this program
  }
}

void GatewayLink::on_hello(const Payload& payload) {
  if (outcome_.greeted) return;
  interval_ms_ = read_hello(payload.data);
  if (interval_ms_ == 0) return end(Why::kBroken, "the greeting names no heartbeat interval");
  outcome_.greeted = true;
  wait_at_most(kReadyMs, "no session came up");
  // The first at a random moment, so that not all bots beat together after an outage.
  const std::weak_ptr<GatewayLink> weak = weak_from_this();
  beat_timer_ = plugin_.timer().after(random_below(interval_ms_), [weak] {
    if (const auto self = weak.lock()) self->beat();
  });
  handlers_.greeted(*this);
}

void GatewayLink::beat() {
  if (finished_) return;
  if (!acked_) return end(Why::kZombie, "a heartbeat was not answered");
  acked_ = false;
  const std::weak_ptr<GatewayLink> weak = weak_from_this();
  beat_timer_ = plugin_.timer().after(interval_ms_, [weak] {
    if (const auto self = weak.lock()) self->beat();
  });
  send_beat();
}

void GatewayLink::send_beat() {
  (void)send(heartbeat_payload(handlers_.committed_seq()));
}

}  // namespace discord
