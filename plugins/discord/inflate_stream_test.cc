#include "inflate_stream.h"

#include <zlib.h>

#include <vector>

#include <gtest/gtest.h>

namespace discord {
namespace {

// The service's side: one stream, flushed after each message.
class Deflate {
 public:
  Deflate() { deflateInit(&z_, Z_DEFAULT_COMPRESSION); }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;
  ~Deflate() { deflateEnd(&z_); }
  std::string message(std::string text) {
    std::string out(deflateBound(&z_, text.size()) + 64, '\0');
    z_.next_in = reinterpret_cast<Bytef*>(text.data());
    z_.avail_in = static_cast<uInt>(text.size());
    z_.next_out = reinterpret_cast<Bytef*>(out.data());
    z_.avail_out = static_cast<uInt>(out.size());
    deflate(&z_, Z_SYNC_FLUSH);
    out.resize(out.size() - z_.avail_out);
    return out;
  }

 private:
  z_stream z_{};
};

TEST(InflateStream, MessagesShareOneStream) {
  Deflate service;
  InflateStream stream(1 << 20);
  for (const char* text : {"first", "second, second, second", ""}) {
    if (*text == '\0') continue;
    EXPECT_EQ(stream.feed(service.message(text)), text);
  }
}

TEST(InflateStream, AMessageMayComeInPieces) {
  Deflate service;
  InflateStream stream(1 << 20);
  const std::string whole = service.message(std::string(200'000, 'x') + "end");
  for (std::size_t i = 0; i + 1 < whole.size(); ++i)
    ASSERT_FALSE(stream.feed(std::string_view(whole).substr(i, 1))) << i;
  const auto got = stream.feed(std::string_view(whole).substr(whole.size() - 1));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->size(), 200'003u);
}

TEST(InflateStream, ABombEndsTheStream) {
  Deflate service;
  InflateStream stream(100'000);
  EXPECT_EQ(stream.feed(service.message(std::string(100'000, 'x')))->size(), 100'000u);
  EXPECT_FALSE(stream.feed(service.message(std::string(100'001, 'x'))));
  EXPECT_TRUE(stream.failed());
  EXPECT_FALSE(stream.feed(service.message("small")));
}

TEST(InflateStream, WhatIsNotCompressedOrNeverEndsFails) {
  InflateStream noise(1000);
  EXPECT_FALSE(noise.feed(std::string_view("no zlib\0\0\xff\xff", 11)));
  EXPECT_TRUE(noise.failed());
  InflateStream endless(1000);
  for (int i = 0; i < 20 && !endless.failed(); ++i)
    EXPECT_FALSE(endless.feed(std::string(100, 'a')));
  EXPECT_TRUE(endless.failed());
}

}  // namespace
}  // namespace discord
