#include "gateway_client/gateway_client.h"

#include <chrono>
#include <unordered_map>

#include "identity/device_identity.h"
#include "json_fields.h"
#include "json_pointer.h"
#include "net/websocket_client.h"
#include "storage/atomic_file.h"

namespace openclaw::gateway_client {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxFrame = 26214400;  // gateway protocol, section 1
constexpr const char* kVersion = "2026.3.13";  // the protocol generation clients announce
constexpr milliseconds kChallengeTime{2000};

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Error from_frame(const json::object& error) {
  std::string code = text_of(error, "code");
  Code mapped = code == "NOT_PAIRED" ? Code::kUnauthenticated
                : code == "UNAVAILABLE" ? Code::kUnavailable
                : code == "AGENT_TIMEOUT" ? Code::kDeadlineExceeded
                                          : Code::kInvalidArgument;
  return Error(mapped, text_of(error, "message"), error);
}

}  // namespace

struct GatewayClient::Connection : std::enable_shared_from_this<Connection> {
  Runtime& runtime;
  Target target;
  std::filesystem::path state_dir;
  net::WebSocketClient sockets;
  std::shared_ptr<net::WebSocketConnection> socket;
  struct Pending {
    Completer<json::value> done;
    bool final_answer;
  };
  std::unordered_map<std::string, Pending> pending;
  std::optional<Completer<std::string>> challenge;
  EventHandler handler;
  bool closed = false;
  std::uint64_t next_id = 1;

  Connection(Runtime& rt, Target t, std::filesystem::path dir)
      : runtime(rt), target(std::move(t)), state_dir(std::move(dir)), sockets(rt) {}

  // Connects and waits for the gateway's challenge; answers its nonce.
  Awaitable<Result<std::string>> open(Limits limits);
  net::WebSocketEvents events();
  void receive(std::string_view text);
  void fail(const Error& error);
  void send(std::string frame);
  Result<json::object> connect_params(ConnectAs as, const std::vector<std::string>& scopes,
                                      const std::string& nonce) const;
  void remember_device_token(const json::object& hello) const;
  std::string stored_device_token(const std::string& device_id) const;
};

net::WebSocketEvents GatewayClient::Connection::events() {
  net::WebSocketEvents out;
  std::weak_ptr<Connection> weak = weak_from_this();
  out.message = [weak](std::string data, bool is_text, const net::Credit&) {
    if (auto self = weak.lock(); self && is_text) self->receive(data);
  };
  out.close = [weak](Code, std::uint16_t code, std::string reason) {
    auto self = weak.lock();
    if (!self) return;
    std::string what = self->challenge ? "Cannot reach the gateway: " : "the gateway closed the connection";
    if (!self->challenge) what += code == 1006 ? " without a word: " : ": ";
    self->fail(Error(Code::kUnavailable, what + reason));
  };
  return out;
}

Awaitable<Result<std::string>> GatewayClient::Connection::open(Limits limits) {
  auto where = "Gateway target: " + target.url + " (source: " + target.url_source + ")";
  auto url = net::parse_url(target.url);
  if (url.has_error()) co_return Error(Code::kInvalidArgument, url.error().message + ". " + where);
  net::WebSocketRequest request;
  request.url = std::move(*url);
  request.allow_private = true;  // resolve_target() decided what may be reached
  request.connect_timeout = std::min(limits.deadline.remaining(), milliseconds(10000));
  request.max_message_bytes = request.send_queue_bytes = request.window_bytes = kMaxFrame;
  auto budget = request.connect_timeout + kChallengeTime;
  // Named, here and below: g++ 12 copies closures that are temporaries of a co_await bit by bit.
  std::function<void(Completer<std::string>)> connect = [this, &request](Completer<std::string> done) {
    challenge.emplace(std::move(done));
    socket = sockets.connect(std::move(request), events());
  };
  auto nonce = co_await suspend<std::string>(runtime, limits.with_deadline(Deadline::after(budget)),
                                             std::move(connect));
  challenge.reset();
  if (nonce.has_value()) co_return nonce;
  if (nonce.error().code == Code::kDeadlineExceeded) {
    co_return Error(Code::kProtocol, "No connect challenge from the gateway: is that an openclaw gateway? " + where);
  }
  co_return Error(nonce.error().code,
                  nonce.error().message + ". " + where + "\nStart it with: openclaw gateway run");
}

void GatewayClient::Connection::fail(const Error& error) {
  closed = true;
  auto waiting = std::move(pending);
  pending.clear();
  for (auto& [id, entry] : waiting) entry.done.now(error);
  if (challenge) challenge->now(error);
}

void GatewayClient::Connection::receive(std::string_view text) {
  boost::system::error_code failed;
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
  if (!closed && socket->send(std::move(frame), true) == Code::kWouldBlock) {
    fail(Error(Code::kResourceExhausted, "the gateway does not take requests fast enough"));
  }
}

std::string GatewayClient::Connection::stored_device_token(const std::string& device_id) const {
  auto text = storage::read_file_bounded(state_dir / "identity" / "device-auth.json", 1 << 20);
  if (text.has_error()) return {};
  boost::system::error_code failed;
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
  auto nonce = co_await connection->open(limits);
  if (nonce.has_error()) co_return nonce.error();
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
  // At once, as the CLI of 2026.3.x does: no close frame, no waiting.
  connection_->closed = true;
  if (connection_->socket) connection_->socket->abort();
  co_await connection_->sockets.stop(Deadline::after(milliseconds(1000)));
}

}  // namespace openclaw::gateway_client
