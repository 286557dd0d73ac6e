// device.pair.* and device.token.*: who may connect.
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

// Closes what the device has open: a credential that was taken back must not live on in a
// connection. The caller's own connection stays, it still waits for the answer.
void close_connections(ServerState& state, const MethodCall& call, const std::string& device_id,
                       const std::string& role, bool only_by_token) {
  state.hub.for_each([&](Subscriber& subscriber) {
    const auto& client = subscriber.client();
    bool same = client.device_id == device_id && (role.empty() || client.role == role);
    if (!same || client.conn_id == call.client->conn_id) return;
    if (only_by_token && client.auth_method != "device-token") return;
    subscriber.close(1008, "device credential was changed");
  });
}

void announce(ServerState& state, const std::string& request_id, const std::string& device_id,
              std::string_view decision) {
  state.hub.broadcast("device.pair.resolved",
                      json::object{{"requestId", request_id},
                                   {"deviceId", device_id},
                                   {"decision", decision},
                                   {"ts", now_ms()}},
                      Hub::Delivery::kDroppable, "operator.pairing");
}

Awaitable<Reply> pair_list(ServerState& state, MethodCall) {
  state.refresh_devices();
  co_return Reply::ok(state.devices.list());
}

// The scope a pending request asks for that the caller does not hold; empty when there is none.
std::string scope_beyond(ServerState& state, const Client& client, const std::string& request_id) {
  auto list = state.devices.list();
  for (const auto& item : list["pending"].as_array()) {
    const auto& record = item.as_object();
    if (text_param(record, "requestId") != request_id) continue;
    for (const auto& scope : strings_param(record, "scopes")) {
      if (!client.holds(scope)) return scope;
    }
  }
  return {};
}

Awaitable<Reply> pair_approve(ServerState& state, MethodCall call) {
  state.refresh_devices();
  auto id = text_param(call.params, "requestId");
  // Approving is handing out: a pairing-only client must not make an administrator.
  auto beyond = scope_beyond(state, *call.client, id);
  if (!beyond.empty()) co_return Reply::invalid("missing scope: " + beyond);
  auto device = state.devices.approve(id);
  if (device.has_error()) co_return Reply::failed(device.error());
  auto saved = co_await state.save_devices();
  if (saved.has_error()) co_return Reply::failed(saved.error());
  announce(state, id, text_param(device.value(), "deviceId"), "approved");
  json::object out;
  out["requestId"] = id;
  out["device"] = std::move(device.value());
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> pair_reject(ServerState& state, MethodCall call) {
  state.refresh_devices();
  auto id = text_param(call.params, "requestId");
  auto device = state.devices.reject(id);
  if (device.has_error()) co_return Reply::failed(device.error());
  auto saved = co_await state.save_devices();
  if (saved.has_error()) co_return Reply::failed(saved.error());
  announce(state, id, device.value(), "rejected");
  co_return Reply::ok(json::object{{"requestId", id}, {"deviceId", device.value()}});
}

Awaitable<Reply> pair_remove(ServerState& state, MethodCall call) {
  state.refresh_devices();
  auto id = text_param(call.params, "deviceId");
  auto removed = state.devices.remove(id);
  if (removed.has_error()) co_return Reply::failed(removed.error());
  auto saved = co_await state.save_devices();
  if (saved.has_error()) co_return Reply::failed(saved.error());
  close_connections(state, call, id, {}, false);
  co_return Reply::ok(json::object{{"deviceId", id}});
}

Awaitable<Reply> token_rotate(ServerState& state, MethodCall call) {
  state.refresh_devices();
  auto id = text_param(call.params, "deviceId");
  auto role = text_param(call.params, "role");
  std::optional<std::vector<std::string>> scopes;
  if (call.params.contains("scopes")) scopes = strings_param(call.params, "scopes");
  // Nobody hands out what they do not hold.
  for (const auto& scope : scopes ? *scopes : state.devices.token_scopes(id, role)) {
    if (!call.client->holds(scope)) co_return Reply::invalid("missing scope: " + scope);
  }
  auto rotated = state.devices.rotate(id, role, scopes);
  if (rotated.has_error()) co_return Reply::failed(rotated.error());
  auto saved = co_await state.save_devices();
  if (saved.has_error()) co_return Reply::failed(saved.error());
  close_connections(state, call, id, role, true);
  co_return Reply::ok(std::move(rotated.value()));
}

Awaitable<Reply> token_revoke(ServerState& state, MethodCall call) {
  state.refresh_devices();
  auto id = text_param(call.params, "deviceId");
  auto role = text_param(call.params, "role");
  auto revoked = state.devices.revoke(id, role);
  if (revoked.has_error()) co_return Reply::failed(revoked.error());
  auto saved = co_await state.save_devices();
  if (saved.has_error()) co_return Reply::failed(saved.error());
  close_connections(state, call, id, role, true);
  co_return Reply::ok(std::move(revoked.value()));
}

const ParamTable kRequest{{{"requestId", Kind::kText, true}}};
const ParamTable kDevice{{{"deviceId", Kind::kText, true}}};
const ParamTable kRotate{
    {{"deviceId", Kind::kText, true}, {"role", Kind::kText, true}, {"scopes", Kind::kTexts}}};
const ParamTable kRevoke{{{"deviceId", Kind::kText, true}, {"role", Kind::kText, true}}};

}  // namespace

void add_device_methods(std::vector<Method>& out) {
  out.push_back({"device.pair.list", "operator.pairing", &kNothing, pair_list});
  out.push_back({"device.pair.approve", "operator.pairing", &kRequest, pair_approve});
  out.push_back({"device.pair.reject", "operator.pairing", &kRequest, pair_reject});
  out.push_back({"device.pair.remove", "operator.pairing", &kDevice, pair_remove});
  out.push_back({"device.token.rotate", "operator.pairing", &kRotate, token_rotate});
  out.push_back({"device.token.revoke", "operator.pairing", &kRevoke, token_revoke});
}

}  // namespace openclaw::gateway
