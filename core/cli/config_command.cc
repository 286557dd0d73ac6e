// config get|set|unset|validate|file.
#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/config_edit.h"
#include "config/document.h"
#include "config/key_path.h"
#include "config/schema_check.h"

namespace openclaw::cli {
namespace {

// The default of a key that is in no source, or "did you mean" for one that is in no schema either.
std::string hint_for(const config::KeyPath& path) {
  if (path.empty() || path.back().index) return {};
  auto parent_path = config::to_text(config::KeyPath(path.begin(), path.end() - 1));
  const auto* parent = parent_path.empty() ? &config::schema() : config::schema_at(config::schema(), parent_path);
  const auto* properties = parent ? parent->if_contains("properties") : nullptr;
  if (!properties || !properties->is_object()) return {};
  // From the parent: a default stands beside a "$ref", not behind it.
  if (const auto* known = properties->get_object().if_contains(path.back().key)) {
    const auto* otherwise = known->is_object() ? known->get_object().if_contains("default") : nullptr;
    return otherwise ? "; its default is " + json::serialize(*otherwise) : "";
  }
  std::vector<std::string> names;
  for (const auto& member : properties->get_object()) names.emplace_back(member.key());
  auto meant = config::nearest(path.back().key, names);
  return meant.empty() ? "" : "; did you mean " + config::join_key(parent_path, meant) + "?";
}

void config_get(Context& context, const std::string& key) {
  auto path = config::parse_key_path(key);
  if (path.has_error()) return context.fail(path.error());
  if (path->empty()) return context.fail(Error(Code::kInvalidArgument, "the key is empty"));
  auto config = file_config(context, context.foreign_sections());
  if (config.has_error()) return context.fail(config.error());
  // Redacted as a whole: the names above a value decide too. As in 2026.3.x, a secret that is asked for by its
  // full name is hidden like any other; its place is the file itself.
  auto shown = config::redacted((*config)->root());
  const auto* value = config::find_value(shown, *path);
  if (value == nullptr) {
    return context.fail(Error(Code::kNotFound, "Config path not found: " + key + hint_for(*path)));
  }
  if (value->is_string() && !context.json) {
    context.out().line(std::string_view(value->get_string()));
  } else {
    context.out().print_json(*value);
  }
}

// One JSON5 value of any kind. The reader takes documents, so the value becomes the only member of one.
Result<json::value> json5_value(const std::string& text) {
  config::Document document;
  config::SyntaxError syntax;
  constexpr std::string_view kBefore = "{value:";
  if (!config::read_json5(std::string(kBefore) + text + "\n}", document, syntax)) {
    int column = syntax.at.line == 1 ? syntax.at.column - static_cast<int>(kBefore.size()) : syntax.at.column;
    return Error(Code::kInvalidArgument, "The value is not JSON5: " + syntax.message + " (character " +
                                             std::to_string(std::max(column, 1)) +
                                             "). Quote text, for example: '\"text\"'");
  }
  const auto* value = document.root.if_contains("value");
  if (value == nullptr || document.root.size() != 1) {
    return Error(Code::kInvalidArgument, "The value is not JSON5: something follows it");
  }
  return *value;
}

void config_set(Context& context, const std::string& key, const std::string& text, bool strict) {
  auto parsed = json5_value(text);
  if (parsed.has_error() && strict) return context.fail(parsed.error());
  json::value value = parsed.has_value() ? *parsed : json::value(text);
  auto foreign = context.foreign_sections();
  auto written = config::set_value(context.paths(), key, value, foreign);
  // The shell has eaten the quotes of text that looks like a number; where a number does not fit, text may.
  if (written.has_error() && !strict && !value.is_string() && !value.is_structured()) {
    if (config::set_value(context.paths(), key, json::value(text), foreign).has_value()) written = Result<void>();
  }
  if (written.has_error()) return context.fail(written.error());
  context.out().line("Updated " + key + ".");
  note_effects(context, {key});
}

void config_unset(Context& context, const std::string& key) {
  auto written = config::unset_value(context.paths(), key, context.foreign_sections());
  if (written.has_error()) {
    if (written.error().code != Code::kNotFound) return context.fail(written.error());
    return context.fail(Error(Code::kNotFound, "Config path not found: " + key));
  }
  context.out().line("Removed " + key + ".");
  note_effects(context, {key});
}

json::object issue_json(const config::Issue& issue) {
  json::object out{{"path", issue.path}, {"message", issue.message}};
  if (issue.origin.line > 0) {
    out["file"] = issue.origin.file;
    out["line"] = issue.origin.line;
    out["column"] = issue.origin.column;
  }
  return out;
}

void config_validate(Context& context) {
  auto config = context.full_config();
  std::string file = context.paths().config_file.string();
  if (config.has_error()) {
    if (!context.json) return context.fail(config.error());
    context.exit_code = kConfigError;
    const Error error = config.error();  // answered by value: a pointer into it would dangle
    const auto* issues = error.details.if_contains("issues");
    json::array list;
    if (issues && issues->is_array()) list = issues->get_array();
    if (list.empty()) list.emplace_back(json::object{{"path", ""}, {"message", error.message}});
    context.out().print_json(json::object{{"valid", false}, {"path", file}, {"issues", std::move(list)}});
    return;
  }
  if (!(*config)->file_exists()) {
    context.exit_code = kFailed;
    if (context.json) {
      context.out().print_json(json::object{{"valid", false}, {"path", file}, {"error", "file not found"}});
    } else {
      context.out().error("There is no configuration file at " + file + ". Type: openclaw onboard");
    }
    return;
  }
  json::array warnings;
  for (const auto& issue : (*config)->warnings()) {
    warnings.push_back(issue_json(issue));
    if (!context.json) {
      context.out().note("Warning: " + issue.origin.text() + ": " + issue.path + " " + issue.message);
    }
  }
  if (context.json) {
    context.out().print_json(json::object{{"valid", true}, {"path", file}, {"warnings", std::move(warnings)}});
  } else {
    context.out().line("Config valid: " + file);
  }
}

}  // namespace

void add_config_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("config", "Read and change the configuration");
  group->require_subcommand(1);
  auto key = std::make_shared<std::string>();
  auto* get_command = group->add_subcommand("get", "Print one value or section, secrets hidden");
  get_command->add_option("path", *key, "Key, for example gateway.port or agents.list[0].id")->required();
  add_json_flag(*get_command, context);
  get_command->callback([&context, key] { config_get(context, *key); });

  auto value = std::make_shared<std::string>();
  auto strict = std::make_shared<bool>(false);
  auto* set_command = group->add_subcommand("set", "Change one value; comments and order of the file stay");
  set_command->add_option("path", *key, "Key, for example gateway.port")->required();
  set_command->add_option("value", *value, "JSON5, or plain text")->required();
  set_command->add_flag("--strict-json,--json", *strict, "Refuse a value that is not JSON5");
  set_command->callback([&context, key, value, strict] { config_set(context, *key, *value, *strict); });

  auto* unset_command = group->add_subcommand("unset", "Remove one value");
  unset_command->add_option("path", *key, "Key")->required();
  unset_command->callback([&context, key] { config_unset(context, *key); });

  auto* validate_command = group->add_subcommand("validate", "Check the file without starting anything");
  add_json_flag(*validate_command, context);
  validate_command->callback([&context] { config_validate(context); });

  group->add_subcommand("file", "Print the path of the configuration file")->callback([&context] {
    context.out().line(context.paths().config_file.string());
  });
}

}  // namespace openclaw::cli
