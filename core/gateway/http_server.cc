#include "gateway/http_server.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <list>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <spdlog/spdlog.h>

#include "gateway/server_state.h"
#include "gateway/websocket_session.h"

namespace openclaw::gateway {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;
using Clock = Deadline::Clock;

constexpr std::size_t kReadPiece = 4096;
constexpr std::chrono::seconds kWriteTime{60};
constexpr std::chrono::milliseconds kPredecessorTime{1'000};
constexpr std::chrono::milliseconds kPredecessorPause{10};
constexpr std::size_t kMaxStreamBacklog = 4 * 1024 * 1024;
// Answers to pipelined requests gather up to this before they are written.
constexpr std::size_t kCoalesce = 64 * 1024;

class HttpSession;

// What sessions and server share. Sessions may outlive the server by the handlers that still hold
// them.
struct Shared {
  Shared(ServerState& s, std::size_t strangers, std::size_t sockets)
      : state(s), budget(strangers, sockets) {}
  ServerState& state;
  SocketBudget budget;
  std::list<HttpSession*> sessions;
  std::list<std::weak_ptr<WebSocketSession>> websockets;
  std::shared_ptr<Event> empty;  // set by who leaves last, while somebody waits
  void left() {
    if (empty && sessions.empty() && websockets.empty()) empty->set();
  }
};

class HttpSession final : public HttpExchange, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<Shared> shared, tcp::socket socket);
  ~HttpSession() override;

  void start();
  void drop();
  bool idle() const { return !busy_ && !header_started_; }
  bool overdue(Clock::time_point now) const { return now >= deadline_; }
  void timed_out();
  void last_request() { last_request_ = true; }

  HttpMethod method() const override { return method_; }
  std::string_view target() const override { return view(parser_->get().target()); }
  std::string_view header(std::string_view name) const override {
    return view(parser_->get()[beast::string_view(name.data(), name.size())]);
  }
  const std::string& body() const override { return parser_->get().body(); }
  const Peer& peer() const override;
  AbortSignal gone() override;
  void begin_stream(std::string content_type) override;
  bool stream(std::string_view piece) override;

 private:
  static std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }
  void next_request();
  void read();
  void process();
  bool step();
  void header_complete();
  void refuse(unsigned status, std::string_view text);
  void handle();
  void handled(HttpResponse response);
  void respond(const HttpResponse& response);
  void append_head(unsigned status, std::string_view content_type, const HttpResponse& response,
                   std::size_t length);
  void request_done();
  void flush();
  void write_rest();
  void watch_client();
  void upgrade();
  static Awaitable<> run_handler(std::shared_ptr<HttpSession> self, AsyncHandler handler);

  std::shared_ptr<Shared> shared_;
  tcp::socket socket_;
  std::list<HttpSession*>::iterator place_;
  std::unique_ptr<SocketBudget::Ticket> ticket_;
  beast::flat_buffer in_;
  std::optional<http::request_parser<http::string_body>> parser_;
  mutable std::optional<Peer> peer_;
  mutable std::string tcp_address_;
  std::string out_, writing_out_;
  const Route* route_ = nullptr;
  HttpMethod method_ = HttpMethod::kOther;
  Clock::time_point deadline_;
  std::optional<AbortSource> gone_;
  bool reading_ = false, writing_ = false, busy_ = false, closed_ = false;
  bool header_started_ = false, header_done_ = false, keep_alive_ = true, last_request_ = false;
  bool streaming_ = false, chunked_ = false;
  bool ending_ = false;  // the last answer is queued; close once it is out
};

class BeastServer final : public HttpServer {
 public:
  explicit BeastServer(ServerState& state)
      : state_(state),
        shared_(std::make_shared<Shared>(state, strangers_limit(), sockets_limit())),
        sweeper_(state.services.runtime.loop()) {}
  ~BeastServer() override { BeastServer::close_all(); }

  Result<void> listen(const std::vector<std::string>& addresses, std::uint16_t port) override;
  std::uint16_t port() const override { return port_; }
  std::vector<std::string> addresses() const override { return addresses_; }
  void stop_accepting() override;
  void close_idle() override;
  void close_all() override;
  Awaitable<> drained(Deadline deadline) override;
  std::size_t connections() const override {
    return shared_->sessions.size() + shared_->websockets.size();
  }

 private:
  static std::size_t sockets_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
    auto usable = limit.rlim_cur > 512 ? limit.rlim_cur - 256 : limit.rlim_cur / 2;
    return std::min<std::size_t>(kMaxSockets, static_cast<std::size_t>(usable));
  }
  static std::size_t strangers_limit() { return std::min(kMaxStrangers, sockets_limit() / 2); }

  void accept(tcp::acceptor& acceptor);
  void accept_later(tcp::acceptor& acceptor);
  void sweep();

  ServerState& state_;
  std::shared_ptr<Shared> shared_;
  std::list<std::unique_ptr<tcp::acceptor>> acceptors_;
  std::vector<std::unique_ptr<boost::asio::steady_timer>> retries_;
  boost::asio::steady_timer sweeper_;
  bool sweeping_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>('a');  // what a late timer looks at
  std::uint16_t port_ = 0;
  std::vector<std::string> addresses_;
};

// ---- HttpSession -------------------------------------------------------------------------------

HttpSession::HttpSession(std::shared_ptr<Shared> shared, tcp::socket socket)
    : shared_(std::move(shared)),
      socket_(std::move(socket)),
      deadline_(Clock::now() + kHeaderTime) {
  place_ = shared_->sessions.insert(shared_->sessions.end(), this);
}

HttpSession::~HttpSession() {
  shared_->sessions.erase(place_);
  shared_->left();
}

void HttpSession::start() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  ticket_ = shared_->budget.admit([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->drop();
  });
  if (!ticket_) return drop();
  next_request();
  read();
}

void HttpSession::drop() {
  if (closed_) return;
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
  ticket_.reset();
  if (gone_) gone_->abort("the client went away");
}

void HttpSession::timed_out() {
  // In the middle of a request the client is told; an idle connection just ends.
  if (!closed_ && !writing_ && header_started_ && !busy_) {
    refuse(408, "Request Timeout");
    flush();
  }
  drop();
}

const Peer& HttpSession::peer() const {
  if (!peer_) {
    if (tcp_address_.empty()) {
      error_code ignored;
      tcp_address_ = socket_.remote_endpoint(ignored).address().to_string();
    }
    peer_ = resolve_peer(
        tcp_address_, [this](std::string_view name) { return header(name); },
        shared_->state.auth());
  }
  return *peer_;
}

AbortSignal HttpSession::gone() {
  if (!gone_) gone_.emplace();
  return gone_->signal();
}

void HttpSession::next_request() {
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  // Checked against the route once it is known; the parser must not decide before.
  parser_->body_limit(boost::none);
  peer_.reset();
  route_ = nullptr;
  gone_.reset();
  method_ = HttpMethod::kGet;
  header_started_ = header_done_ = streaming_ = chunked_ = false;
}

void HttpSession::read() {
  if (reading_ || closed_) return;
  reading_ = true;
  socket_.async_read_some(in_.prepare(kReadPiece),
                          [self = shared_from_this()](error_code failed, std::size_t got) {
                            self->reading_ = false;
                            if (self->closed_) return;
                            if (failed) return self->drop();
                            self->in_.commit(got);
                            self->process();
                          });
}

void HttpSession::process() {
  for (;;) {
    bool blocked = false;
    while (!busy_ && !closed_ && !ending_ && !blocked && in_.size() > 0 &&
           out_.size() < kCoalesce) {
      blocked = !step();
    }
    if (closed_) return;
    flush();
    if (closed_ || busy_ || ending_ || writing_) return;
    if (blocked || in_.size() == 0) return read();
  }
}

// True when a whole request was taken from the buffer and another may follow.
bool HttpSession::step() {
  if (!header_started_) {
    header_started_ = true;
    deadline_ = Clock::now() + kHeaderTime;
  }
  while (in_.size() > 0) {
    error_code problem;
    auto used = parser_->put(in_.data(), problem);
    in_.consume(used);
    if (problem == http::error::need_more) return false;
    if (problem == http::error::body_limit) {
      refuse(413, "Payload too large");
      return false;
    }
    if (problem == http::error::header_limit) {
      refuse(431, "Request Header Fields Too Large");
      return false;
    }
    if (problem) {
      refuse(400, "Bad Request");
      return false;
    }
    if (!header_done_ && parser_->is_header_done()) {
      header_done_ = true;
      header_complete();
      if (closed_ || ending_) return false;
      if (!header_started_) return true;  // answered without its body
    }
    if (parser_->is_done()) {
      handle();
      return !busy_ && !closed_ && !ending_;
    }
    if (used == 0) return false;
  }
  return false;
}

void HttpSession::header_complete() {
  const auto& request = parser_->get();
  auto verb = request.method();
  method_ = verb == http::verb::get    ? HttpMethod::kGet
            : verb == http::verb::head ? HttpMethod::kHead
            : verb == http::verb::post ? HttpMethod::kPost
                                       : HttpMethod::kOther;
  keep_alive_ = request.keep_alive() && !last_request_;
  if (beast::websocket::is_upgrade(request)) return upgrade();
  auto admission = admit(shared_->state, *this);
  bool has_body = !parser_->is_done();
  if (!admission.prepared.empty() && keep_alive_ && !has_body && request.version() == 11) {
    out_ += admission.prepared;
    return request_done();
  }
  if (admission.response) {
    // An unread body would be taken for the next request.
    if (has_body) keep_alive_ = false;
    return respond(*admission.response);
  }
  route_ = admission.route;
  if (route_->access == Access::kBearer && ticket_) ticket_->proven();
  auto length = parser_->content_length();
  if (length && *length > route_->max_body) return refuse(413, "Payload too large");
  parser_->body_limit(route_->max_body);
  if (has_body) {
    deadline_ = Clock::now() + route_->body_time;
    auto expect = header("Expect");
    if (beast::iequals(beast::string_view(expect.data(), expect.size()), "100-continue")) {
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    }
  }
}

void HttpSession::refuse(unsigned status, std::string_view text) {
  keep_alive_ = false;
  // What the browser or curl still sends is not read; see request_done().
  respond(text_response(status, text));
}

void HttpSession::handle() {
  if (const auto* sync = std::get_if<SyncHandler>(&route_->handler)) {
    return respond((*sync)(shared_->state, *this));
  }
  busy_ = true;
  deadline_ = Clock::time_point::max();
  if (route_->watch_client) watch_client();
  shared_->state.tasks.spawn(
      "http request", run_handler(shared_from_this(), std::get<AsyncHandler>(route_->handler)));
}

Awaitable<> HttpSession::run_handler(std::shared_ptr<HttpSession> self, AsyncHandler handler) {
  std::shared_ptr<HttpExchange> exchange = self;
  HttpResponse response;
  try {
    response = co_await handler(self->shared_->state, std::move(exchange));
  } catch (const std::exception& e) {
    spdlog::error("http {}: {}", self->path(), e.what());
    response = text_response(500, "Internal Server Error");
  }
  self->handled(std::move(response));
}

void HttpSession::handled(HttpResponse response) {
  busy_ = false;
  if (closed_) return;
  if (streaming_) {
    if (chunked_) out_ += "0\r\n\r\n";
    request_done();
  } else {
    respond(response);
  }
  process();
}

void HttpSession::append_head(unsigned status, std::string_view content_type,
                              const HttpResponse& response, std::size_t length) {
  auto reason = http::obsolete_reason(static_cast<http::status>(status));
  out_.append("HTTP/1.1 ")
      .append(std::to_string(status))
      .append(" ")
      .append(reason.data(), reason.size());
  out_.append("\r\n");
  if (!content_type.empty()) out_.append("Content-Type: ").append(content_type).append("\r\n");
  out_ += shared_->state.response_headers();
  for (const auto& [name, value] : response.headers) {
    out_.append(name).append(": ").append(value).append("\r\n");
  }
  if (!keep_alive_) out_ += "Connection: close\r\n";
  out_.append("Content-Length: ").append(std::to_string(length)).append("\r\n\r\n");
}

void HttpSession::respond(const HttpResponse& response) {
  if (response.close) keep_alive_ = false;
  append_head(response.status, response.content_type, response, response.body.size());
  if (method_ != HttpMethod::kHead) out_ += response.body;
  request_done();
}

void HttpSession::begin_stream(std::string content_type) {
  if (closed_ || streaming_) return;
  streaming_ = true;
  chunked_ = parser_->get().version() == 11;
  if (!chunked_) keep_alive_ = false;
  out_ += "HTTP/1.1 200 OK\r\nContent-Type: " + content_type + "\r\nCache-Control: no-cache\r\n";
  out_ += shared_->state.response_headers();
  if (!keep_alive_) out_ += "Connection: close\r\n";
  out_ += chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
  flush();
}

bool HttpSession::stream(std::string_view piece) {
  if (closed_ || !streaming_) return false;
  if (piece.empty()) return true;
  if (out_.size() + writing_out_.size() > kMaxStreamBacklog) {
    drop();
    return false;
  }
  if (chunked_) {
    char size[24];
    auto digits = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    out_.append(size, static_cast<std::size_t>(digits)).append(piece).append("\r\n");
  } else {
    out_.append(piece);
  }
  flush();
  return !closed_;
}

void HttpSession::request_done() {
  ending_ = !keep_alive_;
  next_request();
  deadline_ = Clock::now() + kIdleTime;
}

// Most answers fit the socket's buffer: one send, no handler. The rest waits for the socket.
void HttpSession::flush() {
  if (writing_ || closed_) return;
  if (!out_.empty()) {
    error_code failed;
    auto sent = socket_.write_some(boost::asio::buffer(out_), failed);
    if (failed && failed != boost::asio::error::would_block &&
        failed != boost::asio::error::try_again) {
      return drop();
    }
    if (!failed && sent == out_.size()) {
      out_.clear();
    } else {
      writing_out_ = out_.substr(failed ? 0 : sent);
      out_.clear();
      return write_rest();
    }
  }
  if (ending_) {
    error_code ignored;
    // The peer reads the answer before it sees the end, even while it still sends.
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    char rest[4096];
    for (int i = 0; i < 64 && !ignored; ++i) socket_.read_some(boost::asio::buffer(rest), ignored);
    drop();
  }
}

void HttpSession::write_rest() {
  writing_ = true;
  deadline_ = Clock::now() + kWriteTime;
  boost::asio::async_write(socket_, boost::asio::buffer(writing_out_),
                           [self = shared_from_this()](error_code failed, std::size_t) {
                             self->writing_ = false;
                             self->writing_out_.clear();
                             if (self->closed_) return;
                             if (failed) return self->drop();
                             self->deadline_ =
                                 self->busy_ ? Clock::time_point::max() : Clock::now() + kIdleTime;
                             self->process();
                           });
}

void HttpSession::watch_client() {
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code failed) {
    if (failed || self->closed_ || !self->busy_) return;
    char byte = 0;
    auto got = ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // Bytes are the next request of the pipeline; the watch ends there.
    if (got == 0) self->drop();
  });
}

void HttpSession::upgrade() {
  keep_alive_ = false;
  // Nothing may follow an upgrade request before its answer.
  if (in_.size() > 0 || !parser_->is_done()) return refuse(400, "Bad Request");
  auto receiver = shared_->state.make_client(peer());
  if (!receiver) return refuse(503, "Service Unavailable");
  auto slot = shared_->websockets.emplace(shared_->websockets.end());
  closed_ = true;  // the socket and the ticket leave this session
  auto shared = shared_;
  auto* ticket = ticket_.get();
  auto session = WebSocketSession::start(std::move(socket_), parser_->release(), std::move(ticket_),
                                         std::move(receiver), [shared, slot] {
                                           shared->websockets.erase(slot);
                                           shared->left();
                                         });
  *slot = session;
  ticket->retarget([weak = std::weak_ptr<WebSocketSession>(session)] {
    if (auto alive = weak.lock()) alive->drop();
  });
}

// ---- Server ------------------------------------------------------------------------------------

// A predecessor that was killed may leave a child that it was just starting: until the kernel runs
// it, that child holds the port.
void bind_when_free(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, error_code& failed) {
  const auto until = std::chrono::steady_clock::now() + kPredecessorTime;
  for (;;) {
    acceptor.bind(endpoint, failed);
    if (failed != boost::asio::error::address_in_use || std::chrono::steady_clock::now() > until)
      return;
    std::this_thread::sleep_for(kPredecessorPause);  // nothing else runs yet
  }
}

Result<void> BeastServer::listen(const std::vector<std::string>& addresses, std::uint16_t port) {
  port_ = port;
  for (const auto& address : addresses) {
    error_code failed;
    auto ip = boost::asio::ip::make_address(address, failed);
    auto acceptor = std::make_unique<tcp::acceptor>(state_.services.runtime.loop());
    tcp::endpoint endpoint(ip, port_);
    if (!failed) acceptor->open(endpoint.protocol(), failed);
    if (!failed) acceptor->set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed && ip.is_v6()) acceptor->set_option(boost::asio::ip::v6_only(true), failed);
    if (!failed) bind_when_free(*acceptor, endpoint, failed);
    if (!failed) acceptor->listen(boost::asio::socket_base::max_listen_connections, failed);
    if (failed) {
      // IPv6 beside IPv4 is welcome, not needed: many machines have none.
      if (!addresses_.empty() && ip.is_v6()) continue;
      stop_accepting();
      auto code =
          failed == boost::asio::error::address_in_use ? Code::kAlreadyExists : Code::kUnavailable;
      return Error(code, address + " port " + std::to_string(port) + ": " + failed.message());
    }
    if (port_ == 0) port_ = acceptor->local_endpoint().port();
    addresses_.push_back(address);
    acceptors_.push_back(std::move(acceptor));
  }
  for (auto& acceptor : acceptors_) accept(*acceptor);
  return {};
}

void BeastServer::accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([this, &acceptor](error_code failed, tcp::socket socket) {
    if (failed == boost::asio::error::operation_aborted || !acceptor.is_open()) return;
    if (failed) return accept_later(acceptor);
    auto session = std::make_shared<HttpSession>(shared_, std::move(socket));
    session->start();
    sweep();
    accept(acceptor);
  });
}

// Out of descriptors, most likely: an immediate retry would only spin.
void BeastServer::accept_later(tcp::acceptor& acceptor) {
  auto timer = std::make_unique<boost::asio::steady_timer>(state_.services.runtime.loop());
  timer->expires_after(std::chrono::milliseconds(200));
  timer->async_wait([this, &acceptor](error_code cancelled) {
    if (!cancelled && acceptor.is_open()) accept(acceptor);
  });
  retries_.clear();
  retries_.push_back(std::move(timer));
}

// One timer for all HTTP connections, and only while there are any.
void BeastServer::sweep() {
  if (sweeping_ || shared_->sessions.empty()) return;
  sweeping_ = true;
  sweeper_.expires_after(std::chrono::seconds(1));
  sweeper_.async_wait([this, alive = std::weak_ptr<char>(alive_)](error_code cancelled) {
    if (cancelled || alive.expired()) return;
    sweeping_ = false;
    auto now = Clock::now();
    std::vector<std::shared_ptr<HttpSession>> overdue;
    for (auto* session : shared_->sessions) {
      if (session->overdue(now)) overdue.push_back(session->shared_from_this());
    }
    for (auto& session : overdue) session->timed_out();
    overdue.clear();
    sweep();
  });
}

void BeastServer::stop_accepting() {
  for (auto& acceptor : acceptors_) {
    error_code ignored;
    acceptor->close(ignored);
  }
  retries_.clear();
}

void BeastServer::close_idle() {
  std::vector<std::shared_ptr<HttpSession>> all;
  for (auto* session : shared_->sessions) all.push_back(session->shared_from_this());
  for (auto& session : all) {
    session->last_request();
    if (session->idle()) session->drop();
  }
}

Awaitable<> BeastServer::drained(Deadline deadline) {
  auto shared = shared_;
  if (shared->sessions.empty() && shared->websockets.empty()) co_return;
  shared->empty = std::make_shared<Event>(shared->state.services.runtime);
  auto empty = shared->empty;
  co_await empty->wait(deadline);
  shared->empty.reset();
}

void BeastServer::close_all() {
  stop_accepting();
  std::vector<std::shared_ptr<HttpSession>> all;
  for (auto* session : shared_->sessions) all.push_back(session->shared_from_this());
  for (auto& session : all) session->drop();
  std::vector<std::weak_ptr<WebSocketSession>> sockets(shared_->websockets.begin(),
                                                       shared_->websockets.end());
  for (auto& weak : sockets) {
    if (auto session = weak.lock()) session->drop();
  }
  sweeper_.cancel();
}

}  // namespace

std::unique_ptr<HttpServer> HttpServer::create(ServerState& state) {
  return std::make_unique<BeastServer>(state);
}

}  // namespace openclaw::gateway
