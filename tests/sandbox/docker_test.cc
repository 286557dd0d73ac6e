// Sandboxes in real containers: isolation, workspaces, settings.
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sandbox/resolve.h"
#include "sandbox_fixture.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class DockerSandbox : public SandboxFixture {};

// An engine that takes no version of its API below 1.46, has 1.54 and knows no image.
class LaterEngine {
 public:
  explicit LaterEngine(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~LaterEngine() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }

 private:
  static std::string answer(std::string_view request) {
    auto said = [](const std::string& status, const std::string& body) {
      return "HTTP/1.1 " + status +
             "\r\nApi-Version: 1.54\r\nContent-Type: application/json\r\nConnection: close\r\n"
             "Content-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body;
    };
    if (request.starts_with("GET /_ping ")) return said("200 OK", "OK");
    if (request.starts_with("GET /version "))
      return said("200 OK", R"({"ApiVersion":"1.54","MinAPIVersion":"1.46"})");
    if (request.starts_with("GET /v1.46/")) return said("404 Not Found", R"({"message":"none"})");
    return said("400 Bad Request",
                R"({"message":"client version is too old. Minimum supported API )"
                R"(version is 1.46, please upgrade"})");
  }
  void serve() {
    int client = -1;
    while ((client = ::accept(fd_, nullptr, nullptr)) >= 0) {
      std::array<char, 4096> bytes{};
      ssize_t size = ::read(client, bytes.data(), bytes.size());
      std::string said =
          answer({bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))});
      EXPECT_EQ(::write(client, said.data(), said.size()), static_cast<ssize_t>(said.size()));
      ::close(client);
    }
  }

  int fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::thread thread_;
};

// Docker 29 takes nothing below 1.44, and the next one may want more.
TEST_F(DockerSandbox, AnEngineIsAskedInAVersionThatItStillTakes) {
  std::string socket = (temp_.path() / "later.sock").string();
  LaterEngine engine(socket);
  configure_whole(R"({"agents":{"defaults":{"sandbox":{"mode":"all"}}},
      "plugins":{"entries":{"sandbox-docker":{"config":{"engine":"unix:)" +
                  socket + R"("}}}}})");
  View view = manager_->resolve("", "agent:main:x");
  auto findings = run(manager_->probe(view, Limits::within(20s)));
  ASSERT_TRUE(findings.has_value()) << findings.error().message;
  ASSERT_FALSE(findings->empty());
  EXPECT_THAT(findings->front().detail, HasSubstr("is not there"));
  shut_down_gateway();
}

TEST_F(DockerSandbox, R157R163CommandsRunInAContainerInTheWorkspace) {
  configure("{}");
  Ran ran = sh("hostname; pwd");
  ASSERT_EQ(ran.code(), 0) << ran.message() << ran.err;
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  EXPECT_THAT(ran.out, Not(HasSubstr(std::string(host.data()) + "\n")));
  EXPECT_THAT(ran.out, HasSubstr("/workspace\n"));
}

TEST_F(DockerSandbox, R175R176R177R182R196TheWallsAreUp) {
  configure("{}");
  Ran ran =
      sh("grep -E '^(NoNewPrivs|CapEff|CapBnd|Seccomp):' /proc/self/status | tr '\\t' ' ';"
         "touch /x 2>/dev/null || echo root-read-only; touch /tmp/x && echo tmp-ok;"
         "awk -F: 'NR>2 {print $1}' /proc/net/dev 2>/dev/null || sed -n '3,$p' /proc/net/dev;"
         "cat /proc/1/comm");
  EXPECT_THAT(ran.out, HasSubstr("NoNewPrivs: 1\n"));
  EXPECT_THAT(ran.out, HasSubstr("CapEff: 0000000000000000\n"));
  EXPECT_THAT(ran.out, HasSubstr("CapBnd: 0000000000000000\n"));
  EXPECT_THAT(ran.out, HasSubstr("Seccomp: 2\n"));
  EXPECT_THAT(ran.out, HasSubstr("root-read-only\n"));
  EXPECT_THAT(ran.out, HasSubstr("tmp-ok\n"));
  EXPECT_THAT(ran.out, HasSubstr("lo"));
  EXPECT_THAT(ran.out, Not(HasSubstr("eth0")));
  EXPECT_THAT(ran.out, ::testing::AnyOf(HasSubstr("docker-init"), HasSubstr("openclaw-init")));
  EXPECT_NE(sh("getent hosts example.com").code(), 0);
}

TEST_F(DockerSandbox, R170R173R174R186R187R188R189R192InspectShowsWhatWasAskedFor) {
  configure("{}", R"({"apparmorProfile":"openclaw-sandbox"})");
  ASSERT_EQ(sh("true").code(), 0);
  json::value container = inspect(name_of());
  ASSERT_TRUE(container.is_object());
  EXPECT_EQ(container.at("Config").at("Image"), "debian:bookworm-slim");
  EXPECT_EQ(container.at("Config").at("WorkingDir"), "/workspace");
  const json::value& host = container.at("HostConfig");
  EXPECT_EQ(host.at("NetworkMode"), "none");
  EXPECT_EQ(host.at("ReadonlyRootfs"), true);
  EXPECT_EQ(host.at("PidsLimit"), 256);
  EXPECT_EQ(host.at("Memory"), 1 << 30);
  EXPECT_EQ(host.at("MemorySwap"), std::int64_t{2} << 30);
  EXPECT_EQ(host.at("NanoCpus"), 1000000000);
  EXPECT_EQ(host.at("Privileged"), false);
  EXPECT_TRUE(host.at("Init").as_bool() !=
              (container.at("Config").at("Entrypoint") == json::array{"/.openclaw-init"}));
  EXPECT_EQ(host.at("CapAdd"), nullptr);
  std::string security = json::serialize(host.at("SecurityOpt"));
  EXPECT_THAT(security, HasSubstr("no-new-privileges"));
  EXPECT_THAT(security, HasSubstr("apparmor=openclaw-sandbox"));
  const json::value& labels = container.at("Config").at("Labels");
  EXPECT_EQ(labels.at("openclaw.sandbox"), "1");
  EXPECT_EQ(labels.at("openclaw.sessionKey"), "agent:main");
}

TEST_F(DockerSandbox, ARuntimeIsChosenByNameAndAMissingOneIsNamed) {
  configure("{}", R"({"runtime":"runc"})");
  EXPECT_EQ(sh("echo inside").out, "inside\n");
  EXPECT_EQ(inspect(name_of()).at("HostConfig").at("Runtime"), "runc");
  configure(R"({"scope":"session"})", R"({"runtime":"no-such-runtime"})");
  auto message = sh("true", "agent:main:y").message();
  EXPECT_THAT(message, HasSubstr("no-such-runtime"));
  EXPECT_THAT(message, HasSubstr("openclaw config unset agents.defaults.sandbox.docker.runtime"));
}

TEST_F(DockerSandbox, R190UlimitsHold) {
  configure("{}", R"({"ulimits":{"nproc":256}})");
  // The soft limit of files is only a default: runc built with Go 1.19 or later may start an exec
  // with the hard one.
  EXPECT_EQ(sh("ulimit -Hn").out, "2048\n");
  EXPECT_EQ(sh("grep processes /proc/self/limits | tr -s ' ' | cut -d' ' -f3").out, "256\n");
}

// A desktop has more processes of one user than a sandbox may have.
TEST_F(DockerSandbox, R186ABusyUserOnTheHostIsNoLimitForTheSandbox) {
  pid_t busy = ::fork();
  if (busy == 0) {
    ::setpgid(0, 0);
    ::execlp("setpriv", "setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "sh",
             "-c", "i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; wait", nullptr);
    ::_exit(1);
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  configure("{}", R"({"user":"12345:12345"})");
  Ran ran = sh("id -u | cat");
  EXPECT_EQ(ran.out, "12345\n") << ran.message() << ran.err;
  ::kill(-busy, SIGKILL);
  ::waitpid(busy, nullptr, 0);
}

TEST_F(DockerSandbox, R181UserIsTheConfiguredOne) {
  configure("{}", R"({"user":"1000:1001"})");
  Ran ran = sh("id -u; id -g; touch /workspace/mine && stat -c %u /workspace/mine");
  EXPECT_EQ(ran.out, "1000\n1001\n1000\n") << ran.message() << ran.err;
}

TEST_F(DockerSandbox, D1UserIsTheOwnerOfTheWorkspace) {
  fs::create_directories(paths_.state_dir / "workspace");
  ASSERT_EQ(::chown((paths_.state_dir / "workspace").c_str(), 1234, 1235), 0);
  configure(R"({"workspaceAccess":"rw"})");
  EXPECT_EQ(sh("id -u; id -g; touch f && stat -c %u f").out, "1234\n1235\n1234\n");
}

TEST_F(DockerSandbox, R254AUserThatCannotWriteIsNamedWithTheKey) {
  fs::create_directories(paths_.state_dir / "workspace");
  ASSERT_EQ(::chown((paths_.state_dir / "workspace").c_str(), 1234, 1234), 0);
  configure(R"({"workspaceAccess":"rw"})", R"({"user":"1000:1000"})");
  std::string message = sh("true").message();
  EXPECT_THAT(message, HasSubstr("1234:1234"));
  EXPECT_THAT(message, HasSubstr("1000:1000"));
  EXPECT_THAT(message, HasSubstr("agents.defaults.sandbox.docker.user"));
}

TEST_F(DockerSandbox, R254TheKeyThatIsNamedIsTheOneThatIsSet) {
  fs::create_directories(paths_.state_dir / "workspace");
  ASSERT_EQ(::chown((paths_.state_dir / "workspace").c_str(), 1234, 1234), 0);
  configure_whole(R"({"agents":{"defaults":{"sandbox":{"mode":"all","workspaceAccess":"rw"}},
      "list":[{"id":"main","sandbox":{"docker":{"user":"1000:1000"}}}]}})");
  EXPECT_THAT(sh("true").message(),
              HasSubstr("openclaw config set agents.list[0].sandbox.docker.user 1234:1234"));
}

TEST_F(DockerSandbox, AWorkspaceThatCannotBeLookedAtIsTheErrorOfTheCommand) {
  fs::create_symlink(temp_.path() / "loop", temp_.path() / "loop");
  configure(R"({"workspaceRoot":")" + (temp_.path() / "loop/in").string() + "\"}");
  EXPECT_THAT(sh("true").message(), HasSubstr("Too many levels of symbolic links"));
}

TEST_F(DockerSandbox, R183HostEnvironmentStaysOutside) {
  ::setenv("OPENCLAW_TEST_SECRET", "leak-me", 1);
  configure("{}", R"({"env":{"LANG":"C.UTF-8","EXTRA":"a b$HOME `id`"}})");
  Ran ran = sh("env");
  ::unsetenv("OPENCLAW_TEST_SECRET");
  EXPECT_THAT(ran.out, HasSubstr("LANG=C.UTF-8\n"));
  EXPECT_THAT(ran.out, HasSubstr("EXTRA=a b$HOME `id`\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("leak-me")));
}

TEST_F(DockerSandbox, R255R256LoginShellFindsCustomToolsFirst) {
  configure("{}", R"({"env":{"PATH":"/workspace/bin:/opt/x"}})");
  Ran ran =
      sh("mkdir -p bin && printf '#!/bin/sh\\necho custom\\n' > bin/hostname && chmod +x "
         "bin/hostname; hostname;"
         "echo \"$PATH\"; env | grep -c PREPEND; echo $0");
  EXPECT_THAT(ran.out, HasSubstr("custom\n"));
  EXPECT_THAT(ran.out, HasSubstr("/workspace/bin:/opt/x:/usr/local"));
  EXPECT_THAT(ran.out, HasSubstr("\n0\nsh\n"));
}

TEST_F(DockerSandbox, R165NoneHidesTheAgentWorkspace) {
  fs::create_directories(paths_.state_dir / "workspace");
  std::ofstream(paths_.state_dir / "workspace/secret.txt") << "x";
  configure("{}");
  EXPECT_NE(sh("cat secret.txt /agent/secret.txt").code(), 0);
  ASSERT_EQ(sh("echo made > new.txt").code(), 0) << "D16: writable";
  EXPECT_TRUE(fs::exists(manager_->resolve("", "agent:main:x").host_workspace / "new.txt"));
  EXPECT_EQ(manager_->resolve("", "agent:main:x").host_workspace.parent_path(),
            paths_.state_dir / "sandboxes");
}

TEST_F(DockerSandbox, R166ReadOnlyAccessShowsTheAgentWorkspace) {
  fs::create_directories(paths_.state_dir / "workspace");
  std::ofstream(paths_.state_dir / "workspace/f") << "content";
  configure(R"({"workspaceAccess":"ro"})");
  Ran ran = sh("cat /agent/f; touch /agent/x");
  EXPECT_EQ(ran.out, "content");
  EXPECT_NE(ran.code(), 0);
  EXPECT_THAT(ran.err, HasSubstr("Read-only file system"));
}

TEST_F(DockerSandbox, R168WriteAccessWritesToTheAgentWorkspace) {
  configure(R"({"workspaceAccess":"rw"})");
  ASSERT_EQ(sh("echo hello > from-sandbox").code(), 0);
  EXPECT_TRUE(fs::exists(paths_.state_dir / "workspace/from-sandbox"));
}

TEST_F(DockerSandbox, R160R161R162ScopesShareContainersAsTheySay) {
  configure(R"({"scope":"agent"})");
  sh("true", "agent:main:a");
  sh("true", "agent:main:b");
  EXPECT_EQ(container_id("agent:main:a"), container_id("agent:main:b"));
  configure(R"({"scope":"session"})");
  sh("true", "agent:main:a");
  sh("true", "agent:main:b");
  EXPECT_NE(container_id("agent:main:a"), container_id("agent:main:b"));
  EXPECT_NE(container_id("agent:main:b"), "");
  configure(R"({"scope":"shared"})");
  sh("true", "agent:main:a");
  sh("true", "agent:work:b");
  EXPECT_EQ(container_id("agent:main:a"), container_id("agent:work:b"));
}

TEST_F(DockerSandbox, R184SetupRunsOnceAfterCreation) {
  configure("{}", R"({"setupCommand":"id -u >> /workspace/setup-log"})");
  sh("true");
  sh("true");
  EXPECT_EQ(sh("cat setup-log").out, "0\n");
  auto removed = run(manager_->recreate("", "main", false, Limits::within(60s)));
  ASSERT_TRUE(removed.has_value()) << removed.error().message;
  EXPECT_EQ(removed->size(), 1u);
  EXPECT_EQ(sh("cat setup-log").out, "0\n0\n");
}

TEST_F(DockerSandbox, R185AFailedSetupShowsItsOutputAndLeavesNothing) {
  configure("{}", R"({"setupCommand":"echo the reason >&2; exit 7"})");
  std::string message = sh("true").message();
  EXPECT_THAT(message, HasSubstr("the reason"));
  EXPECT_THAT(message, HasSubstr("exit code 7"));
  EXPECT_THAT(message, HasSubstr("setupCommand"));
  EXPECT_TRUE(inspect(name_of()).is_null());
  EXPECT_TRUE(inspect(name_of() + ".new").is_null());
  configure("{}", R"({"setupCommand":"apt-get update","user":"1000:1000"})");
  message = sh("true").message();
  for (const char* key : {"docker.network", "docker.readOnlyRoot", "docker.user"}) {
    EXPECT_THAT(message, HasSubstr(key));
  }
}

TEST_F(DockerSandbox, R191SeccompProfileIsEnforced) {
  fs::path profile = temp_.path() / "profile.json";
  std::ofstream(profile) << R"({"defaultAction":"SCMP_ACT_ALLOW",
      "syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]})";
  configure("{}", R"({"seccompProfile":")" + profile.string() + "\"}");
  EXPECT_THAT(sh("mkdir /tmp/x").err, HasSubstr("Operation not permitted"));
}

TEST_F(DockerSandbox, R193R194DnsAndHostsReachTheContainer) {
  configure("{}",
            R"({"network":"bridge","dns":["192.0.2.53"],"extraHosts":["db.example:192.0.2.7"]})");
  EXPECT_THAT(sh("cat /etc/resolv.conf").out, HasSubstr("192.0.2.53"));
  EXPECT_THAT(sh("cat /etc/hosts").out, HasSubstr("192.0.2.7\tdb.example"));
}

// The configuration check refuses these too; here they reach the backend, which trusts nobody.
TEST_F(DockerSandbox, R197DangerousBindsAreRefusedBeforeAnythingIsMade) {
  fs::create_directory_symlink("/etc", temp_.path() / "innocent");
  for (const std::string& source :
       {std::string("/var/run/docker.sock"), std::string("/etc"), std::string("/proc"),
        (temp_.path() / "innocent").string(), paths_.state_dir.string()}) {
    json::object docker = {{"image", "debian:bookworm-slim"},
                           {"dangerouslyAllowExternalBindSources", true},
                           {"binds", json::array{source + ":/x"}}};
    json::object sandbox = {{"mode", "all"}, {"docker", docker}};
    configure_unchecked({{"agents", {{"defaults", {{"sandbox", sandbox}}}}}});
    EXPECT_THAT(sh("true").message(), HasSubstr("refused to mount")) << source;
    EXPECT_TRUE(inspect(name_of()).is_null());
    close();
  }
}

// The engine follows a mount's source again at each start, and this one lies where a command of the
// sandbox may put a link.
TEST_F(DockerSandbox, A9R197ALinkPutInPlaceOfABindIsNotFollowedAtTheNextStart) {
  fs::path workspace = paths_.state_dir / "workspace";
  fs::create_directories(workspace / "shared");
  configure(R"({"workspaceAccess":"rw"})",
            R"({"binds":[")" + (workspace / "shared").string() + R"(:/data"]})");
  ASSERT_EQ(sh("echo mine >/data/f; cat shared/f").out, "mine\n");
  ASSERT_EQ(docker("stop -t 0 " + name_of()), 0);
  EXPECT_EQ(sh("cat /data/f").out, "mine\n") << "nothing was changed";
  ASSERT_EQ(sh("mv shared away && ln -s /etc shared").code(), 0);
  ASSERT_EQ(docker("stop -t 0 " + name_of()), 0);
  Ran ran = sh("cat /data/passwd");
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.message(), HasSubstr("it lies in /etc"));
  fs::remove(workspace / "shared");
  fs::rename(workspace / "away", workspace / "shared");
  EXPECT_EQ(sh("cat /data/f").out, "mine\n");
}

TEST_F(DockerSandbox, R180A8AContainerWithAWallDownIsLogged) {
  configure("{}", R"({"dangerouslyAllowExternalBindSources":true})");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(sh("echo made").out, "made\n");
  std::fflush(stdout);
  std::string logged = ::testing::internal::GetCapturedStdout();
  logged += ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged, HasSubstr("agents.defaults.sandbox.docker."
                                "dangerouslyAllowExternalBindSources is set"));
}

TEST_F(DockerSandbox, R227R229R231R232AnImageOfAnyNameIsUsed) {
  ASSERT_EQ(docker("image inspect openclaw-sandbox:bookworm-slim"), 0)
      << "scripts/sandbox-setup.sh made it";
  ASSERT_EQ(docker("tag openclaw-sandbox:bookworm-slim my-openclaw-sbx"), 0);
  configure("{}", R"({"image":"my-openclaw-sbx"})");
  EXPECT_EQ(sh("jq -n 1+1").out, "2\n");
  EXPECT_EQ(inspect(name_of()).at("Config").at("Image"), "my-openclaw-sbx");
  close();
  docker("rmi my-openclaw-sbx");
}

TEST_F(DockerSandbox, R257ScriptsInProfileDOfAnImageCount) {
  std::ofstream(temp_.path() / "Dockerfile")
      << "FROM debian:bookworm-slim\n"
         "RUN echo 'export FROM_PROFILE=yes' > /etc/profile.d/own.sh\n";
  ASSERT_EQ(docker("build -t openclaw-test-profile " + temp_.path().string()), 0);
  configure("{}", R"({"image":"openclaw-test-profile"})");
  EXPECT_EQ(sh("echo $FROM_PROFILE").out, "yes\n");
  close();
  docker("rmi openclaw-test-profile");
}

TEST_F(DockerSandbox, R229R233AMissingImageNamesTheScriptAndTheKey) {
  configure("{}", R"({"image":"openclaw-sandbox:no-such-tag"})");
  std::string message = sh("true").message();
  EXPECT_THAT(message, HasSubstr("scripts/sandbox-setup.sh openclaw-sandbox:no-such-tag"));
  EXPECT_THAT(message, HasSubstr("agents.defaults.sandbox.docker.image"));
}

TEST_F(DockerSandbox, AMissingEngineIsNamedWithTheNextCommand) {
  std::string socket = (temp_.path() / "none.sock").string();
  configure_whole(R"({"agents":{"defaults":{"sandbox":{"mode":"all"}}},
      "plugins":{"entries":{"sandbox-docker":{"config":{"engine":"unix:)" +
                  socket + R"("}}}}})");
  std::string message = sh("true").message();
  EXPECT_THAT(message, HasSubstr(socket));
  EXPECT_THAT(message, HasSubstr("systemctl start docker"));
}

}  // namespace
}  // namespace openclaw::sandbox
