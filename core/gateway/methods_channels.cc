// channels.resolve, channels.logout: names of people and groups, and the end of an account's login.
#include "gateway/channel_choice.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

constexpr std::size_t kMostEntries = 100;
constexpr std::size_t kMostEntryBytes = 256;

Awaitable<Reply> channels_resolve(ServerState& state, MethodCall call) {
  channel::ResolveRequest request;
  request.entries = strings_param(call.params, "entries");
  if (request.entries.empty()) co_return Reply::invalid("say whom: entries is empty");
  if (request.entries.size() > kMostEntries)
    co_return Reply::invalid("at most " + std::to_string(kMostEntries) + " entries at once");
  for (const std::string& entry : request.entries) {
    if (entry.size() > kMostEntryBytes)
      co_return Reply::invalid("an entry is longer than " + std::to_string(kMostEntryBytes) +
                               " bytes");
  }
  auto channel = co_await known_channel(state, text_param(call.params, "channel"));
  if (channel.has_error()) co_return Reply::failed(channel.error());
  request.channel = *channel;
  request.account = text_param(call.params, "accountId");
  request.kind = text_param(call.params, "kind", request.kind);
  auto resolved = co_await state.services.channels.resolve(std::move(request));
  if (resolved.has_error()) co_return Reply::failed(resolved.error());
  json::object out = std::move(resolved.value());
  out["channel"] = *channel;
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> channels_logout(ServerState& state, MethodCall call) {
  std::string account = text_param(call.params, "accountId");
  if (account.empty()) account = "default";
  auto done = co_await state.services.channels.logout(text_param(call.params, "channel"),
                                                      std::move(account));
  if (done.has_error()) co_return Reply::failed(done.error());
  co_return Reply::ok(std::move(done.value()));
}

const ParamTable kChannelsResolve{
    {{"entries", Kind::kTexts, true},
     {"channel", Kind::kString},
     {"accountId", Kind::kString, false, 0, 128},
     {.name = "kind", .kind = Kind::kText, .choices = {"auto", "user", "group"}}}};
const ParamTable kChannelsLogout{
    {{"channel", Kind::kText, true, 0, 64}, {"accountId", Kind::kString, false, 0, 128}}};

}  // namespace

void add_channel_methods(std::vector<Method>& out) {
  out.push_back({"channels.resolve", "operator.read", &kChannelsResolve, channels_resolve});
  out.push_back({"channels.logout", "operator.admin", &kChannelsLogout, channels_logout});
}

}  // namespace openclaw::gateway
