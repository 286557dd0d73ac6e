// One Telegram update -> one channel event (plugin-api/PAYLOADS.md, "channel"). Pure; hostile input
// is expected: nothing throws, nothing is trusted to have a type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace telegram {

namespace json = boost::json;

struct Bot {
  std::int64_t id = 0;
  std::string username;
  bool reads_all_group_messages = false;
};

struct Parsed {
  enum class Kind {
    kEvent,    // `event` goes to the host
    kIgnored,  // nothing a person said: service messages, other bots' commands
    kPoison,   // not understood; `event` holds it raw, so that the queue can move on
  } kind = Kind::kIgnored;
  std::int64_t update_id = 0;
  json::object event;
  std::string callback_id;       // to be answered promptly
  std::string group, group_now;  // a group that has a new id
};

Parsed parse_update(const json::value& update, const Bot& bot, std::string_view account);

// The update's number, 0 when it has none.
std::int64_t update_id_of(const json::value& update);

}  // namespace telegram
