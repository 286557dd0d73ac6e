// Random sandbox sections, from the configuration to the body for the engine, against the walls:
// whatever is written, no body that could hurt the host comes out. Needs no engine.
// OPENCLAW_RANDOM_CONFIGS=N makes it longer.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checked_body.h"
#include "sandbox/resolve.h"
#include "sandbox/sandbox_manager.h"
#include "sandbox/settings.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::sandbox {
namespace {

namespace fs = std::filesystem;

class RandomConfig : public ::testing::Test {
 protected:
  RandomConfig() {
    paths_.home = temp_.path();
    paths_.state_dir = temp_.path() / "state";
    paths_.config_file = paths_.state_dir / "openclaw.json";
    auto workspace = paths_.state_dir / "workspace";
    fs::create_directories(workspace / "inner");
    fs::create_directories(paths_.state_dir / "sandboxes" / derived_name("agent:main"));
    fs::create_directories(paths_.state_dir / "credentials");
    fs::create_directories(temp_.path() / "data");
    auto link = [&](const std::string& to, const char* name) {
      fs::create_directory_symlink(to, workspace / name);
      sources_.push_back((workspace / name).string());
    };
    link("/etc", "innocent");
    link("..", "up");
    link("/nowhere/at/all", "dangling");
    link("innocent", "chain");
    link("/var/run", "varrun");
    link("/proc/self/root/etc", "magic");
    for (const char* path : {"/etc",
                             "/ETC",
                             "/etc/",
                             "/etc/../etc",
                             "//etc",
                             "/etc/ssl",
                             "/",
                             "/.",
                             "/proc",
                             "/proc/1/root",
                             "/sys",
                             "/dev",
                             "/dev/shm",
                             "/root",
                             "/boot",
                             "/run",
                             "/var",
                             "/var/run/docker.sock",
                             "/run/docker.sock",
                             "relative",
                             "",
                             "/tmp/../etc"}) {
      sources_.emplace_back(path);
    }
    for (const auto& path :
         {temp_.path() / "data", workspace, workspace / "inner", workspace / ".." / "credentials",
          paths_.state_dir, temp_.path(), workspace / "inner" / ".." / ".." / "credentials"}) {
      sources_.push_back(path.string());
    }
  }

  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[random_() % from.size()];
  }

  json::value any() {
    static const std::vector<json::value> kValues = {
        "host",
        "HOST",
        " host ",
        "container:abc",
        "CONTAINER: x",
        "bridge",
        "none",
        "unconfined",
        "Unconfined",
        "",
        "ALL",
        "0:0",
        "1000:1000",
        "root",
        "privileged",
        true,
        false,
        nullptr,
        -1,
        0,
        1,
        1e300,
        "1g",
        "-1",
        "999999999999g",
        "/workspace",
        "/",
        "/proc/x",
        "/agent",
        "../x",
        "/.openclaw-init",
        json::array{},
        json::array{"ALL"},
        json::array{"SYS_ADMIN"},
        json::array{"/proc"},
        json::array{"/tmp:exec,suid"},
        json::array{"/x:rw,size=1m"},
        json::object{{"LANG", "C"}},
        json::object{{"A=B", "c"}, {"LD_PRELOAD", "x"}},
        json::object{{"nofile", 1}, {"nproc", json::object{{"soft", 9}, {"hard", 1}}}}};
    return pick(kValues);
  }

  json::object docker() {
    static const std::vector<std::string> kKeys = {
        "image", "containerPrefix", "workdir", "readOnlyRoot", "tmpfs", "network", "user",
        "capDrop", "env", "setupCommand", "pidsLimit", "memory", "memorySwap", "cpus", "ulimits",
        "seccompProfile", "apparmorProfile", "dns", "extraHosts", "execHelper", "runtime",
        "dangerouslyAllowReservedContainerTargets", "dangerouslyAllowExternalBindSources",
        "dangerouslyAllowContainerNamespaceJoin",
        // no keys of ours, and must not become the engine's
        "privileged", "capAdd", "devices", "pid", "ipc", "usernsMode", "securityOpt", "gpus",
        "HostConfig", "Privileged"};
    json::object out;
    for (std::size_t i = random_() % 5; i > 0; --i) out[pick(kKeys)] = any();
    if (random_() % 2 == 0) {
      static const std::vector<std::string> kTargets = {
          "/data", "/workspace/x", "/agent",        "/etc",           "/proc", "/",
          "",      "relative",     "/data/../proc", "/.openclaw-init"};
      json::array binds;
      for (std::size_t i = 1 + random_() % 2; i > 0; --i) {
        binds.emplace_back(pick(sources_) + ":" + pick(kTargets) +
                           (random_() % 2 == 0 ? ":ro" : ":rw,shared"));
      }
      out["binds"] = std::move(binds);
    }
    if (random_() % 3 == 0) out["dangerouslyAllowExternalBindSources"] = true;
    return out;
  }

  json::object config() {
    static const std::vector<json::value> kScopes = {"session", "agent", "shared"},
                                          kAccess = {"none", "ro", "rw"};
    json::object sandbox = {{"mode", "all"},
                            {"scope", pick(kScopes)},
                            {"workspaceAccess", pick(kAccess)},
                            {"docker", docker()}};
    json::object root;
    json::object defaults = {{"sandbox", std::move(sandbox)}};
    if (random_() % 4 == 0) defaults["workspace"] = pick(sources_);
    json::object agents = {{"defaults", std::move(defaults)}};
    if (random_() % 2 == 0)
      agents["list"] = json::array{
          json::object{{"id", "main"}, {"sandbox", json::object{{"docker", docker()}}}}};
    root["agents"] = std::move(agents);
    return root;
  }

  void expect_harmless(const json::object& body, const Settings& settings) {
    static const std::vector<std::string_view> kKnown = {"Image",      "Entrypoint", "Cmd",
                                                         "WorkingDir", "User",       "Env",
                                                         "Labels",     "OpenStdin",  "HostConfig"};
    for (const auto& [key, value] : body)
      EXPECT_THAT(kKnown, ::testing::Contains(std::string_view(key)));
    const json::object& host = body.at("HostConfig").as_object();
    for (const char* key :
         {"Privileged", "CapAdd", "Devices", "DeviceRequests", "DeviceCgroupRules", "PidMode",
          "UTSMode", "UsernsMode", "CgroupnsMode", "Binds", "VolumesFrom", "Sysctls", "GroupAdd",
          "OomKillDisable", "PublishAllPorts", "PortBindings"}) {
      EXPECT_FALSE(host.contains(key)) << key;
    }
    if (const json::value* runtime = host.if_contains("Runtime")) {
      EXPECT_THAT(std::string(runtime->as_string()), ::testing::MatchesRegex("[A-Za-z0-9._-]+"));
    }
    std::string network = std::string(host.at("NetworkMode").as_string());
    for (char& c : network) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(network.find("host"), std::string::npos);
    if (!settings.flag("docker.dangerouslyAllowContainerNamespaceJoin")) {
      EXPECT_EQ(network.find("container:"), std::string::npos);
    }
    EXPECT_EQ(host.at("IpcMode"), "private");
    EXPECT_FALSE(host.at("CapDrop").as_array().empty());
    std::string security = json::serialize(host.at("SecurityOpt"));
    EXPECT_EQ(host.at("SecurityOpt").at(0), "no-new-privileges");
    EXPECT_EQ(security.find("nconfined"), std::string::npos);
    for (const auto& mount : host.at("Mounts").as_array()) expect_harmless_mount(mount.as_object());
  }

  void expect_harmless_mount(const json::object& mount) {
    EXPECT_EQ(mount.at("BindOptions").at("Propagation"), "rprivate");
    std::string source(mount.at("Source").as_string());
    if (source == kInit) {
      EXPECT_EQ(mount.at("ReadOnly"), true);
      return;
    }
    std::string real = fs::canonical(source).string();
    EXPECT_EQ(real, source) << "what is checked is what is mounted";
    for (const char* root : {"/etc", "/proc", "/sys", "/dev", "/boot", "/run"}) {
      EXPECT_FALSE(real == root || real.starts_with(std::string(root) + "/")) << real;
    }
    std::string state = fs::canonical(paths_.state_dir).string();
    for (const std::string& holder :
         {std::string("/"), std::string("/var"), std::string("/root"), state,
          fs::canonical(temp_.path()).string(), state + "/credentials"}) {
      EXPECT_NE(real, holder);
    }
  }

  static constexpr const char* kInit = "/usr/lib/openclaw/openclaw-sandbox-init";
  storage::TempDir temp_;
  config::Paths paths_;
  std::vector<std::string> sources_;
  std::mt19937 random_{20261125};
};

TEST_F(RandomConfig, R178R179R195R196R197A8NoDangerousBodyComesOut) {
  const char* text = std::getenv("OPENCLAW_RANDOM_CONFIGS");
  int wanted = text ? std::atoi(text) : 4000, made = 0;
  for (int i = 0; i < wanted && !HasFailure(); ++i) {
    auto snapshot = config::from_json(config());
    View view = resolve_view(*snapshot, paths_, "", "agent:main:x");
    Settings settings = Settings::merge(snapshot->root(), view.agent_id);
    // Half of them without the first check: the last gate trusts nobody.
    if (i % 2 == 0 && !check_settings(settings).empty()) continue;
    auto body = docker::checked_body(view.spec, i % 3 == 0 ? kInit : "", "/var/run/docker.sock");
    if (body.has_error()) {
      EXPECT_FALSE(body.error().message.empty());
      continue;
    }
    ++made;
    expect_harmless(*body, settings);
    if (HasFailure())
      ADD_FAILURE() << json::serialize(snapshot->root()) << "\n" << json::serialize(*body);
  }
  EXPECT_GT(made, wanted / 20) << "the walls must not refuse everything";
}

}  // namespace
}  // namespace openclaw::sandbox
