#include "net/websocket_client.h"

#include <array>
#include <atomic>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include "net/any_stream.h"
#include "net/proxy_handshake.h"
#include "net/resolve.h"
#include "net/send_queue.h"

namespace openclaw::net {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using Stream = websocket::stream<AnyStream, false>;  // without permessage-deflate

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint16_t kAbnormal = 1006;

class Session final : public WebSocketConnection, public std::enable_shared_from_this<Session> {
 public:
  using TlsContext = std::function<asio::ssl::context&()>;
  Session(Runtime& runtime, WebSocketRequest request, WebSocketEvents events, TlsContext tls)
      : runtime_(runtime),
        request_(std::move(request)),
        events_(std::move(events)),
        tls_(std::move(tls)),
        queue_(request_.send_queue_bytes),
        stream_(AnyStream(runtime.loop().get_executor())),
        timer_(runtime.loop()),
        read_changed_(runtime.loop()),
        write_changed_(runtime.loop()) {}

  Code send(std::string data, bool is_text) override {
    auto code = queue_.push({std::move(data), is_text});
    if (code == Code::kOk) wake();
    return code;
  }
  void close(std::uint16_t close_code, std::string reason) override {
    queue_.close();
    runtime_.post([self = shared_from_this(), close_code, reason = std::move(reason)] {
      if (!self->closing_) self->closing_.emplace(close_code, reason);
      if (!self->is_open_) self->give_up(Error(Code::kCancelled, "closed from this side"));
      self->look_again();
    });
  }
  void abort() override {
    queue_.close();
    runtime_.post([self = shared_from_this()] {
      self->give_up(Error(Code::kCancelled, "closed from this side"));
    });
  }

  // Loop thread from here on.
  void refuse() { finish(Error(Code::kCancelled, "the gateway is stopping"), kAbnormal); }
  Awaitable<> run();

 private:
  void wake() {
    runtime_.post([self = shared_from_this()] { self->look_again(); });
  }
  void look_again() {
    read_changed_.cancel();
    write_changed_.cancel();
  }
  // Ends whatever waits on the socket; run() then reports `why`.
  void give_up(Error why) {
    if (ended_) return;
    if (!why_) why_ = std::move(why);
    timer_.cancel();
    look_again();
    stream_.next_layer().close();
  }
  Awaitable<Result<void>> connect();
  Awaitable<Result<void>> reach(Url hop, bool allow_private);
  Awaitable<Result<void>> pass_proxy();
  Awaitable<Result<void>> secure(Url peer);
  Awaitable<Result<void>> upgrade();
  Awaitable<> read_all();
  Awaitable<> write_all();
  void read_failed(const boost::system::error_code& failure);
  void finish(Error why, std::uint16_t close_code);
  std::string where() const { return request_.url.authority(); }
  Error proxy_hung_up(const boost::system::error_code& failure) const {
    return Error(Code::kUnavailable, "the proxy " + request_.proxy->authority() +
                                         " hung up before it connected to " + where() + ": " +
                                         failure.message());
  }

  Runtime& runtime_;
  WebSocketRequest request_;
  WebSocketEvents events_;
  TlsContext tls_;
  SendQueue queue_;
  Stream stream_;
  asio::steady_timer timer_;  // the connect timeout
  // Cancelled when the side that waits on it should look again. One each: setting the expiry of a
  // timer wakes whoever waits on it.
  asio::steady_timer read_changed_, write_changed_;
  std::shared_ptr<FlowWindow> window_;
  std::optional<std::pair<std::uint16_t, std::string>> closing_;
  std::optional<Error> why_;
  std::uint16_t close_code_ = kAbnormal;
  std::string subprotocol_;
  bool is_open_ = false, close_started_ = false, ended_ = false;
};

Awaitable<Result<void>> Session::secure(Url peer) {
  const auto failure = co_await stream_.next_layer().secure(tls_(), peer.host);
  if (why_) co_return *why_;
  if (failure) {
    auto code = failure.category() == asio::error::get_ssl_category() ? Code::kProtocol
                                                                      : Code::kUnavailable;
    co_return Error(code, "TLS with " + peer.authority() + " failed: " + failure.message());
  }
  co_return Result<void>();
}

// Until the proxy has connected us to the target.
Awaitable<Result<void>> Session::pass_proxy() {
  auto& layer = stream_.next_layer();
  ProxyHandshake handshake(*request_.proxy, request_.url);
  std::array<char, 1024> buffer;
  while (!handshake.done()) {
    const std::string output = handshake.take_output();
    auto [unwritten, sent] = co_await asio::async_write(layer, asio::buffer(output), kTuple);
    if (why_) co_return *why_;
    if (unwritten) co_return proxy_hung_up(unwritten);
    const auto room = asio::buffer(buffer, handshake.wanted());
    auto [unread, bytes] = co_await layer.async_read_some(room, kTuple);
    if (why_) co_return *why_;
    if (unread) co_return proxy_hung_up(unread);
    auto understood = handshake.feed(std::string_view(buffer.data(), bytes));
    if (understood.has_error()) co_return understood;
  }
  co_return Result<void>();
}

Awaitable<Result<void>> Session::upgrade() {
  auto headers = request_.headers;
  stream_.set_option(websocket::stream_base::decorator([headers](websocket::request_type& request) {
    for (const auto& [name, value] : headers) {
      auto key = lower_case(name);
      bool framing = key == "host" || key == "upgrade" || key == "connection" ||
                     (key.rfind("sec-websocket-", 0) == 0 && key != "sec-websocket-protocol");
      if (!framing) request.set(name, value);
    }
  }));
  websocket::stream_base::timeout timeouts{};
  timeouts.handshake_timeout = request_.connect_timeout;
  timeouts.idle_timeout = request_.idle_timeout;
  timeouts.keep_alive_pings = true;
  stream_.set_option(timeouts);
  stream_.read_message_max(request_.max_message_bytes);
  const auto& url = request_.url;
  bool standard = url.port == (url.is_tls() ? 443 : 80);
  auto authority = url.authority();
  auto host = standard ? authority.substr(0, authority.rfind(':')) : authority;
  websocket::response_type response;
  auto [failure] = co_await stream_.async_handshake(response, host, url.target, kTuple);
  if (why_) co_return *why_;
  if (failure == websocket::error::upgrade_declined) {
    auto status = response.result_int();
    auto code = status == 401 || status == 403 ? Code::kUnauthenticated
                : status == 429                ? Code::kResourceExhausted
                : status >= 500                ? Code::kUnavailable
                                               : Code::kProtocol;
    co_return Error(code, where() + " answered the upgrade with HTTP " + std::to_string(status));
  }
  if (failure) {
    co_return Error(Code::kUnavailable,
                    "the upgrade at " + where() + " failed: " + failure.message());
  }
  subprotocol_ = std::string(response[beast::http::field::sec_websocket_protocol]);
  co_return Result<void>();
}

// A TCP connection to the target, or to the proxy before it.
Awaitable<Result<void>> Session::reach(Url hop, bool allow_private) {
  auto endpoints = co_await resolve_checked(runtime_, hop, allow_private);
  if (endpoints.has_error()) co_return endpoints.error();
  auto& tcp = stream_.next_layer().socket();
  boost::system::error_code failure;
  for (const auto& endpoint : *endpoints) {
    if (why_) co_return *why_;
    boost::system::error_code ignored;
    tcp.close(ignored);
    auto [refused] = co_await tcp.async_connect(endpoint, kTuple);
    failure = refused;
    if (!failure) break;
  }
  if (why_) co_return *why_;
  if (failure) {
    co_return Error(Code::kUnavailable, std::string("cannot connect to ") +
                                            (request_.proxy ? "the proxy " : "") + hop.authority() +
                                            ": " + failure.message());
  }
  boost::system::error_code ignored;
  tcp.set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return Result<void>();
}

Awaitable<Result<void>> Session::connect() {
  auto headers_fine = check_headers(request_.headers);
  if (headers_fine.has_error()) co_return headers_fine;
  timer_.expires_after(request_.connect_timeout);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& e) {
    if (!e)
      self->give_up(Error(Code::kDeadlineExceeded, self->where() + " did not answer in time"));
  });
  const Url hop = request_.proxy ? request_.proxy->at : request_.url;
  auto reached = co_await reach(hop, request_.proxy || request_.allow_private);
  if (reached.has_error()) co_return reached;
  if (request_.proxy) {
    if (request_.proxy->kind == ProxyAddress::Kind::kHttps) {
      auto secured = co_await secure(hop);
      if (secured.has_error()) co_return secured;
    }
    auto passed = co_await pass_proxy();
    if (passed.has_error()) co_return passed;
  }
  if (request_.url.is_tls()) {
    auto secured = co_await secure(request_.url);
    if (secured.has_error()) co_return secured;
  }
  auto upgraded = co_await upgrade();
  timer_.cancel();
  co_return upgraded;
}

Awaitable<> Session::run() {
  // stop() ends it through abort(); Asio's own cancellation would throw past finish().
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  auto self = shared_from_this();
  Result<void> connected = Error(Code::kCancelled, "closed from this side");
  if (!why_) connected = co_await connect();
  if (why_ || connected.has_error()) {
    finish(why_ ? *why_ : connected.error(), kAbnormal);
    co_return;
  }
  is_open_ = true;
  window_ = std::make_shared<FlowWindow>(request_.window_bytes, [weak = weak_from_this()] {
    if (auto alive = weak.lock()) alive->wake();
  });
  auto writer_done = std::make_shared<Event>(runtime_);
  asio::co_spawn(runtime_.loop(), write_all(),
                 [self, writer_done](const std::exception_ptr&) { writer_done->set(); });
  if (events_.open) events_.open(subprotocol_);
  co_await read_all();
  if (!close_started_) give_up(Error(Code::kOk, ""));
  co_await writer_done->wait(Deadline::never());
  finish(*why_, close_code_);
}

void Session::read_failed(const boost::system::error_code& failure) {
  if (failure == websocket::error::closed) {
    const auto& reason = stream_.reason();
    close_code_ = reason.code;
    give_up(Error(Code::kOk, std::string(reason.reason.c_str(), reason.reason.size())));
  } else if (failure == websocket::error::message_too_big ||
             failure == websocket::error::buffer_overflow) {
    close_code_ = websocket::close_code::too_big;
    give_up(Error(Code::kResourceExhausted, where() + " sent a message larger than is accepted"));
  } else if (failure == beast::error::timeout) {
    give_up(Error(Code::kUnavailable, where() + " answered no ping"));
  } else if (failure.category() == boost::system::error_code(websocket::error::closed).category()) {
    give_up(Error(Code::kProtocol, where() + " broke the protocol: " + failure.message()));
  } else {
    give_up(
        Error(Code::kUnavailable, "the connection to " + where() + " broke: " + failure.message()));
  }
}

Awaitable<> Session::read_all() {
  beast::flat_buffer buffer;
  while (!why_) {
    if (window_->is_full() && window_->pause()) {
      read_changed_.expires_at(asio::steady_timer::time_point::max());
      co_await read_changed_.async_wait(kTuple);
      continue;
    }
    auto [failure, bytes] = co_await stream_.async_read(buffer, kTuple);
    if (why_) co_return;
    if (failure) {
      // The outcome of our own closing handshake says more than the read that it ends.
      if (!close_started_) read_failed(failure);
      co_return;
    }
    auto data = beast::buffers_to_string(buffer.cdata());
    buffer.consume(buffer.size());
    if (buffer.capacity() > 256 * 1024) buffer.shrink_to_fit();
    // A frame costs something even when it is empty.
    auto credit = window_->take(bytes + 64);
    if (events_.message) events_.message(std::move(data), stream_.got_text(), std::move(credit));
  }
}

Awaitable<> Session::write_all() {
  auto self = shared_from_this();
  while (!why_) {
    auto piece = queue_.pop();
    if (piece) {
      stream_.text(piece->is_text);
      auto size = piece->data.size();
      auto [failure, bytes] = co_await stream_.async_write(asio::buffer(piece->data), kTuple);
      if (why_ || failure) co_return;  // the reading side learns why
      if (queue_.take_room(size) && events_.writable) events_.writable();
      continue;
    }
    if (closing_) {
      websocket::close_reason reason(static_cast<websocket::close_code>(closing_->first),
                                     beast::string_view(closing_->second));
      close_started_ = true;
      auto [failure] = co_await stream_.async_close(reason, kTuple);
      if (failure && failure != websocket::error::closed) {
        give_up(Error(Code::kUnavailable, where() + " did not answer the closing handshake"));
      } else {
        read_failed(websocket::error::closed);
      }
      co_return;
    }
    write_changed_.expires_at(asio::steady_timer::time_point::max());
    co_await write_changed_.async_wait(kTuple);
  }
}

void Session::finish(Error why, std::uint16_t close_code) {
  if (std::exchange(ended_, true)) return;
  queue_.close();
  timer_.cancel();
  stream_.next_layer().close();
  auto events = std::move(events_);
  events_ = {};
  if (events.close) events.close(why.code, close_code, why.message);
}

Awaitable<> run_connection(std::shared_ptr<Session> connection, AbortSignal stopping) {
  auto registration = stopping.on_abort([connection] { connection->abort(); });
  co_await connection->run();
}

}  // namespace

struct WebSocketClient::State {
  explicit State(Runtime& runtime) : scope(runtime) {}
  TaskScope scope;
  std::string ca_file;
  std::mutex mutex;
  std::unique_ptr<asio::ssl::context> tls;  // made by the first wss connection

  // The system's store is large: it is read once.
  asio::ssl::context& context() {
    std::lock_guard lock(mutex);
    if (!tls) {
      tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
      boost::system::error_code ignored;  // without a store each handshake fails, which says enough
      tls->set_default_verify_paths(ignored);
      if (!ca_file.empty()) tls->load_verify_file(ca_file, ignored);
      tls->set_verify_mode(asio::ssl::verify_peer, ignored);
      SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
    }
    return *tls;
  }
};

WebSocketClient::WebSocketClient(Runtime& runtime, std::string ca_file)
    : runtime_(runtime), state_(std::make_shared<State>(runtime)) {
  state_->ca_file = std::move(ca_file);
}

WebSocketClient::~WebSocketClient() = default;

std::shared_ptr<WebSocketConnection> WebSocketClient::connect(WebSocketRequest request,
                                                              WebSocketEvents events) {
  auto tls = [state = state_]() -> asio::ssl::context& { return state->context(); };
  auto connection =
      std::make_shared<Session>(runtime_, std::move(request), std::move(events), std::move(tls));
  runtime_.post([weak = std::weak_ptr(state_), connection] {
    auto state = weak.lock();
    if (!state || state->scope.abort().aborted()) {
      connection->refuse();
    } else {
      state->scope.spawn("websocket", run_connection(connection, state->scope.abort()));
    }
  });
  return connection;
}

Awaitable<> WebSocketClient::stop(Deadline deadline) {
  auto state = state_;
  co_await state->scope.stop(deadline);
}

}  // namespace openclaw::net
