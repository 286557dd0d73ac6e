// GatewayLink: one gateway connection from its opening to its end: greeting, heartbeats, and what
// comes in. It says how it ended; what to do then is the Gateway's to decide. Strand only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "gateway_payload.h"
#include "inflate_stream.h"

namespace discord {

struct LinkEnd {
  enum class Why {
    kClosed,     // by the service, with `code`
    kLost,       // the socket broke, or never opened
    kRefused,    // by the host: not granted, or no address
    kZombie,     // a heartbeat was not answered
    kTimeout,    // no greeting, or no session after it
    kBroken,     // what came was no payload
    kReconnect,  // the service asked for it
    kInvalid,    // the service does not know the session; `resumable` says if it is worth a try
    kBehind,     // more came than can be handed on
    kStopped,    // from this side
  } why = Why::kStopped;
  std::uint32_t code = 0;
  bool resumable = false;
  bool greeted = false;  // the service had said hello
  bool ready = false;    // a session was up
  std::string text;      // for people
};

class GatewayLink : public std::enable_shared_from_this<GatewayLink> {
 public:
  struct Handlers {
    // The service waits for identify or resume.
    std::function<void(GatewayLink&)> greeted = {};
    // False: too much; the connection ends.
    std::function<bool(Payload, std::size_t bytes)> dispatch = {};
    std::function<std::int64_t()> committed_seq = {};
  };
  GatewayLink(openclaw::Plugin& plugin, Handlers handlers);

  void open(const std::string& url);
  // False when the connection cannot take it.
  bool send(std::string_view text);
  // READY or RESUMED was seen.
  void set_ready();
  // Ends it from this side, in a way that keeps the session. What comes later is not heard.
  void end(LinkEnd::Why why, std::string text);
  // Await it by name; `outcome()` is there then.
  openclaw::Waiter& ended() { return ended_; }
  const LinkEnd& outcome() const { return outcome_; }

 private:
  void on_frame(std::string_view data, bool is_text);
  void on_payload(Payload payload, std::size_t bytes);
  void on_hello(const Payload& payload);
  void on_close(oc_status status, std::uint32_t code, std::string_view reason);
  void beat();
  void send_beat();
  void wait_at_most(std::uint64_t ms, std::string what);
  void finish();

  openclaw::Plugin& plugin_;
  Handlers handlers_;
  InflateStream inflate_;
  openclaw::Waiter ended_;
  LinkEnd outcome_;
  std::uint64_t socket_ = 0, beat_timer_ = 0, limit_timer_ = 0;
  std::uint64_t interval_ms_ = 0;
  std::uint64_t sends_from_ms_ = 0;
  int sends_ = 0;
  bool acked_ = true, finished_ = false;
};

}  // namespace discord
