#include "config/config.h"

#include <cmath>
#include <limits>

#include "config/config_data.h"
#include "config/key_path.h"

namespace openclaw::config {

std::string Origin::text() const {
  if (kind == Kind::kDefault) return "default";
  if (kind == Kind::kEnvironment) return file;
  std::string name = std::filesystem::path(file).filename().string();
  if (line <= 0) return name;
  return name + ":" + std::to_string(line) + ":" + std::to_string(column);
}

bool Config::get_bool(std::string_view path, bool otherwise) const {
  const json::value* value = find(path);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

std::int64_t Config::get_int(std::string_view path, std::int64_t otherwise) const {
  const json::value* value = find(path);
  if (!value) return otherwise;
  if (value->is_int64()) return value->get_int64();
  if (value->is_double() && std::abs(value->get_double()) < 9.0e18) {
    return static_cast<std::int64_t>(value->get_double());
  }
  return otherwise;
}

double Config::get_double(std::string_view path, double otherwise) const {
  const json::value* value = find(path);
  if (!value) return otherwise;
  if (value->is_double()) return value->get_double();
  if (value->is_int64()) return static_cast<double>(value->get_int64());
  return otherwise;
}

std::string Config::get_string(std::string_view path, std::string_view otherwise) const {
  const json::value* value = find(path);
  return std::string(value && value->is_string() ? std::string_view(value->get_string())
                                                 : otherwise);
}

std::vector<std::string> Config::get_strings(std::string_view path) const {
  std::vector<std::string> out;
  const json::value* value = find(path);
  const json::array* array = value ? value->if_array() : nullptr;
  if (!array) return out;
  for (const json::value& entry : *array) {
    if (const json::string* text = entry.if_string()) {
      out.emplace_back(*text);
    } else if (entry.is_number()) {
      out.push_back(json::serialize(entry));  // ids may be written without quotes
    }
  }
  return out;
}

const json::value* ConfigData::find(std::string_view path) const {
  auto steps = parse_key_path(path);
  return steps && !steps->empty() ? find_value(document.root, *steps) : nullptr;
}

Origin ConfigData::origin(std::string_view path) const {
  std::string canonical = canonical_path(path);
  if (auto found = overrides.find(canonical); found != overrides.end()) {
    return {Origin::Kind::kEnvironment, found->second, 0, 0};
  }
  if (!find(path)) return {};
  Place place = document.place(canonical);
  return {Origin::Kind::kFile, file_path.string(), place.value.line, place.value.column};
}

Place Document::place(std::string_view path) const {
  std::string_view rest = path;
  while (!rest.empty()) {
    if (auto found = places.find(rest); found != places.end()) return found->second;
    // Cuts the last part off; a quoted one may hold dots, so the cut is made at the tree's own
    // joints.
    std::size_t cut = rest.find_last_of(".[");
    while (cut != std::string_view::npos && cut > 0 &&
           places.find(rest.substr(0, cut)) == places.end()) {
      cut = rest.find_last_of(".[", cut - 1);
    }
    if (cut == std::string_view::npos) break;
    rest = rest.substr(0, cut);
  }
  return {};
}

Result<void> require_local_mode(const Config& config) {
  std::string mode = config.get_string("gateway.mode");
  if (mode == "local") return {};
  std::string said = mode.empty() ? "gateway.mode is not set"
                                  : "gateway.mode is \"" + mode + "\" (" +
                                        config.origin("gateway.mode").text() + ")";
  return Error(Code::kFailedPrecondition,
               said +
                   ", and this machine runs a gateway only when it is \"local\"; type: openclaw "
                   "config set gateway.mode local, or start with --allow-unconfigured");
}

Snapshot from_json(json::object root) {
  auto data = std::make_shared<ConfigData>();
  data->document.root = std::move(root);
  data->file_path = "openclaw.toml";
  return data;
}

}  // namespace openclaw::config
