// Session: one connection. Header, judgement, body, receiver, answer, and again, each step with a
// deadline of its own.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "webhook/listener.h"

namespace openclaw::webhook {

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Listener> door, boost::asio::ip::tcp::socket socket);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start();
  void drop();
  // The request has shown its secret and has its receiver at work.
  bool is_serving() const { return serving_; }
  // The door is closing: nothing after the request that is under way.
  void last_request();

 private:
  void next_request();
  void header_read(boost::system::error_code failed);
  // Zero: the request may go on.
  unsigned judge();
  void read_body();
  void body_read(boost::system::error_code failed);
  void refuse(unsigned status);
  void respond(const Answer& answer);
  void write(std::string text, std::function<void()> then);
  void close_after_answer();
  void arm(std::chrono::seconds time);
  static Awaitable<> serve(std::shared_ptr<Session> self, Request request);

  std::shared_ptr<Listener> door_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::list<Session*>::iterator place_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::shared_ptr<const Route> route_;
  std::string out_;
  bool serving_ = false, keep_alive_ = true, last_ = false, closed_ = false;
};

}  // namespace openclaw::webhook
