#include "cgroup.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::bwrap {
namespace {

namespace fs = std::filesystem;

// A tree of plain files in place of the kernel's: what is written shows.
class CgroupTree : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "openclaw-cgroup-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    host_.mount_point = (root_ / "fs").string();
    host_.own_groups = (root_ / "own").string();
    limits_.memory_bytes = 1 << 20;
    limits_.swap_bytes = 3 << 20;
    limits_.pids = 64;
    limits_.cpus = 1.5;
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(const std::string& path, const std::string& text = "") {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::string at(const std::string& path) {
    std::ifstream in(root_ / path);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }
  // The kernel makes these with the folder.
  void make_v2_folder(const std::string& folder) {
    for (const char* file :
         {"cgroup.procs", "pids.max", "memory.max", "memory.swap.max", "cpu.max"})
      put(folder + "/" + file);
  }

  fs::path root_;
  CgroupHost host_;
  Limits limits_;
};

TEST_F(CgroupTree, VersionTwoTakesTheNearestGroupThatHandsLimitsOn) {
  put("own", "0::/system.slice/openclaw.service\n");
  put("fs/cgroup.controllers", "cpu memory pids\n");
  put("fs/cgroup.subtree_control", "cpu memory pids\n");
  put("fs/system.slice/cgroup.subtree_control", "memory pids cpu\n");
  put("fs/system.slice/openclaw.service/cgroup.subtree_control", "");
  make_v2_folder("fs/system.slice/box");
  auto group = Cgroup::make("box", limits_, host_);
  ASSERT_TRUE(group);
  EXPECT_THAT(group->folders(), ::testing::ElementsAre(host_.mount_point + "/system.slice/box"));
  EXPECT_EQ(group->doors().size(), 1u);
  EXPECT_EQ(at("fs/system.slice/box/memory.max"), "1048576");
  EXPECT_EQ(at("fs/system.slice/box/memory.swap.max"), "2097152");
  EXPECT_EQ(at("fs/system.slice/box/pids.max"), "64");
  EXPECT_EQ(at("fs/system.slice/box/cpu.max"), "150000 100000");
}

TEST_F(CgroupTree, VersionTwoWithoutDelegationHasNone) {
  put("own", "0::/user.slice/a\n");
  put("fs/cgroup.controllers", "memory pids\n");
  put("fs/cgroup.subtree_control", "cpu\n");
  put("fs/user.slice/a/cgroup.subtree_control", "");
  EXPECT_FALSE(Cgroup::make("box", limits_, host_));
  EXPECT_FALSE(fs::exists(root_ / "fs/box"));
}

TEST_F(CgroupTree, VersionOneHasAFolderForEachController) {
  put("own", "8:pids:/\n7:cpu,cpuacct:/gone\n4:memory:/mine/a\n0::/\n");
  for (const char* file :
       {"fs/memory/mine/a/box/cgroup.procs", "fs/memory/mine/a/box/memory.limit_in_bytes",
        "fs/memory/mine/a/box/memory.memsw.limit_in_bytes", "fs/pids/box/cgroup.procs",
        "fs/pids/box/pids.max", "fs/cpu/box/cgroup.procs", "fs/cpu/box/cpu.cfs_quota_us",
        "fs/cpu/box/cpu.cfs_period_us"})
    put(file);
  auto group = Cgroup::make("box", limits_, host_);
  ASSERT_TRUE(group);
  EXPECT_EQ(group->doors().size(), 3u);
  EXPECT_EQ(at("fs/memory/mine/a/box/memory.limit_in_bytes"), "1048576");
  EXPECT_EQ(at("fs/pids/box/pids.max"), "64");
  EXPECT_EQ(at("fs/cpu/box/cpu.cfs_quota_us"), "150000");
}

TEST_F(CgroupTree, VersionOneWithoutMemoryHasNone) {
  put("own", "8:pids:/\n");
  put("fs/pids/box/cgroup.procs");
  EXPECT_FALSE(Cgroup::make("box", limits_, host_));
}

}  // namespace
}  // namespace openclaw::bwrap
