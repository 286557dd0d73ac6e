// Spare sandboxes: a new session gets one that is ready, and nothing of anybody else's.
#include <filesystem>
#include <fstream>
#include <set>

#include "sandbox_fixture.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* kPool = R"({"scope":"session","pool":{"enabled":true}})";

class SpareSandbox : public SandboxFixture {
 protected:
  std::vector<ContainerInfo> containers() {
    auto list = run(manager_->list(Limits::within(30s)));
    return list.has_value() ? *list : std::vector<ContainerInfo>();
  }
  std::vector<ContainerInfo> spares() {
    std::vector<ContainerInfo> out = containers();
    std::erase_if(out, [](const auto& info) { return !info.spare || info.state != "running"; });
    return out;
  }
  // Waits for the background to have made them, with their workspaces.
  std::vector<ContainerInfo> await_spares(std::size_t count) {
    std::vector<ContainerInfo> found;
    Deadline deadline = Deadline::after(60s);
    do {
      run(pause());
      found = spares();
      // A draft is listed too, under a name that ends otherwise.
      std::erase_if(found, [](const auto& info) { return info.name.ends_with(".new"); });
    } while (found.size() != count && !deadline.expired());
    EXPECT_EQ(found.size(), count);
    return found;
  }
  Awaitable<> pause() {
    Limits limits = Limits::within(100ms);
    co_await sleep_until(runtime_, limits);
  }
  Awaitable<> write_and_look(std::string session) {
    View view = manager_->resolve("", session);
    ExecRequest request;
    request.argv = {"sh", "-c", "ls >before; echo " + session + " >name; cat before"};
    auto out = std::make_shared<std::string>();
    OutputSink sink = [out](bool, std::string_view data) { *out += data; };
    Limits limits = Limits::within(60s);
    auto started = co_await manager_->exec(view, std::move(request), std::move(sink), limits);
    EXPECT_TRUE(started.has_value()) << started.error().message;
    if (started.has_error()) co_return;
    co_await (*started)->wait(limits);
    EXPECT_EQ(*out, "before\n");
  }
  fs::path workspace_of(const std::string& session) {
    return manager_->resolve("", session).host_workspace;
  }
};

TEST_F(SpareSandbox, ANewSessionGetsTheContainerThatIsReady) {
  configure(kPool);
  manager_->keep_spares();
  auto ready = await_spares(1);
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_FALSE(ready[0].stale);

  Ran ran = sh("pwd; echo mine >mark", "agent:main:a");
  EXPECT_EQ(ran.out, "/workspace\n") << ran.message() << ran.err;
  EXPECT_EQ(container_id("agent:main:a"), ready[0].runtime_id);
  EXPECT_TRUE(fs::exists(workspace_of("agent:main:a") / "mark"));
  for (const auto& info : containers()) {
    if (info.runtime_id != ready[0].runtime_id) continue;
    EXPECT_FALSE(info.spare);
    EXPECT_FALSE(info.stale);
    EXPECT_EQ(info.session_key, "agent:main:a");
    EXPECT_EQ(info.name, name_of("agent:main:a"));
  }

  auto next = await_spares(1);  // made anew, in the background
  ASSERT_EQ(next.size(), 1u);
  EXPECT_NE(next[0].runtime_id, ready[0].runtime_id);
  EXPECT_EQ(sh("ls", "agent:main:b").out, "");
  EXPECT_EQ(container_id("agent:main:b"), next[0].runtime_id);
  EXPECT_EQ(sh("cat mark", "agent:main:a").out, "mine\n");
}

TEST_F(SpareSandbox, ASessionWithAWorkspaceKeepsIt) {
  configure(kPool);
  manager_->keep_spares();
  auto ready = await_spares(1);
  ASSERT_EQ(ready.size(), 1u);
  fs::create_directories(workspace_of("agent:main:a"));
  std::ofstream(workspace_of("agent:main:a") / "old") << "old\n";
  EXPECT_EQ(sh("cat old", "agent:main:a").out, "old\n");
  EXPECT_NE(container_id("agent:main:a"), ready[0].runtime_id);
  EXPECT_EQ(sh("ls", "agent:main:b").out, "");
  EXPECT_EQ(container_id("agent:main:b"), ready[0].runtime_id);
}

TEST_F(SpareSandbox, ManyNewSessionsAtOnceEachHaveTheirOwn) {
  configure(R"({"scope":"session","pool":{"enabled":true,"size":2}})");
  manager_->keep_spares();
  await_spares(2);
  std::size_t done = 0;
  for (int i = 0; i < 5; ++i) {
    asio::co_spawn(runtime_.loop(), write_and_look("agent:main:s" + std::to_string(i)),
                   [&](const std::exception_ptr& e) {
                     EXPECT_FALSE(e);
                     ++done;
                   });
  }
  run_until([&] { return done == 5; });
  std::set<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    std::string session = "agent:main:s" + std::to_string(i);
    ids.insert(container_id(session));
    EXPECT_EQ(sh("cat name", session).out, session + "\n");
  }
  EXPECT_EQ(ids.size(), 5u);
}

TEST_F(SpareSandbox, AFormerSpareThatStoppedIsMadeAnewWithItsWorkspace) {
  configure(kPool);
  manager_->keep_spares();
  auto ready = await_spares(1);
  ASSERT_EQ(ready.size(), 1u);
  ASSERT_EQ(sh("echo kept >mark", "agent:main:a").code(), 0);
  ASSERT_EQ(docker("stop -t 0 " + name_of("agent:main:a")), 0);
  EXPECT_EQ(sh("cat mark", "agent:main:a").out, "kept\n");
  EXPECT_NE(container_id("agent:main:a"), ready[0].runtime_id);
}

TEST_F(SpareSandbox, AfterARestartSessionsKeepTheirsAndOldSparesGo) {
  configure(kPool);
  manager_->keep_spares();
  await_spares(1);
  ASSERT_EQ(sh("echo kept >mark", "agent:main:a").code(), 0);
  std::string own = container_id("agent:main:a");
  auto old = await_spares(1);
  ASSERT_EQ(old.size(), 1u);
  restart();
  EXPECT_EQ(sh("cat mark", "agent:main:a").out, "kept\n");
  EXPECT_EQ(container_id("agent:main:a"), own);
  run(manager_->sweep());
  EXPECT_TRUE(spares().empty());
  EXPECT_EQ(container_id("agent:main:a"), own);
  std::size_t folders = 0;
  for (const auto& entry : fs::directory_iterator(workspace_of("agent:main:a").parent_path())) {
    static_cast<void>(entry);
    ++folders;
  }
  EXPECT_EQ(folders, 1u) << "the workspace of the old spare was left behind";
}

// Its container has another name until the setup command has run.
TEST_F(SpareSandbox, ASpareInTheMakingIsNotSweptAway) {
  configure(kPool, R"({"setupCommand":"sleep 3"})");
  manager_->keep_spares();
  Deadline deadline = Deadline::after(30s);
  while (containers().empty() && !deadline.expired()) run(pause());
  ASSERT_EQ(containers().size(), 1u);
  EXPECT_EQ(containers()[0].state, "creating");
  const std::string id = containers()[0].runtime_id;
  EXPECT_TRUE(run(manager_->sweep()).empty());
  auto ready = await_spares(1);
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready[0].runtime_id, id);
}

TEST_F(SpareSandbox, OtherSettingsMakeOtherSparesAndNoneWithoutThePool) {
  configure(kPool);
  manager_->keep_spares();
  auto before = await_spares(1);
  ASSERT_EQ(before.size(), 1u);
  configure(kPool, R"({"memory":"256m"})");
  manager_->keep_spares();
  Deadline deadline = Deadline::after(60s);
  auto now = spares();
  while ((now.size() != 1 || now[0].runtime_id == before[0].runtime_id) && !deadline.expired()) {
    run(pause());
    now = await_spares(1);
  }
  EXPECT_EQ(sh("true", "agent:main:a").code(), 0);
  EXPECT_EQ(inspect(name_of("agent:main:a")).at("HostConfig").at("Memory"), 256 << 20);
  configure(R"({"scope":"session"})", R"({"memory":"256m"})");
  manager_->keep_spares();
  await_spares(0);
  EXPECT_EQ(sh("true", "agent:main:a").code(), 0);
}

}  // namespace
}  // namespace openclaw::sandbox
