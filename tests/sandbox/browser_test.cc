// Browsers of sandboxed sessions in real containers: they are made, reached, and removed by the
// rules of the other sandboxes. scripts/sandbox-browser-setup.sh makes the image; scripts/test.sh
// has run it.
#include <fstream>

#include "command_fixture.h"
#include "json_pointer.h"
#include "net/http_client.h"
#include "sandbox/sandbox_browsers.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr std::int64_t kHourMs = 3'600'000;
// An engine that is busy with other tests.
constexpr const char* kPatient = R"("autoStartTimeoutMs":60000)";

class SandboxBrowser : public CommandFixture {
 protected:
  void TearDown() override {
    close();
    docker("network rm openclaw-test-browser");
  }
  // `more` is the inside of the browser section, `prune` of the prune section.
  void configure_browser(const std::string& more = R"("headless":true)",
                         const std::string& prune = "") {
    configure(R"({"browser":{"enabled":true,"network":"openclaw-test-browser",)" +
              std::string(kPatient) + (more.empty() ? "" : "," + more) + R"(},"prune":{)" + prune +
              "}}");
  }
  SandboxBrowsers& browsers() { return *manager_->browsers(); }
  BrowserView view(const std::string& session = "agent:main:x") {
    return browsers().resolve("", session);
  }
  Result<Browser> ensure(const std::string& session = "agent:main:x") {
    return run(browsers().ensure(view(session), Limits::within(100s)));
  }
  std::vector<ContainerInfo> list() {
    auto found = run(browsers().list(Limits::within(60s)));
    EXPECT_TRUE(found.has_value()) << found.error().message;
    return found.has_value() ? *found : std::vector<ContainerInfo>();
  }
  int status_of(std::uint16_t port, const std::string& target) {
    net::HttpClient http(runtime_);
    net::HttpRequest request;
    request.url.scheme = "http";
    request.url.host = "127.0.0.1";
    request.url.port = port;
    request.url.target = target;
    request.total_timeout = 5s;
    request.allow_private = true;
    auto response = run(http.request(std::move(request), Limits::within(10s)));
    return response.has_value() ? response->status : -1;
  }
};

TEST_F(SandboxBrowser, R234R236R239R250ItAnswersOnLoopbackFromANetworkOfItsOwn) {
  configure_browser("");
  auto browser = ensure();
  ASSERT_TRUE(browser.has_value()) << browser.error().message;
  EXPECT_EQ(status_of(browser->cdp_port, "/json/version"), 200);
  EXPECT_EQ(status_of(browser->novnc_port, "/vnc.html"), 200);
  json::value container = inspect(browser->name);
  ASSERT_TRUE(container.is_object());
  EXPECT_EQ(container.at("NetworkSettings").at("Networks").as_object().size(), 1U);
  EXPECT_TRUE(
      container.at("NetworkSettings").at("Networks").as_object().contains("openclaw-test-browser"));
  for (const auto& [name, where] : container.at("NetworkSettings").at("Ports").as_object()) {
    ASSERT_TRUE(where.is_array()) << name;
    for (const auto& binding : where.get_array())
      EXPECT_EQ(binding.at("HostIp"), "127.0.0.1") << name;
  }
  const json::value& host = container.at("HostConfig");
  EXPECT_EQ(host.at("ReadonlyRootfs"), true);
  EXPECT_EQ(host.at("CapDrop"), (json::array{"ALL"}));
  EXPECT_EQ(host.at("Memory"), 1 << 30);
  EXPECT_THAT(json::serialize(host.at("SecurityOpt")), HasSubstr("no-new-privileges"));
  EXPECT_EQ(container.at("Config").at("Labels").at("openclaw.browser"), "1");
  std::string password;
  std::ifstream(view().password_file()) >> password;
  ASSERT_EQ(password.size(), 8U);
  EXPECT_THAT(json::serialize(container), Not(HasSubstr(password)));
  // R235, and Chromium's own sandbox is up: a process in it has a process namespace of its own.
  auto inside = [&](const std::string& command) {
    return docker("exec " + browser->name + " sh -c '" + command + "'");
  };
  EXPECT_EQ(inside("test -S /tmp/.X11-unix/X1"), 0);
  EXPECT_EQ(inside("cat /proc/[0-9]*/status | grep -E \"^NSpid:\\s+[0-9]+\\s+[0-9]+\""), 0);
  // [x]: the command that looks must not find itself.
  EXPECT_EQ(inside("cat /proc/[0-9]*/cmdline | grep -qa -- --type=rendere[r]"), 0);
  EXPECT_NE(inside("cat /proc/[0-9]*/cmdline | grep -qa -- --no-sandbo[x]"), 0);
  // The second use is the same container.
  auto again = ensure("agent:main:y");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->runtime_id, browser->runtime_id);
}

TEST_F(SandboxBrowser, R238R236HeadlessHasNoScreenAndNoPort) {
  configure_browser();
  auto browser = ensure();
  ASSERT_TRUE(browser.has_value()) << browser.error().message;
  EXPECT_EQ(browser->novnc_port, 0);
  EXPECT_FALSE(inspect(browser->name)
                   .at("NetworkSettings")
                   .at("Ports")
                   .as_object()
                   .at("6080/tcp")
                   .is_array());
  EXPECT_EQ(docker("exec " + browser->name + " sh -c 'test ! -e /tmp/.X11-unix/X1'"), 0);
}

TEST_F(SandboxBrowser, R240WhoIsNotInTheRangeGetsNoAnswer) {
  configure(R"({"browser":{"enabled":true,"headless":true,"network":"openclaw-test-browser",
      "autoStartTimeoutMs":3000,"cdpSourceRange":"192.0.2.7/32"}})");
  auto browser = ensure();
  ASSERT_TRUE(browser.has_error());
  EXPECT_EQ(browser.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(browser.error().message, HasSubstr("browser.autoStartTimeoutMs"));
  EXPECT_THAT(browser.error().message, HasSubstr("docker logs " + view().name));
  EXPECT_EQ(inspect(view().name).at("State").at("Running"), true)
      << "it is there and does not listen";
}

// The network that we make parts its containers; on one that somebody made, the range alone is the
// wall. The last row shows that the neighbour could see an answer.
TEST_F(SandboxBrowser, R240ANeighbourOnTheNetworkGetsNoAnswerUnlessItIsInTheRange) {
  struct Row {
    bool made_by_hand;
    const char* range;
    bool answered;
  };
  for (const Row& row : {Row{false, "", false}, Row{true, "", false},
                         Row{true, R"(,"cdpSourceRange":"0.0.0.0/0")", true}}) {
    if (row.made_by_hand) {
      ASSERT_EQ(docker("network create openclaw-test-browser"), 0);
    }
    configure_browser(R"("headless":true)" + std::string(row.range));
    auto browser = ensure();
    ASSERT_TRUE(browser.has_value()) << browser.error().message;
    json::value networks = inspect(browser->name).at("NetworkSettings").at("Networks");
    std::string address(networks.at("openclaw-test-browser").at("IPAddress").as_string());
    int code = docker(
        "run --rm --network openclaw-test-browser debian:bookworm-slim timeout 3 bash -c '" +
        ("exec 3<>/dev/tcp/" + address) + "/9222; printf \"GET /json/version HTTP/1.1\\r\\n" +
        "Host: localhost\\r\\nConnection: close\\r\\n\\r\\n\" >&3; grep -q webSocketDebuggerUrl "
        "<&3'");
    EXPECT_EQ(code == 0, row.answered) << row.made_by_hand << row.range;
    close();
    ASSERT_EQ(docker("network rm openclaw-test-browser"), 0);
  }
}

TEST_F(SandboxBrowser, R213IdleAndOldBrowsersAreRemovedByTheSameRules) {
  configure_browser();
  auto browser = ensure();
  ASSERT_TRUE(browser.has_value()) << browser.error().message;
  const std::int64_t begin = now_ms_;
  now_ms_ = begin + 23 * kHourMs;
  EXPECT_THAT(run(manager_->sweep()), IsEmpty()) << "R207: 23 hours";
  now_ms_ = begin + 25 * kHourMs;
  EXPECT_THAT(run(manager_->sweep()), ElementsAre(browser->name)) << "R207: 25 hours";
  EXPECT_TRUE(inspect(browser->name).is_null());
  EXPECT_THAT(list(), IsEmpty());
  // R208: in daily use, and too old all the same.
  now_ms_ = begin;
  ASSERT_TRUE(ensure().has_value());
  for (int day = 1; day <= 6; ++day) {
    now_ms_ = begin + day * 20 * kHourMs;
    ASSERT_TRUE(ensure().has_value()) << day;
    EXPECT_THAT(run(manager_->sweep()), IsEmpty()) << day;
  }
  now_ms_ = begin + (24 * 7 + 1) * kHourMs;
  ASSERT_TRUE(ensure().has_value());
  EXPECT_THAT(run(manager_->sweep()), ElementsAre(browser->name));
}

TEST_F(SandboxBrowser, R209R212R213ZeroNeverPrunes) {
  configure_browser(R"("headless":true)", R"("idleHours":0,"maxAgeDays":0)");
  auto browser = ensure();
  ASSERT_TRUE(browser.has_value()) << browser.error().message;
  now_ms_ += 24 * 365 * kHourMs;
  EXPECT_THAT(run(manager_->sweep()), IsEmpty());
  EXPECT_FALSE(inspect(browser->name).is_null());
}

TEST_F(SandboxBrowser, R203R204R213ASettingChangesItWhenItIsIdleAndTheProfileStays) {
  configure_browser();
  auto browser = ensure();
  ASSERT_TRUE(browser.has_value()) << browser.error().message;
  std::ofstream(view().profile() / "kept") << "x";
  configure_browser(R"("headless":true,"binds":[])" + std::string(R"(,"cdpPort":9333)"));
  auto hot = ensure();
  ASSERT_TRUE(hot.has_error()) << "hot: kept, with the port that it had";
  EXPECT_THAT(hot.error().message, HasSubstr("openclaw sandbox recreate --browser --all"));
  EXPECT_EQ(inspect(browser->name).at("Id"), json::value(browser->runtime_id));
  now_ms_ += 6 * 60 * 1000;
  auto fresh = ensure();
  ASSERT_TRUE(fresh.has_value()) << fresh.error().message;
  EXPECT_NE(fresh->runtime_id, browser->runtime_id);
  EXPECT_TRUE(fs::exists(view().profile() / "kept"));
}

TEST_F(SandboxBrowser, R214AStoppedOrRemovedBrowserComesBack) {
  configure_browser();
  auto browser = ensure();
  ASSERT_TRUE(browser.has_value()) << browser.error().message;
  ASSERT_EQ(docker("kill " + browser->name), 0);
  auto second = ensure();
  ASSERT_TRUE(second.has_value()) << second.error().message << " (stale SingletonLock?)";
  ASSERT_EQ(docker("rm -f " + second->name), 0);
  auto third = ensure();
  ASSERT_TRUE(third.has_value()) << third.error().message;
  EXPECT_EQ(status_of(third->cdp_port, "/json/version"), 200);
}

TEST_F(SandboxBrowser, R206ListAndRecreateKnowBrowsersFromContainers) {
  configure_browser();
  auto browser = ensure();
  ASSERT_TRUE(browser.has_value()) << browser.error().message;
  ASSERT_EQ(sh("true").code(), 0);
  auto listed = openclaw({"sandbox", "list"});
  EXPECT_EQ(listed.at("containers").as_array().size(), 1U);
  ASSERT_EQ(listed.at("browsers").as_array().size(), 1U);
  EXPECT_EQ(text_at(listed, "/browsers/0/containerName"), browser->name);
  EXPECT_EQ(*find_at(listed, "/browsers/0/stale"), json::value(false));
  EXPECT_EQ(openclaw({"sandbox", "recreate", "--browser", "--agent", "other"}).at("removed"),
            json::array());
  auto removed = openclaw({"sandbox", "recreate", "--browser", "--all"});
  EXPECT_EQ(removed.at("removed"), (json::array{json::string(browser->name)}));
  EXPECT_TRUE(inspect(browser->name).is_null());
  EXPECT_FALSE(inspect(name_of()).is_null()) << "the container for tools stays";
}

TEST_F(SandboxBrowser, R233AMissingImageNamesItsScriptAndItsKey) {
  configure_browser(R"("headless":true,"image":"openclaw-sandbox-browser:no-such-tag")");
  auto browser = ensure();
  ASSERT_TRUE(browser.has_error());
  EXPECT_THAT(browser.error().message, HasSubstr("scripts/sandbox-browser-setup.sh"));
  EXPECT_THAT(browser.error().message, HasSubstr("agents.defaults.sandbox.browser.image"));
}

TEST_F(SandboxBrowser, R244SwitchedOffItIsNotMade) {
  configure("{}");
  auto browser = ensure();
  ASSERT_TRUE(browser.has_error());
  EXPECT_THAT(browser.error().message, HasSubstr("agents.defaults.sandbox.browser.enabled true"));
  EXPECT_TRUE(inspect(view().name).is_null());
  EXPECT_THAT(list(), IsEmpty());
}

}  // namespace
}  // namespace openclaw::sandbox
