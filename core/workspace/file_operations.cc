#include "workspace/file_operations.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "workspace/base64.h"
#include "workspace/patch.h"
#include "workspace/text_window.h"

namespace openclaw::workspace {
namespace {

using tool::ToolResult;

// Refusals stay errors; the rest is an answer that the model can work with.
Result<ToolResult> answer(const Error& error) {
  if (error.code == Code::kPermissionDenied) return error;
  return ToolResult::failure(error.message, json::object{{"code", code_name(error.code)}});
}

Result<ToolResult> read_image(const Place& place, std::string_view type) {
  auto file = place.root->read(place.path, kMaxImageBytes);
  if (!file) return answer(file.error());
  ToolResult result = ToolResult::text("Image " + place.shown + " (" + std::string(type) + ", " +
                                       std::to_string(file->bytes.size()) + " bytes)");
  result.content.push_back(
      json::object{{"type", "image"}, {"data", to_base64(file->bytes)}, {"mimeType", type}});
  return result;
}

std::size_t count_of(std::string_view text, std::string_view what, std::size_t& first) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + 1)) {
    if (count++ == 0) first = at;
  }
  return count;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

}  // namespace

Result<ToolResult> read_file(FileScope& scope, const std::string& path, std::uint64_t offset,
                             std::uint64_t limit) {
  auto place = scope.locate(path, Access::kRead);
  if (!place) return answer(place.error());
  auto file = place->root->open_file(place->path);
  if (!file) return answer(file.error());
  char head[16];
  ssize_t got = ::pread(file->get(), head, sizeof head, 0);
  std::string_view type =
      image_type(std::string_view(head, got > 0 ? static_cast<std::size_t>(got) : 0));
  if (!type.empty()) return read_image(*place, type);
  offset = std::max<std::uint64_t>(offset, 1);
  auto window = read_window(file->get(), offset, limit);
  if (!window)
    return answer(
        Error(window.error().code, "cannot read " + path + ": " + window.error().message));
  std::string note = window_note(*window, offset);
  json::object details{
      {"firstLine", window->first_line}, {"lastLine", window->last_line}, {"more", window->more}};
  std::string text = std::move(window->text);
  if (!note.empty()) text += (text.empty() || text.back() == '\n' ? "\n" : "\n\n") + note;
  return ToolResult::text(std::move(text), std::move(details));
}

Result<ToolResult> write_file(FileScope& scope, const std::string& path,
                              const std::string& content) {
  auto place = scope.locate(path, Access::kWrite);
  if (!place) return answer(place.error());
  auto done = place->root->write(place->path, content, WriteMode::kReplace);
  if (!done) return answer(done.error());
  return ToolResult::text("Wrote " + std::to_string(content.size()) + " bytes to " + path + ".");
}

Result<ToolResult> edit_file(FileScope& scope, const std::string& path, const std::string& old_text,
                             const std::string& new_text) {
  if (old_text.empty())
    return ToolResult::failure("oldText is empty; use write to make a new file");
  if (old_text == new_text)
    return ToolResult::failure("oldText and newText are the same; nothing to change");
  auto place = scope.locate(path, Access::kWrite);
  if (!place) return answer(place.error());
  auto file = place->root->read(place->path, kMaxEditedBytes);
  if (!file) return answer(file.error());
  std::string wanted = old_text, replacement = new_text;
  std::size_t at = 0;
  std::size_t count = count_of(file->bytes, wanted, at);
  if (count == 0 && wanted.find('\r') == std::string::npos &&
      file->bytes.find("\r\n") != std::string::npos) {
    wanted = with_crlf(wanted);
    replacement = with_crlf(replacement);
    count = count_of(file->bytes, wanted, at);
  }
  if (count == 0) {
    return ToolResult::failure(
        "oldText was not found in " + path +
        " (0 matches). It must match exactly, white space included; read the file again.");
  }
  if (count > 1) {
    return ToolResult::failure("oldText was found " + std::to_string(count) + " times in " + path +
                               "; it must be unique. Add lines around it.");
  }
  std::string changed = file->bytes;
  changed.replace(at, wanted.size(), replacement);
  auto done = place->root->write(place->path, changed, WriteMode::kReplace, file->version);
  if (!done) return answer(done.error());
  auto line =
      std::count(changed.begin(), changed.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
  return ToolResult::text("Edited " + path + " at line " + std::to_string(line) + ".",
                          json::object{{"firstChangedLine", line}});
}

namespace {

// One file of a patch, read and computed, not yet written.
struct Change {
  PatchFile::Kind kind = PatchFile::Kind::kUpdate;
  Place from, to;  // `to` is `from` unless the file moves
  bool moves = false;
  std::string content;
  FileVersion version;
};

Error at_line(const PatchFile& file, const Error& error) {
  return Error(error.code, "line " + std::to_string(file.line) + " of the patch: " + error.message);
}

Result<Change> prepare(FileScope& scope, PatchFile& file,
                       std::set<std::pair<const RootedDir*, std::string>>& named) {
  Change change;
  change.kind = file.kind;
  auto from = scope.locate(file.path, Access::kWrite);
  if (!from) return at_line(file, from.error());
  change.from = *from;
  change.to = *from;
  if (!named.emplace(from->root, from->path).second) {
    return at_line(
        file, Error(Code::kInvalidArgument, file.path + " is named twice; put its hunks together"));
  }
  if (!file.move_to.empty()) {
    auto to = scope.locate(file.move_to, Access::kWrite);
    if (!to) return at_line(file, to.error());
    if (!named.emplace(to->root, to->path).second) {
      return at_line(file, Error(Code::kInvalidArgument, file.move_to + " is named twice"));
    }
    change.to = *to;
    change.moves = true;
  }
  if (file.kind == PatchFile::Kind::kAdd || change.moves) {
    auto exists = change.to.root->exists(change.to.path);
    if (!exists) return at_line(file, exists.error());
    if (*exists) {
      return at_line(file, Error(Code::kAlreadyExists,
                                 change.to.shown + " exists already; use *** Update File"));
    }
  }
  if (file.kind == PatchFile::Kind::kAdd) {
    change.content = std::move(file.content);
    return change;
  }
  auto old = change.from.root->read(change.from.path, kMaxEditedBytes);
  if (!old) return at_line(file, old.error());
  change.version = old->version;
  if (file.kind == PatchFile::Kind::kUpdate) {
    auto applied = apply_hunks(old->bytes, file.hunks);
    if (!applied) return Error(applied.error().code, file.path + ": " + applied.error().message);
    change.content = std::move(*applied);
  }
  return change;
}

Result<void> carry_out(const Change& change) {
  if (change.kind == PatchFile::Kind::kDelete) return change.from.root->remove(change.from.path);
  bool is_new = change.kind == PatchFile::Kind::kAdd || change.moves;
  std::optional<FileVersion> expected;
  if (!is_new) expected = change.version;
  auto done = change.to.root->write(change.to.path, change.content,
                                    is_new ? WriteMode::kCreate : WriteMode::kReplace, expected);
  if (!done || !change.moves) return done;
  return change.from.root->remove(change.from.path);
}

}  // namespace

Result<ToolResult> apply_patch(FileScope& scope, const std::string& patch) {
  auto files = parse_patch(patch);
  if (!files) return answer(files.error());
  std::vector<Change> changes;
  std::set<std::pair<const RootedDir*, std::string>> named;
  for (PatchFile& file : *files) {
    auto change = prepare(scope, file, named);
    if (!change)
      return answer(Error(change.error().code, change.error().message + " Nothing was changed."));
    changes.push_back(std::move(*change));
  }
  std::string report;
  json::object details{
      {"added", json::array{}}, {"modified", json::array{}}, {"deleted", json::array{}}};
  for (const Change& change : changes) {
    auto done = carry_out(change);
    if (!done) {
      std::string before =
          report.empty() ? "Nothing was changed." : "Changed before that:" + report;
      return answer(Error(done.error().code, done.error().message + ". " + before));
    }
    auto note = [&](const char* letter, const char* list, const std::string& path) {
      report += std::string("\n") + letter + " " + path;
      details[list].as_array().emplace_back(path);
    };
    if (change.kind == PatchFile::Kind::kAdd) note("A", "added", change.to.shown);
    if (change.kind == PatchFile::Kind::kUpdate) note("M", "modified", change.to.shown);
    if (change.kind == PatchFile::Kind::kDelete || change.moves)
      note("D", "deleted", change.from.shown);
  }
  return ToolResult::text("Done. Changed files:" + report, std::move(details));
}

}  // namespace openclaw::workspace
