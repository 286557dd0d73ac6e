// set_value, unset_value and set_values: changes that are validated as a whole and written by rename.
#include <cerrno>
#include <cstring>

#include "config/config.h"
#include "config/config_data.h"
#include "config/edit.h"
#include "config/redaction.h"
#include "config/toml_edit.h"
#include "config/toml_format.h"
#include "storage/atomic_file.h"

namespace openclaw::config {

namespace {

// The file as it is now. `text` is empty when there is none.
struct CurrentFile {
  std::filesystem::path path;
  std::string text;
  bool exists = false;
};

Result<CurrentFile> read_current(const Paths& paths) {
  CurrentFile file;
  file.path = actual_file(paths.config_file);
  std::error_code error;
  // A link stays a link: what it points at is replaced.
  if (std::filesystem::is_symlink(file.path, error)) {
    file.path = std::filesystem::weakly_canonical(file.path, error);
  }
  auto text = storage::read_file_bounded(file.path, kMaxTextBytes);
  if (text) {
    file.text = std::move(*text);
    file.exists = true;
  } else if (text.error().code != Code::kNotFound) {
    return text.error();
  }
  return file;
}

Result<void> validate(const Paths& paths, const std::filesystem::path& file, std::string_view text,
                      const std::vector<ForeignSection>& foreign) {
  BuildOptions options;
  options.format = "toml";
  options.file = file;
  options.home = paths.home.string();
  options.state_dir = paths.state_dir.string();
  auto built = build_config(text, foreign, options);
  if (built) return {};
  // The positions are those of the text that was not written.
  Error refused = built.error();
  if (refused.message.ends_with(kCheckAdvice)) {
    refused.message.resize(refused.message.size() - kCheckAdvice.size());
    refused.message += "\nNothing was changed.";
  }
  return refused;
}

Result<void> write_if_unchanged(const CurrentFile& before, const std::filesystem::path& target,
                                std::string_view text) {
  auto now = storage::read_file_bounded(before.path, kMaxTextBytes);
  bool same = now ? before.exists && *now == before.text : !before.exists;
  if (!same) {
    return Error(Code::kFailedPrecondition, before.path.string() +
                                                " was changed by somebody else in the meantime; "
                                                "type the command again");
  }
  std::error_code error;
  if (!std::filesystem::exists(target.parent_path(), error)) {
    auto made = storage::make_private_dir(target.parent_path());
    if (!made) return made.error();
  }
  return storage::write_file_atomically(target, text, 0600);
}

Error not_readable(std::string_view language, const SyntaxError& syntax,
                   const std::filesystem::path& file) {
  Issue issue{"",
              "is not valid " + std::string(language) + ": " + syntax.message,
              {Origin::Kind::kFile, file.string(), syntax.at.line, syntax.at.column}};
  return invalid_config({issue}, file);
}

// The text after all changes; a null value removes. `missing_ok`: nothing to remove is no error.
Result<std::string> changed_text(std::string toml, const std::vector<Change>& changes,
                                 bool missing_ok) {
  for (const Change& change : changes) {
    auto path = parse_key_path(change.path);
    if (!path) return path.error();
    if (path->empty()) return Error(Code::kInvalidArgument, "the key is empty");
    if (json::serialize(change.value).find(kRedacted) != std::string::npos) {
      return Error(Code::kInvalidArgument,
                   "the value is the placeholder that hides a secret; give the secret itself");
    }
    auto text = change.value.is_null() ? toml_without(toml, *path)
                                       : toml_with(toml, *path, change.value);
    if (text) {
      toml = std::move(*text);
    } else if (!missing_ok || !change.value.is_null() || text.error().code != Code::kNotFound) {
      return text.error();
    }
  }
  return toml;
}

Result<void> write_changes(const Paths& paths, const std::vector<Change>& changes, bool missing_ok,
                           const std::vector<ForeignSection>& foreign) {
  auto file = read_current(paths);
  if (!file) return file.error();
  std::filesystem::path target = file->path;
  std::string toml = file->text;
  bool convert = format_of(file->path) == "json5";
  if (convert) {
    auto converted = json5_to_toml(file->text, file->path);
    if (!converted) return converted.error();
    toml = std::move(*converted);
    target.replace_extension(".toml");
  } else {
    Document document;
    SyntaxError syntax;
    if (!read_toml(toml, document, syntax)) return not_readable("TOML", syntax, file->path);
  }
  auto text = changed_text(std::move(toml), changes, missing_ok);
  if (!text) return text.error();
  auto valid = validate(paths, target, *text, foreign);
  if (!valid) return valid.error();
  if (!convert && file->exists && *text == file->text) return {};
  auto written = write_if_unchanged(*file, target, *text);
  if (!written || !convert || !file->exists) return written;
  std::filesystem::path backup = file->path;
  backup += ".bak";
  std::error_code error;
  std::filesystem::rename(file->path, backup, error);
  if (error) {
    return Error(Code::kFailedPrecondition, "wrote " + target.string() + ", but could not rename " +
                                                file->path.string() + ": " + error.message() +
                                                "; remove it, for it is not read any more");
  }
  return {};
}

// TOML has no null: where one means "no limit" it becomes 0, elsewhere the key is left out.
void drop_nulls(json::object& object, bool docker) {
  for (auto entry = object.begin(); entry != object.end();) {
    json::value& value = entry->value();
    if (value.is_null() && docker) value = 0;
    if (value.is_null()) {
      entry = object.erase(entry);
      continue;
    }
    if (json::object* inner = value.if_object()) drop_nulls(*inner, entry->key() == "docker");
    if (json::array* array = value.if_array()) {
      for (json::value& item : *array) {
        if (json::object* inner = item.if_object()) drop_nulls(*inner, false);
      }
    }
    ++entry;
  }
}

}  // namespace

Result<std::string> json5_to_toml(std::string_view text, const std::filesystem::path& name) {
  if (text.empty()) return std::string();
  Document document;
  SyntaxError error;
  if (!read_json5(text, document, error)) {
    return not_readable("JSON5", error, name);
  }
  drop_nulls(document.root, false);
  return "# Converted from " + name.filename().string() + "; the original is kept as " +
         name.filename().string() + ".bak.\n\n" + toml_document(document.root);
}

Result<void> set_value(const Paths& paths, std::string_view path, const json::value& value,
                       const std::vector<ForeignSection>& foreign) {
  if (value.is_null()) {
    return Error(Code::kInvalidArgument,
                 "null cannot be stored; to remove the key type: openclaw "
                 "config unset " +
                     std::string(path));
  }
  return write_changes(paths, {{std::string(path), value}}, false, foreign);
}

Result<void> unset_value(const Paths& paths, std::string_view path,
                         const std::vector<ForeignSection>& foreign) {
  return write_changes(paths, {{std::string(path), nullptr}}, false, foreign);
}

Result<void> set_values(const Paths& paths, const std::vector<Change>& changes,
                        const std::vector<ForeignSection>& foreign) {
  return write_changes(paths, changes, true, foreign);
}

}  // namespace openclaw::config
