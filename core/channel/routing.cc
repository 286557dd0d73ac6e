#include "channel/routing.h"

#include <algorithm>
#include <cctype>

#include "channel/access.h"
#include "session/session_key.h"

namespace openclaw::channel {
namespace {

enum Rank { kNone, kChannel, kAccount, kSpace, kRole, kParent, kPeer, kTopic };

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return text;
}

// The id may be a number in the file.
std::string id_text(const json::object& in, std::string_view key) {
  const json::value* id = in.if_contains(key);
  if (id == nullptr) return {};
  return id->is_string() ? std::string(id->get_string()) : json::serialize(*id);
}

// A binding that names a space holds in all its rooms, or for those with one of its roles.
Rank space_rank(const json::object& match, const RoutedPeer& peer) {
  if (peer.space_id.empty() || id_text(match, "guildId") != peer.space_id) return kNone;
  if (!match.contains("roles")) return kSpace;
  const std::vector<std::string> wanted = ids_at(match, "roles", peer.channel);
  const bool has_one = std::any_of(wanted.begin(), wanted.end(), [&](const std::string& role) {
    return std::find(peer.roles.begin(), peer.roles.end(), role) != peer.roles.end();
  });
  return has_one ? kRole : kNone;
}

Rank rank(const json::object& match, const RoutedPeer& peer) {
  if (lower(string_or(match, "channel", "")) != peer.channel) return kNone;
  // Without accountId a binding is for the default account; "*" is for all.
  const std::string account = string_or(match, "accountId", "default");
  if (account != "*" && account != peer.account) return kNone;
  if (match.contains("teamId")) return kNone;
  const bool of_space = match.contains("guildId") || match.contains("roles");
  const Rank by_space = of_space ? space_rank(match, peer) : kNone;
  if (of_space && by_space == kNone) return kNone;
  const json::value* wanted = match.if_contains("peer");
  if (wanted == nullptr || !wanted->is_object())
    return of_space ? by_space : account == "*" ? kChannel : kAccount;
  std::string kind = lower(string_or(wanted->get_object(), "kind", "direct"));
  if (kind == "dm") kind = "direct";
  if (kind != peer.kind) return kNone;
  const std::string id = plain_sender_id(id_text(wanted->get_object(), "id"), peer.channel);
  if (!peer.thread_id.empty() && id == peer.id + ":topic:" + peer.thread_id) return kTopic;
  if (!peer.parent_id.empty() && id == peer.parent_id) return kParent;
  return id == peer.id ? kPeer : kNone;
}

}  // namespace

std::string route_agent(const config::Config& config, const RoutedPeer& peer) {
  const json::value* bindings = config.find("bindings");
  Rank best = kNone;
  std::string agent;
  if (bindings != nullptr && bindings->is_array()) {
    for (const json::value& item : bindings->get_array()) {
      const json::object* binding = item.if_object();
      const json::value* match = binding == nullptr ? nullptr : binding->if_contains("match");
      if (match == nullptr || !match->is_object()) continue;
      const Rank found = rank(match->get_object(), peer);
      if (found <= best) continue;  // among equals the first in the file wins
      best = found;
      agent = string_or(*binding, "agentId", "");
    }
  }
  return agent.empty() ? session::default_agent(config) : session::normalise_agent_id(agent);
}

}  // namespace openclaw::channel
