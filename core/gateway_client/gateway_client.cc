#include "gateway_client/gateway_client.h"

#include <chrono>
#include <deque>
#include <unordered_map>
#include <variant>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "identity/device_identity.h"
#include "json_pointer.h"
#include "storage/atomic_file.h"

namespace openclaw::gateway_client {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using tcp = boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kMaxFrame = 26214400;  // gateway protocol, section 1
constexpr const char* kVersion = "2026.3.13";  // the protocol generation clients announce

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

// The two transports behind one face, so that the client is written once.
class Socket {
 public:
  virtual ~Socket() = default;
  virtual Awaitable<error_code> handshake(const tcp::endpoint& endpoint, std::string host,
                                          std::string path, milliseconds limit) = 0;
  virtual Awaitable<error_code> read(beast::flat_buffer& buffer) = 0;
  virtual Awaitable<error_code> write(std::string text) = 0;
  virtual void abort() = 0;
  virtual websocket::close_reason close_reason() const = 0;
};

template <class Stream>
class WebSocket final : public Socket {
 public:
  template <class... Args>
  explicit WebSocket(Args&&... args) : stream_(std::forward<Args>(args)...) {}

  Awaitable<error_code> handshake(const tcp::endpoint& endpoint, std::string host, std::string path,
                                  milliseconds limit) override {
    auto& lowest = beast::get_lowest_layer(stream_);
    lowest.expires_after(limit);
    auto [connect_error] = co_await lowest.async_connect(endpoint, kToken);
    if (connect_error) co_return connect_error;
    lowest.socket().set_option(tcp::no_delay(true));
    if constexpr (requires { stream_.next_layer().async_handshake(asio::ssl::stream_base::client, kToken); }) {
      // What SSL_set_tlsext_host_name() expands to, without its C cast.
      SSL_ctrl(stream_.next_layer().native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
               TLSEXT_NAMETYPE_host_name, host.data());
      stream_.next_layer().set_verify_callback(asio::ssl::host_name_verification(host));
      auto [tls_error] =
          co_await stream_.next_layer().async_handshake(asio::ssl::stream_base::client, kToken);
      if (tls_error) co_return tls_error;
    }
    lowest.expires_never();
    stream_.set_option(websocket::stream_base::timeout{limit, websocket::stream_base::none(), false});
    stream_.read_message_max(kMaxFrame);
    std::string authority = host + ":" + std::to_string(endpoint.port());
    auto [ws_error] = co_await stream_.async_handshake(authority, path, kToken);
    co_return ws_error;
  }
  Awaitable<error_code> read(beast::flat_buffer& buffer) override {
    auto [error, size] = co_await stream_.async_read(buffer, kToken);
    co_return error;
  }
  Awaitable<error_code> write(std::string text) override {
    auto [error, size] = co_await stream_.async_write(asio::buffer(text), kToken);
    co_return error;
  }
  void abort() override { beast::get_lowest_layer(stream_).close(); }
  websocket::close_reason close_reason() const override { return stream_.reason(); }

 private:
  websocket::stream<Stream> stream_;
};

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Error from_frame(const json::object& error) {
  auto text = [&](const char* key) {
    const json::value* v = error.if_contains(key);
    return v && v->is_string() ? std::string(v->as_string()) : std::string();
  };
  std::string code = text("code");
  Code mapped = code == "NOT_PAIRED" ? Code::kUnauthenticated
                : code == "UNAVAILABLE" ? Code::kUnavailable
                : code == "AGENT_TIMEOUT" ? Code::kDeadlineExceeded
                                          : Code::kInvalidArgument;
  return Error(mapped, text("message"), error);
}

}  // namespace

struct GatewayClient::Connection : std::enable_shared_from_this<Connection> {
  Runtime& runtime;
  Target target;
  std::filesystem::path state_dir;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  std::unique_ptr<Socket> socket;
  struct Pending {
    Completer<json::value> done;
    bool final_answer;
  };
  std::unordered_map<std::string, Pending> pending;
  std::optional<Completer<std::string>> challenge;
  EventHandler handler;
  std::deque<std::string> outbox;
  bool writing = false, closed = false;
  std::uint64_t next_id = 1;

  Connection(Runtime& rt, Target t, std::filesystem::path dir)
      : runtime(rt), target(std::move(t)), state_dir(std::move(dir)) {}

  Awaitable<Result<void>> open(Limits limits);
  Awaitable<> read_loop();
  Awaitable<> write_loop();
  void receive(std::string_view text);
  void fail(const Error& error);
  void send(std::string frame);
  Result<json::object> connect_params(ConnectAs as, const std::vector<std::string>& scopes,
                                      const std::string& nonce) const;
  void remember_device_token(const json::object& hello) const;
  std::string stored_device_token(const std::string& device_id) const;
};

Awaitable<Result<void>> GatewayClient::Connection::open(Limits limits) {
  auto url = boost::urls::parse_uri(target.url).value();
  bool secure = url.scheme() == "wss";
  std::string host = url.host_address();
  std::string port = url.has_port() ? std::string(url.port()) : (secure ? "443" : "80");
  std::string path(url.encoded_path());
  if (path.empty()) path = "/";
  auto where = "Gateway target: " + target.url + " (source: " + target.url_source + ")";

  error_code failed;
  auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, failed);
  tcp::endpoint endpoint;
  if (!failed) {
    endpoint = {address, static_cast<std::uint16_t>(std::stoi(port))};
  } else {
    tcp::resolver resolver(runtime.loop());
    auto [resolve_error, found] = co_await resolver.async_resolve(host, port, kToken);
    if (resolve_error) {
      co_return Error(Code::kUnavailable, "Cannot resolve " + host + ". " + where);
    }
    endpoint = found.begin()->endpoint();
  }
  if (secure) {
    tls.set_default_verify_paths();
    tls.set_verify_mode(asio::ssl::verify_peer);
    socket = std::make_unique<WebSocket<asio::ssl::stream<beast::tcp_stream>>>(runtime.loop(), tls);
  } else {
    socket = std::make_unique<WebSocket<beast::tcp_stream>>(runtime.loop());
  }
  auto budget = std::min(limits.deadline.remaining(), milliseconds(10000));
  if (auto error = co_await socket->handshake(endpoint, host, path, budget)) {
    co_return Error(Code::kUnavailable, "Cannot reach the gateway: " + error.message() + ". " + where +
                                            "\nStart it with: openclaw gateway run");
  }
  co_return Result<void>();
}

void GatewayClient::Connection::fail(const Error& error) {
  closed = true;
  auto waiting = std::move(pending);
  pending.clear();
  for (auto& [id, entry] : waiting) entry.done.now(error);
  if (challenge) challenge->now(error);
}

Awaitable<> GatewayClient::Connection::read_loop() {
  auto self = shared_from_this();
  beast::flat_buffer buffer;
  for (;;) {
    auto error = co_await socket->read(buffer);
    if (error) {
      auto reason = socket->close_reason();
      std::string text(reason.reason.data(), reason.reason.size());
      fail(Error(Code::kUnavailable, text.empty() ? "the gateway closed the connection (" + error.message() + ")"
                                                  : "the gateway closed the connection: " + text));
      co_return;
    }
    receive({static_cast<const char*>(buffer.data().data()), buffer.size()});
    buffer.consume(buffer.size());
  }
}

void GatewayClient::Connection::receive(std::string_view text) {
  error_code failed;
  auto frame = json::parse(text, failed);
  if (failed || !frame.is_object()) return;
  auto& object = frame.as_object();
  const auto* type = object.if_contains("type");
  if (!type || !type->is_string()) return;
  const auto* payload = object.if_contains("payload");
  if (type->as_string() == "event") {
    const auto* event = object.if_contains("event");
    if (!event || !event->is_string()) return;
    if (event->as_string() == "connect.challenge" && challenge && payload && payload->is_object()) {
      const auto* nonce = payload->as_object().if_contains("nonce");
      if (nonce && nonce->is_string()) challenge->now(std::string(nonce->as_string()));
      return;
    }
    static const json::object kEmpty;
    if (handler) handler(event->as_string(), payload && payload->is_object() ? payload->as_object() : kEmpty);
    return;
  }
  const auto* id = object.if_contains("id");
  if (type->as_string() != "res" || !id || !id->is_string()) return;
  auto found = pending.find(std::string(id->as_string()));
  if (found == pending.end()) return;
  const auto* ok = object.if_contains("ok");
  if (ok && ok->is_bool() && ok->as_bool()) {
    if (found->second.final_answer && payload && payload->is_object()) {
      const auto* status = payload->as_object().if_contains("status");
      if (status && status->is_string() && status->as_string() == "accepted") return;
    }
    auto done = found->second.done;
    pending.erase(found);
    done.now(payload ? *payload : json::value());
    return;
  }
  const auto* error = object.if_contains("error");
  auto done = found->second.done;
  pending.erase(found);
  done.now(error && error->is_object() ? from_frame(error->as_object())
                                       : Error(Code::kProtocol, "the gateway answered without a reason"));
}

void GatewayClient::Connection::send(std::string frame) {
  outbox.push_back(std::move(frame));
  if (writing || closed) return;
  writing = true;
  asio::co_spawn(runtime.loop(), write_loop(), asio::detached);
}

Awaitable<> GatewayClient::Connection::write_loop() {
  auto self = shared_from_this();
  while (!outbox.empty()) {
    auto frame = std::move(outbox.front());
    outbox.pop_front();
    if (co_await socket->write(std::move(frame))) break;  // the read loop reports the loss
  }
  writing = false;
}

std::string GatewayClient::Connection::stored_device_token(const std::string& device_id) const {
  auto text = storage::read_file_bounded(state_dir / "identity" / "device-auth.json", 1 << 20);
  if (text.has_error()) return {};
  error_code failed;
  auto file = json::parse(*text, failed);
  if (failed) return {};
  return text_at(file, "/deviceId") == device_id ? text_at(file, "/tokens/operator/token") : std::string();
}

void GatewayClient::Connection::remember_device_token(const json::object& hello) const {
  const auto* auth = hello.if_contains("auth");
  if (!auth || !auth->is_object()) return;
  auto device = identity::load_or_create(state_dir);
  const auto* token = auth->as_object().if_contains("deviceToken");
  if (device.has_error() || !token || !token->is_string()) return;
  if (stored_device_token(device->device_id) == token->as_string()) return;
  const auto* scopes = auth->as_object().if_contains("scopes");
  json::object file{{"version", 1},
                    {"deviceId", device->device_id},
                    {"tokens",
                     {{"operator",
                       {{"token", *token},
                        {"role", "operator"},
                        {"scopes", scopes ? *scopes : json::value(json::array())},
                        {"updatedAtMs", now_ms()}}}}}};
  // Losing this costs one more use of the shared token, so a failure is not worth a message.
  (void)storage::write_file_atomically(state_dir / "identity" / "device-auth.json",
                                       json::serialize(file) + "\n", 0600);
}

Result<json::object> GatewayClient::Connection::connect_params(ConnectAs as,
                                                               const std::vector<std::string>& scopes,
                                                               const std::string& nonce) const {
  std::string client_id = as == ConnectAs::kLeast ? "gateway-client" : "cli";
  std::string mode = as == ConnectAs::kLeast ? "backend" : as == ConnectAs::kProbe ? "probe" : "cli";
  json::object params{{"minProtocol", 3},
                      {"maxProtocol", 3},
                      {"client",
                       {{"id", client_id},
                        {"version", as == ConnectAs::kProbe ? "dev" : kVersion},
                        {"platform", "linux"},
                        {"mode", mode},
                        {"instanceId", identity::uuid_v4()}}},
                      {"caps", json::array{"tool-events"}},
                      {"role", "operator"},
                      {"scopes", json::value_from(scopes)}};
  bool with_device = as != ConnectAs::kProbe || !target.loopback;
  std::string token = target.token;
  json::object auth;
  if (!target.password.empty()) auth["password"] = target.password;
  if (with_device) {
    auto device = identity::load_or_create(state_dir);
    if (device.has_error()) return device.error();
    if (token.empty() && target.password.empty()) {
      token = stored_device_token(device->device_id);
      if (!token.empty()) auth["deviceToken"] = token;
    }
    identity::SignedFields fields{device->device_id, client_id, mode,  "operator", scopes,
                                  now_ms(),          token,     nonce, "linux",    ""};
    auto signature = identity::sign(*device, identity::payload_v3(fields));
    if (signature.has_error()) return signature.error();
    params["device"] = {{"id", device->device_id},
                        {"publicKey", device->public_key},
                        {"signature", *signature},
                        {"signedAt", fields.signed_at_ms},
                        {"nonce", nonce}};
  }
  if (!token.empty()) auth["token"] = token;
  if (!auth.empty()) params["auth"] = std::move(auth);
  return params;
}

GatewayClient::GatewayClient(Runtime& runtime, Target target, std::filesystem::path state_dir)
    : connection_(std::make_shared<Connection>(runtime, std::move(target), std::move(state_dir))) {}

GatewayClient::~GatewayClient() {
  if (connection_->socket) connection_->socket->abort();
}

void GatewayClient::on_event(EventHandler handler) { connection_->handler = std::move(handler); }

Awaitable<Result<json::object>> GatewayClient::connect(ConnectAs as, std::vector<std::string> scopes,
                                                       Limits limits) {
  auto connection = connection_;
  auto opened = co_await connection->open(limits);
  if (opened.has_error()) co_return opened.error();
  // Named, here and below: g++ 12 copies closures that are temporaries of a co_await bit by bit.
  std::function<void(Completer<std::string>)> read = [connection](Completer<std::string> done) {
    connection->challenge.emplace(std::move(done));
    asio::co_spawn(connection->runtime.loop(), connection->read_loop(), asio::detached);
  };
  auto nonce = co_await suspend<std::string>(
      connection->runtime, limits.with_deadline(Deadline::after(milliseconds(2000))), std::move(read));
  connection->challenge.reset();
  if (nonce.has_error()) {
    co_return Error(Code::kProtocol, "No connect challenge from " + connection->target.url +
                                         " (source: " + connection->target.url_source +
                                         "): is that an openclaw gateway?");
  }
  if (as == ConnectAs::kFull) {
    scopes = {"operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"};
  } else if (as == ConnectAs::kProbe) {
    scopes = {"operator.read"};
  }
  auto params = connection->connect_params(as, scopes, *nonce);
  if (params.has_error()) co_return params.error();
  auto hello = co_await call("connect", std::move(*params), limits);
  if (hello.has_error()) {
    Error error = hello.error();
    if (error.code == Code::kInvalidArgument) error.code = Code::kUnauthenticated;
    error.message += "\nGateway target: " + connection->target.url +
                     " (source: " + connection->target.url_source + ")";
    co_return error;
  }
  if (!hello->is_object()) co_return Error(Code::kProtocol, "the gateway's hello is not an object");
  connection->remember_device_token(hello->as_object());
  co_return std::move(hello->as_object());
}

Awaitable<Result<json::value>> GatewayClient::call(std::string method, json::value params, Limits limits,
                                                   bool final_answer) {
  auto connection = connection_;
  if (connection->closed) co_return Error(Code::kUnavailable, "the connection to the gateway is closed");
  std::string id = std::to_string(connection->next_id++);
  json::object frame{{"type", "req"}, {"id", id}, {"method", method}};
  if (!params.is_null()) frame["params"] = std::move(params);
  std::function<void(Completer<json::value>)> send = [connection, id, final_answer,
                                                      text = json::serialize(frame)](
                                                         Completer<json::value> done) {
    connection->pending.emplace(id, Connection::Pending{std::move(done), final_answer});
    connection->send(text);
  };
  std::function<void()> forget = [connection, id] { connection->pending.erase(id); };
  co_return co_await suspend<json::value>(connection->runtime, limits, std::move(send), std::move(forget));
}

Awaitable<> GatewayClient::close() {
  // Closing the socket is what the CLI of 2026.3.x does too: no close frame, no waiting.
  connection_->closed = true;
  if (connection_->socket) connection_->socket->abort();
  co_return;
}

}  // namespace openclaw::gateway_client
