#include "sandbox/resolve.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/browser_view.h"
#include "sandbox/fixed_config_for_test.h"
#include "sandbox/sandbox_manager.h"
#include "sandbox/settings.h"
#include "sandbox/setup_check.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::sandbox {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

config::Paths paths_in(const std::filesystem::path& home) {
  config::Paths paths;
  paths.home = home;
  paths.state_dir = home / ".openclaw";
  return paths;
}
const config::Paths kPaths = paths_in("/home/ada");

View resolved(std::string_view text, std::string_view agent = "main",
              std::string_view session = "agent:main:telegram:group:-100") {
  return resolve_view(FixedConfig(text), kPaths, agent, session);
}

std::string sandbox_section(std::string_view body) {
  return R"({"agents":{"defaults":{"sandbox":)" + std::string(body) + "}}}";
}

std::vector<std::string> problems(std::string_view body) {
  std::vector<std::string> out;
  for (const auto& issue : check_config(FixedConfig(sandbox_section(body)))) {
    out.push_back(issue.path + ": " + issue.message);
  }
  return out;
}

TEST(ResolveView, R158R159ModeDecidesWhichSessionsAreSandboxed) {
  struct Row {
    const char* mode;
    const char* session;
    bool sandboxed;
  };
  for (const Row& row :
       {Row{"off", "agent:main:main", false}, Row{"off", "agent:main:x", false},
        Row{"non-main", "agent:main:main", false}, Row{"non-main", "global", false},
        Row{"non-main", "agent:main:x", true}, Row{"non-main", "agent:main:subagent:1", true},
        Row{"all", "agent:main:main", true}, Row{"all", "agent:main:x", true}}) {
    View view = resolved(sandbox_section(R"({"mode":")" + std::string(row.mode) + "\"}"), "main",
                         row.session);
    EXPECT_EQ(view.sandboxed, row.sandboxed) << row.mode << " " << row.session;
    EXPECT_THAT(view.why, HasSubstr(row.session));
  }
  EXPECT_FALSE(resolved("{}").sandboxed) << "D5: off on a bare configuration";
}

TEST(ResolveView, R158R164OtherValuesAreConfigErrors) {
  EXPECT_THAT(problems(R"({"mode":"on"})"), ::testing::ElementsAre(HasSubstr("non-main")));
  EXPECT_THAT(problems(R"({"scope":"user"})"), ::testing::ElementsAre(HasSubstr("shared")));
  EXPECT_THAT(problems(R"({"workspaceAccess":"write"})"), ::testing::ElementsAre(HasSubstr("rw")));
  EXPECT_THAT(problems(R"({"mode":"all"})"), ::testing::IsEmpty());
}

TEST(ResolveView, R160R161R162ScopeDecidesWhoSharesAContainer) {
  auto key = [](const char* scope, const char* agent, const char* session) {
    return resolved(sandbox_section(R"({"mode":"all","scope":")" + std::string(scope) + "\"}"),
                    agent, session)
        .scope_key;
  };
  EXPECT_EQ(key("agent", "main", "agent:main:a"), key("agent", "main", "agent:main:b"));
  EXPECT_NE(key("agent", "main", "agent:main:a"), key("agent", "work", "agent:work:a"));
  EXPECT_NE(key("session", "main", "agent:main:a"), key("session", "main", "agent:main:b"));
  EXPECT_EQ(key("shared", "main", "agent:main:a"), key("shared", "work", "agent:work:b"));
  EXPECT_EQ(resolved(sandbox_section(R"({"mode":"all"})")).scope, "agent")
      << "R160, D6: the default";
}

// Else a use by one agent would replace the container that another one has used.
TEST(ResolveView, R162TheSharedSandboxIsTheSameForAllAgents) {
  for (const char* access : {"none", "ro", "rw"}) {
    const std::string text =
        R"({"agents":{"defaults":{"sandbox":{"mode":"all","scope":"shared","workspaceAccess":")" +
        std::string(access) + R"(","browser":{"enabled":true}}},
            "list":[{"id":"main"},{"id":"work","workspace":"/srv/work"}]}})";
    View one = resolved(text, "main", "agent:main:a");
    View other = resolved(text, "work", "agent:work:b");
    EXPECT_EQ(one.config_hash, other.config_hash) << access;
    EXPECT_EQ(one.host_workspace, other.host_workspace) << access;
    EXPECT_EQ(one.agent_workspace, other.agent_workspace) << access;
    EXPECT_EQ(resolve_browser(kPaths, one).config_hash, resolve_browser(kPaths, other).config_hash);
  }
}

TEST(ResolveView, R163R165NoneUsesAFolderUnderTheWorkspaceRoot) {
  View view = resolved(sandbox_section(R"({"mode":"all"})"));
  EXPECT_EQ(view.workspace_access, "none");
  EXPECT_EQ(view.host_workspace.parent_path(), "/home/ada/.openclaw/sandboxes");
  EXPECT_EQ(view.workdir, "/workspace");
  const auto& mounts = view.spec.at("mounts").as_array();
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].at("target"), "/workspace");
  EXPECT_EQ(mounts[0].at("readOnly"), false) << "D16: writable";
}

TEST(ResolveView, R166R167ReadOnlyAccessMountsTheAgentWorkspaceBeside) {
  View view = resolved(sandbox_section(R"({"mode":"all","workspaceAccess":"ro"})"));
  EXPECT_TRUE(view.read_only_files);
  const auto& mounts = view.spec.at("mounts").as_array();
  ASSERT_EQ(mounts.size(), 2u);
  EXPECT_EQ(mounts[1].at("source"), "/home/ada/.openclaw/workspace");
  EXPECT_EQ(mounts[1].at("target"), "/agent");
  EXPECT_EQ(mounts[1].at("readOnly"), true);
}

TEST(ResolveView, R168WriteAccessMountsTheAgentWorkspaceItself) {
  View view = resolved(sandbox_section(R"({"mode":"all","workspaceAccess":"rw"})"));
  EXPECT_EQ(view.host_workspace, view.agent_workspace);
  EXPECT_EQ(view.spec.at("mounts").at(0).at("source"), "/home/ada/.openclaw/workspace");
  EXPECT_FALSE(view.read_only_files);
}

TEST(ResolveView, R170R173R186DefaultsAreHardened) {
  json::object spec = resolved(sandbox_section(R"({"mode":"all"})")).spec;
  EXPECT_EQ(spec.at("image"), "openclaw-sandbox:bookworm-slim");
  EXPECT_EQ(spec.at("network"), "none");
  EXPECT_EQ(spec.at("readOnlyRoot"), true);
  EXPECT_EQ(spec.at("pidsLimit"), 256);
  EXPECT_EQ(spec.at("memoryBytes"), 1 << 30);
  EXPECT_EQ(spec.at("memorySwapBytes"), std::int64_t{2} << 30);
  EXPECT_EQ(spec.at("cpus"), 1.0);
  EXPECT_EQ(spec.at("capDrop"), (json::array{"ALL"}));
  EXPECT_EQ(spec.at("env"), (json::object{{"LANG", "C.UTF-8"}}));
  EXPECT_EQ(spec.at("ulimits"),
            (json::array{{{"name", "nofile"}, {"soft", 1024}, {"hard", 2048}}}));
}

TEST(ResolveView, D2ZeroAndNullLiftALimit) {
  json::object spec = resolved(sandbox_section(
                                   R"({"mode":"all","docker":{"pidsLimit":0,"memory":null,
                                       "cpus":0,"ulimits":{"nofile":0}}})"))
                          .spec;
  for (const char* key : {"pidsLimit", "memoryBytes", "memorySwapBytes", "cpus"}) {
    EXPECT_FALSE(spec.contains(key)) << key;
  }
  EXPECT_EQ(spec.at("ulimits").as_array().size(), 0u);
}

TEST(ResolveView, R188SwapFollowsAMemoryThatSomebodySet) {
  json::object spec = resolved(sandbox_section(R"({"mode":"all","docker":{"memory":"4g"}})")).spec;
  EXPECT_EQ(spec.at("memorySwapBytes"), std::int64_t{8} << 30);
}

TEST(ResolveView, D1UserIsTheOwnerOfTheWorkspaceUnlessSet) {
  storage::TempDir home;
  std::filesystem::create_directories(home.path() / ".openclaw/workspace");
  std::string own = std::to_string(::getuid()) + ":" + std::to_string(::getgid());
  FixedConfig config(sandbox_section(R"({"mode":"all","workspaceAccess":"rw"})"));
  View view = resolve_view(config, paths_in(home.path()), "main", "agent:main:x");
  EXPECT_EQ(view.spec.at("user"), json::value(own));
  EXPECT_EQ(view.spec.at("userFromOwner"), true);
  if (::getuid() == 0) {
    ASSERT_EQ(::chown((home.path() / ".openclaw/workspace").c_str(), 1234, 1235), 0);
    EXPECT_EQ(resolve_view(config, paths_in(home.path()), "main", "agent:main:x").spec.at("user"),
              "1234:1235");
  }
  EXPECT_EQ(
      resolved(sandbox_section(R"({"mode":"all","docker":{"user":"1000:1000"}})")).spec.at("user"),
      "1000:1000");
}

TEST(ViewCache, AnswersAsResolveViewDoesWhateverHasChanged) {
  storage::TempDir home;
  const auto workspace = home.path() / ".openclaw/workspace";
  std::filesystem::create_directories(workspace);
  const auto paths = paths_in(home.path());
  const auto config = std::make_shared<const FixedConfig>(
      sandbox_section(R"({"mode":"all","workspaceAccess":"rw"})"));
  ViewCache cache;
  const auto expect_same = [&](const std::shared_ptr<const FixedConfig>& now) {
    for (const char* session : {"agent:main:x", "agent:main:y", "agent:main:x"}) {
      const View known = cache.of(now, paths, "main", session);
      const View fresh = resolve_view(*now, paths, "main", session);
      EXPECT_EQ(known.spec, fresh.spec) << session;
      EXPECT_EQ(known.config_hash, fresh.config_hash);
      EXPECT_EQ(known.session_key, session);
    }
  };
  expect_same(config);
  if (::getuid() == 0) {
    ASSERT_EQ(::chown(workspace.c_str(), 1234, 1235), 0);
    expect_same(config);
    EXPECT_EQ(cache.of(config, paths, "main", "agent:main:x").spec.at("user"), "1234:1235");
  }
  expect_same(std::make_shared<const FixedConfig>(
      sandbox_section(R"({"mode":"all","docker":{"memory":"4g"}})")));
}

TEST(ResolveView, R198R201AgentsOverrideKeyByKey) {
  const char* text = R"({"agents":{"defaults":{"sandbox":{"mode":"all","docker":{
      "memory":"2g","env":{"A":"1","B":"2"},"binds":["/srv/a:/a"]}}},
      "list":[{"id":"main"},{"id":"work","sandbox":{"docker":{"memory":"3g","env":{"B":"3"},
      "binds":["/srv/b:/b:ro"]}}}]}})";
  View view = resolved(text, "work", "agent:work:x");
  EXPECT_EQ(view.spec.at("memoryBytes"), std::int64_t{3} << 30);
  EXPECT_EQ(view.spec.at("env"), (json::object{{"A", "1"}, {"B", "3"}}));
  EXPECT_EQ(view.spec.at("mounts").as_array().size(), 3u) << "binds of both lists";
  Settings settings = Settings::merge(FixedConfig(text).root(), "work");
  EXPECT_EQ(settings.at("docker.memory").source, "agents.list[1].sandbox.docker.memory");
  EXPECT_EQ(settings.at("mode").source, "agents.defaults.sandbox.mode");
  EXPECT_EQ(settings.at("docker.cpus").source, "default");
}

TEST(ResolveView, R202SharedScopeIgnoresAgentOverridesAndSaysSo) {
  const char* text = R"({"agents":{"defaults":{"sandbox":{"mode":"all","scope":"shared"}},
      "list":[{"id":"work","sandbox":{"docker":{"memory":"3g"},"prune":{"idleHours":1}}}]}})";
  EXPECT_EQ(resolved(text, "work", "agent:work:x").spec.at("memoryBytes"), 1 << 30);
  EXPECT_THAT(Settings::merge(FixedConfig(text).root(), "work").ignored(),
              ::testing::ElementsAre("agents.list[0].sandbox.docker.memory",
                                     "agents.list[0].sandbox.prune.idleHours"));
}

TEST(ResolveView, R178HostNetworkIsRefusedWithEveryBreakGlassSet) {
  for (const char* network : {"host", "HOST", " host "}) {
    EXPECT_THAT(problems(R"({"docker":{"network":")" + std::string(network) +
                         R"(","dangerouslyAllowContainerNamespaceJoin":true,
                            "dangerouslyAllowReservedContainerTargets":true,
                            "dangerouslyAllowExternalBindSources":true}})"),
                ::testing::ElementsAre(HasSubstr("never allowed")))
        << network;
  }
}

TEST(ResolveView, R179R180ContainerNetworkNeedsItsBreakGlassKey) {
  for (const char* network : {"container:abc", "Container:abc", " container : abc"}) {
    EXPECT_THAT(problems(R"({"docker":{"network":")" + std::string(network) + "\"}}"),
                ::testing::ElementsAre(HasSubstr("dangerouslyAllowContainerNamespaceJoin")))
        << network;
  }
  EXPECT_THAT(problems(R"({"docker":{"network":"container:abc",
                            "dangerouslyAllowContainerNamespaceJoin":true}})"),
              ::testing::IsEmpty());
}

TEST(ResolveView, R191R192UnconfinedProfilesAreRefused) {
  EXPECT_THAT(problems(R"({"docker":{"seccompProfile":"unconfined"}})"), ::testing::SizeIs(1));
  EXPECT_THAT(problems(R"({"docker":{"apparmorProfile":"Unconfined"}})"), ::testing::SizeIs(1));
}

TEST(ResolveView, R187SizesAreReadOrReported) {
  EXPECT_EQ(*parse_size("1g", "k"), 1 << 30);
  EXPECT_EQ(*parse_size("512m", "k"), 512 << 20);
  EXPECT_EQ(*parse_size("1.5GiB", "k"), (std::int64_t{3} << 30) / 2);
  EXPECT_EQ(*parse_size(4096, "k"), 4096);
  for (const char* bad : {"", "lots", "1x", "-1", "nan", "1e99"}) {
    EXPECT_TRUE(parse_size(bad, "k").has_error()) << bad;
  }
  EXPECT_THAT(problems(R"({"docker":{"memory":"much"}})"),
              ::testing::ElementsAre(HasSubstr("docker.memory")));
}

TEST(ResolveView, R203AnyDockerSettingChangesTheHash) {
  View base = resolved(sandbox_section(R"({"mode":"all"})"));
  EXPECT_EQ(base.config_hash,
            resolved(sandbox_section(R"({"mode":"all"})"), "main", "agent:main:other").config_hash)
      << "two sessions of one container agree";
  for (const char* change : {R"("memory":"2g")", R"("setupCommand":"true")", R"("env":{"A":"1"})",
                             R"("network":"bridge")", R"("tmpfs":["/tmp"])", R"("user":"7:7")",
                             R"("dns":["1.1.1.1"])", R"("cpus":2)"}) {
    EXPECT_NE(base.config_hash,
              resolved(sandbox_section(R"({"mode":"all","docker":{)" + std::string(change) + "}}"))
                  .config_hash)
        << change;
  }
}

TEST(ResolveView, R165NamesNeverCarryTheRawKey) {
  std::string hostile = "agent:main:telegram:group:../../etc/$(id)";
  std::string name = derived_name(hostile);
  EXPECT_THAT(name, ::testing::MatchesRegex("[a-z0-9-]+"));
  EXPECT_LE(name.size(), 48u);
  EXPECT_NE(derived_name("agent:a:b"), derived_name("agent:a-b"));
}

TEST(ResolveView, R185SetupThatCannotWorkNamesTheThreeKeys) {
  json::object spec =
      resolved(
          sandbox_section(
              R"({"mode":"all","docker":{"setupCommand":"apt-get update && apt-get install -y jq",
                       "user":"1000:1000"}})"))
          .spec;
  std::string problem = setup_problem(spec);
  EXPECT_THAT(problem, HasSubstr("docker.network"));
  EXPECT_THAT(problem, HasSubstr("docker.readOnlyRoot"));
  EXPECT_THAT(problem, HasSubstr("docker.user"));
  spec["setupCommand"] = "touch /workspace/ready";
  EXPECT_EQ(setup_problem(spec), "");
}

}  // namespace
}  // namespace openclaw::sandbox
