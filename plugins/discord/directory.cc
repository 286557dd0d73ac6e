#include "directory.h"

#include "snowflake.h"
#include "utf16.h"

namespace discord {
namespace {

constexpr std::size_t kMostChannels = 20'000;
constexpr std::size_t kMostGuilds = 2'500;
constexpr std::size_t kMaxChannelName = 128;  // bytes

constexpr std::int64_t kDirect = 1;
constexpr std::int64_t kFirstThread = 10;
constexpr std::int64_t kLastThread = 12;

std::string id_in(const json::object& in, std::string_view key) {
  const std::string_view id = parts::text_in(in, key);
  return snowflake(id) == 0 ? std::string() : std::string(id);
}

std::string short_name(std::string_view name) {
  std::size_t cut = std::min(name.size(), kMaxChannelName);
  while (cut > 0 && cut < name.size() && (static_cast<unsigned char>(name[cut]) & 0xC0U) == 0x80U)
    --cut;
  return parts::valid_utf8(name.substr(0, cut));
}

// Who a direct chat is with.
std::string_view other_person(const json::object& channel) {
  const json::array* people = parts::array_in(channel, "recipients");
  if (people == nullptr || people->empty() || !people->front().is_object()) return {};
  const json::object& person = people->front().get_object();
  const std::string_view name = parts::text_in(person, "global_name");
  return name.empty() ? parts::text_in(person, "username") : name;
}

}  // namespace

void Directory::learn(std::string_view type, const json::value& data) {
  const json::object* object = data.if_object();
  if (object == nullptr) return;
  if (type == "GUILD_CREATE") {
    const std::string id = id_in(*object, "id");
    if (id.empty()) return;
    add_list(*object, "channels", id);
    add_list(*object, "threads", id);
    if (const json::array* roles = parts::array_in(*object, "roles")) add_roles(id, *roles);
  } else if (type == "GUILD_DELETE") {
    // Unavailable is an outage of the service and no farewell.
    if (!parts::bool_in(*object, "unavailable", false)) forget_guild(id_in(*object, "id"));
  } else if (type == "CHANNEL_CREATE" || type == "CHANNEL_UPDATE" || type == "THREAD_CREATE" ||
             type == "THREAD_UPDATE") {
    add_channel(*object);
  } else if (type == "CHANNEL_DELETE" || type == "THREAD_DELETE") {
    channels_.erase(id_in(*object, "id"));
  } else if (type == "THREAD_LIST_SYNC") {
    add_list(*object, "threads", id_in(*object, "guild_id"));
  } else if (type == "GUILD_ROLE_CREATE" || type == "GUILD_ROLE_UPDATE") {
    if (const json::object* role = parts::object_in(*object, "role"))
      add_roles(id_in(*object, "guild_id"), json::array{*role});
  }
}

void Directory::add_list(const json::object& in, std::string_view key, std::string_view guild_id) {
  const json::array* list = parts::array_in(in, key);
  if (list == nullptr) return;
  for (const json::value& item : *list) {
    if (const json::object* channel = item.if_object()) add_channel(*channel, guild_id);
  }
}

void Directory::add_channel(const json::object& channel, std::string_view guild_id) {
  const std::string id = id_in(channel, "id");
  if (id.empty()) return;
  Channel out;
  out.guild_id = id_in(channel, "guild_id");
  if (out.guild_id.empty()) out.guild_id = guild_id;
  const std::int64_t kind = parts::int_in(channel, "type", -1);
  out.direct = kind == kDirect;
  if (kind >= kFirstThread && kind <= kLastThread) {
    out.parent_id = id_in(channel, "parent_id");
    out.own_thread = id_in(channel, "owner_id") == bot_id_;
  }
  out.name = short_name(out.direct ? other_person(channel) : parts::text_in(channel, "name"));
  add_channel(id, std::move(out));
}

void Directory::add_channel(std::string_view id, Channel channel) {
  const auto found = channels_.find(id);
  if (found != channels_.end()) {
    found->second = std::move(channel);
    return;
  }
  // Whatever is forgotten is asked for again when somebody writes there.
  if (channels_.size() >= kMostChannels) channels_.erase(channels_.begin());
  channels_.emplace(id, std::move(channel));
}

void Directory::add_roles(std::string_view guild_id, const json::array& roles) {
  if (guild_id.empty()) return;
  if (own_roles_.size() >= kMostGuilds && !own_roles_.contains(guild_id))
    own_roles_.erase(own_roles_.begin());
  std::string& own = own_roles_.emplace(guild_id, std::string()).first->second;
  for (const json::value& item : roles) {
    const json::object* role = item.if_object();
    const json::object* tags = role == nullptr ? nullptr : parts::object_in(*role, "tags");
    if (tags != nullptr && parts::text_in(*tags, "bot_id") == bot_id_) own = id_in(*role, "id");
  }
}

void Directory::forget_guild(std::string_view guild_id) {
  if (guild_id.empty()) return;
  std::erase_if(channels_, [&](const auto& entry) { return entry.second.guild_id == guild_id; });
  if (const auto found = own_roles_.find(guild_id); found != own_roles_.end())
    own_roles_.erase(found);
}

const Channel* Directory::channel(std::string_view id) const {
  const auto found = channels_.find(id);
  return found == channels_.end() ? nullptr : &found->second;
}

std::string Directory::own_role(std::string_view guild_id) const {
  const auto found = own_roles_.find(guild_id);
  return found == own_roles_.end() ? std::string() : found->second;
}

bool Directory::knows_roles(std::string_view guild_id) const {
  return own_roles_.contains(guild_id);
}

}  // namespace discord
