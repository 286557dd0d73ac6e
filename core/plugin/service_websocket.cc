// openclaw.websocket/1: connections of plugins, after the guard and with secrets put in.
#include <algorithm>
#include <cstring>

#include <spdlog/spdlog.h>

#include "plugin/service_secrets.h"

namespace openclaw::plugin {
namespace {

constexpr std::size_t kMaxMessage = 16u << 20;

using Services = std::shared_ptr<InstanceServices>;

Result<net::WebSocketRequest> build(InstanceServices& services, oc_str address,
                                    oc_str headers_json) {
  net::WebSocketRequest request;
  auto url = net::parse_url(view_of(address));
  if (url.has_error()) return url.error();
  if (url->scheme != "ws" && url->scheme != "wss") {
    return Error(Code::kInvalidArgument, "a websocket needs ws:// or wss://, not " + url->scheme);
  }
  auto verdict = services.guard().check(*url);
  if (verdict.has_error()) return verdict.error();
  request.allow_private = verdict->allow_private;
  if (const std::string text = services.proxy(); !text.empty()) {
    auto proxy = net::parse_proxy(text);
    if (proxy.has_error()) return proxy.error();
    request.proxy = std::move(*proxy);
  }
  auto headers = parse_headers(view_of(headers_json));
  if (headers.has_error()) return headers.error();
  request.headers = std::move(*headers);
  auto expanded = expand_headers(services, request.headers, *url, nullptr);
  if (expanded.has_error()) return expanded.error();
  request.url = *url;
  if (has_placeholder(url->target)) {
    auto target = expand_secrets(services, url->target, *url, SecretPlace::kUrl);
    if (target.has_error()) return target.error();
    request.url.target = std::move(*target);
  }
  request.max_message_bytes = kMaxMessage;
  return request;
}

net::WebSocketEvents events_for(const std::shared_ptr<Owed>& owed, const oc_ws_events& to,
                                void* user) {
  net::WebSocketEvents events;
  events.open = [owed, to, user](std::string subprotocol) {
    if (to.on_open == nullptr) return;
    owed->event([to, user, subprotocol] { to.on_open(user, str_of(subprotocol)); });
  };
  events.message = [owed, to, user](std::string data, bool is_text, net::Credit credit) {
    if (to.on_message == nullptr) return;
    owed->event([to, user, is_text, data = std::move(data), credit = std::move(credit)] {
      to.on_message(user, bytes_of(data), is_text ? 1U : 0U);
    });
  };
  events.writable = [owed, to, user] {
    if (to.on_writable == nullptr) return;
    owed->event([to, user] { to.on_writable(user); });
  };
  events.close = [owed, to, user](Code code, std::uint16_t close_code, const std::string& reason) {
    owed->finish([to, user, code, close_code, reason] {
      if (to.on_close != nullptr) to.on_close(user, status_of(code), close_code, str_of(reason));
    });
  };
  return events;
}

std::shared_ptr<net::WebSocketConnection> find_websocket(oc_host_ctx* ctx, std::uint64_t id) {
  auto services = InstanceServices::of(ctx);
  if (!services) return nullptr;
  std::lock_guard lock(services->mutex);
  auto found = services->sockets.find(id);
  return found == services->sockets.end() ? nullptr : found->second;
}

oc_status connect_websocket(oc_host_ctx* ctx, uint64_t id, oc_str url, oc_str headers_json,
                  const oc_ws_events* given, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return OC_UNAVAILABLE;
  if (given == nullptr || !OC_HAS(given, on_close)) return OC_INVALID_ARGUMENT;
  oc_ws_events to{};
  std::memcpy(&to, given, std::min<std::size_t>(given->struct_size, sizeof to));
  auto owed = services->owe(ServiceKind::kWebSocket);
  if (!owed) return services->refusal();
  auto built = build(*services, url, headers_json);
  if (built.has_error()) {
    spdlog::warn("{}: a websocket was refused: {}", services->id(), built.error().message);
    owed->abandon();
    return status_of(built.error().code);
  }
  auto weak = std::weak_ptr(services);
  owed->on_end([weak, id] {
    if (auto alive = weak.lock()) {
      std::lock_guard lock(alive->mutex);
      alive->sockets.erase(id);
    }
  });
  std::shared_ptr<net::WebSocketConnection> connection;
  {
    std::lock_guard lock(services->mutex);
    if (services->sockets.count(id) == 0) {
      connection =
          services->hub().websockets.connect(std::move(*built), events_for(owed, to, user));
      services->sockets[id] = connection;
    }
  }
  if (!connection) {
    owed->on_end({});
    owed->abandon();
    return OC_ALREADY_EXISTS;
  }
  owed->on_release([owed, connection, to, user] {
    connection->abort();
    owed->finish(
        [to, user] { to.on_close(user, OC_CANCELLED, 1006, str_of("the instance is stopping")); });
  });
  return OC_OK;
}

oc_status send_message(oc_host_ctx* ctx, uint64_t id, oc_bytes data, uint32_t is_text) {
  if (data.len > kMaxMessage) return OC_INVALID_ARGUMENT;
  auto connection = find_websocket(ctx, id);
  if (!connection) return OC_NOT_FOUND;
  return status_of(connection->send(std::string(view_of(data)), is_text != 0));
}

void close_websocket(oc_host_ctx* ctx, uint64_t id, uint32_t code, oc_str reason) {
  auto connection = find_websocket(ctx, id);
  if (!connection) return;
  // What a client may send: RFC 6455 section 7.4.
  bool allowed = code == 1000 || code == 1001 || (code >= 3000 && code <= 4999);
  auto text = std::string(view_of(reason)).substr(0, 123);
  connection->close(static_cast<std::uint16_t>(allowed ? code : 1000), std::move(text));
}

}  // namespace

const oc_websocket_v1& websocket_table() {
  static constexpr oc_websocket_v1 table{sizeof(oc_websocket_v1), 0, &connect_websocket, &send_message, &close_websocket};
  return table;
}

}  // namespace openclaw::plugin
