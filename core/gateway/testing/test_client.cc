#include "gateway/testing/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace openclaw::gateway::testing {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::asio::ip::tcp;
using Clock = std::chrono::steady_clock;

int open_socket(std::uint16_t port, const std::string& address) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    ::close(fd);
    fd = -1;
  }
  return fd;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool same_name(std::string_view a, std::string_view b) {
  return beast::iequals(beast::string_view(a.data(), a.size()),
                        beast::string_view(b.data(), b.size()));
}

}  // namespace

std::string HttpAnswer::header(std::string_view name) const {
  std::string_view rest(head);
  while (!rest.empty()) {
    auto end = rest.find("\r\n");
    auto line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 2);
    auto colon = line.find(": ");
    if (colon != std::string_view::npos && same_name(line.substr(0, colon), name)) {
      return std::string(line.substr(colon + 2));
    }
  }
  return {};
}

RawConnection::RawConnection(std::uint16_t port, std::string_view address)
    : fd_(open_socket(port, std::string(address))) {}

RawConnection::~RawConnection() {
  if (fd_ >= 0) ::close(fd_);
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawConnection::fill(Clock::time_point until) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd what{fd_, POLLIN, 0};
  if (end_ || left <= 0 || ::poll(&what, 1, static_cast<int>(left)) <= 0) return false;
  char piece[16384];
  auto got = ::recv(fd_, piece, sizeof piece, 0);
  if (got <= 0) {
    end_ = true;
    return false;
  }
  input_.append(piece, static_cast<std::size_t>(got));
  return true;
}

std::optional<HttpAnswer> RawConnection::read(std::chrono::milliseconds wait, bool head_only) {
  auto until = Clock::now() + wait;
  std::size_t head_end = 0;
  while ((head_end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill(until)) return std::nullopt;
  }
  HttpAnswer answer;
  answer.head = input_.substr(0, head_end + 2);
  answer.status = std::atoi(answer.head.c_str() + 9);  // NOLINT: a test's own answer
  input_.erase(0, head_end + 4);
  if (head_only || answer.status == 100) return answer;
  if (auto length = answer.header("Content-Length"); !length.empty()) {
    auto size = static_cast<std::size_t>(std::strtoull(length.c_str(), nullptr, 10));
    while (input_.size() < size) {
      if (!fill(until)) return std::nullopt;
    }
    answer.body = input_.substr(0, size);
    input_.erase(0, size);
    return answer;
  }
  if (answer.header("Transfer-Encoding") == "chunked") {
    for (;;) {
      std::size_t line = 0;
      while ((line = input_.find("\r\n")) == std::string::npos) {
        if (!fill(until)) return std::nullopt;
      }
      auto size = static_cast<std::size_t>(std::strtoull(input_.c_str(), nullptr, 16));
      while (input_.size() < line + 2 + size + 2) {
        if (!fill(until)) return std::nullopt;
      }
      answer.body += input_.substr(line + 2, size);
      input_.erase(0, line + 2 + size + 2);
      if (size == 0) return answer;
    }
  }
  while (fill(until)) {
  }
  answer.body = std::move(input_);
  return answer;
}

bool RawConnection::closed(std::chrono::milliseconds wait) {
  auto until = Clock::now() + wait;
  while (fill(until)) {
  }
  return end_;
}

HttpAnswer http(std::uint16_t port, std::string_view method, std::string_view target,
                std::string_view headers, std::string_view body) {
  RawConnection connection(port);
  std::string request;
  request.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  if (headers.find("Host:") == std::string_view::npos)
    request += "Host: 127.0.0.1:" + std::to_string(port) + "\r\n";
  request.append(headers);
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  request.append("\r\n").append(body);
  connection.send(request);
  return connection.read(std::chrono::seconds(20), method == "HEAD").value_or(HttpAnswer{});
}

struct WsClient::Impl {
  boost::asio::io_context loop;
  websocket::stream<tcp::socket, false> stream{loop};
  beast::flat_buffer buffer;
  std::deque<json::object> skipped;
  bool open = false, reading = false, done = false;
  std::string nonce;
  int next_id = 1;

  // Runs the loop until `ready` or the time is over.
  template <class Ready>
  void run(std::chrono::milliseconds wait, Ready ready) {
    auto until = Clock::now() + wait;
    while (!ready() && Clock::now() < until) {
      loop.restart();
      loop.run_one_until(until);
    }
  }

  void start_reading() {
    if (reading || done) return;
    reading = true;
    stream.async_read(buffer, [this](boost::system::error_code failed, std::size_t) {
      reading = false;
      if (failed) done = true;
      fresh = !failed;
    });
  }
  bool fresh = false;
};

WsClient::WsClient(std::uint16_t port,
                   const std::vector<std::pair<std::string, std::string>>& headers)
    : impl_(std::make_unique<Impl>()) {
  boost::system::error_code failed;
  impl_->stream.next_layer().connect({boost::asio::ip::make_address("127.0.0.1"), port}, failed);
  std::string host = "127.0.0.1:" + std::to_string(port);
  for (const auto& [name, value] : headers) {
    if (name == "Host") host = value;
  }
  impl_->stream.set_option(
      websocket::stream_base::decorator([headers](websocket::request_type& request) {
        for (const auto& [name, value] : headers) request.set(name, value);
      }));
  impl_->stream.read_message_max(64 * 1024 * 1024);
  bool ended = false;
  impl_->stream.async_handshake(host, "/", [this, &ended](boost::system::error_code e) {
    ended = true;
    impl_->open = !e;
  });
  impl_->run(std::chrono::seconds(10), [&] { return ended; });
}

WsClient::~WsClient() {
  boost::system::error_code ignored;
  impl_->stream.next_layer().close(ignored);
  impl_->loop.restart();
  impl_->loop.run_for(std::chrono::seconds(1));
}

bool WsClient::open() const {
  return impl_->open;
}

bool WsClient::send(std::string_view text) {
  boost::system::error_code failed;
  impl_->stream.write(boost::asio::buffer(text.data(), text.size()), failed);
  return !failed;
}

std::optional<json::object> WsClient::next(std::chrono::milliseconds wait) {
  if (!impl_->skipped.empty()) {
    auto frame = std::move(impl_->skipped.front());
    impl_->skipped.pop_front();
    return frame;
  }
  impl_->start_reading();
  impl_->run(wait, [&] { return !impl_->reading; });
  if (impl_->reading || !impl_->fresh) return std::nullopt;
  impl_->fresh = false;
  auto data = impl_->buffer.cdata();
  auto frame = json::parse({static_cast<const char*>(data.data()), data.size()});
  impl_->buffer.consume(data.size());
  return frame.as_object();
}

std::optional<json::object> WsClient::event(std::string_view name, std::chrono::milliseconds wait) {
  auto until = Clock::now() + wait;
  std::deque<json::object> others;
  std::optional<json::object> found;
  while (!found && Clock::now() < until) {
    auto frame = next(std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()));
    if (!frame) break;
    const auto* event = frame->if_contains("event");
    if (event && event->as_string() == name) {
      found = std::move(frame);
    } else {
      others.push_back(std::move(*frame));
    }
  }
  for (auto& frame : others) impl_->skipped.push_back(std::move(frame));
  return found;
}

std::optional<json::object> WsClient::response(std::string_view id,
                                               std::chrono::milliseconds wait) {
  auto until = Clock::now() + wait;
  std::deque<json::object> others;
  std::optional<json::object> found;
  while (!found && Clock::now() < until) {
    auto frame = next(std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()));
    if (!frame) break;
    const auto* own = frame->if_contains("id");
    if (own && own->as_string() == id) {
      found = std::move(frame);
    } else {
      others.push_back(std::move(*frame));
    }
  }
  for (auto& frame : others) impl_->skipped.push_back(std::move(frame));
  return found;
}

CloseInfo WsClient::wait_closed(std::chrono::milliseconds wait) {
  auto until = Clock::now() + wait;
  impl_->skipped.clear();
  while (!impl_->done && Clock::now() < until) {
    next(std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()));
  }
  CloseInfo info;
  if (!impl_->done) return info;
  auto reason = impl_->stream.reason();
  info.code = reason.code;
  info.reason = std::string(reason.reason.data(), reason.reason.size());
  return info;
}

const std::string& WsClient::nonce() {
  if (impl_->nonce.empty()) {
    auto challenge = event("connect.challenge");
    if (challenge) impl_->nonce = (*challenge)["payload"].as_object()["nonce"].as_string();
  }
  return impl_->nonce;
}

json::object WsClient::connect_params(const ConnectOptions& options) {
  json::array scopes;
  for (const auto& scope : options.scopes) scopes.emplace_back(scope);
  json::array caps;
  for (const auto& cap : options.caps) caps.emplace_back(cap);
  json::object auth;
  if (options.token) auth["token"] = *options.token;
  if (options.password) auth["password"] = *options.password;
  if (options.device_token) auth["deviceToken"] = *options.device_token;
  json::object client{{"id", options.client_id},
                      {"version", options.version},
                      {"platform", options.platform},
                      {"mode", options.client_mode}};
  json::object params{{"minProtocol", 3}, {"maxProtocol", 3}, {"role", options.role}};
  params["client"] = std::move(client);
  params["scopes"] = std::move(scopes);
  params["caps"] = std::move(caps);
  params["auth"] = std::move(auth);
  if (!options.device) return params;
  identity::SignedFields fields;
  fields.device_id = options.device->device_id;
  fields.client_id = options.client_id;
  fields.client_mode = options.client_mode;
  fields.role = options.role;
  fields.scopes = options.scopes;
  fields.signed_at_ms = now_ms() + options.signed_at_offset_ms;
  fields.token = options.token ? *options.token : options.device_token.value_or("");
  fields.nonce = options.nonce.value_or(nonce());
  fields.platform = options.platform;
  auto payload = options.sign_v2 ? identity::payload_v2(fields) : identity::payload_v3(fields);
  auto signature = options.signature.empty() ? identity::sign(*options.device, payload).value()
                                             : options.signature;
  params["device"] = json::object{{"id", fields.device_id},
                                  {"publicKey", options.device->public_key},
                                  {"signature", signature},
                                  {"signedAt", fields.signed_at_ms},
                                  {"nonce", fields.nonce}};
  return params;
}

std::string WsClient::send_request(std::string_view method, json::value params) {
  auto id = "r" + std::to_string(impl_->next_id++);
  json::object frame{{"type", "req"}, {"id", id}, {"method", method}};
  frame["params"] = std::move(params);
  send(json::serialize(frame));
  return id;
}

json::object WsClient::connect(const ConnectOptions& options) {
  nonce();
  auto id = send_request("connect", connect_params(options));
  return response(id).value_or(json::object{});
}

json::object WsClient::call(std::string_view method, json::value params) {
  auto id = send_request(method, std::move(params));
  return response(id, std::chrono::seconds(20)).value_or(json::object{});
}

}  // namespace openclaw::gateway::testing
