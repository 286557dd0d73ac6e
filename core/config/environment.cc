#include "config/environment.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include "config/key_path.h"
#include "config/tree.h"

namespace openclaw::config {

namespace {

bool is_name_char(char c, bool first) {
  return (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

class Substitution {
 public:
  Substitution(const json::object& root, const EnvironmentReader& read, std::vector<Issue>& issues)
      : read_(read), issues_(issues) {
    // Copied, for the walk changes the tree.
    if (const json::object* env = object_in(root, "env")) {
      note(*env);
      if (const json::object* vars = object_in(*env, "vars")) note(*vars);
    }
  }

  void walk(json::value& value, const std::string& path) {
    if (json::string* text = value.if_string()) {
      if (text->find("${") != json::string::npos) value = expand(std::string(*text), path);
    } else if (json::array* array = value.if_array()) {
      for (std::size_t i = 0; i < array->size(); ++i) walk((*array)[i], join_index(path, i));
    } else if (json::object* object = value.if_object()) {
      if (text_in(*object, "source") == "env" && object->contains("id")) {
        std::string name = text_in(*object, "id");
        value = look_up(name, path).value_or("");
      } else {
        members(*object, path);
      }
    }
  }

  void members(json::object& object, const std::string& path) {
    for (auto& entry : object) walk(entry.value(), join_key(path, entry.key()));
  }

 private:
  void note(const json::object& section) {
    for (const auto& [key, value] : section) {
      if (value.is_string()) own_[std::string(key)] = std::string(value.get_string());
    }
  }

  std::optional<std::string> look_up(const std::string& name, const std::string& path) {
    auto value = read_(name);
    if (value && !value->empty()) return value;
    auto own = own_.find(name);
    if (own != own_.end() && own->second.find("${") == std::string::npos) return own->second;
    issues_.push_back({path,
                       "uses the environment variable " + name +
                           ", which is not set; set it, or write it in the env section",
                       {}});
    return std::nullopt;
  }

  std::string expand(const std::string& text, const std::string& path) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
      std::size_t dollar = text.find('$', at);
      if (dollar == std::string::npos) return out += text.substr(at);
      out += text.substr(at, dollar - at);
      bool escaped = text.compare(dollar, 3, "$${") == 0;
      std::size_t name_at = dollar + (escaped ? 3 : 2);
      std::size_t end = name_at;
      if (text.compare(name_at - 2, 2, "${") == 0) {
        while (end < text.size() && is_name_char(text[end], end == name_at)) ++end;
      }
      if (end == name_at || end >= text.size() || text[end] != '}') {
        out += '$';
        at = dollar + 1;
        continue;
      }
      std::string name = text.substr(name_at, end - name_at);
      out += escaped ? "${" + name + "}" : look_up(name, path).value_or("");
      at = end + 1;
    }
    return out;
  }

  const EnvironmentReader& read_;
  std::vector<Issue>& issues_;
  std::map<std::string, std::string> own_;
};

struct Override {
  const char* variable;
  const char* path;
};
constexpr std::array<Override, 4> kOverrides = {{
    {"OPENCLAW_GATEWAY_PORT", "gateway.port"},
    {"OPENCLAW_GATEWAY_BIND", "gateway.bind"},
    {"OPENCLAW_GATEWAY_TOKEN", "gateway.auth.token"},
    {"OPENCLAW_GATEWAY_PASSWORD", "gateway.auth.password"},
}};

}  // namespace

EnvironmentReader process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    // Nothing in this program calls setenv after its threads have started.
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (!value) return std::nullopt;
    return std::string(value);
  };
}

void substitute_variables(json::object& root, const EnvironmentReader& read,
                          std::vector<Issue>& issues) {
  Substitution(root, read, issues).members(root, "");
}

std::map<std::string, std::string, std::less<>> apply_overrides(json::object& root,
                                                                const EnvironmentReader& read) {
  std::map<std::string, std::string, std::less<>> applied;
  for (const Override& item : kOverrides) {
    auto text = read(item.variable);
    if (!text || text->empty()) continue;
    json::value value(*text);
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    bool is_number = error == std::errc() && end == text->data() + text->size();
    // A port that is no number stays text, and validation says what is wrong with it.
    if (is_number && std::string_view(item.path) == "gateway.port") value = number;
    auto path = parse_key_path(item.path);
    if (put_value(root, *path, std::move(value))) applied.emplace(item.path, item.variable);
  }
  return applied;
}

}  // namespace openclaw::config
