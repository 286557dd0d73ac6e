#include "cli/doctor_checks.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <set>

#include "cli/disk_checks.h"
#include "gateway/agents_catalogue.h"
#include "json_fields.h"
#include "sandbox/sandbox_manager.h"
#include "sandbox/settings.h"
#include "sandbox/setup_check.h"

namespace openclaw::cli {

using Status = Check::Status;

namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

Check make(std::string id, std::string title, Status status, std::string detail,
           std::string fix = {}) {
  Check check;
  check.id = std::move(id);
  check.title = std::move(title);
  check.status = status;
  check.detail = std::move(detail);
  check.fix = std::move(fix);
  return check;
}

const plugin::PluginInfo* backend_plugin(const std::vector<plugin::PluginInfo>& plugins,
                                         const std::string& backend) {
  const plugin::PluginInfo* refused = nullptr;
  for (const auto& info : plugins) {
    const auto& names = info.manifest.backends;
    if (std::find(names.begin(), names.end(), backend) == names.end()) continue;
    if (info.usable) return &info;
    refused = &info;
  }
  return refused;
}

using Findings = Result<std::vector<sandbox::Finding>>;

bool all_well(const Findings& found) {
  return found.has_value() &&
         std::all_of(found->begin(), found->end(), [](const auto& finding) { return finding.ok; });
}

// A trouble that every backend has is one of the settings: another backend is no way out of it.
bool shares_trouble(const Findings& one, const Findings& other) {
  if (one.has_error() || other.has_error()) return false;
  return std::any_of(one->begin(), one->end(), [&](const auto& mine) {
    return !mine.ok && std::any_of(other->begin(), other->end(), [&](const auto& theirs) {
      return !theirs.ok && theirs.detail == mine.detail;
    });
  });
}

// There is a trouble and nothing to type about it.
bool is_hopeless(const std::vector<sandbox::Finding>& found) {
  return std::any_of(found.begin(), found.end(),
                     [](const auto& finding) { return !finding.ok && finding.fix.empty(); });
}

// What else may run this sandbox, as the manifests tell it and the backends find this host.
void offer_other_backends(const std::vector<plugin::PluginInfo>& plugins, const SandboxProbe& probe,
                          sandbox::View view, const Findings& here, std::vector<Check>& out) {
  const std::string backend = view.backend;
  for (const auto& info : plugins) {
    for (const auto& name : info.manifest.backends) {
      if (!info.usable || name == backend) continue;
      view.backend = name;
      auto found = probe(view);
      std::string detail = "can be used instead. " + info.manifest.description;
      std::string fix = "openclaw config set agents.defaults.sandbox.backend " + name;
      if (found.has_error() || shares_trouble(here, found) || is_hopeless(*found)) continue;
      for (auto finding = found->rbegin(); finding != found->rend(); ++finding) {
        if (finding->ok) continue;
        detail += " Before that: " + finding->detail;
        if (!finding->fix.empty()) fix = finding->fix + " && " + fix;
      }
      out.push_back(
          make("sandbox.alternative", "Sandbox backend " + name, Status::kInfo, detail, fix));
    }
  }
}

void check_backend(const std::vector<plugin::PluginInfo>& plugins, const SandboxProbe& probe,
                   const sandbox::View& view, std::vector<Check>& out) {
  const std::string title = "Sandbox backend " + view.backend;
  const auto* provider = backend_plugin(plugins, view.backend);
  if (!provider || !provider->usable) {
    out.push_back(make("sandbox.backend", title, Status::kFail,
                       provider ? provider->reason : "no plugin provides it",
                       "openclaw plugins list"));
    return;
  }
  auto found = probe(view);
  if (found.has_error()) {
    out.push_back(make("sandbox.engine", title, Status::kFail, found.error().message,
                       "openclaw plugins inspect " + provider->id));
  } else {
    for (const auto& finding : *found) {
      out.push_back(make("sandbox.engine", title, finding.ok ? Status::kOk : Status::kFail,
                         finding.detail, finding.fix));
    }
  }
  if (!all_well(found)) offer_other_backends(plugins, probe, view, found, out);
}

// All agents that share a backend and an image. Each has a workspace and a user of its own, but an
// engine that hangs does so for all of them.
void check_views(const std::vector<plugin::PluginInfo>& plugins, const SandboxProbe& probe,
                 const std::vector<sandbox::View>& views, std::vector<Check>& out) {
  constexpr std::chrono::seconds kPatience{3};
  for (const auto& view : views) {
    std::vector<Check> found;
    auto begun = std::chrono::steady_clock::now();
    check_backend(plugins, probe, view, found);
    for (auto& check : found) {
      bool told = std::any_of(out.begin(), out.end(), [&](const Check& other) {
        return other.title == check.title && other.detail == check.detail;
      });
      if (!told) out.push_back(std::move(check));
    }
    if (std::chrono::steady_clock::now() - begun > kPatience) return;
  }
}

void check_walls(const sandbox::View& view, std::set<std::string>& told, std::vector<Check>& out) {
  for (const auto& key : sandbox::open_walls(*view.settings)) {
    if (!told.insert(key).second) continue;
    out.push_back(make("sandbox.walls", "Sandbox settings", Status::kWarn,
                       key + " is set: a wall of the sandbox is down",
                       "openclaw config unset " + key));
  }
}

bool has_environment_key() {
  for (const char* name : {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    if (value && *value) return true;
  }
  return false;
}

}  // namespace

std::string_view status_name(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kInfo:
      return "info";
    case Status::kWarn:
      return "warn";
    case Status::kFail:
      return "fail";
  }
  return "fail";
}

void check_config_file(const config::Paths& paths, const Result<config::Snapshot>& config,
                       std::vector<Check>& out) {
  if (config.has_error()) {
    out.push_back(make("config.valid", "Configuration", Status::kFail, config.error().message,
                       "openclaw config validate"));
    return;
  }
  if (!(*config)->file_exists()) {
    out.push_back(make("config.exists", "Configuration", Status::kWarn,
                       "there is none yet (" + paths.config_file.string() + ")",
                       "openclaw onboard"));
    return;
  }
  out.push_back(make("config.valid", "Configuration", Status::kOk, (*config)->file().string()));
  for (const auto& warning : (*config)->warnings()) {
    out.push_back(make("config.warning", "Configuration", Status::kWarn,
                       warning.path + " (" + warning.origin.text() + ") " + warning.message,
                       "openclaw config get " + warning.path));
  }
}

void check_mode(const config::Paths& paths, const config::Config& config, std::vector<Check>& out) {
  auto mode = config.get_string("gateway.mode");
  if (mode == "local" || mode == "remote") {
    out.push_back(make("gateway.mode", "gateway.mode", Status::kOk, mode));
    return;
  }
  auto check = make("gateway.mode", "gateway.mode", Status::kFail,
                    "it is not set, so `openclaw gateway run` refuses to start here",
                    "openclaw config set gateway.mode local");
  check.repair = [paths] { return config::set_value(paths, "gateway.mode", "local", {}); };
  out.push_back(std::move(check));
}

void check_disk(const config::Paths& paths, std::vector<Check>& out) {
  std::error_code failed;
  if (!std::filesystem::is_directory(paths.state_dir, failed)) {
    out.push_back(make("state.exists", "State directory", Status::kInfo,
                       paths.state_dir.string() + " does not exist yet; the first start makes it"));
    return;
  }
  auto problems = check_private_paths(paths);
  if (problems.empty()) {
    out.push_back(make("state.private", "State directory", Status::kOk,
                       paths.state_dir.string() + " belongs to this user alone"));
  }
  for (const auto& problem : problems) {
    auto check =
        make("state.private", "State directory", Status::kFail,
             problem.path.string() + " (" + problem.what + "): " + problem.detail, problem.fix);
    if (problem.kind != PathProblem::Kind::kForeignOwner) {
      check.repair = [problem] { return make_private(problem); };
    }
    out.push_back(std::move(check));
  }
  auto space = disk_space(paths.state_dir);
  if (space.has_error()) {
    out.push_back(make("disk.space", "Disk space", Status::kWarn, space.error().message));
    return;
  }
  auto free = std::to_string(space->free_bytes / kMiB) + " MiB free";
  auto status = space->free_bytes < 64 * kMiB    ? Status::kFail
                : space->free_bytes < 512 * kMiB ? Status::kWarn
                                                 : Status::kOk;
  if (space->counts_inodes && space->free_inodes < 1000) {
    status = Status::kFail;
    free += ", " + std::to_string(space->free_inodes) + " inodes free";
  }
  out.push_back(make("disk.space", "Disk space", status, free,
                     status == Status::kOk ? "" : "df -h '" + paths.state_dir.string() + "'"));
}

void check_plugins(const std::vector<plugin::PluginInfo>& plugins, std::vector<Check>& out) {
  std::size_t usable = 0;
  for (const auto& info : plugins) {
    if (info.usable) ++usable;
    if (info.state == plugin::State::kRefused) {
      out.push_back(make("plugins.refused", "Plugin " + info.id, Status::kFail, info.reason,
                         "openclaw plugins inspect '" + info.library.string() + "'"));
    }
  }
  auto status = usable == 0 ? Status::kFail : Status::kOk;
  out.push_back(
      make("plugins.usable", "Plugins", status,
           std::to_string(usable) + " of " + std::to_string(plugins.size()) + " may be loaded",
           usable == 0 ? "openclaw plugins list" : ""));
}

void check_sandbox(const config::Paths& paths, const config::Config& config,
                   const std::vector<plugin::PluginInfo>& plugins, const SandboxProbe& probe,
                   std::vector<Check>& out) {
  for (const auto& issue : sandbox::check_config(config)) {
    out.push_back(make("sandbox.settings", "Sandbox settings", Status::kFail,
                       issue.path + " (" + issue.origin.text() + "): " + issue.message,
                       "openclaw config get " + issue.path));
  }
  // By backend and image.
  std::map<std::pair<std::string, std::string>, std::vector<sandbox::View>> views;
  std::set<std::string> told;
  for (const auto& agent : gateway::agent_ids(config)) {
    auto view = sandbox::resolve_view(config, paths, agent, "agent:" + agent + ":probe");
    if (!view.sandboxed) continue;
    if (auto problem = sandbox::setup_problem(view.spec); !problem.empty()) {
      out.push_back(make("sandbox.setup", "Sandbox settings", Status::kFail, problem,
                         "openclaw sandbox explain --agent " + agent));
    }
    check_walls(view, told, out);
    views[{view.backend, text_of(view.spec, "image")}].push_back(std::move(view));
  }
  if (views.empty()) {
    out.push_back(make("sandbox.mode", "Sandbox", Status::kInfo,
                       "off: tools run on this host, as this user",
                       "openclaw config set agents.defaults.sandbox.mode non-main"));
  }
  for (const auto& [key, same] : views) check_views(plugins, probe, same, out);
}

void check_model(const config::Config& config, std::vector<Check>& out) {
  auto model = gateway::default_model(config);
  const auto* providers = config.find("models.providers");
  bool has_provider = providers && providers->is_object() && !providers->get_object().empty();
  if (!model.empty() || has_provider || has_environment_key()) {
    out.push_back(make("model.configured", "Model", Status::kOk,
                       model.empty() ? "a provider is configured" : model));
    return;
  }
  out.push_back(
      make("model.configured", "Model", Status::kWarn,
           "none is configured; commands and tools work, plain text gets no answer "
           "unless a local model server runs",
           "openclaw onboard   # or: export ANTHROPIC_API_KEY=... before the gateway starts"));
}

void check_port(const config::Config& config, std::vector<Check>& out) {
  auto port = config.get_int("gateway.port", 18789);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // On loopback the answer is immediate, yes or no.
  bool taken = fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (fd >= 0) close(fd);
  if (!taken) return;
  out.push_back(make("gateway.port", "Port " + std::to_string(port), Status::kFail,
                     "another program listens there, and no gateway runs on this state directory",
                     "ss -ltnp 'sport = :" + std::to_string(port) +
                         "'   # or: openclaw config set gateway.port " + std::to_string(port + 1)));
}

}  // namespace openclaw::cli
