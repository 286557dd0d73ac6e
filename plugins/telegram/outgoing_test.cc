#include "outgoing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settings.h"

namespace telegram {
namespace {

using testing::HasSubstr;

std::optional<Outgoing> read(std::string_view payload, bool is_edit = false) {
  Malformed wrong;
  auto out = read_outgoing(payload, is_edit, 4000, wrong);
  EXPECT_EQ(out.has_value(), wrong.message.empty());
  return out;
}

TEST(Outgoing, ReadsChatTopicAndReply) {
  const auto out = read(R"({"conversation":{"id":"-1001","threadId":"77"},"text":"**hi**",
      "format":"markdown","replyTo":{"messageId":"5"},"replaces":{"messageId":"9"}})");
  ASSERT_TRUE(out);
  EXPECT_EQ(out->target.chat_id(), json::value(-1001));
  EXPECT_EQ(out->target.thread_id, 77);
  EXPECT_EQ(out->reply_to, 5);
  EXPECT_EQ(out->message_id, 9);
  EXPECT_FALSE(out->must_exist);
  ASSERT_EQ(out->pieces.size(), 1u);
  EXPECT_EQ(out->pieces[0].html(), "<b>hi</b>");
}

TEST(Outgoing, PlainTextIsNotRendered) {
  const auto out = read(R"({"conversation":{"id":"@news"},"text":"**a** <b>"})");
  ASSERT_TRUE(out);
  EXPECT_EQ(out->target.chat_id(), json::value("@news"));
  EXPECT_EQ(out->pieces[0].html(), "**a** &lt;b&gt;");
}

TEST(Outgoing, AResumedSendKnowsWhatIsOut) {
  const std::string text(9000, 'a');
  const auto out = read(
      R"({"conversation":{"id":"1"},"resume":{"sent":2,"messageId":"7"},"text":")" + text + "\"}");
  ASSERT_TRUE(out);
  EXPECT_EQ(out->pieces.size(), 3u);
  EXPECT_EQ(out->sent, 2u);
  EXPECT_EQ(out->first_id, 7);
}

TEST(Outgoing, FilesComeAfterTheTextOrAlone) {
  const auto out = read(R"({"conversation":{"id":"1"},"text":"","attachments":[
      {"blob":7,"kind":"photo","mime":"image/png","name":"a.png","bytes":5}],
      "resume":{"sent":0,"messageId":"0"}})");
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->pieces.empty());
  ASSERT_EQ(out->files.size(), 1u);
  EXPECT_EQ(out->files[0].blob, 7u);
  EXPECT_EQ(out->files[0].kind, "photo");
  const auto both = read(R"({"conversation":{"id":"1"},"text":"see","attachments":[{"blob":7}],
      "resume":{"sent":1,"messageId":"9"}})");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->sent, 1u) << "the text is out, the file is not";
  EXPECT_FALSE(read(R"({"conversation":{"id":"1"},"text":"a","messageId":"3",
      "attachments":[{"blob":7}]})",
                    true));
}

TEST(Outgoing, AShortTextIsTheCaptionOfOneFile) {
  const auto captioned = [](const std::string& text, const std::string& files,
                            const std::string& more = "") {
    const auto out = read(R"({"conversation":{"id":"1"},"text":")" + text + R"(","attachments":[)" +
                          files + "]" + more + "}");
    return out && out->captioned;
  };
  const std::string one = R"({"blob":7,"kind":"photo"})";
  EXPECT_TRUE(captioned(std::string(1024, 'a'), one));
  EXPECT_FALSE(captioned(std::string(1025, 'a'), one));
  EXPECT_FALSE(captioned("", one));
  const std::string draft = R"(,"replaces":{"messageId":"3"})";
  EXPECT_TRUE(captioned("a", one, draft));
  EXPECT_FALSE(captioned("a", R"({"blob":7,"kind":"voice"})", draft));
}

TEST(Outgoing, RefusesWhatHasNoPlaceOrNothingToShow) {
  for (const char* payload :
       {"", "[]", "{}", R"({"conversation":{"id":"1"}})",
        R"({"conversation":{"id":"1"},"text":" \n"})", R"({"conversation":{"id":"x"},"text":"a"})",
        R"({"conversation":{"id":"0"},"text":"a"})", R"({"conversation":{"id":"../1"},"text":"a"})",
        R"({"conversation":{"id":"1"},"text":"a","attachments":[{}]})"}) {
    EXPECT_FALSE(read(payload)) << payload;
  }
  EXPECT_FALSE(read(R"({"conversation":{"id":"1"},"text":"a"})", true));
  EXPECT_TRUE(read(R"({"conversation":{"id":"1"},"text":"a","messageId":"3"})", true));
}

TEST(Settings, NameTheAccountAndHoldNoToken) {
  const Settings s =
      read_settings("telegram/work",
                    R"({"botToken":{"$secret":"telegram.work.botToken"},"apiRoot":"http://x/"})");
  EXPECT_EQ(s.config_key, "channels.telegram.accounts.work");
  EXPECT_EQ(s.token, "{{secret:telegram.work.botToken}}");
  EXPECT_EQ(s.api_root, "http://x");
  EXPECT_EQ(s.commands.size(), 9u);
  EXPECT_THAT(s.token_command(), HasSubstr("--account work"));
}

TEST(Settings, OwnCommandsAreAddedAndTheMenuCanBeLeftAlone) {
  const Settings s = read_settings(
      "telegram/default",
      R"({"customCommands":[{"command":"/deploy","description":"x"},{"command":"Bad Name","description":"x"}]})");
  EXPECT_EQ(s.commands.size(), 10u);
  EXPECT_TRUE(
      read_settings("telegram/default", R"({"commands":{"native":false}})").commands.empty());
  EXPECT_THROW(read_settings("telegram/default", "[]"), std::invalid_argument);
}

}  // namespace
}  // namespace telegram
