#include "command_menu.h"

#include <string>
#include <utility>

namespace telegram {
namespace {

using openclaw::Flow;
using openclaw::Nothing;

constexpr std::uint32_t kMenuMs = 15'000;

struct StoredMark : openclaw::Waiter {
  std::string value;
};

// FNV-1a: the same in every build, as it is compared with what an earlier one wrote.
std::string mark_of(const json::array& commands) {
  if (commands.empty()) return {};
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : json::serialize(commands)) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return std::to_string(hash);
}

}  // namespace

Flow<Nothing> offer_commands(openclaw::Plugin& plugin, BotApi& api, const Settings& settings,
                             std::int64_t bot_id) {
  const std::string key = "commands:" + std::to_string(bot_id);
  const std::string wanted = mark_of(settings.commands);
  StoredMark stored;
  openclaw::Value got = [&stored](oc_status status, std::string_view value) {
    if (status == OC_OK) stored.value = value;
    stored.arrived();
  };
  plugin.kv().get(key, std::move(got));
  co_await stored;
  // A menu that somebody else made stays, unless there is one to be set.
  if (stored.value == wanted) co_return Nothing{};
  json::object params;
  if (!wanted.empty()) params["commands"] = settings.commands;
  BotApi::Options options;
  options.timeout_ms = kMenuMs;
  Flow<Reply> asking =
      api.call(wanted.empty() ? "deleteMyCommands" : "setMyCommands", std::move(params), options);
  const Reply reply = co_await std::move(asking);
  if (reply.ok()) {
    plugin.kv().put(key, wanted);
  } else if (reply.status != OC_CANCELLED) {
    plugin.log().warn("the menu of commands was not set: " + reply.text +
                      "; it is tried again when the account starts");
  }
  co_return Nothing{};
}

}  // namespace telegram
