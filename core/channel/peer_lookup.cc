#include "channel/peer_lookup.h"

#include <algorithm>
#include <cctype>

#include "channel/access.h"

namespace openclaw::channel {
namespace {

constexpr std::size_t kMostCandidates = 10;

// What was asked for, taken apart.
struct Asked {
  std::string name;
  bool users = true, groups = true;
  bool is_handle = false;  // "@name": usernames count before names for people
};

bool take_prefix(std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

Asked take_apart(std::string_view entry, std::string_view kind, std::string_view channel) {
  Asked out;
  out.name = plain_sender_id(entry, channel);
  if (take_prefix(out.name, "user:")) out.groups = false;
  if (take_prefix(out.name, "group:") || take_prefix(out.name, "channel:")) out.users = false;
  if (take_prefix(out.name, "@")) {
    out.groups = false;
    out.is_handle = true;
  } else if (take_prefix(out.name, "#")) {
    out.users = false;
  }
  if (kind == "user") out.groups = false;
  if (kind == "group") out.users = false;
  return out;
}

bool looks_like_id(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.size() >= 3 && std::all_of(text.begin(), text.end(), [](char c) {
           return std::isdigit(static_cast<unsigned char>(c)) != 0;
         });
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

std::string_view plain_title(std::string_view title) {
  if (title.starts_with('#')) title.remove_prefix(1);
  return title;
}

json::object about(const Peer& peer) {
  json::object out{{"id", peer.id}, {"kind", peer.group ? "group" : "user"}};
  if (!peer.name.empty()) out["name"] = peer.name;
  if (!peer.username.empty()) out["username"] = peer.username;
  return out;
}

template <class Fits>
std::vector<const Peer*> among(const std::vector<Peer>& peers, const Asked& asked, Fits fits) {
  std::vector<const Peer*> out;
  for (const Peer& peer : peers) {
    if ((peer.group ? asked.groups : asked.users) && fits(peer)) out.push_back(&peer);
  }
  return out;
}

std::vector<const Peer*> bearers(const std::vector<Peer>& peers, const Asked& asked) {
  auto found = among(peers, asked, [&](const Peer& peer) { return peer.id == asked.name; });
  if (!found.empty()) return found;
  found = among(peers, asked, [&](const Peer& peer) {
    return !peer.username.empty() && same_name(peer.username, asked.name);
  });
  // Anybody may call himself what he likes; a username is the platform's word.
  if (!found.empty() && asked.is_handle) return found;
  for (const Peer* peer : among(peers, asked, [&](const Peer& each) {
         return same_name(plain_title(each.name), asked.name);
       })) {
    if (std::find(found.begin(), found.end(), peer) == found.end()) found.push_back(peer);
  }
  return found;
}

}  // namespace

json::object resolve_entry(std::string_view entry, std::string_view kind, std::string_view channel,
                           const std::vector<Peer>& peers) {
  json::object out{{"input", entry}, {"resolved", false}};
  const Asked asked = take_apart(entry, kind, channel);
  if (asked.name.empty() || (!asked.users && !asked.groups)) {
    out["note"] = asked.name.empty() ? "nothing to look for" : "it is of another kind";
    return out;
  }
  const auto found = bearers(peers, asked);
  if (found.size() == 1) {
    for (const auto& [key, value] : about(*found.front())) out[key] = value;
    out["resolved"] = true;
  } else if (found.size() > 1) {
    json::array candidates;
    for (const Peer* peer : found) {
      if (candidates.size() < kMostCandidates) candidates.push_back(about(*peer));
    }
    out["note"] = std::to_string(found.size()) + " have this name; use an id";
    out["candidates"] = std::move(candidates);
  } else if (looks_like_id(asked.name)) {
    out["id"] = asked.name;
    if (asked.users != asked.groups) out["kind"] = asked.users ? "user" : "group";
    out["resolved"] = true;
    out["note"] = "taken as an id; no message from there was let in yet";
  } else {
    out["note"] = "not met: only who wrote and was let in within 90 days is known by name";
  }
  return out;
}

}  // namespace openclaw::channel
