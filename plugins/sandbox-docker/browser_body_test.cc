#include "browser_body.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "browser_seccomp.h"
#include "checked_body.h"
#include "spec_reader.h"

namespace openclaw::docker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What core sends for a browser that may be watched.
json::object browser_spec() {
  return json::parse(
             R"({"specVersion":1,"kind":"browser","name":"openclaw-sbx-browser-agent-main-1",
    "image":"openclaw-sandbox-browser:bookworm-slim","workdir":"/profile","user":"1000:1000",
    "env":{"OPENCLAW_BROWSER_NOVNC":"1"},"network":"openclaw-sandbox-browser","readOnlyRoot":true,
    "tmpfs":["/tmp"],"capDrop":["ALL"],"pidsLimit":256,"cpus":1,"memoryBytes":1073741824,
    "ulimits":[{"name":"nofile","soft":1024,"hard":2048}],"ports":[9222,6080],
    "scopeKey":"agent:main","agentId":"main","gatewayId":"g","configHash":"h",
    "mounts":[{"kind":"workspace","source":"/srv/profile","target":"/profile","readOnly":false}],
    "allow":{}})")
      .as_object();
}

using BodyChange = std::function<void(json::object& body, json::object& host)>;

std::string problem_after(const BodyChange& change) {
  json::object body = browser_body(browser_spec(), {});
  change(body, body["HostConfig"].as_object());
  return browser_body_problem(body, "/profile", 1, {});
}

TEST(BrowserBody, R250PortsAreOnLoopbackOnly) {
  const json::object body = browser_body(browser_spec(), {});
  EXPECT_EQ(browser_body_problem(body, "/profile", 1, {}), "");
  const json::array loopback = {json::object{{"HostIp", "127.0.0.1"}, {"HostPort", ""}}};
  EXPECT_EQ(body.at("HostConfig").at("PortBindings"),
            (json::object{{"9222/tcp", loopback}, {"6080/tcp", loopback}}));
  for (const char* address : {"0.0.0.0", "", "127.0.0.2", "::", "192.168.1.1"}) {
    EXPECT_THAT(problem_after([&](json::object&, json::object& host) {
                  host["PortBindings"].as_object()["9222/tcp"] =
                      json::array{json::object{{"HostIp", address}, {"HostPort", ""}}};
                }),
                HasSubstr("127.0.0.1 only"))
        << address;
  }
}

TEST(BrowserBody, PortsAreWhatTheyLookLikeAndNoMore) {
  auto with_ports = [](json::array ports) {
    json::object spec = browser_spec();
    spec["ports"] = std::move(ports);
    return browser_body_problem(browser_body(spec, {}), "/profile", 1, {});
  };
  EXPECT_EQ(with_ports({9222}), "");
  EXPECT_THAT(with_ports({1, 2, 3}), HasSubstr("too many"));
  for (const json::value& odd : {json::value(0), json::value(-1), json::value(65536),
                                 json::value("9222"), json::value(nullptr), json::value(92.5)}) {
    EXPECT_THAT(with_ports({odd}), HasSubstr("no TCP port")) << odd;
  }
  EXPECT_THAT(problem_after([](json::object& body, json::object&) {
                body["ExposedPorts"].as_object()["5900/tcp"] = json::object{};
              }),
              HasSubstr("ExposedPorts"));
  EXPECT_THAT(problem_after([](json::object&, json::object& host) {
                host["PortBindings"].as_object()["9222/tcp"].as_array().push_back(
                    json::object{{"HostIp", "0.0.0.0"}, {"HostPort", "9222"}});
              }),
              HasSubstr("127.0.0.1 only"));
}

TEST(BrowserBody, R239TheNetworkIsTheNamedOne) {
  auto on = [](const char* network) {
    json::object spec = browser_spec();
    spec["network"] = network;
    return browser_body_problem(browser_body(spec, {}), "/profile", 1, {true, true});
  };
  EXPECT_EQ(on("openclaw-sandbox-browser"), "");
  for (const char* network : {"none", "", "host", "Host", "container:x", "default", "a/b"}) {
    EXPECT_THAT(on(network), HasSubstr("agents.defaults.sandbox.browser.network")) << network;
  }
}

TEST(BrowserBody, TheWallsOfToolsAreThoseOfBrowsers) {
  const json::object body = browser_body(browser_spec(), {});
  const json::object& host = body.at("HostConfig").as_object();
  EXPECT_EQ(host.at("CapDrop"), (json::array{"ALL"}));
  EXPECT_EQ(host.at("ReadonlyRootfs"), true);
  EXPECT_EQ(host.at("Init"), true);
  EXPECT_EQ(host.at("SecurityOpt").at(0), "no-new-privileges");
  EXPECT_EQ(body.at("Labels").at("openclaw.sandbox"), "1");
  EXPECT_EQ(body.at("Labels").at("openclaw.browser"), "1");
  EXPECT_FALSE(body.contains("Entrypoint")) << "the image's own";
  for (const char* key :
       {"Privileged", "CapAdd", "Devices", "PublishAllPorts", "Binds", "PidMode"}) {
    EXPECT_THAT(problem_after([&](json::object&, json::object& h) { h[key] = nullptr; }),
                HasSubstr(key));
  }
  EXPECT_NE(problem_after([](json::object&, json::object& h) { h["ReadonlyRootfs"] = false; }), "");
  EXPECT_NE(problem_after([](json::object&, json::object& h) { h["Init"] = false; }), "");
  EXPECT_NE(problem_after([](json::object&, json::object& h) { h["SecurityOpt"] = json::array{}; }),
            "");
  EXPECT_NE(
      problem_after([](json::object& b, json::object&) { b["Entrypoint"] = json::array{"sh"}; }),
      "");
  EXPECT_NE(problem_after([](json::object& b, json::object&) {
              b["Labels"].as_object().erase("openclaw.browser");
            }),
            "");
  for (const char* user : {"0", "0:0", "root", "00", ""}) {
    EXPECT_THAT(problem_after([&](json::object& b, json::object&) { b["User"] = user; }),
                HasSubstr("root"))
        << user;
  }
}

TEST(BrowserBody, AContainerForToolsHasNoneOfABrowsersRights) {
  json::object spec = browser_spec();
  spec.erase("kind");
  json::object body = create_body(spec, {});
  EXPECT_FALSE(body.contains("ExposedPorts"));
  EXPECT_FALSE(body.at("HostConfig").as_object().contains("PortBindings"));
  body["HostConfig"].as_object()["PortBindings"] = json::object{};
  EXPECT_THAT(body_problem(body, "/profile", 1, {}), HasSubstr("PortBindings"));
}

TEST(BrowserBody, AnUnknownKindIsRefused) {
  json::object spec = browser_spec();
  spec["kind"] = "desktop";
  auto body = checked_body(spec, "", "/var/run/docker.sock");
  ASSERT_TRUE(body.has_error());
  EXPECT_THAT(body.error().message, HasSubstr("desktop"));
}

TEST(BrowserBody, RefusalsNameTheKeysOfTheBrowser) {
  json::object spec = browser_spec();
  spec["mounts"].as_array().push_back(
      {{"kind", "bind"}, {"source", "/srv/x"}, {"target", "/profile/x"}, {"readOnly", true}});
  EXPECT_THAT(browser_body_problem(browser_body(spec, {}), "/profile", 1, {}),
              HasSubstr("agents.defaults.sandbox.browser.binds"));
  spec = browser_spec();
  spec["image"] = "a b";
  EXPECT_THAT(browser_body_problem(browser_body(spec, {}), "/profile", 1, {}),
              HasSubstr("agents.defaults.sandbox.browser.image"));
}

TEST(BrowserSeccomp, ItLeavesWhatChromiumsOwnSandboxIsMadeOfAndNoWayToMount) {
  json::value profile = json::parse(browser_seccomp_profile());
  EXPECT_EQ(profile.at("defaultAction"), "SCMP_ACT_ALLOW");
  const std::string text = json::serialize(profile.at("syscalls"));
  for (const char* call :
       {"\"mount\"", "\"ptrace\"", "\"bpf\"", "\"setns\"", "\"keyctl\"", "\"io_uring_setup\""})
    EXPECT_THAT(text, HasSubstr(call));
  for (const char* call : {"\"clone\"", "\"unshare\"", "\"chroot\""})
    EXPECT_THAT(text, Not(HasSubstr(call)));
}

}  // namespace
}  // namespace openclaw::docker
