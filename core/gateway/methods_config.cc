// config.*: reading the configuration without its secrets, and changing it through the config room.
#include <spdlog/spdlog.h>

#include "gateway/server_state.h"
#include "storage/atomic_file.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

constexpr std::string_view kRedacted = "__OPENCLAW_REDACTED__";
constexpr std::uint64_t kMaxConfigBytes = 8 * 1024 * 1024;
constexpr std::size_t kMaxChanges = 500;

json::array issues_json(const std::vector<config::Issue>& issues) {
  json::array out;
  for (const auto& issue : issues) {
    out.emplace_back(json::object{{"path", issue.path}, {"message", issue.message}});
  }
  return out;
}

Awaitable<Reply> config_get(ServerState& state, MethodCall) {
  auto config = state.snapshot();
  auto shown = config::redacted(config->root());
  json::object out;
  out["path"] = config->file().string();
  out["exists"] = config->file_exists();
  // The text as such could hold a secret in a comment; what is shown is written from the redacted
  // values.
  out["raw"] = json::serialize(shown);
  out["parsed"] = shown;
  out["resolved"] = shown;
  out["valid"] = true;
  out["config"] = shown;
  out["hash"] = config->hash();
  out["issues"] = json::array{};
  out["warnings"] = issues_json(config->warnings());
  out["legacyIssues"] = json::array{};
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> config_schema(ServerState& state, MethodCall) {
  json::object out;
  out["schema"] = config::schema();
  out["uiHints"] = config::ui_hints();
  out["version"] = state.options.version;
  out["generatedAt"] = now_ms();
  co_return Reply::ok(std::move(out));
}

const json::object* member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_object() ? &value->get_object() : nullptr;
}

const json::object* step(const json::object& schema, std::string_view key) {
  if (const auto* properties = member(schema, "properties")) {
    if (const auto* found = member(*properties, key)) return found;
  }
  if (const auto* additional = member(schema, "additionalProperties")) return additional;
  return member(schema, "items");
}

Awaitable<Reply> config_schema_lookup(ServerState&, MethodCall call) {
  auto path = text_param(call.params, "path");
  const json::object* at = &config::schema();
  std::string_view rest(path);
  while (at && !rest.empty() && rest != ".") {
    auto dot = rest.find('.');
    at = step(*at, rest.substr(0, dot));
    rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
  }
  if (!at) co_return Reply::invalid("config schema path not found");
  json::object shown = *at;
  shown.erase("properties");
  json::array children;
  const auto* properties = member(*at, "properties");
  const auto* required = at->if_contains("required");
  for (std::size_t i = 0; properties && i < properties->size(); ++i) {
    const auto& [key, value] = *(properties->begin() + static_cast<std::ptrdiff_t>(i));
    if (!value.is_object()) continue;
    const auto& child = value.get_object();
    auto child_path = path.empty() ? std::string(key) : path + "." + std::string(key);
    json::object row{{"key", key}, {"path", child_path}, {"required", false}};
    if (const auto* type = child.if_contains("type")) row["type"] = *type;
    row["hasChildren"] = child.contains("properties") || child.contains("additionalProperties");
    if (const auto* hint = config::ui_hints().if_contains(child_path)) {
      row["hint"] = *hint;
      row["hintPath"] = child_path;
    }
    if (required && required->is_array()) {
      for (const auto& name : required->get_array())
        row["required"] = row["required"] == true || name == key;
    }
    children.emplace_back(std::move(row));
  }
  json::object out;
  out["path"] = path;
  out["schema"] = std::move(shown);
  if (const auto* hint = config::ui_hints().if_contains(path)) {
    out["hint"] = *hint;
    out["hintPath"] = path;
  }
  out["children"] = std::move(children);
  co_return Reply::ok(std::move(out));
}

// A key with a dot, or anything else that is no bare word, is quoted in dotted paths.
std::string joined_path(const std::string& base, std::string_view key) {
  bool bare = !key.empty() && key.find_first_not_of(
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-") == std::string_view::npos;
  std::string part = bare ? std::string(key) : "\"" + std::string(key) + "\"";
  return base.empty() ? part : base + "." + part;
}

struct Change {
  std::string path;
  std::optional<json::value> value;  // absent: remove
};

bool holds_redacted(const json::value& value) {
  return json::serialize(value).find(kRedacted) != std::string::npos;
}

// Puts the secrets back that a client saw redacted. Arrays are matched by position.
void restore(json::value& wanted, const json::value* current) {
  if (wanted.is_string() && wanted.get_string() == kRedacted) {
    wanted = current ? *current : json::value(nullptr);
  } else if (wanted.is_object()) {
    for (auto& [key, value] : wanted.get_object()) {
      restore(value,
              current && current->is_object() ? current->get_object().if_contains(key) : nullptr);
    }
  } else if (wanted.is_array()) {
    for (std::size_t i = 0; i < wanted.get_array().size(); ++i) {
      bool known = current && current->is_array() && i < current->get_array().size();
      restore(wanted.get_array()[i], known ? &current->get_array()[i] : nullptr);
    }
  }
}

void differences(const json::object& before, const json::object& after, const std::string& base,
                 std::vector<Change>& out) {
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) out.push_back({joined_path(base, key), std::nullopt});
  }
  for (const auto& [key, value] : after) {
    const auto* old = before.if_contains(key);
    if (old && *old == value) continue;
    auto path = joined_path(base, key);
    if (old && old->is_object() && value.is_object() && !value.get_object().empty()) {
      differences(old->get_object(), value.get_object(), path, out);
    } else if (!old && value.is_object() && !value.get_object().empty()) {
      differences({}, value.get_object(), path, out);
    } else {
      out.push_back({path, value});
    }
  }
}

// RFC 7396, but arrays of objects with ids merge by id.
void merge_patch(json::value& target, const json::value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::object{};
  auto& object = target.get_object();
  for (const auto& [key, value] : patch.get_object()) {
    if (value.is_null()) {
      object.erase(key);
      continue;
    }
    auto& slot = object[key];
    bool by_id = value.is_array() && slot.is_array() && !value.get_array().empty();
    for (std::size_t i = 0; by_id && i < value.get_array().size(); ++i) {
      const auto& item = value.get_array()[i];
      by_id = item.is_object() && !text_param(item.get_object(), "id").empty();
    }
    if (!by_id) {
      merge_patch(slot, value);
      continue;
    }
    for (const auto& item : value.get_array()) {
      auto id = text_param(item.get_object(), "id");
      json::value* found = nullptr;
      for (auto& old : slot.get_array()) {
        if (old.is_object() && text_param(old.get_object(), "id") == id) found = &old;
      }
      if (found) {
        merge_patch(*found, item);
      } else {
        slot.get_array().emplace_back(item);
      }
    }
  }
}

Result<void> check_hash(const config::Config& config, const json::object& params) {
  if (!config.file_exists()) return {};
  auto base = text_param(params, "baseHash");
  if (base.empty()) {
    return Error(Code::kFailedPrecondition,
                 "config base hash required; re-run config.get and retry");
  }
  if (base != config.hash()) {
    return Error(Code::kFailedPrecondition,
                 "config changed since last load; re-run config.get and retry");
  }
  return {};
}

Result<json::value> parse_raw(ServerState& state, const std::string& raw) {
  auto first = raw.find_first_not_of(" \t\r\n");
  bool braces =
      first != std::string::npos && (raw[first] == '{' || raw.compare(first, 2, "//") == 0);
  // Only the syntax matters here: the values, secrets put back, are validated as a whole
  // afterwards.
  auto parsed =
      config::parse(raw, braces ? "json5" : "toml", braces ? "config.json5" : "config.toml",
                    state.services.config.foreign());
  if (parsed.has_error()) return parsed.error();
  return json::value(parsed.value()->root());
}

// The values as TOML would be the config room's work; setting what differs keeps comments and
// order.
Result<void> write_changes(const config::Paths& paths,
                           const std::vector<config::ForeignSection>& foreign,
                           const std::vector<Change>& changes) {
  auto before = storage::read_file_bounded(paths.config_file, kMaxConfigBytes);
  for (const auto& change : changes) {
    auto done = change.value ? config::set_value(paths, change.path, *change.value, foreign)
                             : config::unset_value(paths, change.path, foreign);
    if (done.has_value()) continue;
    // All or nothing: what was written already is taken back.
    if (before.has_value()) (void)storage::write_file_atomically(paths.config_file, before.value());
    return done;
  }
  return {};
}

Awaitable<Reply> apply(ServerState& state, MethodCall call, json::value wanted) {
  auto current = state.snapshot();
  json::value now = current->root();
  if (!wanted.is_object()) co_return Reply::invalid("invalid config: must be an object");
  if (holds_redacted(wanted)) restore(wanted, &now);
  auto whole = config::parse(json::serialize(wanted), "json5", "config.json5",
                             state.services.config.foreign());
  if (whole.has_error()) {
    co_return Reply::invalid("invalid config: " + whole.error().message, whole.error().details);
  }
  std::vector<Change> changes;
  differences(now.get_object(), wanted.get_object(), {}, changes);
  if (changes.size() > kMaxChanges)
    co_return Reply::invalid("too many changes at once; edit the file instead");
  if (!changes.empty()) {
    auto paths = state.services.config.paths();
    auto foreign = state.services.config.foreign();
    std::function<Result<void>()> work = [paths, foreign, changes] {
      return write_changes(paths, foreign, changes);
    };
    auto written = co_await run_blocking<void>(state.services.runtime, {}, std::move(work));
    if (written.has_error()) co_return Reply::failed(written.error());
    auto reloaded = state.services.config.reload();
    if (reloaded.has_error()) co_return Reply::failed(reloaded.error());
    spdlog::info("{} by {} changed {} configuration values", call.method, call.client->id,
                 changes.size());
  }
  auto after = state.snapshot();
  json::object out;
  out["ok"] = true;
  out["path"] = after->file().string();
  out["config"] = config::redacted(after->root());
  out["hash"] = after->hash();
  if (call.method != "config.set") {
    out["restart"] = json::object{{"scheduled", false}, {"reason", "applied without a restart"}};
  }
  co_return Reply::ok(std::move(out));
}

std::optional<Reply> over_budget(ServerState& state, const MethodCall& call) {
  auto who = call.client->device_id.empty() ? call.client->peer.client : call.client->device_id;
  auto wait = state.config_writes.take(who);
  if (wait.count() == 0) return std::nullopt;
  auto seconds = (wait.count() + 999) / 1000;
  auto reply = Reply::unavailable(
      "rate limit exceeded for " + call.method + "; retry after " + std::to_string(seconds) + "s",
      json::object{{"method", call.method}, {"limit", "3 per 60s"}});
  reply.error->retryable = true;
  reply.error->retry_after_ms = wait.count();
  return reply;
}

Awaitable<Reply> config_set(ServerState& state, MethodCall call) {
  if (call.method != "config.set") {
    if (auto refused = over_budget(state, call)) co_return std::move(*refused);
  }
  auto fresh = check_hash(*state.snapshot(), call.params);
  if (fresh.has_error()) co_return Reply::invalid(fresh.error().message);
  auto wanted = parse_raw(state, text_param(call.params, "raw"));
  if (wanted.has_error())
    co_return Reply::invalid("invalid config: " + wanted.error().message, wanted.error().details);
  co_return co_await apply(state, std::move(call), std::move(wanted.value()));
}

Awaitable<Reply> config_patch(ServerState& state, MethodCall call) {
  if (auto refused = over_budget(state, call)) co_return std::move(*refused);
  auto fresh = check_hash(*state.snapshot(), call.params);
  if (fresh.has_error()) co_return Reply::invalid(fresh.error().message);
  boost::system::error_code bad;
  json::parse_options options;
  options.allow_comments = options.allow_trailing_commas = true;
  auto patch = json::parse(text_param(call.params, "raw"), bad, {}, options);
  if (bad || !patch.is_object()) co_return Reply::invalid("config.patch raw must be a JSON object");
  json::value wanted = state.snapshot()->root();
  merge_patch(wanted, patch);
  co_return co_await apply(state, std::move(call), std::move(wanted));
}

const ParamTable kWrite{{{"raw", Kind::kText, true},
                         {"baseHash", Kind::kText},
                         {"sessionKey", Kind::kString},
                         {"note", Kind::kString},
                         {"restartDelayMs", Kind::kInteger, false, 0}}};
const ParamTable kLookup{{{"path", Kind::kString, true, 0, 512}}};

}  // namespace

void add_config_methods(std::vector<Method>& out) {
  out.push_back({"config.get", "operator.read", &kNothing, config_get});
  out.push_back({"config.set", "operator.admin", &kWrite, config_set});
  out.push_back({"config.apply", "operator.admin", &kWrite, config_set});
  out.push_back({"config.patch", "operator.admin", &kWrite, config_patch});
  out.push_back({"config.schema", "operator.admin", &kNothing, config_schema});
  out.push_back({"config.schema.lookup", "operator.read", &kLookup, config_schema_lookup});
}

}  // namespace openclaw::gateway
