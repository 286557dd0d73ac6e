#include "webhook/session.h"

#include <array>
#include <iterator>

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <spdlog/spdlog.h>

#include "identity/device_identity.h"

namespace openclaw::webhook {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr int kMaxDrained = 64;  // pieces of 4 KiB

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

// Exactly one header of the route's name with the route's secret. The comparison takes the same
// time wherever the two differ.
bool shows_secret(const http::request<http::string_body>& request, const Route& route) {
  const auto given = request.equal_range(route.secret_header);
  if (given.first == given.second || std::next(given.first) != given.second) return false;
  return !route.secret.empty() &&
         identity::constant_time_equal(view(given.first->value()), route.secret);
}

bool is_about_http(const error_code& failed) {
  return failed.category() == http::make_error_code(http::error::bad_target).category() &&
         failed != http::error::end_of_stream && failed != http::error::partial_message;
}

unsigned status_of(const error_code& failed) {
  if (failed == http::error::header_limit) return 431;
  if (failed == http::error::body_limit) return 413;
  return 400;
}

}  // namespace

Session::Session(std::shared_ptr<Listener> door, tcp::socket socket)
    : door_(std::move(door)), socket_(std::move(socket)), timer_(door_->runtime().loop()) {
  place_ = door_->sessions().insert(door_->sessions().end(), this);
}

Session::~Session() {
  door_->sessions().erase(place_);
}

void Session::start() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  arm(kHeaderTime);
  next_request();
}

void Session::drop() {
  if (closed_) return;
  closed_ = true;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void Session::last_request() {
  last_ = true;
  if (!serving_) drop();
}

void Session::arm(std::chrono::seconds time) {
  timer_.expires_after(time);
  timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
    const auto self = weak.lock();
    // It may have been set anew while this was on its way.
    if (!cancelled && self && self->timer_.expiry() <= std::chrono::steady_clock::now())
      self->drop();
  });
}

// The deadline is set by who calls: it covers the wait for the header and all of the header.
void Session::next_request() {
  serving_ = false;
  route_.reset();
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(kMaxHeaderBytes));
  // Counted while the body is read; a Content-Length alone does not end the parser, for the secret
  // has its say first.
  parser_->body_limit(boost::none);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](error_code failed, std::size_t) {
                            if (!self->closed_) self->header_read(failed);
                          });
}

void Session::header_read(error_code failed) {
  if (failed && !is_about_http(failed)) return drop();
  if (failed) return refuse(status_of(failed));
  if (const unsigned status = judge(); status != 0) return refuse(status);
  read_body();
}

unsigned Session::judge() {
  const auto& request = parser_->get();
  const std::string_view target = view(request.target());
  route_ = door_->find(target.substr(0, target.find('?')));
  if (!route_) return 404;
  if (request.method() != http::verb::post) return 405;
  if (!shows_secret(request, *route_)) return 401;
  const auto length = parser_->content_length();
  return length && *length > kMaxBodyBytes ? 413 : 0;
}

void Session::read_body() {
  parser_->body_limit(kMaxBodyBytes);
  arm(kBodyTime);
  const auto read = [self = shared_from_this()] {
    http::async_read(self->socket_, self->buffer_, *self->parser_,
                     [self](error_code failed, std::size_t) {
                       if (!self->closed_) self->body_read(failed);
                     });
  };
  if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
    write("HTTP/1.1 100 Continue\r\n\r\n", read);
  } else {
    read();
  }
}

void Session::body_read(error_code failed) {
  if (failed && !is_about_http(failed)) return drop();
  if (failed) return refuse(status_of(failed));
  // The receiver has its own deadline, and answers.
  timer_.expires_at(std::chrono::steady_clock::time_point::max());
  serving_ = true;
  auto& request = parser_->get();
  keep_alive_ = request.keep_alive();
  const std::string_view target = view(request.target());
  const std::size_t query = target.find('?');
  Request out;
  out.path = std::string(target.substr(0, query));
  if (query != std::string_view::npos) out.query = std::string(target.substr(query + 1));
  out.content_type = std::string(view(request[http::field::content_type]));
  out.body = std::move(request.body());
  door_->tasks().spawn("webhook request", serve(shared_from_this(), std::move(out)));
}

Awaitable<> Session::serve(std::shared_ptr<Session> self, Request request) {
  Answer answer;
  try {
    Limits limits = Limits::within(kHandleTime);
    limits.abort = self->door_->tasks().abort();
    Awaitable<Answer> asking = self->route_->receiver(std::move(request), std::move(limits));
    answer = co_await std::move(asking);
  } catch (const std::exception& e) {
    spdlog::error("webhook {}: {}", self->route_->path, e.what());
    answer.status = 500;
  }
  if (!self->closed_) self->respond(answer);
}

// Without its body: what the client still sends is never read.
void Session::refuse(unsigned status) {
  keep_alive_ = false;
  Answer answer;
  answer.status = status;
  respond(answer);
}

void Session::respond(const Answer& answer) {
  if (last_) keep_alive_ = false;
  const auto reason = http::obsolete_reason(static_cast<http::status>(answer.status));
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(view(reason));
  if (answer.status == 405) text += "\r\nAllow: POST";
  if (answer.retry_after.count() > 0)
    text += "\r\nRetry-After: " + std::to_string(answer.retry_after.count());
  if (!keep_alive_) text += "\r\nConnection: close";
  text += "\r\nContent-Length: 0\r\n\r\n";
  arm(kWriteTime);
  write(std::move(text), [this] {  // write() keeps this alive
    if (!keep_alive_ || last_) return close_after_answer();
    arm(kIdleTime);
    next_request();
  });
}

void Session::write(std::string text, std::function<void()> then) {
  out_ = std::move(text);
  boost::asio::async_write(
      socket_, boost::asio::buffer(out_),
      [self = shared_from_this(), then = std::move(then)](error_code failed, std::size_t) {
        if (self->closed_) return;
        if (failed) return self->drop();
        then();
      });
}

// The peer reads the answer before it sees the end, even while it still sends: what has come in
// already is thrown away, for a close with unread bytes would reset the connection.
void Session::close_after_answer() {
  error_code failed;
  socket_.shutdown(tcp::socket::shutdown_send, failed);
  if (!failed) socket_.non_blocking(true, failed);
  std::array<char, 4096> rest{};
  for (int i = 0; i < kMaxDrained && !failed; ++i)
    socket_.read_some(boost::asio::buffer(rest), failed);
  drop();
}

}  // namespace openclaw::webhook
