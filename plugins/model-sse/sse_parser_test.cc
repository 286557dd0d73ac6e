#include "sse_parser.h"

#include <vector>

#include <gtest/gtest.h>

namespace openclaw::model {
namespace {

struct Seen {
  std::vector<std::pair<std::string, std::string>> events;
  SseParser parser{
      [this](std::string_view name, std::string_view data) { events.emplace_back(name, data); }};
};
using Events = std::vector<std::pair<std::string, std::string>>;

TEST(SseParser, ReadsNamedAndUnnamedEvents) {
  Seen seen;
  seen.parser.feed("\xEF\xBB\xBF: hello\nevent: ping\ndata: 1\ndata: 2\nid: 7\n\ndata:x\n\n\n");
  EXPECT_EQ(seen.events, (Events{{"ping", "1\n2"}, {"", "x"}}));
}

TEST(SseParser, AnySplitGivesTheSameEvents) {
  const std::string text =
      "event: a\r\ndata: one\r\n\r\ndata: two\r\rdata: three\n\ndata: {\"k\":\"v\"}\r\n\r\n";
  const Events expected{{"a", "one"}, {"", "two"}, {"", "three"}, {"", "{\"k\":\"v\"}"}};
  for (std::size_t size = 1; size <= text.size(); ++size) {
    Seen seen;
    for (std::size_t at = 0; at < text.size(); at += size) {
      EXPECT_TRUE(seen.parser.feed(std::string_view(text).substr(at, size)));
    }
    EXPECT_EQ(seen.events, expected) << "pieces of " << size;
  }
}

TEST(SseParser, EventWithoutItsBlankLineCountsAtTheEnd) {
  Seen seen;
  seen.parser.feed("data: a\n\ndata: b");
  EXPECT_EQ(seen.events.size(), 1U);
  seen.parser.finish();
  EXPECT_EQ(seen.events, (Events{{"", "a"}, {"", "b"}}));
}

TEST(SseParser, EventBeyondTheLimitStopsTheStream) {
  std::size_t events = 0;
  SseParser parser([&](std::string_view, std::string_view) { ++events; }, 64);
  EXPECT_TRUE(parser.feed("data: ok\n\n"));
  EXPECT_FALSE(parser.feed("data: " + std::string(100, 'x')));
  EXPECT_FALSE(parser.feed("\n\ndata: later\n\n"));
  EXPECT_EQ(events, 1U);
  EXPECT_TRUE(parser.overflowed());
}

TEST(SseParser, ManyDataLinesAreBoundedTogether) {
  SseParser parser([](std::string_view, std::string_view) {}, 100);
  bool ok = true;
  for (int i = 0; i < 50 && ok; ++i) ok = parser.feed("data: 12345678\n");
  EXPECT_FALSE(ok);
}

}  // namespace
}  // namespace openclaw::model
