// A configuration made of a JSON text, without files and validation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace openclaw::sandbox {

class FixedConfig final : public config::Config {
 public:
  explicit FixedConfig(std::string_view text) : root_(json::parse(text).as_object()) {}
  const json::object& root() const override { return root_; }
  const json::value* find(std::string_view path) const override {
    const json::object* at = &root_;
    while (true) {
      auto dot = path.find('.');
      const json::value* value = at->if_contains(path.substr(0, dot));
      if (!value || dot == std::string_view::npos) return value;
      at = value->if_object();
      if (!at) return nullptr;
      path = path.substr(dot + 1);
    }
  }
  config::Origin origin(std::string_view) const override { return {}; }
  const std::filesystem::path& file() const override { return file_; }
  bool file_exists() const override { return false; }
  const std::string& hash() const override { return hash_; }
  const std::vector<config::Issue>& warnings() const override { return warnings_; }

 private:
  json::object root_;
  std::filesystem::path file_;
  std::string hash_;
  std::vector<config::Issue> warnings_;
};

}  // namespace openclaw::sandbox
