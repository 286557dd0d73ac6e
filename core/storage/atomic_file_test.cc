#include "storage/atomic_file.h"

#include <sys/stat.h>

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/temp_dir_for_test.h"

namespace openclaw::storage {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

TEST(AtomicFile, WritesBytesWithTheAskedMode) {
  TempDir dir;
  auto path = dir.path() / "file";
  std::string bytes("a\0b", 3);
  ASSERT_TRUE(write_file_atomically(path, bytes, 0600).has_value());
  EXPECT_EQ(read_file_bounded(path, 3).value(), bytes);
  EXPECT_EQ(mode_of(path), 0600u);
  ASSERT_TRUE(write_file_atomically(path, "", 0644).has_value());
  EXPECT_EQ(read_file_bounded(path, 0).value(), "");
  EXPECT_EQ(mode_of(path), 0644u);
}

TEST(AtomicFile, LeavesNoTemporaryFileAndReadersSeeWholeContent) {
  TempDir dir;
  auto path = dir.path() / "file";
  std::string a(100000, 'a'), b(100000, 'b');
  ASSERT_TRUE(write_file_atomically(path, a).has_value());
  std::thread writer([&] {
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(write_file_atomically(path, i % 2 == 0 ? b : a).has_value());
    }
  });
  for (int i = 0; i < 50; ++i) {
    auto seen = read_file_bounded(path, 1 << 20).value();
    EXPECT_TRUE(seen == a || seen == b);
  }
  writer.join();
  auto entries = std::filesystem::directory_iterator(dir.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(AtomicFile, AFolderThatIsMissingIsNamed) {
  TempDir dir;
  auto result = write_file_atomically(dir.path() / "no" / "file", "x");
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, Code::kNotFound);
  EXPECT_THAT(result.error().message, testing::HasSubstr("no/file"));
}

TEST(ReadFileBounded, RefusesLargeAbsentAndIrregularFiles) {
  TempDir dir;
  auto path = dir.path() / "file";
  ASSERT_TRUE(write_file_atomically(path, "12345").has_value());
  EXPECT_EQ(read_file_bounded(path, 4).error().code, Code::kResourceExhausted);
  EXPECT_EQ(read_file_bounded(dir.path() / "none", 4).error().code, Code::kNotFound);
  EXPECT_EQ(read_file_bounded(dir.path(), 4).error().code, Code::kFailedPrecondition);
  ASSERT_EQ(::mkfifo((dir.path() / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file_bounded(dir.path() / "fifo", 4).error().code, Code::kFailedPrecondition);
  EXPECT_GT(read_file_bounded("/proc/self/status", 1 << 20).value().size(), 0u);
}

TEST(CheckPrivateFile, NamesTheChmodToType) {
  TempDir dir;
  auto path = dir.path() / "secret";
  EXPECT_TRUE(check_private_file(path).has_value());
  ASSERT_TRUE(write_file_atomically(path, "x", 0640).has_value());
  auto result = check_private_file(path);
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(result.error().message, testing::HasSubstr("chmod 600 " + path.string()));
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(check_private_file(path).has_value());
}

TEST(MakePrivateDir, CreatesItsParentsAndIsRepeatable) {
  TempDir dir;
  auto path = dir.path() / "a" / "b";
  ASSERT_TRUE(make_private_dir(path).has_value());
  ASSERT_TRUE(make_private_dir(path).has_value());
  EXPECT_EQ(mode_of(path), 0700u);
  ASSERT_TRUE(write_file_atomically(dir.path() / "f", "x").has_value());
  EXPECT_EQ(make_private_dir(dir.path() / "f").error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace openclaw::storage
