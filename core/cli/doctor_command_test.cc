#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "cli/command_fixture_for_test.h"
#include "cli/doctor_checks.h"
#include "cli/engine_look.h"

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
  EXPECT_EQ(text_at(check(before, "gateway.mode"), "/fix"), "openclaw config set gateway.mode local");
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

// One connection after the other, each answered with the next of `replies`.
class ScriptedEngine {
 public:
  ScriptedEngine(const std::string& path, std::vector<std::string> replies)
      : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 4), 0);
    thread_ = std::thread([this, replies = std::move(replies)] {
      for (const auto& reply : replies) {
        int peer = accept(fd_, nullptr, nullptr);
        char block[1024];
        (void)!read(peer, block, sizeof block);
        (void)!::write(peer, reply.data(), reply.size());
        close(peer);
      }
    });
  }
  ~ScriptedEngine() {
    thread_.join();
    close(fd_);
  }

 private:
  int fd_;
  std::thread thread_;
};

TEST_F(DoctorCommand, EachTroubleWithTheEngineHasItsOwnFix) {
  auto path = (temp_.path() / "engine.sock").string();
  using State = EngineLook::State;
  auto absent = look_at_engine("unix:" + path, "img:1");
  EXPECT_EQ(absent.state, State::kNoSocket);
  EXPECT_THAT(absent.fix, HasSubstr("systemctl start docker"));
  {
    ScriptedEngine engine(path, {"HTTP/1.0 200 OK\r\n\r\nOK", "HTTP/1.0 404 Not Found\r\n\r\n"});
    auto look = look_at_engine("unix:" + path, "img:1");
    EXPECT_EQ(look.state, State::kNoImage);
    EXPECT_EQ(look.fix, "scripts/sandbox-setup.sh img:1");
  }
  EXPECT_EQ(look_at_engine("unix:" + path, "img:1").state, State::kNoAnswer);
  fs::remove(path);
  ScriptedEngine engine(path, {"HTTP/1.0 200 OK\r\n\r\nOK", "HTTP/1.0 200 OK\r\n\r\n{}"});
  EXPECT_EQ(look_at_engine("unix:" + path, "img:1").state, State::kReady);
}

TEST_F(DoctorCommand, WithoutAnEngineTheOtherBackendsAreOffered) {
  auto config = config::from_json(
      {{"agents", {{"defaults", {{"sandbox", {{"mode", "all"}}}}}}},
       {"plugins", {{"entries", {{"one", {{"config", {{"engine", "unix:/no/engine.sock"}}}}}}}}}});
  std::vector<plugin::PluginInfo> plugins(3);
  plugins[0].id = "one";
  plugins[0].manifest.backends = {"docker"};
  plugins[1].id = "two";
  plugins[1].manifest.backends = {"other"};
  plugins[1].manifest.description = "Needs nothing.";
  plugins[2].id = "three";
  plugins[2].manifest.backends = {"refused"};
  plugins[0].usable = plugins[1].usable = true;
  config::Paths paths;
  paths.home = paths.state_dir = temp_.path();
  std::vector<Check> checks;
  check_sandbox(paths, *config, plugins, checks);
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_EQ(checks[0].status, Check::Status::kFail);
  EXPECT_EQ(checks[1].detail, "can be used instead. Needs nothing.");
  EXPECT_EQ(checks[1].fix, "openclaw config set agents.defaults.sandbox.backend other");
}

}  // namespace
}  // namespace openclaw::cli
