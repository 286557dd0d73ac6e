#include "runtime_plan.h"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bwrap_arguments.h"
#include "seccomp_filter.h"

namespace openclaw::bwrap {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Plan : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "openclaw-plan-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    fs::create_directory(root_ / "ws");
    spec_ =
        json::parse(R"({"name":"openclaw-sbx-agent-main-1","configHash":"h","workdir":"/workspace",
      "user":"1000:1001","env":{"LANG":"C.UTF-8","PATH":"/x"},"network":"none","readOnlyRoot":true,
      "tmpfs":["/var/tmp/a:size=1m,exec","/tmp"],"pidsLimit":256,"memoryBytes":1073741824,
      "ulimits":[{"name":"nofile","soft":1024,"hard":2048}],"extraHosts":["db:192.0.2.7"]})")
            .as_object();
    spec_["mounts"] = json::array{json::object{{"kind", "workspace"},
                                               {"source", (root_ / "ws").string()},
                                               {"target", "/workspace"},
                                               {"readOnly", false}}};
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string problem() {
    auto plan = read_runtime_plan(spec_, 0, 0);
    return plan.has_error() ? plan.error().message : "";
  }

  fs::path root_;
  json::object spec_;
};

TEST_F(Plan, HoldsWhatTheSpecSays) {
  auto plan = read_runtime_plan(spec_, 0, 0);
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->identity.user, 1000u);
  EXPECT_EQ(plan->identity.group, 1001u);
  EXPECT_TRUE(plan->identity.become);
  EXPECT_EQ(plan->env, (Variables{{"LANG", "C.UTF-8"}})) << "PATH is for core to put in front";
  ASSERT_EQ(plan->scratch.size(), 2u);
  EXPECT_EQ(plan->scratch[0].target, "/tmp");
  EXPECT_EQ(plan->scratch[0].options, "mode=1777,size=357913941") << "a third of the memory";
  EXPECT_TRUE(plan->scratch[0].flags & MS_NOEXEC);
  EXPECT_FALSE(plan->scratch[1].flags & MS_NOEXEC);
  EXPECT_THAT(plan->scratch[1].options, HasSubstr("size=1m"));
  EXPECT_EQ(plan->home, "/tmp");
  EXPECT_THAT(plan->host_lines, ::testing::ElementsAre("192.0.2.7\tdb"));
  ASSERT_EQ(plan->mounts.size(), 1u);
  EXPECT_EQ(plan->mounts[0].source, fs::canonical(root_ / "ws").string());
  EXPECT_FALSE(plan->mounts[0].read_only);
}

TEST_F(Plan, AnotherUserThanRootStaysItself) {
  EXPECT_FALSE(read_runtime_plan(spec_, 1000, 1000)->identity.become);
}

TEST_F(Plan, A8WhatIsNotKnownToBeSafeIsRefusedByKey) {
  for (auto [key, value, named] :
       std::initializer_list<std::tuple<const char*, json::value, const char*>>{
           {"network", "bridge", "docker.network"},
           {"network", "host", "docker.network"},
           {"readOnlyRoot", false, "docker.readOnlyRoot"},
           {"seccompProfile", "/p.json", "docker.seccompProfile"},
           {"user", "node", "docker.user"},
           {"user", "1:2:3", "docker.user"},
           {"user", "-1", "docker.user"},
           {"workdir", "/proc/x", "docker.workdir"},
           {"workdir", "/", "docker.workdir"},
           {"name", "../up", "docker.containerPrefix"},
           {"tmpfs", json::array{"/dev"}, "docker.tmpfs"},
           {"tmpfs", json::array{"/tmp:suid"}, "docker.tmpfs"},
           {"tmpfs", json::array{"/tmp:size=1m\nx"}, "docker.tmpfs"},
           {"env", json::object{{"A=B", "x"}}, "docker.env"},
           {"extraHosts", json::array{"a b:1"}, "docker.extraHosts"},
           {"ulimits", json::array{json::object{{"name", "x"}, {"soft", 1}, {"hard", 1}}},
            "docker.ulimits"}}) {
    json::object good = spec_;
    spec_[key] = value;
    EXPECT_THAT(problem(), HasSubstr(named)) << key << " " << json::serialize(value);
    spec_ = good;
  }
}

TEST_F(Plan, A9BindsAreCheckedLikeThoseOfContainers) {
  auto bind = [&](const std::string& source, const std::string& target) {
    json::object good = spec_;
    spec_["mounts"].as_array().push_back(
        json::object{{"kind", "bind"}, {"source", source}, {"target", target}, {"readOnly", true}});
    std::string out = problem();
    spec_ = good;
    return out;
  };
  spec_["bindRoots"] = json::array{root_.string()};
  EXPECT_EQ(bind((root_ / "ws").string(), "/data"), "");
  EXPECT_THAT(bind("/etc", "/data"), HasSubstr("refused to mount"));
  EXPECT_THAT(bind((root_ / "ws").string(), "/workspace/x"), HasSubstr("reserved"));
  EXPECT_THAT(bind((root_ / "ws").string(), "/agent"), HasSubstr("reserved"));
  EXPECT_THAT(bind((root_ / "ws").string(), "/proc"), HasSubstr("nothing may be mounted"));
}

TEST_F(Plan, ArgumentsNameNoPathOfTheHostsData) {
  auto plan = read_runtime_plan(spec_, 0, 0);
  ASSERT_TRUE(plan.has_value());
  for (const auto& word : runtime_arguments(*plan))
    EXPECT_THAT(word, ::testing::Not(HasSubstr("openclaw-plan")));
  ExecRequest request;
  request.argv = {"true"};
  auto words = command_arguments(*plan, request);
  EXPECT_EQ(words.front(), "--clearenv");
  EXPECT_EQ(words.back(), "--new-session");
  request.tty = true;
  words = command_arguments(*plan, request);
  EXPECT_EQ(std::count(words.begin(), words.end(), "--new-session"), 0);
}

TEST_F(Plan, FoldersAreWrittenPlainly) {
  auto plan = read_runtime_plan(spec_, 0, 0);
  ASSERT_TRUE(plan.has_value());
  for (auto [cwd, folder] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", "/workspace"},
                                                                  {"/workspace/", "/workspace"},
                                                                  {"sub", "/workspace/sub"},
                                                                  {"/tmp/../var//x/", "/var/x"},
                                                                  {"/", "/"}}) {
    ExecRequest request;
    request.cwd = cwd;
    auto words = command_arguments(*plan, request);
    auto at = std::find(words.begin(), words.end(), "--chdir");
    ASSERT_NE(at, words.end());
    EXPECT_EQ(*(at + 1), folder);
  }
}

TEST(SeccompProgram, IsMade) {
  auto program = seccomp_program();
  ASSERT_TRUE(program.has_value()) << program.error().message;
  EXPECT_GT(program->size(), 100u);
  EXPECT_EQ(program->size() % 8, 0u) << "whole instructions";
}

TEST(ExecRequests, AreReadStrictly) {
  EXPECT_TRUE(read_exec_request(R"({"argv":["a"],"tty":true})")->tty);
  for (const char* bad : {"[]", "{}", R"({"argv":[1]})", R"({"argv":["a\u0000b"]})",
                          R"({"argv":["a"],"env":{"A=":"x"}})", R"({"argv":["a"],"user":"0"})"})
    EXPECT_TRUE(read_exec_request(bad).has_error()) << bad;
}

}  // namespace
}  // namespace openclaw::bwrap
