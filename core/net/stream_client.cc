#include "net/stream_client.h"

#include <array>
#include <atomic>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/resolve.h"
#include "net/send_queue.h"

namespace openclaw::net {
namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
using Endpoint = asio::generic::stream_protocol::endpoint;

class Connection final : public StreamConnection, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Runtime& runtime, StreamRequest request, StreamEvents events)
      : runtime_(runtime),
        request_(std::move(request)),
        events_(std::move(events)),
        queue_(request_.send_queue_bytes),
        socket_(runtime.loop()),
        timer_(runtime.loop()),
        read_changed_(runtime.loop()),
        write_changed_(runtime.loop()) {}

  Code send(std::string data) override {
    auto code = queue_.push({std::move(data), false});
    if (code == Code::kOk) wake();
    return code;
  }
  void shut_write() override {
    shut_.store(true);
    wake();
  }
  void pause(bool paused) override {
    paused_.store(paused);
    wake();
  }
  void close() override {
    runtime_.post([self = shared_from_this()] {
      self->give_up(Error(Code::kCancelled, "closed from this side"));
    });
  }

  // Loop thread from here on.
  Awaitable<> run();
  void refuse() { finish(Error(Code::kCancelled, "the gateway is stopping")); }

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
    boost::system::error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    look_again();
  }
  Awaitable<Result<void>> connect();
  Awaitable<Result<void>> connect_to(Endpoint endpoint);
  Awaitable<> write_all();
  Awaitable<> read_all();
  void finish(Error why);

  Runtime& runtime_;
  StreamRequest request_;
  StreamEvents events_;
  SendQueue queue_;
  std::atomic<bool> shut_{false}, paused_{false};

  asio::generic::stream_protocol::socket socket_;
  asio::steady_timer timer_;  // the connect timeout
  // Cancelled when the side that waits on it should look again. One each: setting the expiry of a
  // timer wakes whoever waits on it.
  asio::steady_timer read_changed_, write_changed_;
  std::shared_ptr<FlowWindow> window_;
  std::shared_ptr<Event> writer_done_;
  std::optional<Error> why_;
  bool ended_ = false;
};

Awaitable<Result<void>> Connection::connect_to(Endpoint endpoint) {
  boost::system::error_code ignored;
  socket_.close(ignored);
  auto [failure] = co_await socket_.async_connect(endpoint, kTuple);
  if (why_) co_return *why_;
  if (failure) {
    co_return Error(Code::kUnavailable,
                    "cannot connect to " + request_.url.authority() + ": " + failure.message());
  }
  co_return Result<void>();
}

Awaitable<Result<void>> Connection::connect() {
  timer_.expires_after(request_.connect_timeout);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& e) {
    if (!e) {
      self->give_up(Error(Code::kDeadlineExceeded,
                          self->request_.url.authority() + " did not accept in time"));
    }
  });
  if (request_.url.is_unix()) {
    Endpoint endpoint(asio::local::stream_protocol::endpoint(request_.url.unix_path));
    auto result = co_await connect_to(endpoint);
    timer_.cancel();
    co_return result;
  }
  auto endpoints = co_await resolve_checked(runtime_, request_.url, request_.allow_private);
  if (endpoints.has_error()) co_return endpoints.error();
  Result<void> result = Error(Code::kUnavailable, "no address");
  for (const auto& endpoint : *endpoints) {
    if (why_) co_return *why_;
    result = co_await connect_to(Endpoint(endpoint));
    if (result.has_value()) break;
  }
  timer_.cancel();
  if (result.has_value()) {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  }
  co_return result;
}

Awaitable<> Connection::run() {
  // stop() ends it through close(); Asio's own cancellation would throw past finish().
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  auto self = shared_from_this();
  Result<void> connected = Error(Code::kCancelled, "closed from this side");
  if (!why_) connected = co_await connect();
  if (connected.has_error()) {
    finish(why_ ? *why_ : connected.error());
    co_return;
  }
  window_ = std::make_shared<FlowWindow>(request_.window_bytes, [weak = weak_from_this()] {
    if (auto alive = weak.lock()) alive->wake();
  });
  writer_done_ = std::make_shared<Event>(runtime_);
  auto writer_done = writer_done_;
  asio::co_spawn(runtime_.loop(), write_all(),
                 [self, writer_done](const std::exception_ptr&) { writer_done->set(); });
  if (events_.open) events_.open();
  co_await read_all();
  give_up(Error(Code::kOk, ""));
  co_await writer_done->wait(Deadline::never());
  finish(*why_);
}

Awaitable<> Connection::read_all() {
  std::array<char, 64 * 1024> buffer;
  while (!why_) {
    if (paused_.load() || (window_->is_full() && window_->pause())) {
      read_changed_.expires_at(asio::steady_timer::time_point::max());
      co_await read_changed_.async_wait(kTuple);
      continue;
    }
    auto [failure, bytes] = co_await socket_.async_read_some(asio::buffer(buffer), kTuple);
    if (why_) co_return;
    if (failure == asio::error::eof) co_return;
    if (failure) {
      give_up(Error(Code::kUnavailable, "the connection to " + request_.url.authority() +
                                            " broke: " + failure.message()));
      co_return;
    }
    if (events_.data) events_.data(std::string(buffer.data(), bytes), window_->take(bytes));
  }
}

Awaitable<> Connection::write_all() {
  auto self = shared_from_this();
  bool shut_done = false;
  while (!why_) {
    auto piece = queue_.pop();
    if (!piece) {
      if (shut_.load() && !std::exchange(shut_done, true)) {
        queue_.close();
        boost::system::error_code ignored;
        socket_.shutdown(asio::socket_base::shutdown_send, ignored);
        continue;
      }
      write_changed_.expires_at(asio::steady_timer::time_point::max());
      co_await write_changed_.async_wait(kTuple);
      continue;
    }
    auto [failure, bytes] = co_await asio::async_write(socket_, asio::buffer(piece->data), kTuple);
    if (why_) co_return;
    if (failure) {
      // The peer may have said why it hung up: reading goes on and ends by itself.
      queue_.close();
      co_return;
    }
    if (queue_.take_room(bytes) && events_.writable) events_.writable();
  }
}

void Connection::finish(Error why) {
  if (std::exchange(ended_, true)) return;
  queue_.close();
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  auto events = std::move(events_);
  events_ = {};
  if (events.close) events.close(why.code, why.message);
}

Awaitable<> run_connection(std::shared_ptr<Connection> connection, AbortSignal stopping) {
  auto registration = stopping.on_abort([connection] { connection->close(); });
  co_await connection->run();
}

}  // namespace

std::shared_ptr<StreamConnection> StreamClient::connect(StreamRequest request,
                                                        StreamEvents events) {
  auto connection = std::make_shared<Connection>(runtime_, std::move(request), std::move(events));
  runtime_.post([weak = std::weak_ptr(scope_), connection] {
    auto scope = weak.lock();
    if (!scope || scope->abort().aborted()) {
      connection->refuse();
    } else {
      scope->spawn("stream", run_connection(connection, scope->abort()));
    }
  });
  return connection;
}

Awaitable<> StreamClient::stop(Deadline deadline) {
  auto scope = scope_;
  co_await scope->stop(deadline);
}

}  // namespace openclaw::net
