#include "config/schema_check.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>

#include "config/key_path.h"
#include "config/redaction.h"

namespace openclaw::config {

namespace {

constexpr int kMaxReferences = 32;
constexpr int kMaxNesting = 200;
// std::regex recurses once per character.
constexpr std::size_t kMaxPatternSubject = 1024;

std::string_view type_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "boolean";
    case json::kind::string:
      return "string";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
    default:
      return "number";
  }
}

std::string type_in_words(std::string_view type) {
  if (type == "string") return "text";
  if (type == "boolean") return "true or false";
  if (type == "integer") return "a whole number";
  if (type == "number") return "a number";
  if (type == "array") return "a list";
  if (type == "object") return "a section";
  return std::string(type);
}

bool is_integer(const json::value& value) {
  if (value.is_int64() || value.is_uint64()) return true;
  return value.is_double() && std::isfinite(value.get_double()) &&
         value.get_double() == std::floor(value.get_double()) &&
         std::abs(value.get_double()) < 9007199254740992.0;
}

bool has_type(const json::value& value, std::string_view type) {
  if (type == "integer") return is_integer(value);
  if (type == "number") return value.is_number();
  return type_name(value) == type;
}

std::vector<std::string> types_of(const json::object& schema) {
  std::vector<std::string> types;
  const json::value* type = schema.if_contains("type");
  if (!type) return types;
  if (const json::string* one = type->if_string()) types.emplace_back(*one);
  if (const json::array* many = type->if_array()) {
    for (const json::value& entry : *many) {
      if (const json::string* name = entry.if_string()) types.emplace_back(*name);
    }
  }
  return types;
}

std::string list_in_words(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

// A value as it may stand in a message: short, and no secret.
std::string shown(const json::value& value, std::string_view path = {}) {
  if (is_secret_path(path)) return "the value given";
  std::string text = json::serialize(value);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

double as_double(const json::value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  return value.get_double();
}

std::string number_text(const json::value& value) {
  double number = as_double(value);
  if (number == std::floor(number) && std::abs(number) < 1e15) {
    return std::to_string(static_cast<std::int64_t>(number));
  }
  return json::serialize(value);
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

bool same(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return as_double(a) == as_double(b);
  return a == b;
}

class Walker {
 public:
  Walker(const json::object& root, const SchemaCheckOptions& options)
      : root_(root), options_(options) {}

  void check(const json::value& value, const json::value& schema, const std::string& path,
             int depth) {
    if (const bool* allowed = schema.if_bool()) {
      if (!*allowed) add(path, "is not allowed here", true);
    } else if (const json::object* object = schema.if_object()) {
      check(value, *object, path, depth);
    }
  }

  void check(const json::value& value, const json::object& schema, const std::string& path,
             int depth) {
    if (full()) return;
    if (depth > kMaxNesting) return add(path, "is nested too deeply");
    const json::object* object = resolve_schema(schema, root_);
    if (!object) return;
    if (value.is_double() && !std::isfinite(value.get_double())) {
      return add(path, "must be a finite number");
    }
    if (!check_type(value, *object, path)) return;
    check_choices(value, *object, path);
    check_combined(value, *object, path, depth);
    if (value.is_number()) check_number(value, *object, path);
    if (value.is_string()) check_string(value.get_string(), *object, path);
    if (value.is_array()) check_array(value.get_array(), *object, path, depth);
    if (value.is_object()) check_object(value.get_object(), *object, path, depth);
  }

  std::vector<SchemaProblem> take() { return std::move(problems_); }

 private:
  bool full() const { return problems_.size() >= options_.max_problems; }
  void add(const std::string& path, std::string message, bool at_key = false) {
    if (!full()) problems_.push_back({path, std::move(message), at_key});
  }

  std::vector<SchemaProblem> attempt(const json::value& value, const json::value& schema,
                                     const std::string& path, int depth) const {
    SchemaCheckOptions options = options_;
    options.max_problems = 10;
    Walker inner(root_, options);
    inner.outer_done_ = outer_done_;
    inner.check(value, schema, path, depth + 1);
    return inner.take();
  }

  bool check_type(const json::value& value, const json::object& schema, const std::string& path) {
    std::vector<std::string> types = types_of(schema);
    if (types.empty()) return true;
    for (const std::string& type : types) {
      if (has_type(value, type)) return true;
    }
    std::vector<std::string> words;
    for (const std::string& type : types) {
      if (type != "null") words.push_back(type_in_words(type));
    }
    std::string message = "must be " + list_in_words(words) + ", not ";
    message += value.is_structured() ? type_in_words(type_name(value)) : shown(value, path);
    if (value.is_string() && has_type_named(types, {"integer", "number", "boolean"}) &&
        looks_plain(value.get_string())) {
      message += "; write it without quotes";
    }
    add(path, message);
    return false;
  }

  static bool has_type_named(const std::vector<std::string>& types,
                             std::initializer_list<std::string_view> names) {
    return std::any_of(types.begin(), types.end(), [&](const std::string& type) {
      return std::find(names.begin(), names.end(), type) != names.end();
    });
  }
  static bool looks_plain(std::string_view text) {
    return text == "true" || text == "false" ||
           (!text.empty() && text.find_first_not_of("0123456789.-") == std::string_view::npos);
  }

  void check_choices(const json::value& value, const json::object& schema,
                     const std::string& path) {
    if (const json::value* constant = schema.if_contains("const")) {
      if (!same(value, *constant)) add(path, "must be " + shown(*constant));
    }
    const json::value* entry = schema.if_contains("enum");
    const json::array* choices = entry ? entry->if_array() : nullptr;
    if (!choices) return;
    std::vector<std::string> words, names;
    for (const json::value& choice : *choices) {
      if (same(value, choice)) return;
      words.push_back(shown(choice));
      if (choice.is_string()) names.emplace_back(choice.get_string());
    }
    std::string message = shown(value, path) + " is not a choice; use " + list_in_words(words);
    if (const json::string* text = value.if_string()) {
      std::string meant = nearest(*text, names);
      if (!meant.empty()) message += "; did you mean \"" + meant + "\"?";
    }
    add(path, message);
  }

  void check_combined(const json::value& value, const json::object& schema, const std::string& path,
                      int depth) {
    if (const json::value* all = schema.if_contains("allOf"); all && all->is_array()) {
      for (const json::value& part : all->get_array()) check(value, part, path, depth + 1);
    }
    for (const char* word : {"anyOf", "oneOf"}) {
      const json::value* list = schema.if_contains(word);
      if (list && list->is_array()) {
        check_alternatives(value, list->get_array(), path, depth,
                           std::string_view(word) == "oneOf");
      }
    }
    if (const json::value* no = schema.if_contains("not")) {
      if (attempt(value, *no, path, depth).empty()) add(path, "has a value that is ruled out here");
    }
    if (const json::value* condition = schema.if_contains("if")) {
      bool holds = attempt(value, *condition, path, depth).empty();
      if (const json::value* next = schema.if_contains(holds ? "then" : "else")) {
        check(value, *next, path, depth + 1);
      }
    }
  }

  // Reports the branch that fits the value's type, or names the types when none does.
  void check_alternatives(const json::value& value, const json::array& branches,
                          const std::string& path, int depth, bool exactly_one) {
    std::size_t matching = 0;
    std::vector<std::string> words;
    std::vector<SchemaProblem> best;
    for (const json::value& branch : branches) {
      std::vector<SchemaProblem> found = attempt(value, branch, path, depth);
      if (found.empty()) {
        ++matching;
        if (!exactly_one) return;
        continue;
      }
      const json::object* schema = branch.if_object();
      schema = schema ? resolve_schema(*schema, root_) : nullptr;
      std::vector<std::string> types = schema ? types_of(*schema) : std::vector<std::string>();
      bool type_fits = types.empty();
      for (const std::string& type : types) {
        words.push_back(type_in_words(type));
        type_fits = type_fits || has_type(value, type);
      }
      if (type_fits && (best.empty() || found.size() < best.size())) best = std::move(found);
    }
    if (matching == 1) return;
    if (matching > 1) return add(path, "fits more than one of the forms it may have");
    if (best.empty()) {
      return add(path, "must be " + list_in_words(words) + ", not " + shown(value, path));
    }
    for (SchemaProblem& problem : best) add(problem.path, problem.message, problem.at_key);
  }

  void check_number(const json::value& value, const json::object& schema, const std::string& path) {
    double number = as_double(value);
    auto bound = [&](const char* word) -> const json::value* {
      const json::value* limit = schema.if_contains(word);
      return limit && limit->is_number() ? limit : nullptr;
    };
    if (const json::value* least = bound("minimum"); least && number < as_double(*least)) {
      add(path, "must be at least " + number_text(*least) + ", not " + number_text(value));
    }
    if (const json::value* most = bound("maximum"); most && number > as_double(*most)) {
      add(path, "must be at most " + number_text(*most) + ", not " + number_text(value));
    }
    if (const json::value* above = bound("exclusiveMinimum");
        above && number <= as_double(*above)) {
      add(path, "must be above " + number_text(*above) + ", not " + number_text(value));
    }
    if (const json::value* below = bound("exclusiveMaximum");
        below && number >= as_double(*below)) {
      add(path, "must be below " + number_text(*below) + ", not " + number_text(value));
    }
    if (const json::value* step = bound("multipleOf"); step && as_double(*step) > 0) {
      double rest = std::fmod(number, as_double(*step));
      if (rest != 0) add(path, "must be a multiple of " + number_text(*step));
    }
  }

  static std::size_t size_word(const json::object& schema, const char* word, std::size_t none) {
    const json::value* value = schema.if_contains(word);
    if (!value || !value->is_number() || as_double(*value) < 0) return none;
    return static_cast<std::size_t>(std::min(as_double(*value), 1e15));
  }

  void check_string(std::string_view text, const json::object& schema, const std::string& path) {
    std::size_t least = size_word(schema, "minLength", 0);
    std::size_t most = size_word(schema, "maxLength", SIZE_MAX);
    std::size_t length = code_points(text);
    if (length < least) {
      add(path, least == 1 ? std::string("must not be empty")
                           : "must have at least " + std::to_string(least) + " characters");
    }
    if (length > most) add(path, "must have at most " + std::to_string(most) + " characters");
    const json::value* pattern = schema.if_contains("pattern");
    if (!pattern || !pattern->is_string() || matches(text, pattern->get_string())) return;
    add(path, shown(json::value(text), path) + " has not the form that is expected (" +
                  std::string(pattern->get_string()) + ")");
  }

  // An expression that the library refuses decides nothing: it is the schema's fault, not the
  // user's.
  static bool matches(std::string_view text, std::string_view pattern) {
    if (text.size() > kMaxPatternSubject || pattern.size() > kMaxPatternSubject) return false;
    try {
      std::regex expression(pattern.begin(), pattern.end(), std::regex::ECMAScript);
      return std::regex_search(text.begin(), text.end(), expression);
    } catch (const std::regex_error&) {
      return true;
    }
  }

  void check_array(const json::array& array, const json::object& schema, const std::string& path,
                   int depth) {
    std::size_t least = size_word(schema, "minItems", 0);
    std::size_t most = size_word(schema, "maxItems", SIZE_MAX);
    if (array.size() < least) {
      add(path, "must have at least " + std::to_string(least) + " entries");
    }
    if (array.size() > most) {
      add(path, "must have at most " + std::to_string(most) + " entries");
    }
    if (const json::value* unique = schema.if_contains("uniqueItems");
        unique && unique->is_bool() && unique->get_bool()) {
      std::set<std::string> seen;
      for (std::size_t i = 0; i < array.size(); ++i) {
        if (!seen.insert(json::serialize(array[i])).second) {
          add(join_index(path, i), "appears twice in this list");
        }
      }
    }
    const json::value* items = schema.if_contains("items");
    if (!items) return;
    for (std::size_t i = 0; i < array.size() && !full(); ++i) {
      const json::value* each = items;
      if (const json::array* tuple = items->if_array()) {
        each = i < tuple->size() ? &(*tuple)[i] : schema.if_contains("additionalItems");
      }
      if (each) check(array[i], *each, join_index(path, i), depth + 1);
    }
  }

  void check_object(const json::object& object, const json::object& schema, const std::string& path,
                    int depth) {
    bool outer = !outer_done_;
    outer_done_ = true;
    check_required(object, schema, path, outer);
    std::size_t least = size_word(schema, "minProperties", 0);
    if (object.size() < least) {
      add(path, "must have at least " + std::to_string(least) + " keys");
    }
    if (object.size() > size_word(schema, "maxProperties", SIZE_MAX)) {
      add(path, "has more keys than are allowed");
    }
    for (const auto& [key, value] : object) {
      if (full()) return;
      if (outer && is_foreign(key)) continue;
      check_member(key, value, schema, path, depth);
    }
  }

  bool is_foreign(std::string_view key) const {
    const auto& keys = options_.foreign_keys;
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  }

  void check_required(const json::object& object, const json::object& schema,
                      const std::string& path, bool outer) {
    const json::value* required = schema.if_contains("required");
    if (!required || !required->is_array()) return;
    if (outer && options_.skip_outer_required) return;
    for (const json::value& name : required->get_array()) {
      if (name.is_string() && !object.contains(name.get_string())) {
        add(path, "lacks the key \"" + std::string(name.get_string()) + "\"", true);
      }
    }
  }

  void check_member(std::string_view key, const json::value& value, const json::object& schema,
                    const std::string& path, int depth) {
    std::string child = join_key(path, key);
    bool known = false;
    const json::value* properties = schema.if_contains("properties");
    if (properties && properties->is_object()) {
      if (const json::value* own = properties->get_object().if_contains(key)) {
        known = true;
        check(value, *own, child, depth + 1);
      }
    }
    const json::value* patterns = schema.if_contains("patternProperties");
    if (patterns && patterns->is_object()) {
      for (const auto& [pattern, own] : patterns->get_object()) {
        if (!matches(key, pattern)) continue;
        known = true;
        check(value, own, child, depth + 1);
      }
    }
    if (const json::value* names = schema.if_contains("propertyNames")) {
      for (const SchemaProblem& problem : attempt(json::value(key), *names, child, depth)) {
        add(child, "the key " + problem.message, true);
      }
    }
    if (known) return;
    const json::value* rest = schema.if_contains("additionalProperties");
    if (!rest) return;
    if (rest->is_bool() && !rest->get_bool()) {
      add(child, unknown_key(key, properties, path), true);
    } else {
      check(value, *rest, child, depth + 1);
    }
  }

  static std::string unknown_key(std::string_view key, const json::value* properties,
                                 const std::string& path) {
    std::vector<std::string> names;
    if (properties && properties->is_object()) {
      for (const auto& entry : properties->get_object()) names.emplace_back(entry.key());
    }
    std::string message = "is not a known key";
    std::string meant = nearest(key, names);
    if (!meant.empty()) return message + "; did you mean \"" + join_key(path, meant) + "\"?";
    if (!names.empty() && names.size() <= 14) message += "; known here: " + list_in_words(names);
    return message;
  }

  const json::object& root_;
  const SchemaCheckOptions& options_;
  std::vector<SchemaProblem> problems_;
  bool outer_done_ = false;
};

// Optimal string alignment distance; stops early when `limit` is passed.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > 64 || b.size() > 64) return limit + 1;
  std::size_t rows[3][65];
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t* now = rows[i % 3];
    std::size_t* last = rows[(i + 2) % 3];
    std::size_t* before = rows[(i + 1) % 3];
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

// Letters and digits in lower case: "tool_timeout" and "toolTimeout" are one word.
std::string folded(std::string_view word) {
  std::string out;
  for (char c : word) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

}  // namespace

std::vector<SchemaProblem> check_schema(const json::value& value, const json::object& schema,
                                        const json::object& root, std::string_view path,
                                        const SchemaCheckOptions& options) {
  Walker walker(root, options);
  walker.check(value, schema, std::string(path), 0);
  return walker.take();
}

const json::object* resolve_schema(const json::object& schema, const json::object& root) {
  const json::object* now = &schema;
  for (int i = 0; i < kMaxReferences; ++i) {
    const json::value* reference = now->if_contains("$ref");
    if (!reference || !reference->is_string()) return now;
    std::string_view target = reference->get_string();
    if (target.substr(0, 1) != "#") return nullptr;
    const json::value* found = nullptr;
    if (target == "#") {
      now = &root;
      continue;
    }
    const json::object* from = &root;
    std::size_t at = 2;
    while (at <= target.size()) {
      std::size_t end = std::min(target.find('/', at), target.size());
      found = from ? from->if_contains(target.substr(at, end - at)) : nullptr;
      if (!found) return nullptr;
      from = found->if_object();
      at = end + 1;
    }
    if (!found || !found->is_object()) return nullptr;
    now = &found->get_object();
  }
  return nullptr;
}

const json::object* schema_at(const json::object& root, std::string_view path) {
  auto steps = parse_key_path(path);
  if (!steps) return nullptr;
  const json::object* now = &root;
  for (const Step& step : *steps) {
    // A choice of forms: the one that has members.
    if (const json::value* forms = now->if_contains("anyOf"); forms && forms->is_array()) {
      for (const json::value& form : forms->get_array()) {
        if (form.is_object() && form.get_object().contains("properties")) now = &form.get_object();
      }
    }
    const json::value* next = nullptr;
    if (step.index) {
      next = now->if_contains("items");
    } else {
      const json::value* properties = now->if_contains("properties");
      if (properties && properties->is_object())
        next = properties->get_object().if_contains(step.key);
      if (!next) next = now->if_contains("additionalProperties");
      if (!next) next = now->if_contains("items");
    }
    if (!next || !next->is_object()) return nullptr;
    now = resolve_schema(next->get_object(), root);
    if (!now) return nullptr;
  }
  return now;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string plain = folded(word);
  std::size_t limit = std::max<std::size_t>(1, plain.size() / 3);
  std::size_t best = limit + 1;
  std::string meant;
  for (const std::string& candidate : candidates) {
    std::size_t far = distance(plain, folded(candidate), limit);
    if (far < best) {
      best = far;
      meant = candidate;
    }
  }
  return meant;
}

}  // namespace openclaw::config
