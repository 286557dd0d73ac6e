// ConfigData: the one implementation of Config. Filled by load.cc, then shared as const.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/document.h"

namespace openclaw::config {

class ConfigData final : public Config {
 public:
  const json::object& root() const override { return document.root; }
  const json::value* find(std::string_view path) const override;
  Origin origin(std::string_view path) const override;
  const std::filesystem::path& file() const override { return file_path; }
  bool file_exists() const override { return exists; }
  const std::string& hash() const override { return digest; }
  const std::vector<Issue>& warnings() const override { return warning_list; }

  Document document;
  std::map<std::string, std::string, std::less<>> overrides;  // path -> variable
  std::filesystem::path file_path;
  bool exists = false;
  std::string digest;
  std::vector<Issue> warning_list;
};

// "toml" or "json5", by the name of the file.
std::string_view format_of(const std::filesystem::path& file);
// The file that `configured` stands for: itself, or the openclaw.toml that a conversion left in its
// place.
std::filesystem::path actual_file(const std::filesystem::path& configured);

struct BuildOptions {
  std::string_view format;
  std::filesystem::path file;
  std::string home;
  std::string state_dir;
  bool exists = false;
  bool apply_environment_overrides = false;
};
Result<Snapshot> build_config(std::string_view text, const std::vector<ForeignSection>& foreign,
                              const BuildOptions& options);
inline constexpr std::string_view kCheckAdvice =
    "\nCorrect it, then check with: openclaw config validate";
// Lists the issues with file:line:column; details.kind is "config", details.issues has them.
Error invalid_config(const std::vector<Issue>& issues, const std::filesystem::path& file);
// What the first write makes of an openclaw.json. Comments of the JSON5 text are not carried over.
Result<std::string> json5_to_toml(std::string_view text, const std::filesystem::path& name);
// SHA-256 in hex.
std::string digest_of(std::string_view text);

}  // namespace openclaw::config
