#include "gateway/handshake.h"

#include <cstdlib>

#include "gateway/agents_catalogue.h"
#include "gateway/http_server.h"
#include "gateway/origin.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;
using Mode = AuthSettings::Mode;
using identity::PairingNeed;

constexpr std::int64_t kProtocol = 3;
constexpr std::int64_t kMaxSkewMs = 120000;

const json::object& part(const json::object& params, std::string_view key) {
  static const json::object kNone;
  const auto* value = params.if_contains(key);
  return value && value->is_object() ? value->get_object() : kNone;
}

std::optional<std::string> maybe(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value || !value->is_string() || value->get_string().empty()) return std::nullopt;
  return std::string(value->get_string());
}

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

class Handshake {
 public:
  Handshake(ServerState& state, const json::object& params, const Peer& peer,
            std::string_view nonce)
      : state_(state), settings_(state.auth()), params_(params), peer_(peer), nonce_(nonce) {}

  HandshakeOutcome run() {
    read();
    bool go_on = check_protocol() && check_role() && check_origin() && check_secret_now() &&
                 check_device_present() && check_device() && enforce_auth() && check_pairing();
    if (go_on) accept();
    return std::move(out_);
  }

 private:
  bool refuse(std::string_view code, std::string message, json::value details = {},
              unsigned close_code = 1008) {
    out_.error.code = code;
    out_.error.message = std::move(message);
    out_.error.details = std::move(details);
    out_.close_code = close_code;
    return false;
  }

  bool refuse_auth(const std::string& reason) {
    out_.error =
        refusal(reason, {client_.id, has_device_, token_.has_value(), device_token_.has_value()});
    return false;
  }

  void read() {
    const auto& who = part(params_, "client");
    client_.id = text_param(who, "id");
    client_.mode = text_param(who, "mode");
    client_.version = text_param(who, "version");
    client_.platform = text_param(who, "platform");
    client_.device_family = text_param(who, "deviceFamily");
    client_.model_identifier = text_param(who, "modelIdentifier");
    client_.display_name = text_param(who, "displayName");
    client_.instance_id = text_param(who, "instanceId");
    client_.role = text_param(params_, "role", "operator");
    client_.scopes = strings_param(params_, "scopes");
    client_.peer = peer_;
    for (const auto& cap : strings_param(params_, "caps"))
      client_.tool_events |= cap == "tool-events";
    const auto& auth = part(params_, "auth");
    token_ = maybe(auth, "token");
    password_ = maybe(auth, "password");
    device_token_ = maybe(auth, "deviceToken");
    bootstrap_token_ = maybe(auth, "bootstrapToken");
    has_device_ = params_.contains("device");
    control_ui_ = client_.id == "openclaw-control-ui";
  }

  bool check_protocol() {
    if (int_param(params_, "minProtocol", 0) <= kProtocol &&
        kProtocol <= int_param(params_, "maxProtocol", 0)) {
      return true;
    }
    return refuse(kInvalidRequest, "protocol mismatch", {{"expectedProtocol", kProtocol}}, 1002);
  }

  bool check_role() {
    if (client_.role == "operator" || client_.role == "node") return true;
    return refuse(kInvalidRequest, "invalid role");
  }

  bool check_origin() {
    if (!origin_rule_applies(peer_, client_.id, client_.mode)) return true;
    auto reason = origin_refusal(peer_, settings_);
    if (reason.empty()) return true;
    return refuse(kInvalidRequest,
                  "origin not allowed (open the Control UI from the gateway host or allow it in "
                  "gateway.controlUi.allowedOrigins)",
                  {{"code", "CONTROL_UI_ORIGIN_NOT_ALLOWED"}, {"reason", reason}});
  }

  bool any_secret() const { return token_ || password_ || device_token_ || bootstrap_token_; }

  // Evaluates, does not enforce; but nothing is compared for somebody who is locked out.
  bool check_secret_now() {
    if (any_secret() && state_.guard.locked_for(peer_, kSharedSecret).count() > 0) {
      return refuse_auth("rate_limited");
    }
    auto kept = [this](std::string_view name) { return peer_.kept_header(name); };
    shared_ = check_secret(settings_, {token_, password_}, peer_, kept);
    // In mode none there is no secret that could have been right.
    shared_ok_ = shared_.ok && settings_.mode != Mode::kNone;
    return true;
  }

  void count_failure() {
    if (!any_secret()) return;
    state_.guard.failed(settings_, peer_, kSharedSecret);
    if (has_device_)
      state_.guard.failed(settings_, peer_, "device:" + text_param(part(params_, "device"), "id"));
  }

  bool check_device_present() {
    if (has_device_) return true;
    bool by_proxy = shared_.ok && settings_.mode == Mode::kTrustedProxy;
    bool keeps_scopes = false;
    if (control_ui_) {
      bool insecure = settings_.allow_insecure_auth && peer_.local;
      if (!by_proxy && !settings_.disable_device_auth && !insecure) {
        return refuse(kInvalidRequest,
                      "control ui requires device identity (use HTTPS or localhost secure context)",
                      {{"code", "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"}});
      }
      if (settings_.disable_device_auth && shared_.ok) return true;
      keeps_scopes = by_proxy || insecure;
    }
    if (client_.role == "operator" && shared_ok_) {
      if (!keeps_scopes) client_.scopes.clear();
      return true;
    }
    if (!shared_.ok && (token_ || password_)) {
      count_failure();
      return refuse_auth(shared_.reason);
    }
    return refuse(kNotPaired, "device identity required", {{"code", "DEVICE_IDENTITY_REQUIRED"}});
  }

  bool refuse_device(const char* message, const char* code, const char* reason) {
    return refuse(kInvalidRequest, message, {{"code", code}, {"reason", reason}});
  }

  bool check_device() {
    if (!has_device_) return true;
    const auto& device = part(params_, "device");
    public_key_ = identity::normalise_public_key(text_param(device, "publicKey"));
    auto id = text_param(device, "id");
    if (!public_key_.empty() && identity::device_id_of(public_key_) != id) {
      return refuse_device("device identity mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH",
                           "device-id-mismatch");
    }
    auto signed_at = int_param(device, "signedAt", 0);
    if (std::llabs(now_ms() - signed_at) > kMaxSkewMs) {
      return refuse_device("device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED",
                           "device-signature-stale");
    }
    auto nonce = text_param(device, "nonce");
    if (blank(nonce)) {
      return refuse_device("device nonce required", "DEVICE_AUTH_NONCE_REQUIRED",
                           "device-nonce-missing");
    }
    if (nonce != nonce_) {
      return refuse_device("device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH",
                           "device-nonce-mismatch");
    }
    if (public_key_.empty()) {
      return refuse_device("device public key invalid", "DEVICE_AUTH_PUBLIC_KEY_INVALID",
                           "device-public-key");
    }
    if (!signature_fits(device, id, signed_at, nonce)) {
      return refuse_device("device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID",
                           "device-signature");
    }
    client_.device_id = id;
    return true;
  }

  bool signature_fits(const json::object& device, const std::string& id, std::int64_t signed_at,
                      const std::string& nonce) const {
    identity::SignedFields fields;
    fields.device_id = id;
    fields.client_id = client_.id;
    fields.client_mode = client_.mode;
    fields.role = client_.role;
    fields.scopes = client_.scopes;
    fields.signed_at_ms = signed_at;
    fields.token = token_          ? *token_
                   : device_token_ ? *device_token_
                                   : bootstrap_token_.value_or("");
    fields.nonce = nonce;
    fields.platform = client_.platform;
    fields.device_family = client_.device_family;
    auto signature = text_param(device, "signature");
    return identity::verify(public_key_, identity::payload_v3(fields), signature) ||
           identity::verify(public_key_, identity::payload_v2(fields), signature);
  }

  bool enforce_auth() {
    client_.auth_method = shared_.method;
    auto credential = "device:" + client_.device_id;
    auto reason = shared_.reason;
    bool ok = shared_.ok;
    auto candidate = device_token_ ? device_token_ : token_;
    if (!ok && has_device_) {
      state_.refresh_devices();
      if (bootstrap_token_) reason = "bootstrap_token_invalid";
      if (candidate && state_.guard.locked_for(peer_, credential).count() > 0)
        return refuse_auth("rate_limited");
      ok = candidate &&
           state_.devices.check_token(client_.device_id, client_.role, *candidate, client_.scopes);
      if (ok) client_.auth_method = "device-token";
      if (!ok && device_token_) reason = "device_token_mismatch";
    }
    if (!ok) {
      count_failure();
      return refuse_auth(reason);
    }
    if (any_secret())
      state_.guard.succeeded(peer_, has_device_ ? std::string_view(credential) : kSharedSecret);
    return true;
  }

  bool pairing_skipped() const {
    bool backend = client_.id == "gateway-client" && client_.mode == "backend" && peer_.local &&
                   peer_.origin.empty() && shared_ok_ && settings_.mode != Mode::kTrustedProxy;
    bool free_ui = control_ui_ && (settings_.disable_device_auth ||
                                   (shared_ok_ && settings_.mode == Mode::kTrustedProxy));
    return backend || free_ui;
  }

  bool check_pairing() {
    if (!has_device_) return true;
    claim_.device_id = client_.device_id;
    claim_.public_key = public_key_;
    claim_.display_name = client_.display_name;
    claim_.platform = client_.platform;
    claim_.device_family = client_.device_family;
    claim_.client_id = client_.id;
    claim_.client_mode = client_.mode;
    claim_.role = client_.role;
    claim_.scopes = client_.scopes;
    if (!peer_.local) claim_.remote_ip = peer_.client;
    if (pairing_skipped()) return true;
    state_.refresh_devices();
    auto need = state_.devices.need(claim_);
    if (need == PairingNeed::kNone) return true;
    bool browser_ui = control_ui_ || client_.id == "webchat-ui" || client_.mode == "webchat";
    bool silent = peer_.local && (peer_.origin.empty() || browser_ui) &&
                  (need == PairingNeed::kNotPaired || need == PairingNeed::kScopeUpgrade);
    bool is_new = false;
    auto record = state_.devices.request(claim_, silent, &is_new);
    auto request_id = text_param(record, "requestId");
    out_.save_first = true;
    if (silent && state_.devices.approve(request_id).has_value()) {
      out_.pair_resolved = json::object{{"requestId", request_id},
                                        {"deviceId", claim_.device_id},
                                        {"decision", "approved"},
                                        {"ts", now_ms()}};
      return true;
    }
    if (is_new) out_.pair_requested = std::move(record);
    return refuse(kNotPaired, "pairing required",
                  {{"code", "PAIRING_REQUIRED"},
                   {"requestId", request_id},
                   {"reason", identity::pairing_need_name(need)}});
  }

  void accept() {
    if (has_device_) {
      state_.devices.seen(claim_);
      auto before = state_.devices.token_scopes(client_.device_id, client_.role);
      auto token = state_.devices.ensure_token(client_.device_id, client_.role, client_.scopes);
      if (token) out_.auth = std::move(*token);
      out_.save_first |= before != state_.devices.token_scopes(client_.device_id, client_.role);
    }
    client_.conn_id = identity::uuid_v4();
    out_.client = std::make_shared<const Client>(std::move(client_));
  }

  ServerState& state_;
  const AuthSettings settings_;
  const json::object& params_;
  const Peer& peer_;
  std::string_view nonce_;
  Client client_;
  std::optional<std::string> token_, password_, device_token_, bootstrap_token_;
  bool has_device_ = false, control_ui_ = false, shared_ok_ = false;
  AuthResult shared_;
  std::string public_key_;
  identity::DeviceClaim claim_;
  HandshakeOutcome out_;
};

}  // namespace

HandshakeOutcome evaluate_connect(ServerState& state, const json::value& params, const Peer& peer,
                                  std::string_view nonce) {
  auto problem = check_params("connect", connect_table(), params);
  if (!problem.empty()) {
    HandshakeOutcome out;
    out.error.code = kInvalidRequest;
    out.error.message = std::move(problem);
    return out;
  }
  static const json::object kEmpty;
  return Handshake(state, params.is_object() ? params.get_object() : kEmpty, peer, nonce).run();
}

json::object hello_payload(ServerState& state, const Client& client) {
  static constexpr std::string_view kEvents[] = {"connect.challenge",
                                                 "agent",
                                                 "chat",
                                                 "presence",
                                                 "tick",
                                                 "talk.mode",
                                                 "shutdown",
                                                 "health",
                                                 "heartbeat",
                                                 "cron",
                                                 "node.pair.requested",
                                                 "node.pair.resolved",
                                                 "node.invoke.request",
                                                 "device.pair.requested",
                                                 "device.pair.resolved",
                                                 "voicewake.changed",
                                                 "exec.approval.requested",
                                                 "exec.approval.resolved",
                                                 "update.available"};
  json::array events;
  for (auto event : kEvents) events.emplace_back(event);
  json::array methods;
  for (const auto& name : state.methods.listed()) methods.emplace_back(name);
  auto versions = state.versions();
  auto config = state.snapshot();
  auto agent = session::default_agent(*config);
  json::object snapshot{
      {"presence", state.presence.list(now_ms())},
      {"health", state.health.cached()},
      {"stateVersion", {{"presence", versions.presence}, {"health", versions.health}}},
      {"uptimeMs", state.uptime_ms()},
      {"sessionDefaults",
       {{"defaultAgentId", agent},
        {"mainKey", config->get_string("session.mainKey", "main")},
        {"mainSessionKey", session::main_key(*config, agent)},
        {"scope", config->get_string("session.scope", "per-sender")}}},
      {"authMode", mode_name(state.auth().mode)}};
  // Paths say who runs this and where: for clients that may administrate.
  if (client.is_admin()) {
    snapshot["configPath"] = state.services.config.paths().config_file.string();
    snapshot["stateDir"] = state.state_dir().string();
  }
  return {
      {"type", "hello-ok"},
      {"protocol", kProtocol},
      {"server", {{"version", state.options.version}, {"connId", client.conn_id}}},
      {"features", {{"methods", std::move(methods)}, {"events", std::move(events)}}},
      {"snapshot", std::move(snapshot)},
      {"policy",
       {{"maxPayload", kMaxFrame}, {"maxBufferedBytes", kMaxBuffered}, {"tickIntervalMs", 30000}}}};
}

}  // namespace openclaw::gateway
