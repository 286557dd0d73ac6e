#include <algorithm>
#include <set>

#include <openssl/evp.h>

#include "config/config.h"
#include "config/config_data.h"
#include "config/environment.h"
#include "config/key_path.h"
#include "config/rules.h"
#include "config/schema_check.h"
#include "config/tree.h"
#include "storage/atomic_file.h"

namespace openclaw::config {

namespace {

constexpr std::size_t kShownIssues = 20;

// Validation of one tree: rules, the core schema, then what plugins say about their own sections.
class Validation {
 public:
  Validation(const ConfigData& data, const std::vector<ForeignSection>& foreign,
             const BuildOptions& options, std::vector<Issue>& errors, std::vector<Issue>& warnings)
      : data_(data), foreign_(foreign), options_(options), errors_(errors), warnings_(warnings) {}

  void run() {
    RuleContext context{options_.home, options_.state_dir};
    for (const RuleProblem& problem : check_rules(data_.document.root, context)) {
      add(problem.is_warning ? warnings_ : errors_, problem.path, problem.message, problem.at_key);
      if (!problem.is_warning) spoken_.insert(problem.path);
    }
    add_all(check_schema(data_.document.root, schema(), schema(), ""));
    for (const ForeignSection& section : foreign_) check_foreign(section);
    warn_about_orphans();
  }

 private:
  Origin origin_at(const std::string& path, bool at_key) const {
    if (auto found = data_.overrides.find(path); found != data_.overrides.end()) {
      return {Origin::Kind::kEnvironment, found->second, 0, 0};
    }
    Place place = data_.document.place(path);
    Position at = at_key ? place.key : place.value;
    return {Origin::Kind::kFile, data_.file_path.string(), at.line, at.column};
  }

  void add(std::vector<Issue>& to, const std::string& path, const std::string& message,
           bool at_key) {
    to.push_back({path, message, origin_at(path, at_key)});
  }

  // A rule's words are better than the schema's about the same key.
  void add_all(const std::vector<SchemaProblem>& problems) {
    for (const SchemaProblem& problem : problems) {
      if (spoken_.count(problem.path) == 0) {
        add(errors_, problem.path, problem.message, problem.at_key);
      }
    }
  }

  void check_foreign(const ForeignSection& section) {
    auto path = parse_key_path(section.path);
    const json::value* value = path ? find_value(data_.document.root, *path) : nullptr;
    if (!value || !value->is_object() || section.json_schema.empty()) return;
    const json::object& object = value->get_object();
    SchemaCheckOptions check;
    const json::object* accounts = object_in(object, "accounts");
    const json::object* own = object_in(section.json_schema, "properties");
    bool own_accounts = own && own->contains("accounts");
    check.foreign_keys = core_keys(section.path, own);
    // An account may bring what the section lacks; a section that is switched off may be
    // incomplete.
    check.skip_outer_required = (accounts && !own_accounts) || !flag_in(object, "enabled", true);
    add_all(check_schema(*value, section.json_schema, section.json_schema, section.path, check));
    if (!accounts || own_accounts) return;
    for (const auto& [name, account] : *accounts) {
      check_account(section, object, join_key(section.path + ".accounts", name), account, check);
    }
  }

  void check_account(const ForeignSection& section, const json::object& base,
                     const std::string& path, const json::value& account,
                     SchemaCheckOptions check) {
    if (!account.is_object()) return;
    check.skip_outer_required = true;
    add_all(check_schema(account, section.json_schema, section.json_schema, path, check));
    const json::array* required = array_in(section.json_schema, "required");
    bool enabled = flag_in(base, "enabled", true) && flag_in(account.get_object(), "enabled", true);
    if (!required || !enabled) return;
    for (const json::value& name : *required) {
      if (!name.is_string()) continue;
      std::string_view key = name.get_string();
      if (!account.get_object().contains(key) && !base.contains(key)) {
        add(errors_, path, "lacks the key \"" + std::string(key) + "\"", true);
      }
    }
  }

  // Keys that core checks and the plugin need not know, unless it names them itself.
  static std::vector<std::string> core_keys(const std::string& path, const json::object* own) {
    std::vector<std::string> keys;
    const json::object* core = schema_at(schema(), path);
    const json::object* members = core ? object_in(*core, "properties") : nullptr;
    if (!members) return keys;
    for (const auto& entry : *members) {
      if (!own || !own->contains(entry.key())) keys.emplace_back(entry.key());
    }
    return keys;
  }

  void warn_about_orphans() {
    if (foreign_.empty()) return;
    const json::object* channels = object_in(data_.document.root, "channels");
    if (!channels) return;
    std::vector<std::string> known;
    for (const ForeignSection& section : foreign_) {
      if (section.path.rfind("channels.", 0) == 0) known.push_back(section.path.substr(9));
    }
    for (const auto& entry : *channels) {
      std::string id(entry.key());
      if (id == "defaults" || id == "modelByChannel") continue;
      if (std::find(known.begin(), known.end(), id) != known.end()) continue;
      std::string meant = nearest(id, known);
      add(warnings_, join_key("channels", id),
          "no plugin serves this channel, so the section does nothing" +
              (meant.empty() ? std::string() : "; did you mean \"channels." + meant + "\"?"),
          true);
    }
  }

  const ConfigData& data_;
  const std::vector<ForeignSection>& foreign_;
  const BuildOptions& options_;
  std::vector<Issue>& errors_;
  std::vector<Issue>& warnings_;
  std::set<std::string> spoken_;
};

json::object issue_to_json(const Issue& issue) {
  json::object out{{"path", issue.path}, {"message", issue.message}};
  if (issue.origin.kind == Origin::Kind::kEnvironment) out["variable"] = issue.origin.file;
  if (issue.origin.kind == Origin::Kind::kFile) {
    out["file"] = issue.origin.file;
    if (issue.origin.line > 0) {
      out["line"] = issue.origin.line;
      out["column"] = issue.origin.column;
    }
  }
  return out;
}

// JSON5 files may say null where TOML has 0: "no limit".
void normalise_limits(json::object& sandbox_holder) {
  json::value* sandbox = sandbox_holder.if_contains("sandbox");
  json::object* section = sandbox ? sandbox->if_object() : nullptr;
  json::value* docker = section ? section->if_contains("docker") : nullptr;
  if (!docker || !docker->is_object()) return;
  for (const char* key : {"pidsLimit", "memory", "memorySwap", "cpus"}) {
    json::value* limit = docker->get_object().if_contains(key);
    if (limit && limit->is_null()) *limit = 0;
  }
}

void normalise(json::object& root) {
  json::value* agents = root.if_contains("agents");
  if (!agents || !agents->is_object()) return;
  if (json::value* defaults = agents->get_object().if_contains("defaults");
      defaults && defaults->is_object()) {
    normalise_limits(defaults->get_object());
  }
  json::value* list = agents->get_object().if_contains("list");
  if (!list || !list->is_array()) return;
  for (json::value& agent : list->get_array()) {
    if (agent.is_object()) normalise_limits(agent.get_object());
  }
}

}  // namespace

Error invalid_config(const std::vector<Issue>& issues, const std::filesystem::path& file) {
  std::string message = "the configuration is not valid";
  message += issues.size() == 1 ? ":" : " (" + std::to_string(issues.size()) + " problems):";
  json::array list;
  for (std::size_t i = 0; i < issues.size(); ++i) {
    list.push_back(issue_to_json(issues[i]));
    if (i >= kShownIssues) continue;
    message += "\n  " + issues[i].origin.text() + ": ";
    message += issues[i].path.empty() ? "the file" : issues[i].path;
    message += " " + issues[i].message;
  }
  if (issues.size() > kShownIssues) message += "\n  ...";
  message += kCheckAdvice;
  return Error(Code::kInvalidArgument, message,
               {{"kind", "config"}, {"file", file.string()}, {"issues", std::move(list)}});
}

std::string digest_of(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < length; ++i) {
    out += kHex[digest[i] >> 4U];
    out += kHex[digest[i] & 0xFU];
  }
  return out;
}

std::string_view format_of(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  bool json = extension == ".json" || extension == ".json5" || extension == ".jsonc";
  return json ? "json5" : "toml";
}

std::filesystem::path actual_file(const std::filesystem::path& configured) {
  std::error_code error;
  if (format_of(configured) == "toml" || std::filesystem::exists(configured, error)) {
    return configured;
  }
  std::filesystem::path converted = configured;
  converted.replace_extension(".toml");
  return std::filesystem::exists(converted, error) ? converted : configured;
}

Result<Snapshot> build_config(std::string_view text, const std::vector<ForeignSection>& foreign,
                              const BuildOptions& options) {
  auto data = std::make_shared<ConfigData>();
  data->file_path = options.file;
  data->exists = options.exists;
  data->digest = digest_of(text);
  SyntaxError syntax;
  bool json5 = options.format == "json5";
  if (!(json5 ? read_json5(text, data->document, syntax)
              : read_toml(text, data->document, syntax))) {
    Issue issue{"",
                (json5 ? "is not valid JSON5: " : "is not valid TOML: ") + syntax.message,
                {Origin::Kind::kFile, options.file.string(), syntax.at.line, syntax.at.column}};
    return invalid_config({issue}, options.file);
  }
  std::vector<Issue> errors;
  EnvironmentReader environment = process_environment();
  substitute_variables(data->document.root, environment, errors);
  for (Issue& issue : errors) {
    Place place = data->document.place(issue.path);
    issue.origin = {Origin::Kind::kFile, options.file.string(), place.value.line,
                    place.value.column};
  }
  if (options.apply_environment_overrides) {
    data->overrides = apply_overrides(data->document.root, environment);
  }
  normalise(data->document.root);
  Validation(*data, foreign, options, errors, data->warning_list).run();
  if (!errors.empty()) return invalid_config(errors, options.file);
  return Snapshot(data);
}

Paths Paths::from_environment() {
  EnvironmentReader read = process_environment();
  auto filled = [&](const char* name) {
    auto value = read(name);
    return value && !value->empty() ? *value : std::string();
  };
  Paths paths;
  paths.home = filled("HOME");
  if (paths.home.empty()) paths.home = "/";
  auto expand = [&](const std::string& text) {
    if (text == "~") return paths.home;
    if (text.rfind("~/", 0) == 0) return paths.home / text.substr(2);
    std::error_code error;
    return std::filesystem::absolute(text, error).lexically_normal();
  };
  std::string state = filled("OPENCLAW_STATE_DIR");
  paths.state_dir = state.empty() ? paths.home / ".openclaw" : expand(state);
  std::string file = filled("OPENCLAW_CONFIG_PATH");
  if (!file.empty()) {
    paths.config_file = actual_file(expand(file));
    return paths;
  }
  paths.config_file = paths.state_dir / "openclaw.toml";
  std::error_code error;
  std::filesystem::path old = paths.state_dir / "openclaw.json";
  if (!std::filesystem::exists(paths.config_file, error) && std::filesystem::exists(old, error)) {
    paths.config_file = old;
  }
  return paths;
}

Result<Snapshot> load(const Paths& paths, const std::vector<ForeignSection>& foreign) {
  BuildOptions options;
  options.file = actual_file(paths.config_file);
  options.format = format_of(options.file);
  options.home = paths.home.string();
  options.state_dir = paths.state_dir.string();
  options.apply_environment_overrides = true;
  auto text = storage::read_file_bounded(options.file, kMaxTextBytes);
  if (!text && text.error().code != Code::kNotFound) return text.error();
  // No file: the empty configuration, in whatever format it may come to have.
  if (!text) options.format = "toml";
  options.exists = text.has_value();
  return build_config(text ? *text : std::string(), foreign, options);
}

Result<Snapshot> parse(std::string_view text, std::string_view format,
                       const std::filesystem::path& name_for_messages,
                       const std::vector<ForeignSection>& foreign) {
  BuildOptions options;
  options.format = format;
  options.file = name_for_messages;
  return build_config(text, foreign, options);
}

}  // namespace openclaw::config
