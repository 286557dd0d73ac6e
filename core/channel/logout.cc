#include "channel/logout.h"

#include <algorithm>

#include "config/key_path.h"
#include "storage/atomic_file.h"
#include "storage/secret_store.h"

namespace openclaw::channel {
namespace {

constexpr std::uint64_t kMostConfigBytes = 8ULL * 1024 * 1024;

void add_once(std::vector<std::string>& list, std::string text) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end())
    list.push_back(std::move(text));
}

std::size_t references_to(const json::value& in, const std::string& secret) {
  std::size_t count = 0;
  if (const json::object* object = in.if_object()) {
    const json::value* name = object->if_contains("$secret");
    if (name != nullptr && *name == json::value(secret)) ++count;
    for (const auto& member : *object) count += references_to(member.value(), secret);
  } else if (const json::array* array = in.if_array()) {
    for (const json::value& item : *array) count += references_to(item, secret);
  }
  return count;
}

class Planner {
 public:
  Planner(const config::Config& config, const std::string& channel, const std::string& account,
          const ChannelTraits& traits, const Environment& environment)
      : config_(config),
        account_(account),
        traits_(traits),
        environment_(environment),
        base_(config::join_key("channels", channel)),
        own_(config::join_key(base_ + ".accounts", account)) {}

  bool is_known() const {
    return config_.find(own_) != nullptr || (is_default() && config_.find(base_) != nullptr) ||
           environment_has_it();
  }

  Logout plan() {
    if (config_.find(own_) != nullptr) clear(own_);
    // A token of the top level is the default account's.
    if (is_default() && config_.find(base_) != nullptr) clear(base_);
    for (const auto& source : traits_.secrets) {
      if (is_default() && is_set(source.env)) add_once(out_.environment, source.env);
    }
    if (environment_has_it()) {
      // Switching the channel's section off would take its other accounts with it.
      const auto* accounts = config_.find(base_ + ".accounts");
      const bool shared =
          accounts != nullptr && accounts->is_object() && !accounts->get_object().empty();
      out_.changes.push_back({(shared ? own_ : base_) + ".enabled", false});
    }
    return std::move(out_);
  }

 private:
  bool is_default() const { return account_ == "default"; }
  bool is_set(const std::string& variable) const {
    if (variable.empty()) return false;
    const auto value = environment_(variable);
    return value && !value->empty();
  }
  // The environment alone would start the account again.
  bool environment_has_it() const {
    return is_default() && !traits_.secrets.empty() &&
           std::all_of(traits_.secrets.begin(), traits_.secrets.end(),
                       [&](const auto& source) { return is_set(source.env); });
  }

  void clear(const std::string& section) {
    for (const auto& source : traits_.secrets) {
      const std::string key = config::join_key(section, source.key);
      if (const json::value* value = config_.find(key)) {
        note(*value);
        out_.changes.push_back({key, nullptr});
      }
      if (source.file_key.empty()) continue;
      const std::string file_key = config::join_key(section, source.file_key);
      if (const json::value* value = config_.find(file_key)) {
        if (value->is_string()) add_once(out_.files, std::string(value->get_string()));
        out_.changes.push_back({file_key, nullptr});
      }
    }
  }

  void note(const json::value& value) {
    if (value.is_string()) add_once(out_.texts, std::string(value.get_string()));
    const json::object* reference = value.if_object();
    if (reference == nullptr) return;
    const std::string variable = string_or(*reference, "$env", "");
    if (is_set(variable)) add_once(out_.environment, variable);
    const std::string secret = string_or(*reference, "$secret", "");
    if (!secret.empty() && references_to(config_.root(), secret) == 1)
      add_once(out_.secrets, secret);
  }

  const config::Config& config_;
  const std::string& account_;
  const ChannelTraits& traits_;
  const Environment& environment_;
  const std::string base_, own_;
  Logout out_;
};

// The configuration as it was before it became a TOML file.
void find_copies(Logout& logout, const config::Paths& paths) {
  for (const char* name : {"openclaw.json.bak", "openclaw.json5.bak"}) {
    const std::filesystem::path copy = paths.config_file.parent_path() / name;
    auto text = storage::read_file_bounded(copy, kMostConfigBytes);
    if (text.has_error()) continue;
    const bool holds = std::any_of(
        logout.texts.begin(), logout.texts.end(),
        [&](const std::string& token) { return text->find(token) != std::string::npos; });
    if (holds) add_once(logout.files, copy.string());
    storage::wipe(*text);
  }
}

}  // namespace

bool Logout::cleared() const {
  return std::any_of(changes.begin(), changes.end(),
                     [](const config::Change& change) { return change.value.is_null(); });
}

Result<Logout> plan_logout(const config::Config& config, const std::string& channel,
                           const std::string& account, const ChannelTraits& traits,
                           const Environment& environment) {
  if (traits.secrets.empty()) {
    return Error(Code::kFailedPrecondition,
                 "channel " + channel +
                     " keeps no login that could be ended; switch it off with: "
                     "openclaw channels remove --channel " +
                     channel);
  }
  Planner planner(config, channel, account, traits, environment);
  if (!planner.is_known()) {
    return Error(Code::kNotFound, "There is no account \"" + account + "\" of " + channel +
                                      ". See: openclaw channels list");
  }
  Logout out = planner.plan();
  if (out.changes.empty()) {
    return Error(Code::kFailedPrecondition,
                 channel + " account \"" + account + "\" is not logged in: it has no token");
  }
  return out;
}

Result<void> carry_out(Logout& logout, const config::Paths& paths,
                       const std::vector<config::ForeignSection>& foreign) {
  if (auto written = config::set_values(paths, logout.changes, foreign); written.has_error())
    return written;
  storage::SecretStore store(paths.state_dir / "secrets.json");
  for (const std::string& name : logout.secrets) {
    if (auto removed = store.put(name, ""); removed.has_error()) return removed;
  }
  find_copies(logout, paths);
  return {};
}

json::object logout_json(const Logout& logout, const std::string& channel,
                         const std::string& account) {
  const auto array_of = [](const std::vector<std::string>& from) {
    json::array out;
    for (const std::string& each : from) out.emplace_back(each);
    return out;
  };
  return {{"channel", channel},
          {"accountId", account},
          {"cleared", logout.cleared()},
          {"loggedOut", true},
          {"envToken", !logout.environment.empty()},
          {"environment", array_of(logout.environment)},
          {"files", array_of(logout.files)}};
}

}  // namespace openclaw::channel
