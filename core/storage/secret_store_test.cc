#include "storage/secret_store.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/atomic_file.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::storage {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SecretStore, KeepsValuesInAPrivateFile) {
  TempDir dir;
  auto file = dir.path() / "secrets.json";
  {
    SecretStore store(file);
    EXPECT_EQ(store.get("a.b").error().code, Code::kNotFound);
    EXPECT_FALSE(std::filesystem::exists(file));
    ASSERT_TRUE(store.put("a.b", "one\"\n").has_value());
    ASSERT_TRUE(store.put("a.c", "two").has_value());
    ASSERT_TRUE(store.put("a.c", "").has_value());
  }
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  SecretStore store(file);
  EXPECT_EQ(store.get("a.b").value(), "one\"\n");
  EXPECT_EQ(store.get("a.c").error().code, Code::kNotFound);
}

TEST(SecretStore, TransientValuesWinAndAreNotWritten) {
  TempDir dir;
  auto file = dir.path() / "secrets.json";
  SecretStore store(file);
  ASSERT_TRUE(store.put("k", "durable").has_value());
  store.put_transient("k", "canary");
  EXPECT_EQ(store.get("k").value(), "canary");
  ASSERT_TRUE(store.put("other", "x").has_value());
  EXPECT_THAT(read_file_bounded(file, 1 << 20).value(), Not(HasSubstr("canary")));
  EXPECT_THAT(store.names(), testing::ElementsAre("k", "other"));
}

TEST(SecretStore, SeesARotationByAnotherProcess) {
  TempDir dir;
  auto file = dir.path() / "secrets.json";
  SecretStore ours(file), theirs(file);
  ASSERT_TRUE(theirs.put("k", "old").has_value());
  EXPECT_EQ(ours.get("k").value(), "old");
  ASSERT_TRUE(theirs.put("k", "new").has_value());
  EXPECT_EQ(ours.get("k").value(), "new");
}

TEST(SecretStore, RefusesAFileThatOthersMayReadWithTheChmodToType) {
  TempDir dir;
  auto file = dir.path() / "secrets.json";
  ASSERT_TRUE(write_file_atomically(file, R"({"k":"canary"})", 0644).has_value());
  SecretStore store(file);
  auto got = store.get("k");
  EXPECT_EQ(got.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(got.error().message, HasSubstr("chmod 600 " + file.string()));
  EXPECT_TRUE(store.put("k", "v").has_error());
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  EXPECT_EQ(store.get("k").value(), "canary");
}

TEST(SecretStore, NeverOverwritesAFileItCannotRead) {
  TempDir dir;
  auto file = dir.path() / "secrets.json";
  for (const char* text : {"{\"k\":\"canary\"", "[]", "{\"k\":1}", "{\"bad name\":\"canary\"}"}) {
    ASSERT_TRUE(write_file_atomically(file, text).has_value());
    SecretStore store(file);
    auto put = store.put("x", "y");
    ASSERT_TRUE(put.has_error()) << text;
    EXPECT_THAT(put.error().message, Not(HasSubstr("canary")));
    EXPECT_EQ(read_file_bounded(file, 100).value(), text);
  }
}

TEST(SecretStore, TheObserverHearsOfEveryValue) {
  TempDir dir;
  auto file = dir.path() / "secrets.json";
  SecretStore writer(file);
  ASSERT_TRUE(writer.put("f", "from-file").has_value());
  SecretStore store(file);
  store.put_transient("t", "early");
  std::vector<std::string> heard;
  store.set_observer([&](std::string_view secret) { heard.emplace_back(secret); });
  ASSERT_TRUE(store.get("f").has_value());
  store.put_transient("t2", "late");
  ASSERT_TRUE(store.put("p", "durable").has_value());
  EXPECT_THAT(heard, testing::IsSupersetOf({"early", "from-file", "late", "durable"}));
}

TEST(SecretStore, NamesAreStrict) {
  for (const char* bad : {"", "a b", "a\n", "../x\\", "a{b", "\xc3\xa4"}) {
    EXPECT_FALSE(SecretStore::is_valid_name(bad)) << bad;
  }
  EXPECT_FALSE(SecretStore::is_valid_name(std::string(201, 'a')));
  EXPECT_TRUE(SecretStore::is_valid_name("telegram.ops-1.botToken"));
}

}  // namespace
}  // namespace openclaw::storage
