// The commands that work without a gateway, against a real engine: sandbox list, sandbox recreate,
// doctor.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "command_fixture.h"
#include "json_pointer.h"

namespace openclaw::sandbox {
namespace {

using ::testing::HasSubstr;

class SandboxCommands : public CommandFixture {
 protected:
  json::value check(const json::value& report, std::string_view id) {
    for (const auto& one : report.at("checks").as_array()) {
      if (text_at(one, "/id") == id) return one;
    }
    return nullptr;
  }
};

TEST_F(SandboxCommands, R206ListAndRecreateWorkWithoutAGateway) {
  configure("{}");
  ASSERT_EQ(sh("true").code(), 0);
  auto listed = openclaw({"sandbox", "list"});
  EXPECT_EQ(code_, 0);
  EXPECT_EQ(text_at(listed, "/source"), "engine");
  ASSERT_EQ(listed.at("containers").as_array().size(), 1U);
  EXPECT_EQ(text_at(listed, "/containers/0/containerName"), name_of());
  EXPECT_EQ(text_at(listed, "/containers/0/state"), "running");
  EXPECT_EQ(*find_at(listed, "/containers/0/stale"), json::value(false));
  auto other = openclaw({"sandbox", "recreate", "--agent", "other"});
  EXPECT_EQ(other.at("removed").as_array().size(), 0U);
  auto removed = openclaw({"sandbox", "recreate", "--session", "agent:main:x"});
  EXPECT_EQ(code_, 0);
  EXPECT_EQ(text_at(removed, "/removed/0"), name_of());
  EXPECT_TRUE(inspect(name_of()).is_null());
  EXPECT_EQ(sh("true").code(), 0);  // made anew, without anybody's help
}

TEST_F(SandboxCommands, D13PruneRemovesWhatIsOutOfDateAndIdleOnly) {
  configure(R"({"scope":"session"})");
  ASSERT_EQ(sh("true", "agent:main:busy").code(), 0);
  auto last_used = now_ms_;
  now_ms_ -= std::int64_t{25} * 60 * 60 * 1000;
  ASSERT_EQ(sh("true", "agent:main:idle").code(), 0);
  now_ms_ = last_used;
  run(manager_->stop(Deadline::after(std::chrono::seconds(5))));
  EXPECT_EQ(openclaw({"sandbox", "prune"}).at("removed"), json::array());
  configure(R"({"scope":"session"})", R"({"memory":"512m"})");
  auto removed = openclaw({"sandbox", "prune"});
  EXPECT_EQ(code_, 0);
  EXPECT_EQ(removed.at("removed"), (json::array{json::string(name_of("agent:main:idle"))}));
  EXPECT_TRUE(inspect(name_of("agent:main:idle")).is_null());
  EXPECT_FALSE(inspect(name_of("agent:main:busy")).is_null());
}

TEST_F(SandboxCommands, PruneSaysWhenNobodyCouldBeAsked) {
  configure("{}");
  ASSERT_EQ(sh("true").code(), 0);
  shut_down_gateway();
  configure_whole(R"({"agents":{"defaults":{"sandbox":{"mode":"all"}}},
      "plugins":{"entries":{"sandbox-docker":{"config":{"engine":"unix:/nobody-here.sock"}}}}})");
  auto said = openclaw({"sandbox", "prune"});
  EXPECT_NE(code_, 0);
  EXPECT_THAT(json::serialize(said), HasSubstr("/nobody-here.sock does not exist"));
}

TEST_F(SandboxCommands, R233DoctorSeesTheEngineAndAMissingImage) {
  configure("{}");
  EXPECT_EQ(text_at(check(openclaw({"doctor"}), "sandbox.engine"), "/status"), "ok");
  configure("{}", R"({"image":"no-such-image:1"})");
  auto missing = check(openclaw({"doctor"}), "sandbox.engine");
  EXPECT_EQ(code_, 1);
  EXPECT_EQ(text_at(missing, "/fix"), "docker pull no-such-image:1");
  configure("{}", R"({"image":"openclaw-sandbox:no-such-tag"})");
  EXPECT_EQ(text_at(check(openclaw({"doctor"}), "sandbox.engine"), "/fix"),
            "scripts/sandbox-setup.sh openclaw-sandbox:no-such-tag");
}

TEST_F(SandboxCommands, DoctorLooksAtTheWorkspaceToo) {
  auto troubles = [&] {
    std::string all;
    auto report = openclaw({"doctor"});
    for (const auto& one : report.at("checks").as_array()) {
      if (text_at(one, "/id") == "sandbox.engine" && text_at(one, "/status") != "ok")
        all += text_at(one, "/detail") + " -> " + text_at(one, "/fix") + "\n";
    }
    return all;
  };
  configure("{}", R"({"user":"1234:1234"})");
  EXPECT_EQ(troubles(), "");  // nothing was made yet, which is no trouble
  std::filesystem::create_directories(manager_->resolve("", "agent:main:x").host_workspace);
  EXPECT_THAT(troubles(), HasSubstr("would run as 1234:1234, but the workspace"));
  EXPECT_THAT(troubles(), HasSubstr("-> openclaw config set agents.defaults.sandbox.docker.user"));
  EXPECT_TRUE(check(openclaw({"doctor"}), "sandbox.alternative").is_null());
}

TEST_F(SandboxCommands, DoctorNamesEachTroubleWithTheEngineAndWhatElseCanBeUsed) {
  auto socket = temp_.path() / "engine.sock";
  configure_whole(R"({"agents":{"defaults":{"sandbox":{"mode":"all"}}},
      "plugins":{"entries":{"sandbox-docker":{"config":{"engine":"unix:)" +
                  socket.string() + R"("}}}}})");
  auto report = openclaw({"doctor"});
  EXPECT_THAT(text_at(check(report, "sandbox.engine"), "/detail"), HasSubstr("does not exist"));
  EXPECT_THAT(text_at(check(report, "sandbox.engine"), "/fix"),
              HasSubstr("systemctl start docker"));
  EXPECT_THAT(text_at(check(report, "sandbox.alternative"), "/fix"),
              HasSubstr("openclaw config set agents.defaults.sandbox.backend bwrap"));
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);  // the name stays, and nobody listens
  EXPECT_THAT(text_at(check(openclaw({"doctor"}), "sandbox.engine"), "/fix"),
              HasSubstr("systemctl restart docker"));
}

// Docker without root, and Podman, have no socket in /var/run.
TEST_F(SandboxCommands, DoctorFindsAnEngineThatListensElsewhere) {
  auto folder = temp_.path() / "runtime/podman";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "podman.sock") << "";
  setenv("XDG_RUNTIME_DIR", folder.parent_path().c_str(), 1);
  configure_whole(R"({"agents":{"defaults":{"sandbox":{"mode":"all"}}},
      "plugins":{"entries":{"sandbox-docker":{"config":{"engine":"unix:/nobody-here.sock"}}}}})");
  auto found = check(openclaw({"doctor"}), "sandbox.engine");
  unsetenv("XDG_RUNTIME_DIR");
  EXPECT_THAT(text_at(found, "/detail"), HasSubstr("/nobody-here.sock does not exist, but"));
  EXPECT_EQ(text_at(found, "/fix"),
            "openclaw config set plugins.entries.sandbox-docker.config.engine unix:" +
                (folder / "podman.sock").string());
}

// No fixture: the suite forks, and wants a process with one thread.
TEST(BackendConformance, DockerKeepsTheRulesOfSandboxBackends) {
  std::vector<std::string> words = {"openclaw", "plugins",
                                    "check",    "--kind",
                                    "sandbox",  OPENCLAW_BUNDLED_PLUGINS "/sandbox-docker",
                                    "--image",  "debian:bookworm-slim",
                                    "--json"};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  ::testing::internal::CaptureStdout();
  int code = cli::run(static_cast<int>(argv.size()), argv.data());
  std::fflush(stdout);
  auto printed = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(code, 0) << printed;
}

}  // namespace
}  // namespace openclaw::sandbox
