#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/command_fixture_for_test.h"
#include "cli/doctor_checks.h"

namespace openclaw::cli {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class DoctorCommand : public CommandTest {
 protected:
  json::value check(const Outcome& outcome, std::string_view id) {
    return element(outcome.json, "/checks", "/id", id);
  }
};

TEST_F(DoctorCommand, FindsAMissingModeAndRepairsIt) {
  auto before = run({"doctor", "--json"});
  EXPECT_EQ(before.code, 1);
  EXPECT_EQ(before.json.at("ok"), false);
  EXPECT_EQ(text_at(check(before, "gateway.mode"), "/status"), "fail");
  EXPECT_EQ(text_at(check(before, "gateway.mode"), "/fix"),
            "openclaw config set gateway.mode local");
  auto fixed = run({"doctor", "--fix", "--json"});
  EXPECT_EQ(text_at(check(fixed, "gateway.mode"), "/status"), "fixed");
  auto after = run({"doctor", "--json"});
  EXPECT_EQ(text_at(check(after, "gateway.mode"), "/status"), "ok");
}

TEST_F(DoctorCommand, FindsFilesThatOthersCanReadAndClosesThem) {
  config("[gateway]\nmode = \"local\"\n");
  auto secrets = state / "secrets.json";
  write(secrets, "{}", 0644);
  auto text = run({"doctor"});
  EXPECT_EQ(text.code, 1);
  EXPECT_THAT(text.out, HasSubstr("mode 0644: everybody may read it"));
  EXPECT_THAT(text.out, HasSubstr("fix: chmod 600 '" + secrets.string() + "'"));
  run({"doctor", "--repair"});
  EXPECT_EQ(fs::status(secrets).permissions(), fs::perms(0600));
}

TEST_F(DoctorCommand, ShowsWhatIsWrongWithTheConfiguration) {
  config("[gateway]\nmod = \"local\"\n");
  auto outcome = run({"doctor", "--json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(text_at(check(outcome, "config.valid"), "/detail"), HasSubstr("openclaw.toml:2"));
}

TEST_F(DoctorCommand, FindsAStrangerOnThePort) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(fd, 4), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  auto port = std::to_string(ntohs(address.sin_port));
  config("[gateway]\nmode = \"local\"\nport = " + port + "\n");
  auto outcome = run({"doctor", "--json"});
  EXPECT_EQ(text_at(check(outcome, "gateway.port"), "/status"), "fail");
  EXPECT_THAT(text_at(check(outcome, "gateway.port"), "/fix"), HasSubstr("sport = :" + port));
  close(fd);
  EXPECT_EQ(text_at(check(run({"doctor", "--json"}), "gateway.running"), "/fix"),
            "openclaw gateway run");
}

TEST_F(DoctorCommand, NamesRefusedPluginsAndAMissingBackend) {
  config("[gateway]\nmode = \"local\"\n[agents.defaults.sandbox]\nmode = \"all\"\n");
  fs::permissions(put_plugin(bundled, "face") / "libopenclaw-face.so", fs::perms(0666));
  auto outcome = run({"doctor", "--json"});
  EXPECT_THAT(text_at(check(outcome, "plugins.refused"), "/detail"), HasSubstr("chmod go-w"));
  EXPECT_EQ(text_at(check(outcome, "sandbox.backend"), "/detail"), "no plugin provides it");
}

std::vector<plugin::PluginInfo> two_backends() {
  std::vector<plugin::PluginInfo> plugins(3);
  plugins[0].id = "one";
  plugins[0].manifest.backends = {"docker"};
  plugins[1].id = "two";
  plugins[1].manifest.backends = {"other"};
  plugins[1].manifest.description = "Needs nothing.";
  plugins[2].id = "three";
  plugins[2].manifest.backends = {"refused"};
  plugins[0].usable = plugins[1].usable = true;
  return plugins;
}

std::vector<Check> checks_with(const fs::path& home, const SandboxProbe& probe) {
  auto config = config::from_json({{"agents", {{"defaults", {{"sandbox", {{"mode", "all"}}}}}}}});
  config::Paths paths;
  paths.home = paths.state_dir = home;
  std::vector<Check> checks;
  check_sandbox(paths, *config, two_backends(), probe, checks);
  return checks;
}

TEST_F(DoctorCommand, WithoutAnEngineTheOtherBackendsAreOffered) {
  auto checks = checks_with(temp_.path(), [](const sandbox::View& view) {
    bool well = view.backend != "docker";
    return std::vector<sandbox::Finding>{{well, "looked at " + view.backend, well ? "" : "repair"}};
  });
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_EQ(checks[0].status, Check::Status::kFail);
  EXPECT_EQ(checks[0].detail, "looked at docker");
  EXPECT_EQ(checks[0].fix, "repair");
  EXPECT_EQ(checks[1].detail, "can be used instead. Needs nothing.");
  EXPECT_EQ(checks[1].fix, "openclaw config set agents.defaults.sandbox.backend other");
}

TEST_F(DoctorCommand, WhatAnOfferedBackendNeedsComesFirst) {
  auto checks = checks_with(temp_.path(), [](const sandbox::View& view) {
    return std::vector<sandbox::Finding>{
        {false, view.backend + " is absent", "get " + view.backend}};
  });
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_THAT(checks[1].detail, HasSubstr("Before that: other is absent"));
  EXPECT_EQ(checks[1].fix,
            "get other && openclaw config set agents.defaults.sandbox.backend other");
}

TEST_F(DoctorCommand, ABackendThatIsWellOffersNoOther) {
  auto checks = checks_with(temp_.path(), [](const sandbox::View&) {
    return std::vector<sandbox::Finding>{{true, "all is there", ""}};
  });
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].status, Check::Status::kOk);
}

TEST_F(DoctorCommand, A8EachKeyThatTakesAWallDownIsNamed) {
  auto config = config::from_json(
      {{"agents",
        {{"defaults", {{"sandbox", {{"mode", "all"}}}}},
         {"list",
          {{{"id", "one"}},
           {{"id", "two"},
            {"sandbox", {{"docker", {{"dangerouslyAllowExternalBindSources", true}}}}}}}}}}});
  config::Paths paths;
  paths.home = paths.state_dir = temp_.path();
  std::vector<Check> checks;
  auto probe = [](const sandbox::View& view) {
    return std::vector<sandbox::Finding>{{view.agent_id == "one", "for " + view.agent_id, ""}};
  };
  check_sandbox(paths, *config, two_backends(), probe, checks);
  ASSERT_EQ(checks.size(), 3u);
  EXPECT_EQ(checks[0].status, Check::Status::kWarn);
  EXPECT_EQ(checks[0].fix,
            "openclaw config unset "
            "agents.list[1].sandbox.docker.dangerouslyAllowExternalBindSources");
  // Agents with the same image have other folders and users.
  EXPECT_EQ(checks[1].detail, "for one");
  EXPECT_EQ(checks[2].detail, "for two");
  EXPECT_EQ(checks[2].status, Check::Status::kFail);
}

}  // namespace
}  // namespace openclaw::cli
