#include "channel/access.h"

#include <algorithm>
#include <cctype>

namespace openclaw::channel {
namespace {

const json::object* object_at(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  return v == nullptr ? nullptr : v->if_object();
}

bool holds(const std::vector<std::string>& ids, std::string_view id) {
  return !id.empty() && std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool holds_all(const std::vector<std::string>& ids) {
  return holds(ids, "*");
}

// A setting of the topic, else of the group, else of all groups.
class GroupRules {
 public:
  GroupRules(const AccessRules& rules, const AccessFacts& facts) {
    const json::object* groups = object_at(rules.config, "groups");
    listed_ = groups != nullptr && !groups->empty();
    if (groups == nullptr) return;
    const json::object* own = object_at(*groups, facts.chat_id);
    named_ = own != nullptr;
    if (own != nullptr && !facts.thread_id.empty()) {
      if (const json::object* topics = object_at(*own, "topics"))
        add(object_at(*topics, facts.thread_id));
    }
    add(own);
    add(object_at(*groups, "*"));
  }
  bool any_listed() const { return listed_; }
  bool named() const { return named_; }
  bool matched() const { return !layers_.empty(); }
  const json::value* find(std::string_view key) const {
    for (const json::object* layer : layers_) {
      if (const json::value* v = layer->if_contains(key); v != nullptr && !v->is_null()) return v;
    }
    return nullptr;
  }
  bool flag(std::string_view key, bool otherwise) const {
    const json::value* v = find(key);
    return v != nullptr && v->is_bool() ? v->get_bool() : otherwise;
  }
  std::string text(std::string_view key, std::string_view otherwise) const {
    const json::value* v = find(key);
    return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string(otherwise);
  }
  std::vector<std::string> ids(std::string_view key, std::string_view channel) const {
    for (const json::object* layer : layers_) {
      if (layer->contains(key)) return ids_at(*layer, key, channel);
    }
    return {};
  }

 private:
  void add(const json::object* layer) {
    if (layer != nullptr) layers_.push_back(layer);
  }
  std::vector<const json::object*> layers_;
  bool listed_ = false, named_ = false;
};

Access denied(std::string reason) {
  Access out;
  out.verdict = Access::Verdict::kDeny;
  out.reason = std::move(reason);
  return out;
}

bool is_owner(const AccessRules& rules, const AccessFacts& facts) {
  if (facts.anonymous) return false;
  const std::vector<std::string> owners = !rules.owner_allow_from.empty()
                                              ? rules.owner_allow_from
                                              : direct_allow_from(rules.config, facts.channel);
  return std::any_of(owners.begin(), owners.end(), [&](const std::string& written) {
    return plain_sender_id(written, facts.channel) == facts.sender_id && !facts.sender_id.empty();
  });
}

Access decide_direct(const AccessRules& rules, const AccessFacts& facts,
                     const std::vector<std::string>& paired) {
  const std::string policy =
      direct_policy(rules.config, string_or(rules.defaults, "dmPolicy", "pairing"));
  const std::vector<std::string> allowed = direct_allow_from(rules.config, facts.channel);
  if (!facts.space_id.empty()) return denied("a direct message that names a space");
  if (facts.sender_id.empty() || facts.anonymous)
    return denied("the sender of a direct message has no id");
  const bool listed =
      holds(allowed, facts.sender_id) || (policy == "pairing" && holds(paired, facts.sender_id));
  Access out;
  out.is_owner = is_owner(rules, facts);
  if (policy == "disabled") return denied("dmPolicy is \"disabled\"");
  if (policy == "open" || holds_all(allowed) || listed) {
    out.verdict = Access::Verdict::kAllow;
    out.may_command = true;
    return out;
  }
  if (policy == "pairing") {
    out.verdict = Access::Verdict::kPair;
    out.reason = "the sender is not paired";
    return out;
  }
  return denied("dmPolicy is \"" + policy + "\" and the sender is not in allowFrom");
}

Access decide_group(const AccessRules& rules, const AccessFacts& facts) {
  const GroupRules group(rules, facts);
  if (facts.anonymous)
    return denied("sent in the name of a group or channel, by nobody in particular");
  if (!group.flag("enabled", true)) return denied("the group is disabled in groups");
  if (group.any_listed() && !group.matched()) return denied("the group is not in groups");
  const std::string policy =
      group.text("groupPolicy", string_or(rules.config, "groupPolicy",
                                          string_or(rules.defaults, "groupPolicy", "allowlist")));
  if (policy != "open" && policy != "allowlist") return denied("groupPolicy is \"" + policy + "\"");
  // Pairing is about direct messages: what was approved there gives nothing here.
  std::vector<std::string> senders = group.ids("allowFrom", facts.channel);
  if (senders.empty()) senders = ids_at(rules.config, "groupAllowFrom", facts.channel);
  if (senders.empty()) senders = ids_at(rules.config, "allowFrom", facts.channel);
  const bool listed =
      holds(senders, facts.sender_id) || (holds_all(senders) && !facts.sender_id.empty());
  if (policy == "allowlist" && !listed)
    return denied("groupPolicy is \"allowlist\" and the sender is not listed");
  if (facts.sender_id.empty()) return denied("the message has no sender");
  Access out;
  out.is_owner = is_owner(rules, facts);
  out.may_command = listed || out.is_owner;
  const bool must_mention =
      group.flag("requireMention", bool_or(rules.config, "requireMention", true));
  const bool command = facts.is_command && out.may_command && !facts.for_other;
  const bool addressed = facts.mentioned || !must_mention || command;
  if (facts.for_other && !facts.mentioned) {
    out.verdict = Access::Verdict::kIgnore;
    out.reason = "a command for another bot";
  } else if (!addressed) {
    out.verdict = Access::Verdict::kIgnore;
    out.reason = "requireMention is on and the bot was not mentioned";
  } else {
    out.verdict = Access::Verdict::kAllow;
  }
  return out;
}

// What the config says about one room of a space: the room's own entry (a thread's is that of the
// room it hangs on, unless it has one), then the space's.
class SpaceRules {
 public:
  SpaceRules(const AccessRules& rules, const AccessFacts& facts) {
    const json::object* spaces = object_at(rules.config, rules.keys.spaces);
    any_space_ = spaces != nullptr && !spaces->empty();
    space_ = spaces == nullptr ? nullptr : entry_of(*spaces, {facts.space_id, "*"});
    const json::object* rooms = space_ == nullptr ? nullptr : object_at(*space_, rules.keys.rooms);
    any_room_ = rooms != nullptr && !rooms->empty();
    room_ = rooms == nullptr ? nullptr : entry_of(*rooms, {facts.chat_id, facts.parent_id, "*"});
  }
  bool space_missing() const { return any_space_ && space_ == nullptr; }
  bool space_listed() const { return space_ != nullptr; }
  bool room_missing() const { return any_room_ && room_ == nullptr; }
  bool room_off() const {
    return room_ != nullptr &&
           !(bool_or(*room_, "allow", true) && bool_or(*room_, "enabled", true));
  }
  bool must_mention(bool otherwise) const {
    if (space_ != nullptr) otherwise = bool_or(*space_, "requireMention", otherwise);
    return room_ == nullptr ? otherwise : bool_or(*room_, "requireMention", otherwise);
  }
  // The room's list if it has one, else the space's.
  std::vector<std::string> ids(std::string_view key, std::string_view channel) const {
    for (const json::object* layer : {room_, space_}) {
      if (layer != nullptr && layer->contains(key)) return ids_at(*layer, key, channel);
    }
    return {};
  }

 private:
  static const json::object* entry_of(const json::object& table,
                                      std::initializer_list<std::string_view> ids) {
    for (const std::string_view id : ids) {
      const json::object* entry = id.empty() ? nullptr : object_at(table, id);
      if (entry != nullptr) return entry;
    }
    return nullptr;
  }
  const json::object *space_ = nullptr, *room_ = nullptr;
  bool any_space_ = false, any_room_ = false;
};

Access decide_room(const AccessRules& rules, const AccessFacts& facts) {
  if (rules.keys.spaces.empty()) return denied("the channel's plugin describes no spaces");
  if (facts.sender_id.empty() || facts.anonymous) return denied("the message has no sender");
  const std::string policy =
      string_or(rules.config, "groupPolicy", string_or(rules.defaults, "groupPolicy", "allowlist"));
  if (policy != "open" && policy != "allowlist") return denied("groupPolicy is \"" + policy + "\"");
  const SpaceRules space(rules, facts);
  const std::string where = rules.keys.spaces + "." + facts.space_id;
  if (space.space_missing() || (policy == "allowlist" && !space.space_listed()))
    return denied(where + " is not listed");
  if (space.room_missing())
    return denied(where + "." + rules.keys.rooms + " does not list " + facts.chat_id);
  if (space.room_off()) return denied("the room is disabled in " + where);
  // Pairing is about direct messages: what was approved there gives nothing here.
  const std::vector<std::string> users = space.ids("users", facts.channel);
  const std::vector<std::string> roles = space.ids("roles", facts.channel);
  const bool by_role = std::any_of(facts.sender_roles.begin(), facts.sender_roles.end(),
                                   [&](const std::string& role) { return holds(roles, role); });
  const bool listed = by_role || holds(users, facts.sender_id);
  if (!(users.empty() && roles.empty()) && !listed && !holds_all(users))
    return denied("the sender is not among the users and roles of " + where);
  Access out;
  out.is_owner = is_owner(rules, facts);
  out.may_command = listed || out.is_owner;
  const bool must_mention = space.must_mention(bool_or(rules.config, "requireMention", true));
  const bool command = facts.is_command && out.may_command && !facts.for_other;
  const bool addressed = facts.mentioned || !must_mention || command;
  out.verdict = addressed ? Access::Verdict::kAllow : Access::Verdict::kIgnore;
  if (!addressed) out.reason = "requireMention is on and the bot was not mentioned";
  return out;
}

// A broadcast channel's posts have no sender; the channel itself must be named and opened.
Access decide_broadcast(const AccessRules& rules, const AccessFacts& facts) {
  const GroupRules group(rules, facts);
  if (!group.named() || !group.flag("enabled", true))
    return denied("the channel is not named in groups");
  const std::string policy =
      group.text("groupPolicy", string_or(rules.config, "groupPolicy", "allowlist"));
  if (policy != "open")
    return denied("posts have no sender, so the channel needs groupPolicy \"open\"");
  Access out;
  const bool must_mention =
      group.flag("requireMention", bool_or(rules.config, "requireMention", true));
  const bool addressed = facts.mentioned || !must_mention;
  out.verdict = addressed ? Access::Verdict::kAllow : Access::Verdict::kIgnore;
  if (!addressed) out.reason = "requireMention is on and the bot was not mentioned";
  return out;
}

}  // namespace

std::string plain_sender_id(std::string_view written, std::string_view channel) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!written.empty() && space(written.front())) written.remove_prefix(1);
  while (!written.empty() && space(written.back())) written.remove_suffix(1);
  const std::size_t colon = written.find(':');
  if (colon != std::string_view::npos) {
    std::string prefix(written.substr(0, colon));
    std::transform(prefix.begin(), prefix.end(), prefix.begin(), [](char c) {
      return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    const bool short_name = channel == "telegram" && prefix == "tg";
    if (prefix == channel || short_name) written.remove_prefix(colon + 1);
  }
  return std::string(written);
}

std::string direct_policy(const json::object& config, std::string_view otherwise) {
  if (config.contains("dmPolicy")) return string_or(config, "dmPolicy", otherwise);
  const json::object* nested = object_at(config, "dm");
  if (nested == nullptr) return std::string(otherwise);
  return bool_or(*nested, "enabled", true) ? string_or(*nested, "policy", otherwise) : "disabled";
}

std::vector<std::string> direct_allow_from(const json::object& config, std::string_view channel) {
  const json::object* nested = object_at(config, "dm");
  const bool flat = config.contains("allowFrom") || nested == nullptr;
  return ids_at(flat ? config : *nested, "allowFrom", channel);
}

std::vector<std::string> ids_at(const json::object& config, std::string_view key,
                                std::string_view channel) {
  std::vector<std::string> out;
  const json::value* list = config.if_contains(key);
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& item : list->get_array()) {
    if (item.is_string()) {
      out.push_back(plain_sender_id({item.get_string().data(), item.get_string().size()}, channel));
    } else if (item.is_int64() || item.is_uint64()) {
      out.push_back(json::serialize(item));
    }
  }
  std::erase(out, "");
  return out;
}

std::string string_or(const json::object& config, std::string_view key,
                      std::string_view otherwise) {
  const json::value* v = config.if_contains(key);
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string(otherwise);
}

bool bool_or(const json::object& config, std::string_view key, bool otherwise) {
  const json::value* v = config.if_contains(key);
  return v != nullptr && v->is_bool() ? v->get_bool() : otherwise;
}

bool asks_who_is_paired(const AccessRules& rules, const AccessFacts& facts) {
  return facts.chat_type == "direct" &&
         direct_policy(rules.config, string_or(rules.defaults, "dmPolicy", "pairing")) == "pairing";
}

Access decide_access(const AccessRules& rules, const AccessFacts& facts,
                     const std::vector<std::string>& paired) {
  if (facts.chat_type == "direct") return decide_direct(rules, facts, paired);
  const bool is_room = facts.chat_type == "group" || facts.chat_type == "channel";
  if (is_room && !facts.space_id.empty()) return decide_room(rules, facts);
  if (facts.chat_type == "group") return decide_group(rules, facts);
  if (facts.chat_type == "channel") return decide_broadcast(rules, facts);
  return denied("unknown kind of chat \"" + facts.chat_type + "\"");
}

}  // namespace openclaw::channel
