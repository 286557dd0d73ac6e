// The tool `browser` behind the real gate, with a real engine: who gets which browser.
#include "browser/browser_tool.h"

#include <fstream>

#include "json_pointer.h"
#include "sandbox/sandbox_browsers.h"
#include "sandbox_fixture.h"
#include "tool/tool_router.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// What an operator writes to let sandboxed sessions have a browser at all.
constexpr const char* kToolAllowed =
    R"("tools":{"sandbox":{"tools":{"allow":["exec","browser"],"deny":["canvas"]}}})";

class SandboxBrowserTool : public SandboxFixture {
 protected:
  void TearDown() override {
    close();
    docker("network rm openclaw-test-browser");
  }
  // `browser` is the inside of the browser section.
  void configure_tool(const std::string& browser, const std::string& tools = kToolAllowed,
                      const std::string& mode = "all") {
    configure_whole("{" + tools + R"(,"agents":{"defaults":{"sandbox":{"mode":")" + mode +
                    R"(","docker":{"image":"debian:bookworm-slim"},"browser":{)" + browser +
                    "}}}}}");
    router_ = std::make_unique<tool::ToolRouter>(runtime_);
    browser::register_browser_tool(*router_, *manager_);
    policy::KeyLocator nowhere = [](std::string_view) { return std::string("openclaw.json"); };
    router_->set_policy(
        policy::ToolPolicy::compile(store_->current()->root(), router_->facts(), nowhere));
  }
  Result<tool::ToolResult> call(json::object args, const std::string& session = "agent:main:x") {
    tool::ToolCall call;
    call.tool = "browser";
    call.args = std::move(args);
    call.caller.session_key = session;
    call.caller.sandboxed = manager_->resolve("main", session).sandboxed;
    return run(router_->invoke(std::move(call), Limits::within(100s)));
  }
  Result<tool::ToolResult> act(const std::string& action) { return call({{"action", action}}); }
  static std::string words(const Result<tool::ToolResult>& result) {
    return result.has_error() ? result.error().message : result->joined_text();
  }
  std::string container() { return manager_->browsers()->resolve("", "agent:main:x").name; }

  std::unique_ptr<tool::ToolRouter> router_;
};

constexpr const char* kOn =
    R"("enabled":true,"network":"openclaw-test-browser","autoStartTimeoutMs":60000)";

TEST_F(SandboxBrowserTool, R225ASandboxedSessionDoesNotGetTheHostsBrowser) {
  configure_tool(kOn);
  for (const char* action : {"status", "start", "stop"}) {
    auto refused = call({{"action", action}, {"target", "host"}});
    ASSERT_TRUE(refused.has_error()) << action;
    EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
    EXPECT_THAT(refused.error().message,
                HasSubstr("agents.defaults.sandbox.browser.allowHostControl"));
  }
  EXPECT_TRUE(inspect(container()).is_null());
}

TEST_F(SandboxBrowserTool, D8TheKeyLiftsThatRefusalAndNoOther) {
  configure_tool(std::string(kOn) + R"(,"allowHostControl":true)");
  auto host = call({{"action", "start"}, {"target", "host"}});
  ASSERT_TRUE(host.has_error());
  EXPECT_EQ(host.error().code, Code::kUnimplemented) << "this version has no browser on the host";
  EXPECT_THAT(host.error().message, Not(HasSubstr("allowHostControl")));
  auto plain = act("status");
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  EXPECT_EQ(plain->details.at("target"), "sandbox") << "the default stays the sandbox's";
}

TEST_F(SandboxBrowserTool, R224R249ItIsDeniedUnlessThePolicyAllowsIt) {
  configure_tool(kOn, R"("tools":{})");
  auto denied = act("start");
  ASSERT_TRUE(denied.has_error());
  EXPECT_EQ(denied.error().code, Code::kPermissionDenied);
  EXPECT_THAT(denied.error().message, HasSubstr("tools.sandbox.tools"));
  EXPECT_TRUE(inspect(container()).is_null());
}

TEST_F(SandboxBrowserTool, R246R247ItStartsAndAnswersItsAddresses) {
  configure_tool(kOn);
  EXPECT_THAT(words(act("status")), HasSubstr("does not run"));
  auto started = act("start");
  ASSERT_TRUE(started.has_value()) << started.error().message;
  EXPECT_THAT(std::string(started->details.at("cdpUrl").as_string()),
              HasSubstr("http://127.0.0.1:"));
  EXPECT_THAT(std::string(started->details.at("observerUrl").as_string()), HasSubstr("/vnc.html"));
  std::string password;
  std::ifstream(manager_->browsers()->resolve("", "agent:main:x").password_file()) >> password;
  ASSERT_EQ(password.size(), 8U);
  EXPECT_THAT(words(started) + json::serialize(started->details), Not(HasSubstr(password)))
      << "not in the context of a model";
  auto status = act("status");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->details, started->details);
  EXPECT_THAT(words(act("stop")), HasSubstr("was stopped"));
  EXPECT_TRUE(inspect(container()).is_null());
  EXPECT_THAT(words(act("stop")), HasSubstr("no sandbox browser"));
}

TEST_F(SandboxBrowserTool, R247HeadlessHasNothingToWatch) {
  configure_tool(std::string(kOn) + R"(,"headless":true)");
  auto started = act("start");
  ASSERT_TRUE(started.has_value()) << started.error().message;
  EXPECT_FALSE(started->details.contains("observerUrl"));
  EXPECT_THAT(words(started), Not(HasSubstr("vnc")));
}

TEST_F(SandboxBrowserTool, R244SwitchedOffItNamesTheKey) {
  configure_tool("");
  EXPECT_THAT(words(act("start")), HasSubstr("agents.defaults.sandbox.browser.enabled true"));
  auto status = act("status");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->details.at("running"), false);
}

TEST_F(SandboxBrowserTool, AnUnknownActionIsToldTheKnownOnes) {
  configure_tool(kOn);
  auto odd = act("screenshot");
  ASSERT_TRUE(odd.has_error());
  EXPECT_EQ(odd.error().code, Code::kInvalidArgument);
  for (const char* action : {"\"status\"", "\"start\"", "\"stop\"", "screenshot"})
    EXPECT_THAT(odd.error().message, HasSubstr(action));
}

TEST_F(SandboxBrowserTool, ASessionWithoutASandboxHasNoSandboxBrowser) {
  configure_tool(kOn, kToolAllowed, "off");
  EXPECT_THAT(words(call({{"action", "start"}, {"target", "sandbox"}})), HasSubstr("no sandbox"));
  EXPECT_EQ(act("start").error().code, Code::kUnimplemented) << "the host's is the default there";
}

}  // namespace
}  // namespace openclaw::sandbox
