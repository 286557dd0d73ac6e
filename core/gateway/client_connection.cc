#include "gateway/client_connection.h"

#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include "gateway/handshake.h"
#include "gateway/http_server.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

constexpr int kMaxUnauthorized = 10;
// Requests of one connection that may run at a time; a client that wants more waits for answers.
constexpr std::size_t kMaxInFlight = 128;

class Connection final : public FrameReceiver,
                         public Subscriber,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerState& state, Peer peer)
      : state_(state), peer_(std::move(peer)), handshake_timer_(state.services.runtime.loop()) {}

  void on_open(std::shared_ptr<FrameChannel> channel) override {
    channel_ = std::move(channel);
    nonce_ = identity::uuid_v4();
    json::object challenge{{"nonce", nonce_}, {"ts", now_ms()}};
    channel_->send(event_frame("connect.challenge", json::serialize(challenge), 0));
    handshake_timer_.expires_after(kHandshakeTime);
    handshake_timer_.async_wait(
        [weak = weak_from_this()](const boost::system::error_code& cancelled) {
          auto self = weak.lock();
          if (!cancelled && self && !self->client_) self->close(1000, "");
        });
  }

  void on_frame(std::string_view text) override {
    if (!channel_) return;
    auto frame = parse_request(text);
    if (client_) return request(std::move(frame));
    if (!deciding_) connect(std::move(frame));
  }

  void on_closed() override {
    handshake_timer_.cancel();
    channel_.reset();
    gone_.abort("the client went away");
    if (!client_) return;
    state_.hub.remove(*this);
    bool shown = client_->mode != "cli";
    state_.presence.disconnected(*client_, now_ms());
    if (shown && !state_.stopping) state_.broadcast_presence();
  }

  const Client& client() const override { return *client_; }

  void event(std::string_view name, std::string_view payload, bool droppable, bool with_seq,
             const StateVersion* version) override {
    if (!channel_) return;
    if (channel_->buffered() > kMaxBuffered) {
      if (!droppable) close(1008, "slow consumer");
      return;
    }
    channel_->send(event_frame(name, payload, with_seq ? ++seq_ : 0, version));
  }

  void close(unsigned code, std::string reason) override {
    if (channel_) channel_->close(code, std::move(reason));
  }

 private:
  void refuse(const std::string& id, const WireError& error, unsigned code) {
    if (channel_) channel_->send(error_frame(id, error));
    close(code, error.message);
  }

  void connect(ParsedFrame frame) {
    deciding_ = true;
    if (frame.problem) {
      return frame.problem->is_json ? close(1008, "invalid request frame") : close(1000, "");
    }
    auto request = std::move(*frame.request);
    if (request.method != "connect") {
      WireError error;
      error.code = kInvalidRequest;
      error.message = "invalid handshake: first request must be connect";
      return refuse(request.id, error, 1008);
    }
    auto outcome = evaluate_connect(state_, request.params, peer_, nonce_);
    state_.tasks.spawn(
        "handshake", finish_connect(shared_from_this(), std::move(request.id), std::move(outcome)));
  }

  static Awaitable<> finish_connect(std::shared_ptr<Connection> self, std::string id,
                                    HandshakeOutcome outcome) {
    auto& state = self->state_;
    if (outcome.save_first) {
      auto saved = co_await state.save_devices();
      if (saved.has_error()) spdlog::error("devices are not saved: {}", saved.error().message);
    } else if (outcome.client && !outcome.client->device_id.empty()) {
      state.save_devices_later();
    }
    if (outcome.pair_requested) {
      state.hub.broadcast("device.pair.requested", *outcome.pair_requested,
                          Hub::Delivery::kDroppable, "operator.pairing");
    }
    if (outcome.pair_resolved) {
      state.hub.broadcast("device.pair.resolved", *outcome.pair_resolved, Hub::Delivery::kDroppable,
                          "operator.pairing");
    }
    if (!self->channel_) co_return;
    if (!outcome.client) {
      spdlog::info("connect from {} refused: {}", self->peer_.client, outcome.error.message);
      self->refuse(id, outcome.error, outcome.close_code);
      co_return;
    }
    self->accepted(id, std::move(outcome));
  }

  void accepted(const std::string& id, HandshakeOutcome outcome) {
    handshake_timer_.cancel();
    client_ = outcome.client;
    channel_->proven(kMaxFrame);
    state_.presence.connected(*client_, now_ms());
    auto hello = hello_payload(state_, *client_);
    if (!outcome.auth.empty()) hello["auth"] = std::move(outcome.auth);
    channel_->send(ok_frame(id, hello));
    state_.hub.add(*this);
    state_.health.refresh_later(state_);
  }

  void request(ParsedFrame frame) {
    if (frame.problem) {
      if (!frame.problem->is_json) return;
      WireError error;
      error.code = kInvalidRequest;
      error.message = frame.problem->message;
      channel_->send(error_frame(frame.problem->id.empty() ? "invalid" : frame.problem->id, error));
      return;
    }
    dispatch(std::move(*frame.request));
  }

  void answer_error(const std::string& id, std::string message,
                    std::string_view code = kInvalidRequest) {
    WireError error;
    error.code = code;
    error.message = std::move(message);
    if (channel_) channel_->send(error_frame(id, error));
  }

  void dispatch(RequestFrame request) {
    if (request.method == "connect") {
      return answer_error(request.id, "connect is only valid as the first request");
    }
    const auto* method = state_.methods.find(request.method);
    auto refused = method_refusal(*client_, method);
    if (refused.empty()) {
      unauthorized_ = 0;
    } else {
      bool by_role = refused.rfind("unauthorized role", 0) == 0;
      answer_error(request.id, std::move(refused));
      if (by_role && ++unauthorized_ > kMaxUnauthorized) close(1008, "repeated unauthorized calls");
      return;
    }
    if (!method)
      return answer_error(request.id, "unknown method: " + request.method.substr(0, 200));
    if (!method->handler) {
      return answer_error(request.id, request.method + " is not available in this version",
                          kUnavailable);
    }
    if (method->params) {
      auto problem = check_params(request.method, *method->params, request.params);
      if (!problem.empty()) return answer_error(request.id, std::move(problem));
    }
    if (in_flight_ >= kMaxInFlight) {
      return answer_error(request.id,
                          "too many requests in flight on this connection; wait for answers",
                          kUnavailable);
    }
    ++in_flight_;
    state_.tasks.spawn(request.method,
                       serve(shared_from_this(), method->handler, std::move(request)));
  }

  static Awaitable<> serve(std::shared_ptr<Connection> self, MethodHandler handler,
                           RequestFrame request) {
    MethodCall call;
    call.method = request.method;
    call.client = self->client_;
    call.gone = self->gone_.signal();
    if (request.params.is_object()) call.params = std::move(request.params.get_object());
    call.first_answer = [weak = std::weak_ptr<Connection>(self),
                         id = request.id](json::value payload) {
      auto alive = weak.lock();
      if (alive && alive->channel_) alive->channel_->send(ok_frame(id, payload));
    };
    Reply reply;
    try {
      reply = co_await handler(self->state_, std::move(call));
    } catch (const boost::system::system_error& e) {
      if (e.code() == asio::error::operation_aborted) throw;
      reply = Reply::unavailable(e.what());
    } catch (const std::exception& e) {
      // A handler must not throw; if one does, only its caller is told.
      spdlog::error("method {}: {}", request.method, e.what());
      reply = Reply::unavailable(e.what());
    }
    --self->in_flight_;
    if (!self->channel_) co_return;
    self->channel_->send(reply.error ? error_frame(request.id, *reply.error, reply.payload)
                                     : ok_frame(request.id, reply.payload));
  }

  ServerState& state_;
  Peer peer_;
  boost::asio::steady_timer handshake_timer_;
  std::shared_ptr<FrameChannel> channel_;
  std::shared_ptr<const Client> client_;
  AbortSource gone_;
  std::string nonce_;
  std::uint64_t seq_ = 0;
  std::size_t in_flight_ = 0;
  int unauthorized_ = 0;
  bool deciding_ = false;
};

}  // namespace

std::shared_ptr<FrameReceiver> ClientConnection::make(ServerState& state, Peer peer) {
  return std::make_shared<Connection>(state, std::move(peer));
}

}  // namespace openclaw::gateway
