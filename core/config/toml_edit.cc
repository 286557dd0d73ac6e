#include "config/toml_edit.h"

#include <algorithm>

#include "config/document.h"
#include "config/toml_format.h"
#include "config/toml_layout.h"

namespace openclaw::config {

namespace {

using Kind = TomlStatement::Kind;

bool is_prefix(const KeyPath& head, const KeyPath& of) {
  return head.size() <= of.size() && std::equal(head.begin(), head.end(), of.begin());
}
KeyPath rest_of(const KeyPath& path, std::size_t from) {
  return KeyPath(path.begin() + static_cast<std::ptrdiff_t>(from), path.end());
}
KeyPath head_of(const KeyPath& path, std::size_t length) {
  return KeyPath(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(length));
}
std::size_t common_length(const KeyPath& a, const KeyPath& b) {
  std::size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  return n;
}

std::string dotted(const KeyPath& keys) {
  std::string out;
  for (const Step& step : keys) out += (out.empty() ? "" : ".") + toml_key(step.key);
  return out;
}

// Works on a copy of the text. Positions are found anew before each change; texts are small.
class Editor {
 public:
  Editor(std::string text, json::object root) : text_(std::move(text)), root_(std::move(root)) {}

  bool set(const KeyPath& path, const json::value& value) {
    if (value.is_null()) return unset(path);
    if (!find_layout()) return false;
    for (const TomlStatement& statement : layout_) {
      if (statement.kind != Kind::kValue || !is_prefix(statement.path, path)) continue;
      if (statement.path.size() == path.size()) {
        replace(statement.value_begin, statement.value_end, toml_value(value));
        return put_value(root_, path, value);
      }
      return set_inside(statement, path, value);
    }
    const json::value* now = find_value(root_, path);
    if (!now) return insert(path, value);
    // A key that stands in no single statement is a table, or a list of tables.
    if (now->is_object() && value.is_object()) return merge(path, value.get_object());
    if (now->is_array() && is_object_list(value)) return merge_list(path, value.get_array());
    return unset(path) && insert(path, value);
  }

  bool unset(const KeyPath& path) {
    if (!find_layout()) return false;
    for (const TomlStatement& statement : layout_) {
      if (statement.kind != Kind::kValue || !is_prefix(statement.path, path) ||
          statement.path.size() == path.size()) {
        continue;
      }
      return unset_inside(statement.value_begin, rest_of(path, statement.path.size())) &&
             erase_value(root_, path);
    }
    for (auto statement = layout_.rbegin(); statement != layout_.rend(); ++statement) {
      if (is_prefix(path, statement->path)) remove_lines(statement->begin, statement->end);
    }
    return erase_value(root_, path);
  }

  std::string take() { return std::move(text_); }

 private:
  bool find_layout() {
    auto found = layout_of(text_);
    if (!found) return false;
    layout_ = std::move(*found);
    return true;
  }

  void replace(std::size_t begin, std::size_t end, std::string_view with) {
    text_.replace(begin, end - begin, with);
  }

  // Removes whole lines, and one of two blank lines that would then meet.
  void remove_lines(std::size_t begin, std::size_t end) {
    auto blank_before =
        begin == 0 || (begin >= 2 && text_[begin - 1] == '\n' && text_[begin - 2] == '\n');
    if (blank_before && end < text_.size() && text_[end] == '\n') ++end;
    text_.erase(begin, end - begin);
  }

  bool merge(const KeyPath& path, const json::object& wanted) {
    std::vector<std::string> gone;
    const json::value* now = find_value(root_, path);
    for (const auto& entry : now->get_object()) {
      if (!wanted.contains(entry.key())) gone.emplace_back(entry.key());
    }
    for (const std::string& key : gone) {
      if (!unset(with_key(path, key))) return false;
    }
    for (const auto& [key, value] : wanted) {
      KeyPath child = with_key(path, key);
      const json::value* old = find_value(root_, child);
      if (value.is_null() ? old == nullptr : old && *old == value) continue;
      if (!set(child, value)) return false;
    }
    return true;
  }

  bool merge_list(const KeyPath& path, const json::array& wanted) {
    std::size_t count = find_value(root_, path)->get_array().size();
    while (count > wanted.size()) {
      if (!unset(with_index(path, --count))) return false;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      KeyPath child = with_index(path, i);
      const json::value* old = find_value(root_, child);
      if (old && *old == wanted[i]) continue;
      if (!set(child, wanted[i])) return false;
    }
    return true;
  }

  static KeyPath with_key(KeyPath path, std::string_view key) {
    path.push_back(Step::of_key(key));
    return path;
  }
  static KeyPath with_index(KeyPath path, std::size_t index) {
    path.push_back(Step::of_index(index));
    return path;
  }

  // --- inside one statement's value ---

  bool set_inside(const TomlStatement& statement, const KeyPath& path, const json::value& value) {
    if (!put_value(root_, path, value)) return false;
    KeyPath rest = rest_of(path, statement.path.size());
    if (change_member(statement.value_begin, rest, value)) return true;
    // An odd shape: the statement is written anew.
    const json::value* whole = find_value(root_, statement.path);
    replace(statement.value_begin, statement.value_end, toml_value(*whole));
    return true;
  }

  bool change_member(std::size_t value_begin, const KeyPath& rest, const json::value& value) {
    auto members = members_of(text_, value_begin);
    if (!members) return false;
    for (const TomlMember& member : *members) {
      if (is_prefix(member.path, rest)) {
        if (member.path.size() < rest.size()) {
          return change_member(member.value_begin, rest_of(rest, member.path.size()), value);
        }
        replace(member.value_begin, member.value_end, toml_value(value));
        return true;
      }
      if (is_prefix(rest, member.path)) return false;
    }
    if (rest.size() != 1) return false;
    bool is_table = text_[value_begin] == '{';
    std::string piece = (is_table ? toml_key(rest[0].key) + " = " : "") + toml_value(value);
    if (members->empty()) {
      replace(value_begin + 1, value_begin + 1, is_table ? " " + piece + " " : piece);
      return true;
    }
    const TomlMember& last = members->back();
    std::size_t line = text_.rfind('\n', last.begin);
    std::string indent = line == std::string::npos || line < value_begin
                             ? ""
                             : text_.substr(line + 1, last.begin - line - 1);
    bool own_line = line != std::string::npos && line > value_begin &&
                    indent.find_first_not_of(" \t") == std::string::npos;
    replace(last.value_end, last.value_end, (own_line ? ",\n" + indent : ", ") + piece);
    return true;
  }

  bool unset_inside(std::size_t value_begin, const KeyPath& rest) {
    auto members = members_of(text_, value_begin);
    if (!members) return false;
    for (std::size_t i = 0; i < members->size(); ++i) {
      const TomlMember& member = (*members)[i];
      if (!is_prefix(member.path, rest)) continue;
      if (member.path.size() < rest.size()) {
        return unset_inside(member.value_begin, rest_of(rest, member.path.size()));
      }
      if (members->size() == 1) {
        // A comma after the only entry must go as well.
        std::size_t close = text_.find_first_of("]}", member.value_end);
        replace(value_begin + 1, close, "");
      } else if (i + 1 < members->size()) {
        replace(member.begin, (*members)[i + 1].begin, "");
      } else {
        replace((*members)[i - 1].value_end, member.value_end, "");
      }
      return true;
    }
    return false;
  }

  // --- new keys ---

  std::string newline() const { return text_.find("\r\n") != std::string::npos ? "\r\n" : "\n"; }

  // Puts whole lines at `at`; lines end as the file's own do.
  void insert_lines(std::size_t at, std::string lines, bool blank_before) {
    std::string end = newline();
    if (end != "\n") {
      std::string converted;
      for (char c : lines) converted += c == '\n' ? end : std::string(1, c);
      lines = converted;
    }
    std::string before;
    if (at > 0 && text_[at - 1] != '\n') before = end;
    if (blank_before && at > 0) before += end;
    std::string after;
    if (blank_before && at < text_.size() && text_[at] != '\n' && text_[at] != '\r') after = end;
    text_.insert(at, before + lines + after);
  }

  bool insert(const KeyPath& path, const json::value& value) {
    if (!find_layout()) return false;
    bool sectioned = (value.is_object() && !value.get_object().empty()) || is_object_list(value);
    if (path.back().index) return append_element(path, value);
    KeyPath parent = head_of(path, path.size() - 1);
    if (!sectioned && insert_beside(parent, path, value)) return put_value(root_, path, value);
    // Keys under `parent` that were written dotted cannot get a header of their own.
    if (sectioned && dotted_sibling(parent) && insert_beside(parent, path, value)) {
      return put_value(root_, path, value);
    }
    std::string lines;
    if (is_object_list(value)) {
      lines = toml_section_list(path, value.get_array());
    } else if (sectioned) {
      lines = toml_section(path, value.get_object());
    } else {
      json::object only;
      only[path.back().key] = value;
      lines = toml_section(parent, only);
    }
    insert_lines(place_for_header(path), lines, true);
    return put_value(root_, path, value);
  }

  const TomlStatement* dotted_sibling(const KeyPath& parent) const {
    const TomlStatement* found = nullptr;
    for (const TomlStatement& statement : layout_) {
      if (statement.kind != Kind::kValue || !is_prefix(parent, statement.path)) continue;
      std::size_t depth = section_depth(statement);
      if (depth < parent.size()) found = &statement;
    }
    return found;
  }

  std::size_t section_depth(const TomlStatement& statement) const {
    return statement.section == kRootSection ? 0 : layout_[statement.section].path.size();
  }

  // In the section of `parent`, or beside keys that name it with dots. False: there is neither.
  bool insert_beside(const KeyPath& parent, const KeyPath& path, const json::value& value) {
    std::size_t section = kRootSection;
    bool found = parent.empty();
    for (std::size_t i = 0; i < layout_.size() && !found; ++i) {
      if (layout_[i].kind != Kind::kValue && layout_[i].path == parent) {
        section = i;
        found = true;
      }
    }
    const TomlStatement* last = nullptr;
    if (found) {
      for (const TomlStatement& statement : layout_) {
        if (statement.kind == Kind::kValue && statement.section == section) last = &statement;
      }
    } else {
      last = dotted_sibling(parent);
      if (!last) return false;
      section = last->section;
    }
    std::size_t depth = section == kRootSection ? 0 : layout_[section].path.size();
    std::string line = dotted(rest_of(path, depth)) + " = " + toml_value(value) + "\n";
    if (last) {
      std::size_t text_at = text_.find_first_not_of(" \t", last->begin);
      line = text_.substr(last->begin, text_at - last->begin) + line;
      insert_lines(last->end, line, false);
    } else if (section != kRootSection) {
      insert_lines(layout_[section].end, line, false);
    } else {
      insert_lines(after_leading_comment(), line + (layout_.empty() ? "" : "\n"), false);
    }
    return true;
  }

  // A comment block at the top that is followed by a blank line speaks about the file.
  std::size_t after_leading_comment() const {
    std::size_t at = 0;
    while (at < text_.size() && text_[at] == '#') {
      std::size_t end = text_.find('\n', at);
      if (end == std::string::npos) return text_.size();
      at = end + 1;
    }
    if (at > 0 && at < text_.size() && text_[at] == '\n') return at + 1;
    return at == text_.size() ? at : 0;
  }

  // After the statements that are most related; inside an array's element, after that element.
  std::size_t place_for_header(const KeyPath& path) const {
    std::size_t anchor = 0;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i].index) anchor = i + 1;
    }
    std::size_t best = 0;
    std::size_t place = text_.size();
    for (const TomlStatement& statement : layout_) {
      std::size_t common = common_length(statement.path, path);
      if (common < std::max<std::size_t>(anchor, 1) || common < best) continue;
      best = common;
      place = section_end(statement);
    }
    return place;
  }

  std::size_t section_end(const TomlStatement& statement) const {
    std::size_t end = statement.end;
    for (const TomlStatement& other : layout_) {
      if (other.kind == Kind::kValue && other.section == statement.section) {
        end = std::max(end, other.end);
      }
    }
    // Keys of the root come before every header.
    if (statement.section == kRootSection) return text_.size();
    return end;
  }

  bool append_element(const KeyPath& path, const json::value& value) {
    KeyPath list = head_of(path, path.size() - 1);
    const json::value* now = find_value(root_, list);
    std::size_t size = now && now->is_array() ? now->get_array().size() : 0;
    if (*path.back().index != size) return false;
    if (!value.is_object()) {
      json::array one;
      one.push_back(value);
      return !now && insert(list, one);
    }
    json::array one;
    one.push_back(value);
    std::size_t place = size > 0 ? end_of(list) : place_for_header(list);
    insert_lines(place, toml_section_list(list, one), true);
    return put_value(root_, path, value);
  }

  std::size_t end_of(const KeyPath& path) const {
    std::size_t end = text_.size();
    for (const TomlStatement& statement : layout_) {
      if (is_prefix(path, statement.path)) end = statement.end;
    }
    return end;
  }

  std::string text_;
  json::object root_;
  std::vector<TomlStatement> layout_;
};

// Without empty sections and nulls, which have no meaning of their own.
json::value pruned(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& entry : *array) out.push_back(pruned(entry));
    return out;
  }
  const json::object* object = value.if_object();
  if (!object) return value;
  json::object out;
  for (const auto& [key, entry] : *object) {
    json::value inner = pruned(entry);
    bool empty = inner.is_null() || (inner.is_object() && inner.get_object().empty());
    if (!empty) out[key] = std::move(inner);
  }
  return out;
}

Result<json::object> tree_of(std::string_view text) {
  Document document;
  SyntaxError error;
  if (read_toml(text, document, error)) return std::move(document.root);
  return Error(Code::kInvalidArgument, "line " + std::to_string(error.at.line) + ", column " +
                                           std::to_string(error.at.column) +
                                           ": not valid TOML: " + error.message);
}

Error cannot(const KeyPath& path) {
  return Error(Code::kFailedPrecondition,
               to_text(path) +
                   " cannot be changed in this file without disturbing other keys; "
                   "change it with an editor, then type: openclaw config validate");
}

Result<std::string> checked(Editor& editor, const json::object& wanted, const KeyPath& path) {
  std::string text = editor.take();
  auto tree = tree_of(text);
  if (!tree || pruned(*tree) != pruned(wanted)) return cannot(path);
  return text;
}

bool has_null(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    return std::any_of(array->begin(), array->end(),
                       [](const json::value& v) { return v.is_null() || has_null(v); });
  }
  const json::object* object = value.if_object();
  return object && std::any_of(object->begin(), object->end(),
                               [](const auto& entry) { return has_null(entry.value()); });
}

}  // namespace

Result<std::string> toml_with(std::string_view text, const KeyPath& path,
                              const json::value& value) {
  if (path.empty()) return Error(Code::kInvalidArgument, "the key is empty");
  if (value.is_null()) return toml_without(text, path);
  if (has_null(value)) {
    return Error(Code::kInvalidArgument, "a list must not hold null: TOML has no null");
  }
  auto tree = tree_of(text);
  if (!tree) return tree.error();
  json::object wanted = *tree;
  if (!put_value(wanted, path, value)) {
    return Error(Code::kInvalidArgument,
                 to_text(path) +
                     " cannot be set: a part of it is a value of its own, or the index is "
                     "beyond the end of the list");
  }
  Editor editor{std::string(text), *tree};
  if (!editor.set(path, value)) return cannot(path);
  return checked(editor, wanted, path);
}

Result<std::string> toml_without(std::string_view text, const KeyPath& path) {
  auto tree = tree_of(text);
  if (!tree) return tree.error();
  json::object wanted = *tree;
  if (!erase_value(wanted, path)) {
    return Error(Code::kNotFound, to_text(path) + " is not set in the configuration file");
  }
  Editor editor{std::string(text), *tree};
  if (!editor.unset(path)) return cannot(path);
  return checked(editor, wanted, path);
}

}  // namespace openclaw::config
