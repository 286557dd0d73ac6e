#include "session/session_key.h"

#include <algorithm>
#include <vector>

namespace openclaw::session {
namespace {

constexpr std::size_t kMaxKeyLength = 512;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_agent_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && id.front() != '-' && id.front() != '_' &&
         std::ranges::all_of(id, is_id_char);
}

std::string configured_main_key(const config::Config& config) {
  auto key = lowered(trimmed(config.get_string("session.mainKey")));
  return key.empty() ? "main" : key;
}

bool is_global(const config::Config& config) {
  return config.get_string("session.scope") == "global";
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    auto colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

std::string joined(const std::vector<std::string_view>& parts, std::size_t from) {
  std::string out;
  for (auto i = from; i < parts.size(); ++i) {
    if (i > from) out += ':';
    out += parts[i];
  }
  return out;
}

bool is_direct(std::string_view kind) {
  return kind == "direct" || kind == "dm";
}
bool is_room(std::string_view kind) {
  return kind == "group" || kind == "channel";
}

// An id from a platform as part of a key: lower case, no blanks, no control characters.
std::string key_part(std::string_view id) {
  std::string out;
  for (char c : trimmed(id)) {
    auto byte = static_cast<unsigned char>(c);
    out += byte <= 0x20 || byte == 0x7f ? '_' : lower(c);
  }
  if (out.size() > 200) out.resize(200);
  return out.empty() ? "unknown" : out;
}

// session.identityLinks: {"ada": ["telegram:123", "whatsapp:49..."]} lets one person share a
// session.
std::string linked_peer(const config::Config& config, const Conversation& conversation) {
  auto plain = key_part(conversation.peer_id);
  const auto* links = config.find("session.identityLinks");
  if (links == nullptr || !links->is_object()) return plain;
  auto with_channel = lowered(conversation.channel) + ":" + plain;
  for (const auto& [name, ids] : links->get_object()) {
    if (!ids.is_array()) continue;
    for (const auto& id : ids.get_array()) {
      if (!id.is_string()) continue;
      auto text = lowered(trimmed(std::string_view(id.get_string())));
      if (text == with_channel || text == plain) return key_part(name);
    }
  }
  return plain;
}

std::string direct_key(const config::Config& config, const std::string& agent,
                       const Conversation& conversation) {
  auto scope = config.get_string("session.dmScope", "main");
  auto base = "agent:" + agent + ":";
  auto channel = key_part(conversation.channel);
  if (scope == "per-peer") return base + "direct:" + linked_peer(config, conversation);
  if (scope == "per-channel-peer") {
    return base + channel + ":direct:" + linked_peer(config, conversation);
  }
  if (scope == "per-account-channel-peer") {
    auto account = conversation.account.empty() ? "default" : key_part(conversation.account);
    return base + channel + ":" + account + ":direct:" + linked_peer(config, conversation);
  }
  return main_key(config, agent);
}

}  // namespace

std::string normalise_agent_id(std::string_view id) {
  std::string out;
  for (char c : trimmed(id)) {
    c = lower(c);
    out += is_id_char(c) ? c : '-';
  }
  auto first = out.find_first_not_of("-_");
  if (first == std::string::npos) return "main";
  out.erase(0, first);
  if (out.size() > 64) out.resize(64);
  while (out.back() == '-') out.pop_back();
  return out;
}

std::string default_agent(const config::Config& config) {
  const auto* list = config.find("agents.list");
  if (list == nullptr || !list->is_array()) return "main";
  std::string first;
  for (const auto& agent : list->get_array()) {
    if (!agent.is_object()) continue;
    const auto* id = agent.get_object().if_contains("id");
    if (id == nullptr || !id->is_string()) continue;
    auto name = normalise_agent_id(std::string_view(id->get_string()));
    if (first.empty()) first = name;
    const auto* chosen = agent.get_object().if_contains("default");
    if (chosen != nullptr && chosen->is_bool() && chosen->get_bool()) return name;
  }
  return first.empty() ? "main" : first;
}

std::string main_key(const config::Config& config, std::string_view agent_id) {
  if (is_global(config)) return "global";
  return "agent:" + normalise_agent_id(agent_id) + ":" + configured_main_key(config);
}

Result<std::string> canonical_key(std::string_view written, const config::Config& config,
                                  std::string_view default_agent_id) {
  auto malformed = [&](std::string_view why) {
    return make_error(Code::kInvalidArgument, "malformed session key \"" +
                                                  std::string(written.substr(0, 80)) +
                                                  "\": " + std::string(why));
  };
  if (written.size() > kMaxKeyLength) return malformed("longer than 512 bytes");
  auto bad_char = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  auto text = trimmed(written);
  if (std::ranges::any_of(text, bad_char)) return malformed("it holds a control character");
  auto key = lowered(text);
  auto agent =
      default_agent_id.empty() ? default_agent(config) : normalise_agent_id(default_agent_id);
  auto main_word = configured_main_key(config);
  if (key.empty() || key == "main" || key == main_word) return main_key(config, agent);
  if (key == "global" && is_global(config)) return key;
  if (!key.starts_with("agent:")) return "agent:" + agent + ":" + key;
  auto second = key.find(':', 6);
  if (second == std::string::npos || second + 1 == key.size()) {
    return malformed("expected agent:<agentId>:<name>");
  }
  auto id = std::string_view(key).substr(6, second - 6);
  if (!is_agent_id(id)) return malformed("the agent id may hold a-z, 0-9, _ and -");
  auto rest = std::string_view(key).substr(second + 1);
  if (rest == "main" || rest == main_word) return main_key(config, id);
  return key;
}

Result<KeyParts> parse_key(std::string_view canonical, const config::Config& config) {
  KeyParts parts;
  if (canonical == "global") {
    parts.agent_id = default_agent(config);
    parts.rest = "global";
    parts.is_main = true;
    return parts;
  }
  auto second = canonical.find(':', 6);
  if (!canonical.starts_with("agent:") || second == std::string_view::npos ||
      second + 1 == canonical.size() || !is_agent_id(canonical.substr(6, second - 6))) {
    return make_error(Code::kInvalidArgument, "malformed session key \"" +
                                                  std::string(canonical.substr(0, 80)) +
                                                  "\": expected agent:<agentId>:<name>");
  }
  parts.agent_id = canonical.substr(6, second - 6);
  parts.rest = canonical.substr(second + 1);
  auto rest = std::string_view(parts.rest);
  parts.is_main = rest == "main" || rest == configured_main_key(config);
  if (auto thread = rest.rfind(":thread:"); thread != std::string_view::npos) {
    parts.thread_id = rest.substr(thread + 8);
    rest = rest.substr(0, thread);
  }
  auto words = split(rest);
  std::size_t i = 0;
  while (i + 1 < words.size() && words[i] == "subagent") {
    ++parts.subagent_depth;
    i += 2;
  }
  auto left = words.size() - i;
  if (left >= 3 && is_room(words[i + 1])) {
    parts.channel = words[i];
    parts.group_id = joined(words, i + 2);
  } else if ((left >= 3 && is_direct(words[i + 1])) || (left >= 4 && is_direct(words[i + 2]))) {
    parts.channel = words[i];
  }
  return parts;
}

std::string conversation_key(const config::Config& config, std::string_view agent_id,
                             const Conversation& conversation) {
  auto agent = normalise_agent_id(agent_id);
  std::string key;
  auto thread = conversation.thread_id.empty() ? std::string() : key_part(conversation.thread_id);
  if (!is_room(conversation.type)) {
    key = direct_key(config, agent, conversation);
  } else {
    auto channel = key_part(conversation.channel);
    key = "agent:" + agent + ":" + channel + ":" + conversation.type + ":" +
          key_part(conversation.chat_id);
    if (channel == "telegram" && !thread.empty()) {  // forum topics are part of the group's id
      key += ":topic:" + thread;
      thread.clear();
    }
  }
  return thread.empty() ? key : key + ":thread:" + thread;
}

}  // namespace openclaw::session
