#include "command_menu.h"

#include <string>
#include <utility>

#include "kept_value.h"

namespace telegram {
namespace {

using openclaw::Flow;
using openclaw::Nothing;

constexpr std::uint32_t kMenuMs = 15'000;

}  // namespace

Flow<Nothing> offer_commands(openclaw::Plugin& plugin, BotApi& api, const Settings& settings,
                             std::int64_t bot_id) {
  const std::string key = "commands:" + std::to_string(bot_id);
  const std::string wanted =
      settings.commands.empty() ? std::string() : json::serialize(settings.commands);
  Flow<parts::KeptValue> reading = parts::read_kept(plugin, key);
  const parts::KeptValue told = co_await std::move(reading);
  // A menu that somebody else made stays, unless there is one to be set.
  if (told.value == wanted) co_return Nothing{};
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
