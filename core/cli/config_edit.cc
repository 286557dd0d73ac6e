#include "cli/config_edit.h"

#include <algorithm>
#include <array>

#include "program/state_lock.h"
#include "storage/atomic_file.h"

namespace openclaw::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 4ULL * 1024 * 1024;

// Read once, when the gateway starts.
constexpr std::array<std::string_view, 6> kStartKeys{
    "gateway.port", "gateway.bind", "gateway.customBindHost", "gateway.tls", "logging.level", "plugins"};

bool within(std::string_view path, std::string_view section) {
  return path.starts_with(section) &&
         (path.size() == section.size() || path[section.size()] == '.' || path[section.size()] == '[');
}

bool needs_restart(std::string_view path) {
  return std::any_of(kStartKeys.begin(), kStartKeys.end(),
                     [&](std::string_view key) { return within(path, key) || within(key, path); });
}

}  // namespace

Result<config::Snapshot> file_config(const Context& context, const std::vector<config::ForeignSection>& foreign) {
  auto checked = config::load(context.paths(), foreign);
  if (checked.has_error()) return checked;
  const auto& file = (*checked)->file();
  if (!(*checked)->file_exists()) return config::parse("", "toml", file, foreign);
  auto text = storage::read_file_bounded(file, kMaxFileBytes);
  if (text.has_error()) return text.error();
  return config::parse(*text, file.extension() == ".toml" ? "toml" : "json5", file, foreign);
}

void note_effects(Context& context, const std::vector<std::string>& paths) {
  auto now = context.quick_config();
  if (now.has_error()) return;
  for (const auto& path : paths) {
    auto origin = (*now)->origin(path);
    if (origin.kind == config::Origin::Kind::kEnvironment) {
      context.out().note("Note: the environment variable " + origin.file + " is set and wins over " + path + ".");
    }
  }
  if (!gateway::running_gateway(context.paths().state_dir)) return;
  if ((*now)->get_string("gateway.reload.mode") == "off" ||
      std::any_of(paths.begin(), paths.end(), needs_restart)) {
    context.out().note("Restart the gateway to apply.");
  }
}

bool write_config(Context& context, const std::vector<config::Change>& changes,
                  const std::vector<config::ForeignSection>& foreign) {
  auto written = config::set_values(context.paths(), changes, foreign);
  if (written.has_error()) {
    context.fail(written.error());
    return false;
  }
  std::vector<std::string> paths;
  for (const auto& change : changes) paths.push_back(change.path);
  note_effects(context, paths);
  return true;
}

}  // namespace openclaw::cli
