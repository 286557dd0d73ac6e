#include "agent/queue_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::agent {
namespace {

using testing::HasSubstr;

QueueSettings settings(const char* config, const char* channel = "", const char* entry = "{}") {
  const auto root = config::from_json(json::parse(config).get_object());
  return queue_settings(*root, channel, json::parse(entry).get_object());
}

std::string shown(const QueueSettings& settings) {
  return queue_text(settings);
}

TEST(QueueSettings, AreCollectWithASecondOfQuiet) {
  EXPECT_EQ(shown(settings("{}")), "collect debounce:1000ms cap:20 drop:summarize");
  EXPECT_FALSE(settings("{}").chosen);
}

TEST(QueueSettings, OfTheChannelAreStrongerThanAll) {
  const char* config =
      R"({"messages":{"queue":{"mode":"followup","debounceMs":5,"cap":3,"drop":"new",
      "byChannel":{"discord":"steer+backlog"},"debounceMsByChannel":{"discord":7}}}})";
  EXPECT_EQ(shown(settings(config, "telegram")), "followup debounce:5ms cap:3 drop:new");
  EXPECT_EQ(shown(settings(config, "discord")), "steer-backlog debounce:7ms cap:3 drop:new");
  EXPECT_TRUE(settings(config).chosen);
}

TEST(QueueSettings, OfTheSessionAreStrongest) {
  const char* config = R"({"messages":{"queue":{"byChannel":{"discord":"steer"}}}})";
  const char* entry =
      R"({"queueMode":"interrupt","queueCap":2,"queueDebounceMs":0,"queueDrop":"old"})";
  EXPECT_EQ(shown(settings(config, "discord", entry)), "interrupt debounce:0ms cap:2 drop:old");
  // Written by somebody else, or by hand.
  EXPECT_EQ(shown(settings("{}", "", R"({"queueMode":"?","queueCap":-4,"queueDebounceMs":"x"})")),
            "collect debounce:1000ms cap:1 drop:summarize");
}

TEST(QueueCommand, SaysWhatChanges) {
  EXPECT_EQ(parse_queue_command("collect debounce:2s cap:25 drop:old").value(),
            (json::object{{"queueMode", "collect"},
                          {"queueDebounceMs", 2000},
                          {"queueCap", 25},
                          {"queueDrop", "old"}}));
  EXPECT_EQ(parse_queue_command("queue").value(), (json::object{{"queueMode", "steer"}}));
  EXPECT_EQ(parse_queue_command("debounce:1m").value(), (json::object{{"queueDebounceMs", 60000}}));
  const auto forgotten = parse_queue_command("default").value();
  EXPECT_EQ(forgotten.size(), 4U);
  EXPECT_TRUE(forgotten.at("queueMode").is_null());
}

TEST(QueueCommand, IsRefusedWithWhatMayBeWritten) {
  for (const char* wrong :
       {"fast", "cap:0", "cap:x", "cap:3x", "debounce:", "debounce:2h", "drop:all", "mode:collect",
        "debounce:99999999999999999999", "debounce:9223372036854775807m", "collect now"}) {
    const auto answer = parse_queue_command(wrong);
    ASSERT_TRUE(answer.has_error()) << wrong;
    EXPECT_THAT(answer.error().message, HasSubstr("steer-backlog")) << wrong;
  }
}

}  // namespace
}  // namespace openclaw::agent
