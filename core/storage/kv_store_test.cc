#include "storage/kv_store.h"

#include <sys/stat.h>

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/atomic_file.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::storage {
namespace {

class KvStoreTest : public testing::Test {
 protected:
  std::unique_ptr<KvStore> open(KvLimits limits = {}) {
    return std::make_unique<KvStore>(runtime_, file_, limits);
  }
  template <class T, class Call>
  static Result<T> wait(Call call) {
    std::promise<Result<T>> promise;
    auto future = promise.get_future();
    call([&](Result<T> result) { promise.set_value(std::move(result)); });
    return future.get();
  }
  static Result<std::string> get(KvStore& s, std::string scope, std::string key) {
    return wait<std::string>([&](auto done) { s.get(scope, key, done); });
  }
  static Result<void> put(KvStore& s, std::string scope, std::string key, std::string value) {
    return wait<void>([&](auto done) { s.put(scope, key, value, done); });
  }
  static Result<std::vector<std::string>> scan(KvStore& s, std::string scope, std::string prefix) {
    return wait<std::vector<std::string>>([&](auto done) { s.scan(scope, prefix, done); });
  }
  TempDir dir_;
  std::filesystem::path file_ = dir_.path() / "state" / "kv.db";
  Runtime runtime_{3};
};

TEST_F(KvStoreTest, OpensNothingBeforeTheFirstRequest) {
  auto store = open();
  EXPECT_FALSE(std::filesystem::exists(file_.parent_path()));
}

TEST_F(KvStoreTest, KeepsBytesAcrossOpens) {
  std::string binary("\0\xff'\"", 4);
  {
    auto store = open();
    ASSERT_TRUE(put(*store, "a", binary, binary).has_value());
    ASSERT_TRUE(put(*store, "a", "empty", "").has_value());
    ASSERT_TRUE(put(*store, "a", binary, binary + "2").has_value());
  }
  auto store = open();
  EXPECT_EQ(get(*store, "a", binary).value(), binary + "2");
  EXPECT_EQ(get(*store, "a", "empty").value(), "");
  EXPECT_EQ(get(*store, "a", "none").error().code, Code::kNotFound);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info {};
    ASSERT_EQ(::stat((file_.string() + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 077, 0u) << suffix;
  }
}

TEST_F(KvStoreTest, ScopesDoNotSeeEachOther) {
  auto store = open();
  ASSERT_TRUE(put(*store, "telegram/a", "k", "1").has_value());
  ASSERT_TRUE(put(*store, "telegram/b", "k", "2").has_value());
  EXPECT_EQ(get(*store, "telegram/a", "k").value(), "1");
  EXPECT_TRUE(wait<void>([&](auto done) { store->erase("telegram/a", "k", done); }).has_value());
  EXPECT_EQ(get(*store, "telegram/a", "k").error().code, Code::kNotFound);
  EXPECT_EQ(get(*store, "telegram/b", "k").value(), "2");
}

TEST_F(KvStoreTest, ScanAnswersKeysWithThePrefixInOrder) {
  auto store = open();
  for (const char* key : {"b/2", "b/1", "a", "c", "b/", "b0", "\xff\xff", "\xff"}) {
    ASSERT_TRUE(put(*store, "s", key, "v").has_value());
  }
  EXPECT_THAT(scan(*store, "s", "b/").value(), testing::ElementsAre("b/", "b/1", "b/2"));
  EXPECT_THAT(scan(*store, "s", "\xff").value(), testing::ElementsAre("\xff", "\xff\xff"));
  EXPECT_EQ(scan(*store, "s", "").value().size(), 8u);
  EXPECT_TRUE(scan(*store, "t", "").value().empty());
}

TEST_F(KvStoreTest, RequestsOfOneCallerKeepTheirOrder) {
  auto store = open();
  std::promise<void> last;
  std::vector<std::string> seen;
  for (int i = 0; i < 500; ++i) {
    store->put("s", "k", std::to_string(i), [](Result<void> r) { EXPECT_TRUE(r.has_value()); });
    store->get("s", "k", [&seen, &last, i](Result<std::string> r) {
      seen.push_back(r.value());
      if (i == 499) last.set_value();
    });
  }
  last.get_future().wait();
  ASSERT_EQ(seen.size(), 500u);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(KvStoreTest, BoundsAreKept) {
  KvLimits limits;
  limits.value_bytes = 100;
  limits.scope_bytes = 150;
  limits.scan_keys = 2;
  auto store = open(limits);
  EXPECT_EQ(put(*store, "s", "k", std::string(101, 'x')).error().code, Code::kInvalidArgument);
  ASSERT_TRUE(put(*store, "s", "k", std::string(99, 'x')).has_value());
  ASSERT_TRUE(put(*store, "s", "k", std::string(99, 'y')).has_value());
  EXPECT_EQ(put(*store, "s", "l", std::string(50, 'x')).error().code, Code::kResourceExhausted);
  ASSERT_TRUE(put(*store, "other", "l", std::string(50, 'x')).has_value());
  ASSERT_TRUE(put(*store, "s", "l", "").has_value());
  ASSERT_TRUE(put(*store, "s", "m", "").has_value());
  EXPECT_EQ(scan(*store, "s", "").error().code, Code::kResourceExhausted);
}

TEST_F(KvStoreTest, CloseAnswersWhatWaitsAndRefusesTheRest) {
  auto store = open();
  std::atomic<int> answered{0};
  for (int i = 0; i < 100; ++i) {
    store->put("s", std::to_string(i), "v", [&](Result<void>) { ++answered; });
  }
  store->close();
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(put(*store, "s", "k", "v").error().code, Code::kCancelled);
}

TEST_F(KvStoreTest, AFileThatIsNoDatabaseIsNamedAndKept) {
  ASSERT_TRUE(make_private_dir(file_.parent_path()).has_value());
  ASSERT_TRUE(write_file_atomically(file_, std::string(8192, 'x')).has_value());
  auto store = open();
  auto result = put(*store, "s", "k", "v");
  EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(result.error().message, testing::HasSubstr("mv " + file_.string()));
  EXPECT_EQ(read_file_bounded(file_, 1 << 20).value(), std::string(8192, 'x'));
}

}  // namespace
}  // namespace openclaw::storage
