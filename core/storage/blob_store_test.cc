#include "storage/blob_store.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/atomic_file.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::storage {
namespace {

std::size_t files_in(const std::filesystem::path& folder) {
  std::error_code ignored;
  auto entries = std::filesystem::directory_iterator(folder, ignored);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

class BlobStoreTest : public testing::Test {
 protected:
  BlobLimits small() {
    BlobLimits limits;
    limits.memory_bytes = 10;
    limits.blob_bytes = 100;
    limits.total_bytes = 150;
    limits.blobs = 3;
    return limits;
  }
  TempDir dir_;
  std::filesystem::path folder_ = dir_.path() / "blobs";
};

TEST_F(BlobStoreTest, SmallOnesStayInMemoryLargerOnesBecomeFiles) {
  BlobStore store(folder_, small());
  auto blob = store.create("a", "text/plain").value();
  ASSERT_TRUE(store.append("a", blob, "12345").has_value());
  EXPECT_EQ(files_in(folder_), 0u);
  ASSERT_TRUE(store.append("a", blob, "67890ABC").has_value());
  EXPECT_EQ(files_in(folder_), 1u);
  ASSERT_TRUE(store.append("a", blob, "DEF").has_value());
  EXPECT_EQ(store.read(blob, 0, 100).error().code, Code::kFailedPrecondition);
  ASSERT_TRUE(store.seal("a", blob).has_value());
  EXPECT_EQ(store.append("a", blob, "x").error().code, Code::kFailedPrecondition);
  EXPECT_EQ(store.read(blob, 0, 100).value(), "1234567890ABCDEF");
  EXPECT_EQ(store.read(blob, 8, 4).value(), "90AB");
  EXPECT_EQ(store.read(blob, 16, 4).value(), "");
  EXPECT_EQ(store.read(blob, ~0ull, ~0ull).value(), "");
  auto info = store.info(blob).value();
  EXPECT_EQ(info.bytes, 16u);
  EXPECT_EQ(info.mime, "text/plain");
  store.drop("a", blob);
  EXPECT_EQ(files_in(folder_), 0u);
  EXPECT_EQ(store.read(blob, 0, 1).error().code, Code::kNotFound);
}

TEST_F(BlobStoreTest, OnlyTheOwnerWritesAndDrops) {
  BlobStore store(folder_, small());
  auto blob = store.create("a", "").value();
  EXPECT_EQ(store.append("b", blob, "x").error().code, Code::kPermissionDenied);
  EXPECT_EQ(store.seal("b", blob).error().code, Code::kPermissionDenied);
  store.drop("b", blob);
  EXPECT_TRUE(store.info(blob).has_value());
  store.drop_unsealed("a");
  EXPECT_TRUE(store.info(blob).has_error());
}

TEST_F(BlobStoreTest, SizesAndCountsAreBounded) {
  BlobStore store(folder_, small());
  auto one = store.create("a", "").value();
  EXPECT_EQ(store.append("a", one, std::string(101, 'x')).error().code, Code::kResourceExhausted);
  ASSERT_TRUE(store.append("a", one, std::string(100, 'x')).has_value());
  auto two = store.create("a", "").value();
  EXPECT_EQ(store.append("a", two, std::string(51, 'x')).error().code, Code::kResourceExhausted);
  ASSERT_TRUE(store.create("a", "").has_value());
  EXPECT_EQ(store.create("a", "").error().code, Code::kResourceExhausted);
  store.drop("a", one);
  ASSERT_TRUE(store.append("a", two, std::string(51, 'x')).has_value());
  ASSERT_TRUE(store.create("a", "").has_value());
}

TEST_F(BlobStoreTest, WhatACrashLeftIsSweptAndForeignFilesAreNot) {
  ASSERT_TRUE(make_private_dir(folder_).has_value());
  ASSERT_TRUE(write_file_atomically(folder_ / "blob-0123", "x").has_value());
  ASSERT_TRUE(write_file_atomically(folder_ / "keep.txt", "x").has_value());
  BlobStore store(folder_, small());
  EXPECT_EQ(files_in(folder_), 2u);
  ASSERT_TRUE(store.create("a", "").has_value());
  EXPECT_EQ(files_in(folder_), 1u);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "keep.txt"));
}

TEST_F(BlobStoreTest, UnusedOnesAreDroppedAfterAWhile) {
  auto now = BlobStore::Clock::now();
  BlobStore store(folder_, small(), [&] { return now; });
  auto old = store.create("a", "").value();
  ASSERT_TRUE(store.seal("a", old).has_value());
  now += std::chrono::seconds(3000);
  ASSERT_TRUE(store.read(old, 0, 1).has_value());
  now += std::chrono::seconds(3000);
  ASSERT_TRUE(store.create("a", "").has_value());
  EXPECT_TRUE(store.info(old).has_value());
  now += std::chrono::seconds(3601);
  ASSERT_TRUE(store.create("a", "").has_value());
  EXPECT_TRUE(store.info(old).has_error());
}

TEST_F(BlobStoreTest, ThreadsMayWorkAtOnce) {
  BlobLimits limits;
  limits.memory_bytes = 1000;
  BlobStore store(folder_, limits);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, owner = std::to_string(t)] {
      for (int i = 0; i < 20; ++i) {
        auto blob = store.create(owner, "").value();
        for (int k = 0; k < 5; ++k) ASSERT_TRUE(store.append(owner, blob, std::string(400, 'x')));
        ASSERT_TRUE(store.seal(owner, blob).has_value());
        EXPECT_EQ(store.read(blob, 0, 5000).value().size(), 2000u);
        store.drop(owner, blob);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(files_in(folder_), 0u);
}

}  // namespace
}  // namespace openclaw::storage
