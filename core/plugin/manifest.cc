#include "plugin/manifest.h"

#include <algorithm>

#include "plugin/config_check.h"

namespace openclaw::plugin {
namespace {

Error wrong(const std::string& key, std::string_view what) {
  return make_error(Code::kInvalidArgument, "\"" + key + "\" " + std::string(what));
}

bool plain_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Absent is fine and leaves `out` as it is.
Result<void> read_text(const json::object& object, std::string_view key, std::string& out) {
  const auto* value = object.if_contains(key);
  if (!value) return {};
  const auto* text = value->if_string();
  if (!text) return wrong(std::string(key), "must be a string");
  out = std::string(*text);
  return {};
}

Result<void> read_texts(const json::object& object, std::string_view key,
                        std::vector<std::string>& out) {
  const auto* value = object.if_contains(key);
  if (!value) return {};
  const auto* list = value->if_array();
  if (!list) return wrong(std::string(key), "must be a list of strings");
  for (const auto& item : *list) {
    const auto* text = item.if_string();
    if (!text) return wrong(std::string(key), "must hold strings only");
    out.emplace_back(*text);
  }
  return {};
}

Result<const json::object*> read_object(const json::object& object, std::string_view key) {
  static const json::object kNone;
  const auto* value = object.if_contains(key);
  if (!value) return &kNone;
  const auto* inner = value->if_object();
  if (!inner) return wrong(std::string(key), "must be an object");
  return inner;
}

Result<void> read_secrets(const json::object& permissions, Permissions& out) {
  const auto* value = permissions.if_contains("secrets");
  if (!value) return {};
  const auto* list = value->if_array();
  if (!list) return wrong("permissions.secrets", "must be a list");
  for (const auto& item : *list) {
    Permissions::SecretGrant grant;
    if (const auto* text = item.if_string()) {
      grant.name_pattern = std::string(*text);
    } else if (const auto* object = item.if_object()) {
      if (auto read = read_text(*object, "name", grant.name_pattern); !read) return read.error();
      if (auto read = read_texts(*object, "to", grant.hosts); !read) return read.error();
    }
    if (grant.name_pattern.empty()) {
      return wrong("permissions.secrets", "must hold names or objects with \"name\" and \"to\"");
    }
    out.secrets.push_back(std::move(grant));
  }
  return {};
}

Result<Permissions> read_permissions(const json::object& root) {
  Permissions out;
  auto object = read_object(root, "permissions");
  if (!object) return object.error();
  if (auto read = read_texts(**object, "services", out.services); !read) return read.error();
  if (auto read = read_texts(**object, "net", out.net); !read) return read.error();
  if (auto read = read_secrets(**object, out); !read) return read.error();
  std::string proxy;
  if (auto read = read_text(**object, "proxy", proxy); !read) return read.error();
  if (!proxy.empty() && !proxy.starts_with("config:"))
    return wrong("permissions.proxy", "must be \"config:KEY\"");
  if (!proxy.empty()) out.proxy_key = proxy.substr(7);
  if (const auto* value = (*object)->if_contains("privateNetwork")) {
    const auto* flag = value->if_bool();
    if (!flag) return wrong("permissions.privateNetwork", "must be true or false");
    out.private_network = *flag;
  }
  return out;
}

Result<void> read_native(const json::object& root, ManifestFile& out) {
  auto native = read_object(root, "native");
  if (!native) return native.error();
  out.library = "libopenclaw-" + out.manifest.id + ".so";
  out.isolation = "in-process";
  if (auto read = read_text(**native, "library", out.library); !read) return read.error();
  if (auto read = read_text(**native, "isolation", out.isolation); !read) return read.error();
  if (auto read = read_texts(**native, "provides", out.manifest.provides); !read)
    return read.error();
  if (out.library.empty() || out.library.size() > 128 || out.library.front() == '.' ||
      !std::all_of(out.library.begin(), out.library.end(),
                   [](char c) { return plain_character(c) || c == '.' || c == '+'; })) {
    return wrong("native.library", "must be the plain name of a file beside the manifest");
  }
  if (out.isolation != "in-process" && out.isolation != "process") {
    return wrong("native.isolation", "must be \"in-process\" or \"process\"");
  }
  return {};
}

}  // namespace

bool valid_plugin_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 59 && id.front() != '-' &&
         std::all_of(id.begin(), id.end(), plain_character);
}

Result<ManifestFile> parse_manifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes) return wrong("", "the manifest is larger than 256 KiB");
  boost::system::error_code failure;
  json::value value = json::parse(json::string_view(text.data(), text.size()), failure);
  if (failure) return make_error(Code::kInvalidArgument, "it is not JSON: " + failure.message());
  if (!value.is_object()) return make_error(Code::kInvalidArgument, "it is not a JSON object");
  ManifestFile out;
  Manifest& m = out.manifest;
  m.raw = std::move(value.get_object());
  if (auto read = read_text(m.raw, "id", m.id); !read) return read.error();
  if (!valid_plugin_id(m.id)) {
    return wrong("id", "must be 1 to 59 letters, digits, '-' or '_'");
  }
  for (auto [key, target] :
       {std::pair{"name", &m.name}, {"version", &m.version}, {"description", &m.description}}) {
    if (auto read = read_text(m.raw, key, *target); !read) return read.error();
  }
  if (m.name.empty()) m.name = m.id;
  for (auto [key, target] : {std::pair{"channels", &m.channels},
                             {"modelApis", &m.model_apis},
                             {"backends", &m.backends}}) {
    if (auto read = read_texts(m.raw, key, *target); !read) return read.error();
  }
  const auto* schema = m.raw.if_contains("configSchema");
  if (!schema || !schema->is_object()) return wrong("configSchema", "is missing or no object");
  if (has_foreign_reference(*schema)) return wrong("configSchema", std::string(kForeignReference));
  m.config_schema = schema->get_object();
  if (auto read = read_native(m.raw, out); !read) return read.error();
  auto permissions = read_permissions(m.raw);
  if (!permissions) return permissions.error();
  out.permissions = std::move(*permissions);
  return out;
}

bool same_manifest(const json::object& sidecar, std::string_view in_library) {
  boost::system::error_code failure;
  const json::value value =
      json::parse(json::string_view(in_library.data(), in_library.size()), failure);
  return !failure && value.is_object() && value.get_object() == sidecar;
}

}  // namespace openclaw::plugin
