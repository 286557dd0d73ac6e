// openclaw.stream/1: raw connections of plugins, after the guard.
#include <algorithm>
#include <cstring>

#include <spdlog/spdlog.h>

#include "plugin/service_state.h"

namespace openclaw::plugin {
namespace {

constexpr std::size_t kMaxPiece = 16u << 20;
constexpr std::uint32_t kDefaultConnect_ms = 10'000;
constexpr std::uint32_t kLongestConnect_ms = 120'000;

Result<net::StreamRequest> build(InstanceServices& services, oc_str address, uint32_t timeout_ms) {
  net::StreamRequest request;
  auto url = net::parse_url(view_of(address));
  if (url.has_error()) return url.error();
  if (url->scheme != "tcp" && !(url->is_unix() && url->target.empty())) {
    return Error(Code::kInvalidArgument, "a stream needs tcp:host:port or unix:/path.sock");
  }
  auto verdict = services.guard().check(*url);
  if (verdict.has_error()) return verdict.error();
  request.url = std::move(*url);
  request.allow_private = verdict->allow_private;
  if (timeout_ms == 0) timeout_ms = kDefaultConnect_ms;
  request.connect_timeout = std::chrono::milliseconds(std::min(timeout_ms, kLongestConnect_ms));
  return request;
}

net::StreamEvents events_for(const std::shared_ptr<Owed>& owed, const oc_stream_events& to,
                             void* user) {
  net::StreamEvents events;
  events.open = [owed, to, user] {
    if (to.on_open != nullptr) owed->event([to, user] { to.on_open(user); });
  };
  events.data = [owed, to, user](std::string data, net::Credit credit) {
    if (to.on_data == nullptr) return;
    owed->event([to, user, data = std::move(data), credit = std::move(credit)] {
      to.on_data(user, bytes_of(data));
    });
  };
  events.writable = [owed, to, user] {
    if (to.on_writable != nullptr) owed->event([to, user] { to.on_writable(user); });
  };
  events.close = [owed, to, user](Code code, const std::string& reason) {
    owed->finish([to, user, code, reason] { to.on_close(user, status_of(code), str_of(reason)); });
  };
  return events;
}

std::shared_ptr<net::StreamConnection> find_stream(oc_host_ctx* ctx, std::uint64_t id) {
  auto services = InstanceServices::of(ctx);
  if (!services) return nullptr;
  std::lock_guard lock(services->mutex);
  auto found = services->streams.find(id);
  return found == services->streams.end() ? nullptr : found->second;
}

oc_status connect_stream(oc_host_ctx* ctx, uint64_t id, oc_str address, uint32_t connect_timeout_ms,
                  const oc_stream_events* given, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services) return OC_UNAVAILABLE;
  if (given == nullptr || !OC_HAS(given, on_close)) return OC_INVALID_ARGUMENT;
  oc_stream_events to{};
  std::memcpy(&to, given, std::min<std::size_t>(given->struct_size, sizeof to));
  auto owed = services->owe(ServiceKind::kStream);
  if (!owed) return services->refusal();
  auto built = build(*services, address, connect_timeout_ms);
  if (built.has_error()) {
    spdlog::warn("{}: a stream was refused: {}", services->id(), built.error().message);
    owed->abandon();
    return status_of(built.error().code);
  }
  auto weak = std::weak_ptr(services);
  owed->on_end([weak, id] {
    if (auto alive = weak.lock()) {
      std::lock_guard lock(alive->mutex);
      alive->streams.erase(id);
    }
  });
  std::shared_ptr<net::StreamConnection> connection;
  {
    std::lock_guard lock(services->mutex);
    if (services->streams.count(id) == 0) {
      connection = services->hub().streams.connect(std::move(*built), events_for(owed, to, user));
      services->streams[id] = connection;
    }
  }
  if (!connection) {
    owed->on_end({});
    owed->abandon();
    return OC_ALREADY_EXISTS;
  }
  owed->on_release([owed, connection, to, user] {
    connection->close();
    owed->finish(
        [to, user] { to.on_close(user, OC_CANCELLED, str_of("the instance is stopping")); });
  });
  return OC_OK;
}

oc_status send_bytes(oc_host_ctx* ctx, uint64_t id, oc_bytes data) {
  if (data.len > kMaxPiece) return OC_INVALID_ARGUMENT;
  auto connection = find_stream(ctx, id);
  if (!connection) return OC_NOT_FOUND;
  return status_of(connection->send(std::string(view_of(data))));
}

void shut_write(oc_host_ctx* ctx, uint64_t id) {
  if (auto connection = find_stream(ctx, id)) connection->shut_write();
}
void pause(oc_host_ctx* ctx, uint64_t id, uint32_t paused) {
  if (auto connection = find_stream(ctx, id)) connection->pause(paused != 0);
}
void close_stream(oc_host_ctx* ctx, uint64_t id) {
  if (auto connection = find_stream(ctx, id)) connection->close();
}

}  // namespace

const oc_stream_v1& stream_table() {
  static constexpr oc_stream_v1 table{sizeof(oc_stream_v1), 0,      &connect_stream, &send_bytes,
                                      &shut_write,          &pause, &close_stream};
  return table;
}

}  // namespace openclaw::plugin
