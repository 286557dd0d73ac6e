// What stays of conversations, and who may read it: message.read, channels.resolve, the tool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channel/channel_fixture_for_test.h"

namespace openclaw::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ReadBack : public ChannelServiceTest {
 protected:
  json::object read(const std::string& to, std::int64_t limit = 20) {
    auto answer =
        act({.kind = MessageAction::Kind::kRead, .channel = "fake", .to = to, .limit = limit});
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer.has_value() ? *answer : json::object();
  }
  static std::vector<std::string> texts(const json::object& answer) {
    std::vector<std::string> out;
    for (const auto& each : answer.at("messages").as_array())
      out.emplace_back(each.at("text").as_string());
    return out;
  }
  void exchange(const std::string& id, const std::string& text) {
    const auto before = sent.size();
    offer(message(id, text));
    ASSERT_TRUE(until([&] { return sent.size() > before; }));
    settle();
  }
  std::string names(const std::string& entry) {
    ResolveRequest request{.channel = "fake", .account = "", .entries = {entry}};
    auto answer = wait(life_->service->resolve(std::move(request)));
    EXPECT_TRUE(answer.has_value());
    return json::serialize(answer->at("results").at(0));
  }
};

TEST_F(ReadBack, TheRecordHasBothSidesOldestFirst) {
  boot();
  exchange("e1", "one");
  exchange("e2", "two");
  const json::object answer = read("1");
  EXPECT_EQ(answer.at("source"), "record");
  EXPECT_THAT(texts(answer), ElementsAre("one", "re: one", "two", "re: two"));
  const auto& first = answer.at("messages").at(0);
  EXPECT_EQ(first.at("senderName"), "Ada");
  EXPECT_EQ(first.at("own"), false);
  EXPECT_EQ(answer.at("messages").at(1).at("own"), true);
  EXPECT_THAT(texts(read("1", 1)), ElementsAre("re: two"));
  EXPECT_TRUE(texts(read("99")).empty());
  // The inbox itself keeps nothing.
  crash();
  boot();
  EXPECT_EQ(texts(read("1")).size(), 4U);
}

TEST_F(ReadBack, AStrangerLeavesNothing) {
  config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["1"],"dmPolicy":"pairing"}}})";
  boot();
  auto stranger = message("e1", "let-me-in", "66");
  stranger["sender"].as_object()["username"] = "mallory";
  offer(stranger);
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));  // the pairing code
  auto changed = message("e2", "let-me-in-please", "66");
  changed["kind"] = "edit";
  changed["messageId"] = "e1";
  offer(changed);
  settle();
  EXPECT_TRUE(texts(read("66")).empty());
  EXPECT_THAT(names("@mallory"), HasSubstr("not met"));
  bool kept = false;
  on_disk([&](Store& store) -> Awaitable<Result<bool>> {
    RecordQuery query{.instance = "fake/default", .chat = "66", .thread = "", .limit = 9};
    auto rows = co_await store.messages_of(std::move(query));
    kept = rows.has_error() || !rows.value().empty();
    co_return true;
  });
  EXPECT_FALSE(kept);
}

TEST_F(ReadBack, EditsAndDeletionsChangeTheRecord) {
  boot();
  exchange("e1", "helo");
  auto changed = message("e1-edit", "hello");
  changed["kind"] = "edit";
  changed["messageId"] = "e1";
  offer(changed);
  settle();
  const json::object answer = read("1");
  EXPECT_THAT(texts(answer), ElementsAre("hello", "re: helo"));
  const std::string reply(answer.at("messages").at(1).at("messageId").as_string());
  ASSERT_TRUE(
      act({.kind = MessageAction::Kind::kDelete, .channel = "fake", .to = "1", .message_id = reply})
          .has_value());
  EXPECT_THAT(texts(read("1")), ElementsAre("hello"));
}

TEST_F(ReadBack, ADirectChatIsFoundByThePersonToo) {
  boot();
  auto event = message("e1", "psst");
  event["conversation"].as_object()["id"] = "chat-7";
  offer(event);
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  EXPECT_THAT(texts(read("1")), ElementsAre("psst", "re: psst"));
  EXPECT_THAT(texts(read("chat-7")), ElementsAre("psst", "re: psst"));
  EXPECT_THAT(names("ada"), HasSubstr(R"("id":"1")"));
}

TEST_F(ReadBack, WhereThePluginReadsItIsAskedAndTheRecordStandsIn) {
  prepare = [this](Life& life) {
    life.host.traits()["readsHistory"] = true;
    life.host.handler = [this](const std::string& slot, const json::object& payload,
                               const plugin::ProgressSink& progress) -> Result<json::value> {
      if (slot != "channel.read") return platform(slot, payload, progress);
      if (payload.at("conversation").at("id") == "1")
        return Error(Code::kPermissionDenied, "no history for you");
      return json::value{{"messages",
                          {{{"text", "a"}, {"messageId", "m1"}, {"secret", "x"}},
                           7,
                           {{"text", "b"}},
                           {{"text", "c"}}}}};
    };
  };
  boot();
  exchange("e1", "one");
  const json::object there = read("5", 2);
  EXPECT_EQ(there.at("source"), "platform");
  EXPECT_THAT(texts(there), ElementsAre("a", "b"));
  EXPECT_THAT(json::serialize(there), Not(HasSubstr("secret")));
  const json::object here = read("1");
  EXPECT_EQ(here.at("source"), "record");
  EXPECT_EQ(here.at("note"), "no history for you");
  EXPECT_THAT(texts(here), ElementsAre("one", "re: one"));
}

TEST_F(ReadBack, MistakesAreNamed) {
  boot();
  EXPECT_THAT(act({.kind = MessageAction::Kind::kRead, .channel = "fake", .to = "1", .limit = 0})
                  .error()
                  .message,
              HasSubstr("limit"));
  EXPECT_THAT(
      act({.kind = MessageAction::Kind::kRead, .channel = "icq", .to = "1"}).error().message,
      HasSubstr("unsupported channel"));
}

}  // namespace
}  // namespace openclaw::channel
