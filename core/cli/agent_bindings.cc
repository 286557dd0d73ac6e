#include "cli/agent_bindings.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "json_fields.h"
#include "session/session_key.h"

namespace openclaw::cli {
namespace {

constexpr std::string_view kDefaultAccount = "default";

const json::object* match_of(const json::value& binding) {
  const json::object* object = binding.if_object();
  const json::value* match = object ? object->if_contains("match") : nullptr;
  return match ? match->if_object() : nullptr;
}

// Of a channel or an account as a whole: what `agents bind` makes.
bool is_plain(const json::object& match) {
  return std::none_of(match.begin(), match.end(), [](const auto& field) {
    return field.key() != "channel" && field.key() != "accountId";
  });
}

// Without an account a binding is for the default one.
bool same_place(const json::object& match, const BindingSpec& spec) {
  std::string account = text_of(match, "accountId");
  std::string_view one = account.empty() ? kDefaultAccount : std::string_view(account);
  std::string_view other = spec.account.empty() ? kDefaultAccount : std::string_view(spec.account);
  return is_plain(match) && text_of(match, "channel") == spec.channel && one == other;
}

json::object match_for(const BindingSpec& spec) {
  json::object match{{"channel", spec.channel}};
  if (!spec.account.empty()) match["accountId"] = spec.account;
  return match;
}

std::string shown(const BindingSpec& spec) {
  return describe_match(match_for(spec));
}

json::value* find_place(json::array& bindings, const BindingSpec& spec) {
  auto found = std::find_if(bindings.begin(), bindings.end(), [&](const json::value& binding) {
    const json::object* match = match_of(binding);
    return match && same_place(*match, spec);
  });
  return found == bindings.end() ? nullptr : &*found;
}

// The agent's entry that names the channel alone, which a new account makes precise.
json::value* find_channel_alone(json::array& bindings, const std::string& agent,
                                const BindingSpec& spec) {
  auto found = std::find_if(bindings.begin(), bindings.end(), [&](const json::value& binding) {
    const json::object* match = match_of(binding);
    return match && is_plain(*match) && !match->contains("accountId") &&
           text_of(*match, "channel") == spec.channel && bound_agent(binding) == agent;
  });
  return found == bindings.end() ? nullptr : &*found;
}

bool word(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

Result<BindingSpec> parse_binding(std::string_view text) {
  BindingSpec spec;
  auto colon = text.find(':');
  spec.channel = text.substr(0, colon);
  std::transform(spec.channel.begin(), spec.channel.end(), spec.channel.begin(),
                 [](char c) { return std::tolower(static_cast<unsigned char>(c)); });
  if (colon != std::string_view::npos) spec.account = text.substr(colon + 1);
  bool has_account = colon != std::string_view::npos;
  if (!word(spec.channel) || (has_account && spec.account != "*" && !word(spec.account))) {
    return Error(Code::kInvalidArgument, "\"" + std::string(text) +
                                             "\" is no binding. Write channel or channel:account, "
                                             "for example telegram or telegram:work");
  }
  return spec;
}

std::string bound_agent(const json::value& binding) {
  const json::object* object = binding.if_object();
  std::string id = object ? text_of(*object, "agentId") : std::string();
  return id.empty() ? id : session::normalise_agent_id(id);
}

std::string describe_match(const json::object& match) {
  std::string out = text_of(match, "channel");
  for (const char* key : {"accountId", "guildId", "teamId"}) {
    if (auto value = text_of(match, key); !value.empty())
      out += " " + std::string(key) + "=" + value;
  }
  if (const json::value* peer = match.if_contains("peer"); peer && peer->is_object())
    out += " peer=" + text_of(peer->get_object(), "kind") + ":" + text_of(peer->get_object(), "id");
  if (const json::value* roles = match.if_contains("roles"))
    out += " roles=" + json::serialize(*roles);
  return out;
}

BindingChanges add_bindings(const json::array& bindings, const std::string& agent,
                            const std::vector<BindingSpec>& specs) {
  BindingChanges out;
  out.bindings = bindings;
  for (const auto& spec : specs) {
    if (json::value* there = find_place(out.bindings, spec)) {
      std::string owner = bound_agent(*there);
      if (owner == agent) {
        out.skipped.push_back(shown(spec));
      } else {
        out.conflicts.push_back(shown(spec) + " (agent " + owner + ")");
      }
      continue;
    }
    json::value* alone =
        spec.account.empty() ? nullptr : find_channel_alone(out.bindings, agent, spec);
    if (alone) {
      alone->as_object()["match"] = match_for(spec);
      out.updated.push_back(shown(spec));
    } else {
      out.bindings.push_back(json::object{{"agentId", agent}, {"match", match_for(spec)}});
      out.added.push_back(shown(spec));
    }
  }
  return out;
}

BindingChanges remove_bindings(const json::array& bindings, const std::string& agent,
                               const std::vector<BindingSpec>& specs) {
  BindingChanges out;
  out.bindings = bindings;
  for (const auto& spec : specs) {
    json::value* there = find_place(out.bindings, spec);
    if (!there) {
      out.missing.push_back(shown(spec));
    } else if (std::string owner = bound_agent(*there); owner != agent) {
      out.conflicts.push_back(shown(spec) + " (agent " + owner + ")");
    } else {
      out.bindings.erase(out.bindings.begin() + (there - out.bindings.data()));
      out.removed.push_back(shown(spec));
    }
  }
  return out;
}

BindingChanges remove_all_bindings(const json::array& bindings, const std::string& agent) {
  BindingChanges out;
  for (const auto& binding : bindings) {
    if (bound_agent(binding) != agent) {
      out.bindings.push_back(binding);
      continue;
    }
    const json::object* match = match_of(binding);
    out.removed.push_back(match ? describe_match(*match) : json::serialize(binding));
  }
  return out;
}

}  // namespace openclaw::cli
