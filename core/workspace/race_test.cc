// Somebody inside swaps a folder for a link to the outside, and a file for a link, as fast as the
// kernel can, while every file tool works on those very names. Not one byte may come from the
// outside or go there.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "workspace/file_operations.h"
#include "workspace/scratch_for_test.h"

namespace openclaw::workspace {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kRenameExchange = 2;

long swaps_wanted() {
  const char* text = std::getenv("OPENCLAW_RACE_SWAPS");  // fewer under sanitizers
  return text != nullptr ? std::strtol(text, nullptr, 10) : 1000000;
}

class Attacker {
 public:
  explicit Attacker(const fs::path& root)
      : dir_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    thread_ = std::thread([this] { attack(); });
  }
  ~Attacker() {
    thread_.join();
    ::close(dir_);
  }
  bool done() const { return done_.load(std::memory_order_relaxed); }
  long swaps() const { return swaps_.load(std::memory_order_relaxed); }

 private:
  void attack() {
    const long wanted = swaps_wanted();
    // A swap fails while a tool has deleted one of the two; the bound keeps a broken test from
    // going on forever.
    for (long i = 0; swaps() < wanted && i < 20 * wanted; ++i) {
      const char* one = i % 2 == 0 ? "dir" : "leaf";
      const char* other = i % 2 == 0 ? "dirlink" : "leaflink";
      if (::syscall(SYS_renameat2, dir_, one, dir_, other, kRenameExchange) == 0) ++swaps_;
    }
    done_ = true;
  }

  int dir_;
  std::atomic<bool> done_{false};
  std::atomic<long> swaps_{0};
  std::thread thread_;
};

TEST(SymlinkRace, NothingIsReadOrWrittenOutsideDuringAMillionSwaps) {
  Scratch scratch;
  fs::create_directories(scratch.root() / "dir");
  Scratch::put(scratch.root() / "dir/file.txt", "inside 0\n");
  fs::create_symlink(scratch.outside(), scratch.root() / "dirlink");
  Scratch::put(scratch.root() / "leaf", "inside 0\n");
  fs::create_symlink(scratch.outside() / "file.txt", scratch.root() / "leaflink");
  const auto before = Scratch::snapshot(scratch.outside());

  sandbox::View view;
  view.host_workspace = scratch.root();
  view.workdir = scratch.root().string();
  FileScope scope(view, false);
  long calls = 0, through = 0, leaked = 0;
  auto note = [&](const Result<tool::ToolResult>& result) {
    ++calls;
    std::string text = result ? result->joined_text() : result.error().message;
    through += result && !result->is_error ? 1 : 0;
    leaked += text.find("SECRET") != std::string::npos ? 1 : 0;
  };
  // These look for what stands outside only; their messages repeat what they were given.
  auto must_fail = [&](const Result<tool::ToolResult>& result) {
    ++calls;
    leaked += result && !result->is_error ? 1 : 0;
  };
  long swaps = 0;
  {
    Attacker attacker(scratch.root());
    while (!attacker.done()) {
      std::string number = std::to_string(calls);
      for (const char* path : {"dir/file.txt", "leaf"}) {
        note(read_file(scope, path, 1, 2000));
        note(write_file(scope, path, "inside " + number + "\n"));
        note(edit_file(scope, path, "inside", "inside "));
        must_fail(edit_file(scope, path, "SECRET", "BROKEN"));
        must_fail(apply_patch(scope, std::string("*** Begin Patch\n*** Update File: ") + path +
                                         "\n@@\n-SECRET\n+BROKEN\n*** End Patch"));
        note(apply_patch(scope, std::string("*** Begin Patch\n*** Delete File: ") + path +
                                    "\n*** Add File: dir/new" + number + "\n+x\n*** End Patch"));
        note(write_file(scope, path, "inside again\n"));
      }
      note(write_file(scope, "dir/made/deep/" + std::to_string(calls % 50), "inside\n"));
    }
    swaps = attacker.swaps();
  }
  EXPECT_EQ(leaked, 0);
  EXPECT_EQ(Scratch::snapshot(scratch.outside()), before);
  EXPECT_GT(through, 0) << "some calls must have met the inside, or nothing was tried";
  EXPECT_EQ(swaps, swaps_wanted());
  RecordProperty("swaps", std::to_string(swaps));
  std::printf("%ld swaps, %ld calls, %ld of them went through, %ld leaked\n", swaps, calls, through,
              leaked);
}

}  // namespace
}  // namespace openclaw::workspace
