#include "config/key_path.h"

#include <algorithm>
#include <charconv>

namespace openclaw::config {

namespace {

constexpr std::size_t kMaxSteps = 64;

bool is_bare(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '$' || c == '*' || c == ':' ||
           c == '@' || c == '/' || c == '+';
  });
}

std::optional<std::size_t> as_index(std::string_view text) {
  std::size_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(text) {}

  Result<KeyPath> read() {
    if (text_.empty()) return KeyPath();
    bool expect_key = true;
    while (at_ < text_.size()) {
      if (steps_.size() >= kMaxSteps) return fail("has too many parts");
      char c = text_[at_];
      if (c == '[') {
        if (!read_bracket()) return fail("has a bad [index]");
        expect_key = false;
      } else if (c == '.') {
        if (expect_key) return fail("has an empty part");
        ++at_;
        expect_key = true;
        if (at_ == text_.size()) return fail("ends in a dot");
      } else {
        if (!expect_key) return fail("needs a dot between its parts");
        if (!read_key()) return fail("has a quote that is not closed");
        expect_key = false;
      }
    }
    return std::move(steps_);
  }

 private:
  bool read_quoted(std::string& out) {
    char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && quote == '"' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_++];
    }
    if (at_ == text_.size()) return false;
    ++at_;
    return true;
  }

  bool read_key() {
    std::string key;
    if (text_[at_] == '"' || text_[at_] == '\'') {
      if (!read_quoted(key)) return false;
    } else {
      while (at_ < text_.size() && text_[at_] != '.' && text_[at_] != '[') key += text_[at_++];
    }
    steps_.push_back(Step::of_key(key));
    return true;
  }

  bool read_bracket() {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      std::string key;
      if (!read_quoted(key)) return false;
      steps_.push_back(Step::of_key(key));
    } else {
      std::size_t end = text_.find(']', at_);
      if (end == std::string_view::npos) return false;
      auto index = as_index(text_.substr(at_, end - at_));
      if (!index) return false;
      steps_.push_back(Step::of_index(*index));
      at_ = end;
    }
    if (at_ >= text_.size() || text_[at_] != ']') return false;
    ++at_;
    return true;
  }

  Error fail(std::string_view what) const {
    return Error(Code::kInvalidArgument,
                 "the key \"" + std::string(text_) + "\" " + std::string(what) +
                     "; write it like agents.defaults.sandbox.mode, agents.list[0].name or "
                     "models.providers.\"my.host\".baseUrl");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  KeyPath steps_;
};

const json::value* child_of(const json::value& parent, const Step& step) {
  if (const json::object* object = parent.if_object()) {
    return step.index ? object->if_contains(std::to_string(*step.index))
                      : object->if_contains(step.key);
  }
  const json::array* array = parent.if_array();
  if (!array) return nullptr;
  auto index = step.index ? step.index : as_index(step.key);
  return index && *index < array->size() ? &(*array)[*index] : nullptr;
}

}  // namespace

Result<KeyPath> parse_key_path(std::string_view text) {
  return PathReader(text).read();
}

std::string join_key(std::string_view parent, std::string_view key) {
  std::string out(parent);
  if (!out.empty()) out += '.';
  if (is_bare(key)) return out += key;
  out += '"';
  for (char c : key) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::string join_index(std::string_view parent, std::size_t index) {
  return std::string(parent) + "[" + std::to_string(index) + "]";
}

std::string to_text(const KeyPath& path) {
  std::string out;
  for (const Step& step : path) {
    out = step.index ? join_index(out, *step.index) : join_key(out, step.key);
  }
  return out;
}

std::string canonical_path(std::string_view text) {
  auto path = parse_key_path(text);
  return path ? to_text(*path) : std::string(text);
}

const json::value* find_value(const json::object& root, const KeyPath& path) {
  const json::object* object = &root;
  const json::value* value = nullptr;
  for (const Step& step : path) {
    if (object) {
      value = step.index ? object->if_contains(std::to_string(*step.index))
                         : object->if_contains(step.key);
    } else {
      value = child_of(*value, step);
    }
    if (!value) return nullptr;
    object = nullptr;
  }
  return value;
}

bool put_value(json::object& root, const KeyPath& path, json::value value) {
  if (path.empty()) return false;
  json::value* slot = nullptr;
  json::object* object = &root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const Step& step = path[i];
    if (slot && slot->is_null()) {
      if (step.index) {
        slot->emplace_array();
      } else {
        slot->emplace_object();
      }
    }
    if (slot) object = slot->if_object();
    if (object) {
      slot = &(*object)[step.index ? std::to_string(*step.index) : step.key];
      continue;
    }
    json::array* array = slot->if_array();
    auto index = step.index ? step.index : as_index(step.key);
    if (!array || !index || *index > array->size()) return false;
    if (*index == array->size()) array->emplace_back(nullptr);
    slot = &(*array)[*index];
  }
  *slot = std::move(value);
  return true;
}

bool erase_value(json::object& root, const KeyPath& path) {
  if (path.empty()) return false;
  KeyPath parent(path.begin(), path.end() - 1);
  const Step& last = path.back();
  const json::value* found = parent.empty() ? nullptr : find_value(root, parent);
  if (!parent.empty() && !found) return false;
  // find_value is the const face of the same walk; the tree itself belongs to the caller.
  json::value* holder = const_cast<json::value*>(found);
  json::object* object = holder ? holder->if_object() : &root;
  if (object) return object->erase(last.index ? std::to_string(*last.index) : last.key) > 0;
  json::array* array = holder->if_array();
  auto index = last.index ? last.index : as_index(last.key);
  if (!array || !index || *index >= array->size()) return false;
  array->erase(array->begin() + static_cast<std::ptrdiff_t>(*index));
  return true;
}

}  // namespace openclaw::config
