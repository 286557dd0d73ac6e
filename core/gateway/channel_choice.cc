#include "gateway/channel_choice.h"

#include <algorithm>

namespace openclaw::gateway {

Awaitable<Result<std::string>> known_channel(ServerState& state, std::string channel) {
  Limits limits = Limits::within(std::chrono::seconds(5));
  auto status = co_await state.services.channels.status(false, limits);
  std::vector<std::string> known, configured;
  if (const auto* channels = status.if_contains("channels"); channels && channels->is_object()) {
    for (const auto& [id, about] : channels->get_object()) {
      known.emplace_back(id);
      if (about.is_object() && bool_param(about.get_object(), "configured", false))
        configured.emplace_back(id);
    }
  }
  if (channel.empty() && configured.size() == 1) co_return configured.front();
  if (channel.empty()) {
    co_return make_error(Code::kInvalidArgument,
                         configured.empty() ? "no channel is configured: openclaw channels add"
                                            : "say which channel: more than one is configured");
  }
  if (std::find(known.begin(), known.end(), channel) == known.end())
    co_return make_error(Code::kInvalidArgument, "unsupported channel: " + channel.substr(0, 64));
  co_return channel;
}

}  // namespace openclaw::gateway
