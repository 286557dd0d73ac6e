// What the plugin calls. Nothing here trusts its arguments further than the ABI makes unavoidable,
// and nothing throws into the plugin.
#include <algorithm>
#include <cstring>

#include <spdlog/spdlog.h>

#include <openclaw/channel.h>

#include "plugin/instance_core.h"

namespace openclaw::plugin {
namespace {

constexpr std::size_t kMaxEventBytes = 1024 * 1024;
constexpr std::size_t kMaxLogBytes = 16 * 1024;

// One line, whatever the plugin sends: a log line cannot forge another.
std::string one_line(std::string_view text) {
  std::string out(text.substr(0, kMaxLogBytes));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (text.size() > kMaxLogBytes) out += " [cut]";
  return out;
}

const oc_channel_host_v1 kChannelHost{sizeof(oc_channel_host_v1), 0, &HostTable::inbound,
                                      &HostTable::link_state};

// Runs `body`; what it throws becomes a log line.
template <class F>
void contained(F&& body) noexcept {
  try {
    body();
  } catch (const std::exception& e) {
    spdlog::error("a plugin's call into the host failed: {}", e.what());
  } catch (...) {
    spdlog::error("a plugin's call into the host failed");
  }
}

std::optional<json::object> parse_object(std::string_view text) {
  boost::system::error_code failure;
  json::value value = json::parse(json::string_view(text.data(), text.size()), failure);
  if (failure || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

}  // namespace

oc_host HostTable::make(InstanceCore& core, int abi_minor) {
  oc_host host{};
  host.struct_size = sizeof host;
  host.abi_major = OC_ABI_MAJOR;
  host.abi_minor = static_cast<std::uint16_t>(abi_minor);
  // The services find their InstanceContext behind the same pointer.
  host.ctx = reinterpret_cast<oc_host_ctx*>(static_cast<InstanceContext*>(&core));
  host.get_service = &HostTable::get_service;
  host.complete = &HostTable::complete;
  host.progress = &HostTable::progress;
  host.log = &HostTable::log;
  return host;
}

InstanceCore& HostTable::core_of(oc_host_ctx* ctx) {
  return *static_cast<InstanceCore*>(reinterpret_cast<InstanceContext*>(ctx));
}

const void* HostTable::get_service(oc_host_ctx* ctx, const char* id) noexcept {
  const void* table = nullptr;
  contained([&] {
    if (!ctx || !id) return;
    InstanceCore& core = core_of(ctx);
    const auto& granted = core.permissions().services;
    if (std::find(granted.begin(), granted.end(), id) == granted.end()) return;
    table = std::strcmp(id, OC_CHANNEL_HOST_V1) == 0 ? &kChannelHost : core.services_.table(id);
  });
  return table;
}

void HostTable::complete(oc_host_ctx* ctx, oc_op op, oc_status status, oc_str text) noexcept {
  contained([&] { core_of(ctx).operations().complete(op, status, text_of(text)); });
}

oc_status HostTable::progress(oc_host_ctx* ctx, oc_op op, std::uint32_t stream,
                              oc_bytes data) noexcept {
  oc_status status = OC_INTERNAL;
  contained([&] { status = core_of(ctx).operations().progress(op, stream, text_of(data)); });
  return status;
}

void HostTable::log(oc_host_ctx* ctx, std::int32_t level, oc_str message, oc_str fields) noexcept {
  contained([&] {
    static constexpr spdlog::level::level_enum kLevels[] = {
        spdlog::level::trace, spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
        spdlog::level::err};
    const auto mapped = kLevels[std::clamp<std::int32_t>(level, OC_LOG_TRACE, OC_LOG_ERROR)];
    if (!spdlog::should_log(mapped)) return;
    const std::string_view extra = text_of(fields);
    spdlog::log(mapped, "{}: {}{}{}", core_of(ctx).instance_id(), one_line(text_of(message)),
                extra.empty() ? "" : " ", one_line(extra));
  });
}

oc_status HostTable::inbound(oc_host_ctx* ctx, oc_str event, oc_ack_fn ack, void* user) noexcept {
  oc_status status = OC_INTERNAL;
  contained([&] {
    if (!ack || event.len > kMaxEventBytes) {
      status = OC_INVALID_ARGUMENT;
      return;
    }
    InstanceCore& core = core_of(ctx);
    const auto id = core.acks_.add({ack, user});
    if (!id) {
      status = OC_RESOURCE_EXHAUSTED;
      return;
    }
    status = OC_OK;
    auto self = core.shared_from_this();
    auto answer = [weak = std::weak_ptr(self), id = *id](Code code) {
      auto instance = weak.lock();
      const auto due = instance ? instance->acks_.take(id) : std::nullopt;
      if (due) {
        instance->post_to_plugin([due, code] { due->fn(due->user, static_cast<oc_status>(code)); });
      }
    };
    core.runtime().post([self, text = std::string(text_of(event)), answer] {
      auto object = parse_object(text);
      if (!object) {
        spdlog::warn("plugin {}: an inbound event is not a JSON object", self->instance_id());
        answer(Code::kInvalidArgument);
      } else if (!self->events_.inbound) {
        answer(Code::kUnavailable);
      } else {
        self->events_.inbound(std::move(*object), answer);
      }
    });
  });
  return status;
}

void HostTable::link_state(oc_host_ctx* ctx, oc_str state) noexcept {
  contained([&] {
    if (state.len > kMaxEventBytes) return;
    auto self = core_of(ctx).shared_from_this();
    self->runtime().post([self, text = std::string(text_of(state))] {
      auto object = parse_object(text);
      if (object && self->events_.link_state) self->events_.link_state(std::move(*object));
    });
  });
}

}  // namespace openclaw::plugin
