#include "workspace/rooted_dir.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workspace/scratch_for_test.h"
#include "workspace/text_window.h"

namespace openclaw::workspace {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RootedDirTest : public ::testing::Test {
 protected:
  RootedDirTest() : dir(*RootedDir::open(scratch.root().string(), "the workspace")) {}
  Code read_code(const std::string& path) {
    auto file = dir.read(path, 1000);
    return file ? Code::kOk : file.error().code;
  }
  Code write_code(const std::string& path) {
    auto done = dir.write(path, "NEW", WriteMode::kReplace);
    return done ? Code::kOk : done.error().code;
  }
  void outside_is_untouched() {
    auto found = Scratch::snapshot(scratch.outside());
    EXPECT_EQ(found.size(), 1u);
    EXPECT_EQ(Scratch::get(scratch.outside() / "file.txt"), "SECRET");
  }

  Scratch scratch;
  RootedDir dir;
};

TEST(CleanRelative, NormalisesAndRefusesToClimbOut) {
  EXPECT_EQ(clean_relative("a//b/./c").value(), "a/b/c");
  EXPECT_EQ(clean_relative("a/../b").value(), "b");
  EXPECT_EQ(clean_relative("").value(), ".");
  EXPECT_EQ(clean_relative("/x/").value(), "x");
  EXPECT_EQ(clean_relative("a/../../b").error().code, Code::kPermissionDenied);
  EXPECT_EQ(clean_relative(std::string_view("a\0b", 3)).error().code, Code::kInvalidArgument);
  EXPECT_EQ(clean_relative(std::string(256, 'x')).error().code, Code::kInvalidArgument);
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "a/";
  EXPECT_EQ(clean_relative(deep).error().code, Code::kInvalidArgument);
}

TEST_F(RootedDirTest, WritesReadsReplacesAndRemoves) {
  ASSERT_TRUE(dir.write("a/b/c.txt", "one", WriteMode::kReplace));
  EXPECT_EQ(dir.read("a/b/c.txt", 100)->bytes, "one");
  ASSERT_EQ(::chmod((scratch.root() / "a/b/c.txt").c_str(), 0751), 0);
  ASSERT_TRUE(dir.write("a/b/c.txt", "two", WriteMode::kReplace));
  EXPECT_EQ(dir.read("a/b/c.txt", 100)->bytes, "two");
  EXPECT_EQ(static_cast<int>(fs::status(scratch.root() / "a/b/c.txt").permissions()), 0751)
      << "the mode stays";
  EXPECT_EQ(dir.write("a/b/c.txt", "x", WriteMode::kCreate).error().code, Code::kAlreadyExists);
  EXPECT_TRUE(*dir.exists("a/b/c.txt"));
  ASSERT_TRUE(dir.remove("a/b/c.txt"));
  EXPECT_FALSE(*dir.exists("a/b/c.txt"));
  EXPECT_EQ(Scratch::snapshot(scratch.root()).size(), 2u) << "no temporary files stay";
}

TEST_F(RootedDirTest, PathsThatLeadOutsideAreRefused) {
  fs::create_symlink(scratch.outside(), scratch.root() / "abs");
  fs::create_symlink("../outside", scratch.root() / "rel");
  fs::create_symlink(scratch.outside() / "file.txt", scratch.root() / "leaf");
  fs::create_symlink(scratch.outside() / "made", scratch.root() / "dangling");
  for (const char* path : {"../outside/file.txt", "abs/file.txt", "rel/file.txt", "leaf",
                           "a/../../outside/file.txt"}) {
    EXPECT_EQ(read_code(path), Code::kPermissionDenied) << path;
    EXPECT_EQ(write_code(path), Code::kPermissionDenied) << path;
  }
  EXPECT_EQ(write_code("dangling"), Code::kPermissionDenied);
  EXPECT_EQ(write_code("abs/made/x"), Code::kPermissionDenied);
  outside_is_untouched();
}

TEST_F(RootedDirTest, LinksInsideAreReadButNotWrittenThrough) {
  Scratch::put(scratch.root() / "real", "text");
  fs::create_symlink("real", scratch.root() / "alias");
  fs::create_directories(scratch.root() / "d");
  fs::create_symlink("d", scratch.root() / "dlink");
  EXPECT_EQ(dir.read("alias", 100)->bytes, "text");
  auto refused = dir.write("alias", "x", WriteMode::kReplace);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("symbolic link"));
  EXPECT_EQ(write_code("dlink/x"), Code::kPermissionDenied);
  ASSERT_TRUE(dir.remove("alias")) << "the link itself goes";
  EXPECT_EQ(Scratch::get(scratch.root() / "real"), "text");
}

TEST_F(RootedDirTest, HardLinkedFilesAreRefused) {
  fs::create_hard_link(scratch.outside() / "file.txt", scratch.root() / "hard");
  EXPECT_EQ(read_code("hard"), Code::kPermissionDenied);
  EXPECT_EQ(write_code("hard"), Code::kPermissionDenied);
  outside_is_untouched();
}

TEST_F(RootedDirTest, FifosSocketsAndFoldersAreRefusedWithoutHanging) {
  ASSERT_EQ(::mkfifo((scratch.root() / "fifo").c_str(), 0600), 0);
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string name = (scratch.root() / "socket").string();
  ASSERT_LT(name.size(), sizeof address.sun_path);
  name.copy(address.sun_path, name.size());
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
  for (const char* path : {"fifo", "socket"}) {
    EXPECT_EQ(read_code(path), Code::kPermissionDenied) << path;
    EXPECT_EQ(write_code(path), Code::kPermissionDenied) << path;
    EXPECT_EQ(dir.remove(path).error().code, Code::kPermissionDenied) << path;
  }
  fs::create_directories(scratch.root() / "d");
  EXPECT_EQ(read_code("d"), Code::kFailedPrecondition);
  EXPECT_EQ(write_code("d"), Code::kFailedPrecondition);
  EXPECT_EQ(write_code("."), Code::kFailedPrecondition);
  EXPECT_EQ(read_code("missing"), Code::kNotFound);
}

TEST_F(RootedDirTest, SizesAreBounded) {
  Scratch::put(scratch.root() / "large", std::string(2000, 'x'));
  EXPECT_EQ(read_code("large"), Code::kResourceExhausted);
}

TEST_F(RootedDirTest, AFileThatChangedSinceItWasReadIsNotOverwritten) {
  Scratch::put(scratch.root() / "f", "one");
  auto read = dir.read("f", 100);
  Scratch::put(scratch.root() / "f", "other");
  auto done = dir.write("f", "mine", WriteMode::kReplace, read->version);
  EXPECT_EQ(done.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(Scratch::get(scratch.root() / "f"), "other");
  EXPECT_EQ(Scratch::snapshot(scratch.root()).size(), 1u);
}

TEST_F(RootedDirTest, ReadOnlyRootsAreNotWritten) {
  RootOptions options;
  options.read_only = true;
  auto agent = *RootedDir::open(scratch.root().string(), "/agent", options);
  EXPECT_THAT(agent.write("x", "y", WriteMode::kCreate).error().message,
              HasSubstr("/agent is read-only"));
  EXPECT_EQ(agent.remove("x").error().code, Code::kPermissionDenied);
}

TEST_F(RootedDirTest, TheWholeFileSystemFollowsLinks) {
  RootOptions options;
  options.whole_file_system = true;
  auto whole = *RootedDir::open("/", "/", options);
  fs::create_symlink(scratch.outside(), scratch.root() / "abs");
  EXPECT_EQ(whole.read((scratch.root() / "abs/file.txt").string(), 100)->bytes, "SECRET");
  ASSERT_TRUE(whole.write((scratch.root() / "abs/new/deep/x").string(), "1", WriteMode::kReplace));
  EXPECT_EQ(Scratch::get(scratch.outside() / "new/deep/x"), "1");
}

TEST_F(RootedDirTest, NewFilesBelongToTheOwnerOfTheRoot) {
  if (::geteuid() != 0) {
    // Without privilege there is nobody to give a file to; what is made is ours.
    ASSERT_TRUE(dir.write("x", "", WriteMode::kCreate));
    return;
  }
  ASSERT_EQ(::chown(scratch.root().c_str(), 1234, 1235), 0);
  auto owned = *RootedDir::open(scratch.root().string(), "the workspace");
  ASSERT_TRUE(owned.write("d/x", "1", WriteMode::kReplace));
  for (const char* path : {"d", "d/x"}) {
    struct stat info {};
    ASSERT_EQ(::stat((scratch.root() / path).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 1234u) << path;
    EXPECT_EQ(info.st_gid, 1235u) << path;
  }
}

class WindowTest : public RootedDirTest {
 protected:
  Result<Window> window(const std::string& text, std::uint64_t offset = 1,
                        std::uint64_t limit = kWindowLines) {
    Scratch::put(scratch.root() / "w", text);
    auto file = dir.open_file("w");
    return read_window(file->get(), offset, limit);
  }
};

TEST_F(WindowTest, ShowsWholeSmallFilesWithoutANote) {
  for (const char* text : {"", "a", "a\n", "a\nb", "a\r\nb\r\n"}) {
    auto shown = window(text);
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->text, text);
    EXPECT_EQ(window_note(*shown, 1), "");
  }
}

TEST_F(WindowTest, CutsByLinesAndSaysHowToGoOn) {
  std::string text;
  for (int i = 1; i <= 2500; ++i) text += std::to_string(i) + "\n";
  auto first = window(text);
  EXPECT_EQ(first->last_line, 2000u);
  EXPECT_THAT(window_note(*first, 1),
              HasSubstr("Lines 1-2000. More may follow: continue with offset=2001"));
  auto second = window(text, 2001);
  EXPECT_EQ(second->text.substr(0, 5), "2001\n");
  EXPECT_EQ(second->last_line, 2500u);
  EXPECT_THAT(window_note(*second, 2001), HasSubstr("the end of the file"));
  auto two = window(text, 7, 2);
  EXPECT_EQ(two->text, "7\n8\n");
  EXPECT_TRUE(two->more);
  EXPECT_THAT(window(text, 2501).error().message, HasSubstr("the file has 2500 lines"));
  EXPECT_THAT(window("a\nb", 3).error().message, HasSubstr("the file has 2 lines"));
}

TEST_F(WindowTest, CutsByBytesAtALineEnd) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text.append(99, 'x').append(1, '\n');
  auto shown = window(text);
  EXPECT_EQ(shown->text.size(), 51200u);
  EXPECT_EQ(shown->last_line, 512u);
  EXPECT_TRUE(shown->more);
  auto next = window(text, 513);
  EXPECT_EQ(next->last_line, 1000u);
  auto one = window(std::string(200000, 'y') + "\nz\n");
  EXPECT_TRUE(one->cut_line);
  EXPECT_EQ(one->text.size(), kWindowBytes);
  EXPECT_EQ(one->last_line, 1u);
  EXPECT_EQ(window(std::string(200000, 'y') + "\nz\n", 2)->text, "z\n");
}

TEST_F(WindowTest, BinaryIsRefusedAndBadUtf8Replaced) {
  EXPECT_THAT(window(std::string("a\0b", 3)).error().message, HasSubstr("binary"));
  EXPECT_EQ(window("a\xff\xc3\xa4\xed\xa0\x80")->text,
            "a\xEF\xBF\xBD\xc3\xa4\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace openclaw::workspace
