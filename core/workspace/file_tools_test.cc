#include "workspace/file_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/run_for_test.h"
#include "workspace/scratch_for_test.h"

namespace openclaw::workspace {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using tool::ToolResult;

class FakeSandboxes final : public sandbox::SandboxManager {
 public:
  sandbox::View resolve(std::string_view, std::string_view) const override { return view; }
  Awaitable<Result<std::unique_ptr<sandbox::Exec>>> exec(sandbox::View, sandbox::ExecRequest,
                                                         sandbox::OutputSink, Limits) override {
    co_return Error(Code::kUnimplemented, "");
  }
  Awaitable<Result<std::vector<sandbox::ContainerInfo>>> list(Limits) override {
    co_return std::vector<sandbox::ContainerInfo>();
  }
  Awaitable<Result<std::vector<std::string>>> recreate(std::string, std::string, bool,
                                                       Limits) override {
    co_return std::vector<std::string>();
  }
  Awaitable<> stop(Deadline) override { co_return; }
  Awaitable<std::vector<std::string>> sweep() override { co_return std::vector<std::string>(); }
  void keep_spares() override {}

  sandbox::View view;
};

class FileToolsTest : public ::testing::Test {
 protected:
  FileToolsTest() {
    sandboxes.view.host_workspace = scratch.root();
    sandboxes.view.agent_workspace = scratch.root();
    sandboxes.view.workdir = scratch.root().string();
    use_config(R"({"tools":{"fs":{"workspaceOnly":true},"exec":{"applyPatch":{"enabled":true}},
                            "sandbox":{"tools":{"allow":["group:fs"]}}}})");
  }
  ~FileToolsTest() override { runtime.stop_blocking(); }

  void use_config(const char* text) {
    json::object config = json::parse(text).as_object();
    store = std::make_unique<config::ConfigStore>(
        config::Paths{}, std::vector<config::ForeignSection>{}, config::from_json(config));
    router = std::make_unique<tool::ToolRouter>(runtime);
    register_file_tools(*router, sandboxes, runtime, store.get());
    router->set_policy(policy::ToolPolicy::compile(config, router->facts(), {}));
  }
  void sandboxed(const char* access) {
    caller.sandboxed = true;
    sandboxes.view.sandboxed = true;
    sandboxes.view.workspace_access = access;
    sandboxes.view.read_only_files = sandboxes.view.workspace_access == "ro";
    sandboxes.view.workdir = "/workspace";
    sandboxes.view.agent_workspace = scratch.outside();
  }
  Result<ToolResult> call(const char* name, json::object args) {
    tool::ToolCall c;
    c.tool = name;
    c.args = std::move(args);
    c.caller = caller;
    return run_to_end(runtime,
                      router->invoke(std::move(c), Limits::within(std::chrono::seconds(30))));
  }
  // Text of a result that went well.
  std::string ok(const char* name, json::object args) {
    auto result = call(name, std::move(args));
    EXPECT_TRUE(result) << result.error().message;
    if (!result) return {};
    EXPECT_FALSE(result->is_error) << result->joined_text();
    return result->joined_text();
  }
  // Text of a result or error that did not.
  std::string bad(const char* name, json::object args) {
    auto result = call(name, std::move(args));
    if (!result) return result.error().message;
    EXPECT_TRUE(result->is_error) << result->joined_text();
    return result->joined_text();
  }
  std::string file(const char* name) const { return Scratch::get(scratch.root() / name); }

  Scratch scratch;
  Runtime runtime{2};
  FakeSandboxes sandboxes;
  std::unique_ptr<config::ConfigStore> store;
  std::unique_ptr<tool::ToolRouter> router;
  policy::Caller caller = [] {
    policy::Caller c;
    c.is_owner = true;
    return c;
  }();
};

TEST_F(FileToolsTest, WriteReadEditUnderEveryNameOfTheParameters) {
  EXPECT_EQ(ok("write", {{"path", "d/a.txt"}, {"content", "one\ntwo\n"}}),
            "Wrote 8 bytes to d/a.txt.");
  EXPECT_EQ(ok("read", {{"file_path", "d/a.txt"}}), "one\ntwo\n");
  EXPECT_EQ(ok("edit", {{"file_path", "d/a.txt"}, {"old_string", "two"}, {"new_string", "2"}}),
            "Edited d/a.txt at line 2.");
  EXPECT_EQ(
      ok("edit",
         {{"path", (scratch.root() / "d/a.txt").string()}, {"oldText", "one"}, {"newText", "1"}}),
      "Edited " + (scratch.root() / "d/a.txt").string() + " at line 1.");
  EXPECT_EQ(file("d/a.txt"), "1\n2\n");
  EXPECT_EQ(ok("read", {{"path", "d/a.txt"}, {"offset", 2}, {"limit", 1}}),
            "2\n\n[Lines 2-2, the end of the file.]");
}

TEST_F(FileToolsTest, MissingArgumentsAreNamed) {
  EXPECT_THAT(bad("read", {}), HasSubstr("argument path (string) is missing"));
  EXPECT_THAT(bad("write", {{"path", "x"}}), HasSubstr("content"));
  EXPECT_THAT(bad("read", {{"path", "x"}, {"url", "y"}}), HasSubstr("unknown argument url"));
  EXPECT_THAT(bad("read", {{"path", ""}}), HasSubstr("the path is empty"));
}

TEST_F(FileToolsTest, EditNeedsExactlyOneMatchAndSaysHowManyThereAre) {
  Scratch::put(scratch.root() / "f", "aa aa\r\nb\r\n");
  EXPECT_THAT(bad("edit", {{"path", "f"}, {"oldText", "zz"}, {"newText", "y"}}),
              HasSubstr("(0 matches)"));
  EXPECT_THAT(bad("edit", {{"path", "f"}, {"oldText", "aa"}, {"newText", "y"}}),
              HasSubstr("found 2 times"));
  EXPECT_THAT(bad("edit", {{"path", "f"}, {"oldText", ""}, {"newText", "y"}}), HasSubstr("empty"));
  EXPECT_THAT(bad("edit", {{"path", "g"}, {"oldText", "a"}, {"newText", "y"}}),
              HasSubstr("no such file"));
  ok("edit", {{"path", "f"}, {"oldText", "aa aa\nb"}, {"newText", "x\ny"}});
  EXPECT_EQ(file("f"), "x\r\ny\r\n") << "line ends of the file are kept";
}

TEST_F(FileToolsTest, ReadShowsImagesAsImages) {
  Scratch::put(scratch.root() / "p.png", "\x89PNG\r\n\x1a\nrest");
  auto result = call("read", {{"path", "p.png"}});
  ASSERT_TRUE(result);
  ASSERT_EQ(result->content.size(), 2u);
  EXPECT_EQ(result->content[1].at("type"), "image");
  EXPECT_EQ(result->content[1].at("mimeType"), "image/png");
  EXPECT_EQ(result->content[1].at("data"), "iVBORw0KGgpyZXN0");
}

TEST_F(FileToolsTest, PatchAddsUpdatesMovesAndDeletes) {
  Scratch::put(scratch.root() / "u", "a\nb\n");
  Scratch::put(scratch.root() / "m", "x\n");
  Scratch::put(scratch.root() / "d", "gone");
  std::string report =
      ok("apply_patch",
         {{"input",
           "*** Begin Patch\n*** Add File: sub/n\n+new\n*** Update File: u\n@@\n a\n-b\n+c\n"
           "*** Update File: m\n*** Move to: sub/m2\n@@\n-x\n+y\n*** Delete File: d\n"
           "*** End Patch"}});
  EXPECT_EQ(report, "Done. Changed files:\nA sub/n\nM u\nM sub/m2\nD m\nD d");
  EXPECT_EQ(file("sub/n"), "new\n");
  EXPECT_EQ(file("u"), "a\nc\n");
  EXPECT_EQ(file("sub/m2"), "y\n");
  EXPECT_FALSE(fs::exists(scratch.root() / "m"));
  EXPECT_FALSE(fs::exists(scratch.root() / "d"));
}

TEST_F(FileToolsTest, PatchThatFitsOnlyInPartChangesNothing) {
  Scratch::put(scratch.root() / "u", "a\n");
  std::string text =
      bad("apply_patch",
          {{"input",
            "*** Begin Patch\n*** Update File: u\n@@\n-a\n+b\n*** Update File: missing\n@@\n-a\n"
            "+b\n*** End Patch"}});
  EXPECT_THAT(text, HasSubstr("line 6 of the patch: cannot read missing"));
  EXPECT_THAT(text, HasSubstr("Nothing was changed."));
  EXPECT_EQ(file("u"), "a\n");
  EXPECT_THAT(
      bad("apply_patch", {{"input", "*** Begin Patch\n*** Add File: u\n+b\n*** End Patch"}}),
      HasSubstr("u exists already"));
  EXPECT_THAT(
      bad("apply_patch",
          {{"input", "*** Begin Patch\n*** Delete File: u\n*** Delete File: ./u\n*** End Patch"}}),
      HasSubstr("named twice"));
  EXPECT_EQ(file("u"), "a\n");
}

TEST_F(FileToolsTest, OutsideIsAClearRefusalForEveryTool) {
  std::string outside = (scratch.outside() / "file.txt").string();
  fs::create_symlink(scratch.outside(), scratch.root() / "link");
  for (const std::string& path :
       {outside, std::string("../outside/file.txt"), std::string("link/file.txt")}) {
    for (const std::string& text :
         {bad("read", {{"path", path}}), bad("write", {{"path", path}, {"content", "x"}}),
          bad("edit", {{"path", path}, {"oldText", "SECRET"}, {"newText", "x"}}),
          bad("apply_patch", {{"input", "*** Begin Patch\n*** Update File: " + path +
                                            "\n@@\n-SECRET\n+x\n*** End Patch"}}),
          bad("apply_patch",
              {{"input", "*** Begin Patch\n*** Add File: " + path + ".new\n+x\n*** End Patch"}}),
          bad("apply_patch",
              {{"input", "*** Begin Patch\n*** Delete File: " + path + "\n*** End Patch"}})}) {
      EXPECT_TRUE(text.find("outside") != std::string::npos ||
                  text.find("climbs out") != std::string::npos ||
                  text.find("symbolic link") != std::string::npos)
          << path << ": " << text;
    }
  }
  EXPECT_EQ(Scratch::snapshot(scratch.outside()).size(), 1u);
  EXPECT_EQ(Scratch::get(outside), "SECRET");
}

TEST_F(FileToolsTest, TheOwnerReachesAbsolutePathsUnlessConfinedAndGuestsNever) {
  std::string outside = (scratch.outside() / "file.txt").string();
  use_config("{}");
  EXPECT_EQ(ok("read", {{"path", outside}}), "SECRET");
  EXPECT_EQ(ok("read", {{"path", "../outside/file.txt"}}), "SECRET");
  ok("write", {{"path", (scratch.outside() / "n").string()}, {"content", "1"}});
  EXPECT_EQ(Scratch::get(scratch.outside() / "n"), "1");
  caller.is_owner = false;
  EXPECT_THAT(bad("read", {{"path", outside}}), HasSubstr("outside of the workspace"));
  caller.is_owner = true;
  use_config(R"({"agents":{"list":[{"id":"main","tools":{"fs":{"workspaceOnly":true}}}]}})");
  EXPECT_THAT(bad("read", {{"path", outside}}), HasSubstr("tools.fs.workspaceOnly"));
}

TEST_F(FileToolsTest, R163PathsUnderTheContainersWorkdirAreTheSandboxWorkspace) {
  sandboxed("none");
  ok("write", {{"path", "/workspace/x.txt"}, {"content", "hi"}});
  EXPECT_EQ(file("x.txt"), "hi");
  EXPECT_EQ(ok("read", {{"path", "x.txt"}}), "hi");
  EXPECT_THAT(bad("read", {{"path", "/etc/passwd"}}), HasSubstr("outside of the sandbox"));
  EXPECT_THAT(bad("read", {{"path", "/workspacex/x.txt"}}), HasSubstr("outside of the sandbox"));
  EXPECT_THAT(bad("read", {{"path", "/workspace/../etc/passwd"}}), HasSubstr("climbs out"));
  EXPECT_THAT(bad("read", {{"path", "/agent/file.txt"}}), HasSubstr("outside of the sandbox"));
  EXPECT_THAT(bad("read", {{"path", (scratch.root() / "x.txt").string()}}),
              HasSubstr("outside of the sandbox"));
}

TEST_F(FileToolsTest, R166R167ReadOnlyAccessReadsAgentAndWritesNothing) {
  sandboxed("ro");
  EXPECT_EQ(ok("read", {{"path", "/agent/file.txt"}}), "SECRET");
  for (const char* path : {"/agent/file.txt", "/workspace/x", "x"}) {
    EXPECT_THAT(bad("write", {{"path", path}, {"content", "x"}}), HasSubstr("workspaceAccess"))
        << path;
    EXPECT_THAT(bad("edit", {{"path", path}, {"oldText", "S"}, {"newText", "x"}}),
                HasSubstr("workspaceAccess"));
    EXPECT_THAT(bad("apply_patch", {{"input", std::string("*** Begin Patch\n*** Add File: ") +
                                                  path + "\n+x\n*** End Patch"}}),
                HasSubstr("workspaceAccess"));
  }
  EXPECT_EQ(Scratch::get(scratch.outside() / "file.txt"), "SECRET");
}

TEST_F(FileToolsTest, ACallJudgedAsSandboxedNeverEndsOnTheHost) {
  caller.sandboxed = true;
  EXPECT_THAT(bad("read", {{"path", "x"}}), HasSubstr("sandbox settings changed"));
}

}  // namespace
}  // namespace openclaw::workspace
