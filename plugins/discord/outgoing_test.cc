#include "outgoing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settings.h"

namespace discord {
namespace {

using testing::HasSubstr;

std::optional<Outgoing> read(const std::string& payload, bool is_edit = false) {
  Malformed wrong;
  return read_outgoing(payload, is_edit, 1950, wrong);
}

TEST(Outgoing, TargetsAreChannelsThreadsOrPeople) {
  const auto target = [](const std::string& conversation) {
    return read(R"({"text":"x","conversation":)" + conversation + "}");
  };
  EXPECT_EQ(target(R"({"id":"30"})")->target.channel, "30");
  EXPECT_FALSE(target(R"({"id":"30"})")->target.certain);
  EXPECT_TRUE(target(R"({"id":"channel:30"})")->target.certain);
  EXPECT_EQ(target(R"({"id":"user:7"})")->target.user, "7");
  EXPECT_EQ(target(R"({"id":"30","threadId":"31"})")->target.channel, "31");
  for (const char* bad :
       {R"({"id":""})", R"({"id":"general"})", R"({"id":"user:"})", R"({"id":30})",
        R"({"id":"30/messages"})", R"({"id":"99999999999999999999999"})", "{}", "7"})
    EXPECT_FALSE(target(bad)) << bad;
}

TEST(Outgoing, FilesAreGroupedAsTheServiceTakesThem) {
  std::string files;
  for (int i = 1; i <= 12; ++i)
    files += std::string(i == 1 ? "" : ",") + R"({"blob":)" + std::to_string(i) +
             R"(,"name":"f","bytes":100})";
  const auto message =
      read(R"({"conversation":{"id":"30"},"text":"","attachments":[)" + files + "]}");
  ASSERT_TRUE(message);
  ASSERT_EQ(message->files.size(), 2u);
  EXPECT_EQ(message->files[0].size(), 10u);
  EXPECT_EQ(message->files[1].size(), 2u);
  EXPECT_FALSE(read(R"({"conversation":{"id":"30"},"text":"x","attachments":[{"blob":0}]})"));
}

TEST(Outgoing, ResumeThatDoesNotFitIsNotBelieved) {
  const auto resumed = [](const std::string& resume) {
    return read(R"({"conversation":{"id":"30"},"text":"x","resume":)" + resume + "}");
  };
  EXPECT_EQ(resumed(R"({"sent":0,"tryingSinceMs":5})")->trying_since_ms, 5);
  EXPECT_EQ(resumed(R"({"sent":7,"messageId":"1","tryingSinceMs":5})")->trying_since_ms, 0);
  EXPECT_EQ(resumed(R"({"sent":-1})")->sent, 0u);
}

TEST(Outgoing, ANonceFollowsFromItsKey) {
  EXPECT_EQ(nonce_of("reply:1", 0), nonce_of("reply:1", 0));
  EXPECT_NE(nonce_of("reply:1", 0), nonce_of("reply:1", 1));
  EXPECT_NE(nonce_of("reply:1", 0), nonce_of("reply:2", 0));
  EXPECT_NE(nonce_of("", 0), nonce_of("", 0));
  EXPECT_LE(nonce_of("reply:1", 0).size(), 25u);
}

TEST(Settings, IntentsAndLimitsHaveBounds) {
  const Settings plain = read_settings("discord/default", R"({"token":{"$secret":"t"}})");
  EXPECT_EQ(plain.intents(), 46593u);
  EXPECT_EQ(plain.api_root, "https://discord.com/api/v10");
  EXPECT_EQ(plain.authorization(), "Bot {{secret:t}}");
  EXPECT_EQ(plain.text_limit, 1950u);
  const Settings odd = read_settings("discord/work",
                                     R"({"textChunkLimit":99999,"intents":{"messageContent":false},
                                         "apiRoot":"http://127.0.0.1:1/api//","mediaMaxMb":-1})");
  EXPECT_EQ(odd.text_limit, 1950u);
  EXPECT_EQ(odd.intents(), 13825u);
  EXPECT_EQ(odd.api_root, "http://127.0.0.1:1/api/v10");
  EXPECT_THAT(odd.token_command(), HasSubstr("--account work"));
  EXPECT_THROW(read_settings("discord/default", "[]"), std::invalid_argument);
}

}  // namespace
}  // namespace discord
