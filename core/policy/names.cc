#include "policy/names.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "policy/tool_policy.h"

namespace openclaw::policy {
namespace {

constexpr std::string_view kBlank = " \t\r\n\f\v";

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

using NameTable = std::map<std::string, std::vector<std::string>, std::less<>>;

const NameTable& groups() {
  static const NameTable table = [] {
    NameTable t{
        {"group:fs", {"read", "write", "edit", "apply_patch"}},
        {"group:runtime", {"exec", "process"}},
        {"group:web", {"web_search", "web_fetch"}},
        {"group:memory", {"memory_search", "memory_get"}},
        {"group:sessions",
         {"sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "sessions_yield",
          "subagents", "session_status"}},
        {"group:ui", {"browser", "canvas"}},
        {"group:messaging", {"message"}},
        {"group:automation", {"cron", "gateway"}},
        {"group:nodes", {"nodes"}},
        {"group:agents", {"agents_list"}},
        {"group:media", {"image", "tts"}},
    };
    std::vector<std::string> all;
    for (const auto& [name, members] : t) {
      if (name == "group:fs" || name == "group:runtime") continue;
      all.insert(all.end(), members.begin(), members.end());
    }
    t.emplace("group:openclaw", std::move(all));
    return t;
  }();
  return table;
}

const NameTable& profiles() {
  static const NameTable table{
      {"minimal", {"session_status"}},
      {"messaging",
       {"sessions_list", "sessions_history", "sessions_send", "session_status", "message"}},
      {"coding",
       {"read", "write", "edit", "apply_patch", "exec", "process", "web_search", "web_fetch",
        "memory_search", "memory_get", "sessions_list", "sessions_history", "sessions_send",
        "sessions_spawn", "sessions_yield", "subagents", "session_status", "cron", "image"}},
  };
  return table;
}

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string folded(std::string_view text) {
  std::string out(trimmed(text));
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string folded_sender(std::string_view text) {
  std::string out = folded(text);
  if (!out.empty() && out.front() == '@') out.erase(0, 1);
  return out;
}

Folded::Folded(std::string_view text) {
  text = trimmed(text);
  if (text.size() > stack_.size()) {
    heap_ = folded(text);
    view_ = heap_;
    return;
  }
  std::transform(text.begin(), text.end(), stack_.begin(), lower);
  view_ = std::string_view(stack_.data(), text.size());
}

Folded::Folded(std::string_view provider, std::string_view model) {
  provider = trimmed(provider);
  model = trimmed(model);
  bool joined = model.find('/') == std::string_view::npos;
  std::size_t size = (joined ? provider.size() + 1 : 0) + model.size();
  char* out = stack_.data();
  if (size > stack_.size()) {
    heap_.resize(size);
    out = heap_.data();
  }
  char* end = out;
  if (joined) {
    end = std::transform(provider.begin(), provider.end(), end, lower);
    *end++ = '/';
  }
  std::transform(model.begin(), model.end(), end, lower);
  view_ = std::string_view(out, size);
}

bool glob_matches(std::string_view pattern, std::string_view name) noexcept {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const std::vector<std::string>* profile_allow(std::string_view profile) {
  auto found = profiles().find(profile);
  return found == profiles().end() ? nullptr : &found->second;
}

bool is_profile_name(std::string_view profile) {
  return profile == "full" || profile_allow(profile) != nullptr;
}

const std::vector<std::string>& known_core_tools() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [group, members] : groups())
      all.insert(all.end(), members.begin(), members.end());
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }();
  return names;
}

bool is_known_core_tool(std::string_view name) {
  return std::binary_search(known_core_tools().begin(), known_core_tools().end(), name);
}

GroupContext group_of_session(std::string_view key) noexcept {
  // The parent of a thread is what stands before its last marker.
  std::size_t cut = std::string_view::npos;
  for (std::string_view marker : {std::string_view(":thread:"), std::string_view(":topic:")}) {
    std::size_t at = key.rfind(marker);
    if (at != std::string_view::npos && at > 0 && (cut == std::string_view::npos || at > cut))
      cut = at;
  }
  if (cut != std::string_view::npos) key = key.substr(0, cut);
  auto take = [&key]() noexcept {
    std::size_t colon = key.find(':');
    std::string_view part = key.substr(0, colon);
    key = colon == std::string_view::npos ? std::string_view() : key.substr(colon + 1);
    return part;
  };
  if (key.substr(0, 6) == "agent:") {
    take();
    take();
  }
  if (key.substr(0, 9) == "subagent:") take();
  GroupContext context;
  context.channel = take();
  std::string_view kind = take();
  context.group_id = trimmed(key);
  if ((kind != "group" && kind != "channel") || context.channel.empty() || context.group_id.empty())
    return {};
  return context;
}

int subagent_depth_of_session(std::string_view key) noexcept {
  int depth = 0;
  while (!key.empty()) {
    std::size_t colon = key.find(':');
    if (key.substr(0, colon) == "subagent") ++depth;
    if (colon == std::string_view::npos) break;
    key.remove_prefix(colon + 1);
  }
  return depth;
}

std::string normalise_tool_name(std::string_view name) {
  std::string out = folded(name);
  if (out == "bash") return "exec";
  if (out == "apply-patch") return "apply_patch";
  return out;
}

const std::vector<std::string>& group_members(std::string_view group) {
  static const std::vector<std::string> none;
  auto found = groups().find(group);
  return found == groups().end() ? none : found->second;
}

}  // namespace openclaw::policy
