#include "create_body.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "body_check.h"
#include "spec_reader.h"

namespace openclaw::docker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What core sends for a bare configuration.
json::object plain_spec() {
  return json::
      parse(R"({"specVersion":1,"name":"openclaw-sbx-agent-main-1","image":"openclaw-sandbox:bookworm-slim",
    "workdir":"/workspace","user":"1000:1000","env":{"LANG":"C.UTF-8"},"network":"none","readOnlyRoot":true,
    "tmpfs":["/tmp","/var/tmp","/run"],"capDrop":["ALL"],"pidsLimit":256,"cpus":1,
    "memoryBytes":1073741824,"memorySwapBytes":2147483648,
    "ulimits":[{"name":"nofile","soft":1024,"hard":2048},{"name":"nproc","soft":256,"hard":256}],
    "dns":[],"extraHosts":[],"scopeKey":"agent:main","agentId":"main","gatewayId":"g","configHash":"h",
    "mounts":[{"kind":"workspace","source":"/srv/ws","target":"/workspace","readOnly":false}],
    "allow":{}})")
          .as_object();
}

json::object body_with(std::string_view key, json::value value) {
  json::object spec = plain_spec();
  spec[key] = std::move(value);
  return create_body(spec, {1700000000000, ""});
}

const json::object& host_of(const json::object& body) {
  return body.at("HostConfig").as_object();
}

std::string problem_with(std::string_view key, json::value value, const Allowances& allow = {}) {
  return body_problem(body_with(key, std::move(value)), "/workspace", 1, allow);
}

TEST(CreateBody, R170R173R174DefaultsAreSent) {
  json::object body = create_body(plain_spec(), {1700000000000, ""});
  EXPECT_EQ(body.at("Image"), "openclaw-sandbox:bookworm-slim");
  EXPECT_EQ(body.at("WorkingDir"), "/workspace");
  EXPECT_EQ(host_of(body).at("NetworkMode"), "none");
  EXPECT_EQ(body_problem(body, "/workspace", 1, {}), "");
}

TEST(CreateBody, R175R176RootIsReadOnlyAndTmpfsIsBounded) {
  json::object body = create_body(plain_spec(), {});
  EXPECT_EQ(host_of(body).at("ReadonlyRootfs"), true);
  const json::object& tmpfs = host_of(body).at("Tmpfs").as_object();
  for (const char* target : {"/tmp", "/var/tmp", "/run"}) {
    EXPECT_THAT(std::string(tmpfs.at(target).as_string()), HasSubstr("size="));
    EXPECT_THAT(std::string(tmpfs.at(target).as_string()), HasSubstr("nosuid"));
  }
  EXPECT_EQ(host_of(body_with("readOnlyRoot", false)).at("ReadonlyRootfs"), false);
  EXPECT_THAT(problem_with("tmpfs", json::array{"/tmp:suid"}), HasSubstr("suid"));
  EXPECT_EQ(problem_with("tmpfs", json::array{"/tmp:size=64m,exec"}), "");
}

TEST(CreateBody, R177NetworkNoneUnlessAsked) {
  EXPECT_EQ(host_of(body_with("network", nullptr)).at("NetworkMode"), "none");
  EXPECT_EQ(problem_with("network", "bridge"), "");
}

TEST(CreateBody, R178HostNetworkIsRefusedWithEveryAllowance) {
  for (const char* network : {"host", "HOST", " Host "}) {
    EXPECT_THAT(problem_with("network", network, {true, true}), HasSubstr("never allowed"))
        << network;
  }
}

TEST(CreateBody, R179R180ContainerNetworkNeedsItsAllowance) {
  EXPECT_THAT(problem_with("network", "container:abc"),
              HasSubstr("dangerouslyAllowContainerNamespaceJoin"));
  EXPECT_THAT(problem_with("network", " Container : abc"),
              HasSubstr("dangerouslyAllowContainerNamespaceJoin"));
  EXPECT_EQ(problem_with("network", "container:abc", {true, false}), "");
}

TEST(CreateBody, R181UserIsSentAndAnEmptyOneIsTheImages) {
  EXPECT_EQ(body_with("user", "1000:1000").at("User"), "1000:1000");
  EXPECT_FALSE(body_with("user", "").contains("User"));
  EXPECT_THAT(problem_with("user", "a b"), HasSubstr("user"));
}

TEST(CreateBody, R182CapabilitiesAreDropped) {
  EXPECT_EQ(host_of(create_body(plain_spec(), {})).at("CapDrop"), (json::array{"ALL"}));
  EXPECT_EQ(host_of(body_with("capDrop", json::array{})).at("CapDrop"), (json::array{"ALL"}));
}

TEST(CreateBody, R183R256OnlyTheConfiguredEnvironmentAndNoPath) {
  json::object body =
      body_with("env", {{"LANG", "C.UTF-8"}, {"PATH", "/custom/bin"}, {"K", "a b\n$(id)"}});
  EXPECT_EQ(body.at("Env"), (json::array{"LANG=C.UTF-8", "K=a b\n$(id)"}));
  EXPECT_THAT(problem_with("env", {{"A B", "x"}}), HasSubstr("env"));
}

TEST(CreateBody, R186R187R188R189R190LimitsAreSent) {
  const json::object body = create_body(plain_spec(), {});
  const json::object& host = host_of(body);
  EXPECT_EQ(host.at("PidsLimit"), 256);
  EXPECT_EQ(host.at("Memory"), 1073741824);
  EXPECT_EQ(host.at("MemorySwap"), 2147483648);
  EXPECT_EQ(host.at("NanoCpus"), 1000000000);
  EXPECT_EQ(host.at("Ulimits"), (json::array{{{"Name", "nofile"}, {"Soft", 1024}, {"Hard", 2048}},
                                             {{"Name", "nproc"}, {"Soft", 256}, {"Hard", 256}}}));
  EXPECT_EQ(host_of(body_with("cpus", 0.5)).at("NanoCpus"), 500000000);
  EXPECT_FALSE(host_of(body_with("cpus", nullptr)).contains("NanoCpus")) << "D2: lifted";
}

TEST(CreateBody, R191TheProfilesTextIsSentAndUnconfinedRefused) {
  json::object body = create_body(plain_spec(), {0, R"({"defaultAction":"SCMP_ACT_ERRNO"})"});
  EXPECT_EQ(host_of(body).at("SecurityOpt").at(1),
            "seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\"}");
  EXPECT_EQ(body_problem(body, "/workspace", 1, {}), "");
  json::object bad = create_body(plain_spec(), {0, "unconfined"});
  EXPECT_THAT(body_problem(bad, "/workspace", 1, {}), HasSubstr("seccompProfile"));
}

TEST(CreateBody, ARuntimeOfTheEngineIsSentByName) {
  EXPECT_FALSE(host_of(create_body(plain_spec(), {})).contains("Runtime"));
  EXPECT_EQ(host_of(body_with("runtime", "runsc")).at("Runtime"), "runsc");
  EXPECT_EQ(problem_with("runtime", "runsc"), "");
  EXPECT_THAT(problem_with("runtime", "/tmp/mine"), HasSubstr("docker.runtime"));
}

TEST(CreateBody, R192AppArmorNameIsSentAndUnconfinedRefused) {
  EXPECT_EQ(host_of(body_with("apparmorProfile", "openclaw-sandbox")).at("SecurityOpt").at(1),
            "apparmor=openclaw-sandbox");
  EXPECT_EQ(problem_with("apparmorProfile", "openclaw-sandbox"), "");
  EXPECT_THAT(problem_with("apparmorProfile", "Unconfined"), HasSubstr("apparmorProfile"));
}

TEST(CreateBody, R193R194DnsAndHostsAreSent) {
  EXPECT_EQ(host_of(body_with("dns", json::array{"1.1.1.1"})).at("Dns"), (json::array{"1.1.1.1"}));
  EXPECT_EQ(host_of(body_with("extraHosts", json::array{"db:10.0.0.5"})).at("ExtraHosts"),
            (json::array{"db:10.0.0.5"}));
  EXPECT_NE(problem_with("dns", json::array{"1.1.1.1\noptions x"}), "");
}

TEST(CreateBody, R196NoNewPrivilegesAndInitCannotBeTurnedOff) {
  json::object body = create_body(plain_spec(), {});
  EXPECT_EQ(host_of(body).at("SecurityOpt").at(0), "no-new-privileges");
  EXPECT_EQ(host_of(body).at("Init"), true);
  body["HostConfig"].as_object()["Init"] = false;
  EXPECT_THAT(body_problem(body, "/workspace", 1, {}), HasSubstr("Init"));
}

TEST(CreateBody, R196OurInitTakesThePlaceOfTheEnginesAndOnlyItMay) {
  const json::object body = create_body(plain_spec(), {0, "", "/usr/lib/openclaw-sandbox-init"});
  EXPECT_EQ(body_problem(body, "/workspace", 1, {}), "");
  EXPECT_EQ(host_of(body).at("Init"), false);
  EXPECT_EQ(body.at("Entrypoint"), (json::array{kInitTarget}));
  json::object changed = body;
  changed["Entrypoint"] = json::array{"sh"};
  EXPECT_THAT(body_problem(changed, "/workspace", 1, {}), HasSubstr("Init"));
  changed = body;
  changed["HostConfig"].as_object()["Mounts"].as_array().back().as_object()["ReadOnly"] = false;
  EXPECT_THAT(body_problem(changed, "/workspace", 1, {}), HasSubstr("Init"));
  changed = body;
  changed["HostConfig"].as_object()["Mounts"].as_array().pop_back();
  EXPECT_THAT(body_problem(changed, "/workspace", 1, {}), HasSubstr("Init"));
}

TEST(CreateBody, R197ReservedTargetsAreForTheWorkspacesOnly) {
  json::object spec = plain_spec();
  auto add = [&](const char* target) {
    json::object copy = spec;
    copy["mounts"].as_array().push_back(
        {{"kind", "bind"}, {"source", "/srv/x"}, {"target", target}, {"readOnly", true}});
    return body_problem(create_body(copy, {}), "/workspace", 1, {});
  };
  EXPECT_EQ(add("/data"), "");
  for (const char* target : {"/workspace/x", "/agent", "/agent/y", "/proc", "/sys/fs", "/dev", "/",
                             "relative", "/a/../workspace", "/workspace"}) {
    EXPECT_NE(add(target), "") << target;
  }
}

TEST(CreateBody, LabelsSayWhoseContainerItIs) {
  const json::object body = create_body(plain_spec(), {1700000000000, ""});
  const json::object& labels = body.at("Labels").as_object();
  EXPECT_EQ(labels.at("openclaw.sandbox"), "1");
  EXPECT_EQ(labels.at("openclaw.sessionKey"), "agent:main");
  EXPECT_EQ(labels.at("openclaw.createdAtMs"), "1700000000000");
  EXPECT_EQ(labels.at("openclaw.configHash"), "h");
}

TEST(BodyCheck, UnknownFieldsAreRefusedA8) {
  for (const char* key :
       {"Privileged", "CapAdd", "Devices", "PidMode", "UsernsMode", "Binds", "VolumesFrom",
        "DeviceRequests", "CgroupParent", "Sysctls", "UTSMode", "GroupAdd"}) {
    json::object body = create_body(plain_spec(), {});
    body["HostConfig"].as_object()[key] = nullptr;
    EXPECT_THAT(body_problem(body, "/workspace", 1, {}), HasSubstr(key));
  }
  json::object body = create_body(plain_spec(), {});
  body["Volumes"] = json::object{};
  EXPECT_THAT(body_problem(body, "/workspace", 1, {}), HasSubstr("Volumes"));
}

// Any value at any key of a spec: either the body is refused, or it is one that cannot hurt.
TEST(BodyCheck, RandomSpecsNeverProduceADangerousBodyA8) {
  std::mt19937 random(20260313);
  const std::vector<json::value> values = {
      "host",
      "container:x",
      "HOST",
      "unconfined",
      "bridge",
      true,
      false,
      nullptr,
      -1,
      0,
      1e300,
      "ALL",
      "",
      json::array{},
      json::array{"ALL"},
      json::array{"/"},
      json::array{"/proc:exec"},
      json::array{nullptr},
      json::object{{"A", "b"}},
      json::array{json::object{{"kind", "bind"}, {"source", "/etc"}, {"target", "/agent"}}},
      json::array{json::object{{"name", "nofile"}, {"soft", 9}, {"hard", 3}}}};
  const json::object plain = plain_spec();
  std::size_t accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    json::object spec = plain;
    for (int n = 0; n < 3; ++n) {
      auto at = plain.begin() + static_cast<std::ptrdiff_t>(random() % plain.size());
      spec[at->key()] = values[random() % values.size()];
    }
    json::object body = create_body(
        spec, {0, random() % 4 == 0 ? "unconfined" : "", random() % 2 == 0 ? "/init" : ""});
    if (!body_problem(body, text_of(spec, "workdir"), 1, {}).empty()) continue;
    ++accepted;
    const json::object& host = host_of(body);
    std::string all = json::serialize(host.at("SecurityOpt"));
    EXPECT_THAT(all, Not(HasSubstr("unconfined")));
    EXPECT_NE(host.at("NetworkMode"), "host");
    EXPECT_NE(host.at("NetworkMode"), "HOST");
    EXPECT_FALSE(text_of(host, "NetworkMode").starts_with("container:"));
    EXPECT_EQ(host.at("SecurityOpt").at(0), "no-new-privileges");
    EXPECT_TRUE(host.at("CapDrop").as_array().size() > 0);
    for (const char* key : {"Privileged", "CapAdd", "Devices", "PidMode"})
      EXPECT_FALSE(host.contains(key));
  }
  EXPECT_GT(accepted, 1000u) << "the check must not refuse everything";
}

}  // namespace
}  // namespace openclaw::docker
