// Attachments: from the event's refs to bytes, by the account's plugin.
#include <sys/stat.h>

#include "channel/channel_fixture_for_test.h"
#include "channel/reply_media.h"

namespace openclaw::channel {
namespace {

using testing::HasSubstr;

class ChannelMediaTest : public ChannelServiceTest {
 protected:
  std::uint64_t blob_ = 0;
  json::object photo(const std::string& id, std::int64_t bytes = 5) {
    auto event = message(id, "look");
    event["attachments"] = json::array{json::object{{"kind", "photo"},
                                                    {"mime", "image/jpeg"},
                                                    {"name", "a.jpg"},
                                                    {"bytes", bytes},
                                                    {"ref", "ref-1"}}};
    return event;
  }
  std::uint64_t blob(const std::string& bytes) {
    return wait(life_->services->make_blob(bytes, "image/jpeg")).value();
  }
  // What the agent would get for the first file of its last request.
  Result<std::string> fetched(Limits limits = Limits::within(std::chrono::seconds(10))) {
    auto& files = life_->agent.requests.back().files;
    auto source = wait(files.at(0).fetch(limits));
    if (source.has_error()) return source.error();
    return workspace::read_all(source.value(), 1 << 20);
  }
};

TEST_F(ChannelMediaTest, R169AttachmentsAreFetchedByRefWhenTheAgentAsks) {
  boot();
  std::vector<json::object> asked;
  on_fetch = [&](const json::object& payload) -> Result<json::value> {
    asked.push_back(payload);
    return json::value{{"blob", blob_}};
  };
  EXPECT_EQ(offer(photo("e1")), Code::kOk);
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  const auto& request = life_->agent.requests.at(0);
  EXPECT_EQ(request.text, "look");
  ASSERT_EQ(request.files.size(), 1U);
  EXPECT_EQ(request.files[0].name, "a.jpg");
  EXPECT_EQ(request.files[0].mime, "image/jpeg");
  EXPECT_EQ(request.files[0].kind, "photo");
  EXPECT_TRUE(asked.empty()) << "nothing is fetched for a turn that does not ask";
  blob_ = blob("BYTES");
  EXPECT_EQ(fetched().value(), "BYTES");
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].at("ref"), "ref-1");
  EXPECT_EQ(asked[0].at("conversation").at("id"), "1");
  // The blob was this host's to drop.
  EXPECT_EQ(life_->services->take_blob(blob_).error().code, Code::kNotFound);
}

TEST_F(ChannelMediaTest, R169AfterACrashTheyAreFetchedAgain) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  EXPECT_EQ(offer(photo("e1")), Code::kOk);
  ASSERT_TRUE(until([&] { return life_->agent.requests.size() == 1; }));
  crash();
  prepare = nullptr;
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  ASSERT_EQ(life_->agent.requests.at(0).files.size(), 1U);
  int tries = 0;
  on_fetch = [&](const json::object&) -> Result<json::value> {
    // The account is not connected yet.
    Error later(Code::kUnavailable, "not connected");
    later.retry_after = milliseconds(1);
    if (++tries < 3) return later;
    return json::value{{"blob", blob_}};
  };
  blob_ = blob("AGAIN");
  EXPECT_EQ(fetched().value(), "AGAIN");
  EXPECT_EQ(tries, 3);
}

TEST_F(ChannelMediaTest, WhatCannotBeFetchedSaysWhy) {
  boot();
  Result<json::value> answer = json::value(json::object{{"blob", "x"}});
  int asked = 0;
  on_fetch = [&](const json::object&) {
    ++asked;
    return answer;
  };
  EXPECT_EQ(offer(photo("e1")), Code::kOk);
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(fetched().error().code, Code::kProtocol);
  answer = json::value(json::object{{"blob", 12345}});
  EXPECT_EQ(fetched().error().code, Code::kNotFound);
  answer = Error(Code::kNotFound, "the platform has it no more");
  EXPECT_EQ(fetched().error().message, "the platform has it no more");
  answer = Error(Code::kUnavailable, "not connected");
  EXPECT_EQ(fetched(Limits::within(milliseconds(50))).error().message, "not connected");
  EXPECT_EQ(asked, 4);
  // One that is too large is not even asked for.
  EXPECT_EQ(offer(photo("e2", 60 << 20)), Code::kOk);
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  auto refused = fetched();
  EXPECT_EQ(refused.error().code, Code::kResourceExhausted);
  EXPECT_THAT(refused.error().message, HasSubstr("50 MiB"));
  EXPECT_EQ(asked, 4);
}

TEST_F(ChannelMediaTest, AttachmentsWithoutARefAreTold) {
  boot();
  auto event = message("e1", "");
  event["attachments"] = json::array{json::object{{"kind", "location"}}};
  EXPECT_EQ(offer(event), Code::kOk);
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(life_->agent.requests.at(0).text, HasSubstr("[attached: location, not available"));
  EXPECT_TRUE(life_->agent.requests.at(0).files.empty());
}

// ---- files that go out

class ReplyMediaTest : public ChannelMediaTest {
 protected:
  ReplyMediaTest() {
    prepare = [](Life& life) { life.host.traits()["sendsFiles"] = true; };
    std::filesystem::create_directories(dir_.path() / "workspace");
  }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(dir_.path() / "workspace" / name, std::ios::binary) << text;
  }
  // The message that goes out when the agent answers this. `seen` runs while the plugin has it.
  json::object reply(const std::string& text) {
    life_->agent.answer = [text](const agent::TurnRequest&) {
      agent::TurnResult result;
      result.status = "ok";
      result.text = text;
      return result;
    };
    const std::size_t before = sent.size();
    EXPECT_EQ(offer(message("r" + std::to_string(before), "send it")), Code::kOk);
    EXPECT_TRUE(until([&] { return sent.size() == before + 1; }));
    return sent.back();
  }
};

TEST_F(ReplyMediaTest, A13AMediaLineBecomesAnAttachment) {
  boot();
  put("chart.png", std::string("\x89PNG\r\n\x1a\n", 8));
  std::string bytes;
  on_send = [&](const json::object& payload,
                const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    const auto& file = payload.at("attachments").at(0);
    bytes = life_->services->take_blob(file.at("blob").to_number<std::uint64_t>())
                ->read(0, 100)
                .value();
    return std::nullopt;
  };
  const auto message = reply("Here it is.\nMEDIA:./chart.png\nAnything else?");
  EXPECT_EQ(message.at("text"), "Here it is.\nAnything else?");
  const auto& file = message.at("attachments").at(0);
  EXPECT_EQ(file.at("name"), "chart.png");
  EXPECT_EQ(file.at("mime"), "image/png");
  EXPECT_EQ(file.at("kind"), "photo");
  EXPECT_EQ(file.at("bytes"), 8);
  EXPECT_EQ(bytes.size(), 8U);
  EXPECT_FALSE(message.contains("media"));
}

TEST_F(ReplyMediaTest, A13OnlyRegularFilesOfTheWorkspaceGoOut) {
  boot();
  const auto workspace = dir_.path() / "workspace";
  std::ofstream(dir_.path() / "secret.txt") << "SECRET";
  std::filesystem::create_symlink(dir_.path() / "secret.txt", workspace / "link.txt");
  put("real.txt", "text");
  std::filesystem::create_symlink("real.txt", workspace / "alias.txt");
  std::filesystem::create_directory_symlink(dir_.path(), workspace / "up");
  std::filesystem::create_hard_link(dir_.path() / "secret.txt", workspace / "hard.txt");
  std::filesystem::create_directories(workspace / "folder");
  ASSERT_EQ(::mkfifo((workspace / "fifo.txt").c_str(), 0600), 0);
  put("empty.txt", "");
  for (const char* path : {"link.txt", "alias.txt", "up/secret.txt", "hard.txt", "folder",
                           "fifo.txt", "empty.txt", "../secret.txt", "/etc/passwd", "gone.txt"}) {
    const auto message = reply(std::string("MEDIA:") + path);
    EXPECT_FALSE(message.contains("attachments")) << path;
    EXPECT_THAT(std::string(message.at("text").as_string()), HasSubstr("is not attached: "));
  }
}

TEST_F(ReplyMediaTest, AChannelThatSendsNoFilesSaysSo) {
  prepare = nullptr;
  boot();
  put("a.txt", "A");
  const auto message = reply("See.\nMEDIA:a.txt");
  EXPECT_EQ(message.at("text"),
            "See.\n\n⚠️ a.txt is not attached: files cannot be sent on this channel");
}

TEST_F(ReplyMediaTest, TheFileIsOpenedAnewAfterACrash) {
  boot();
  put("a.txt", "A");
  on_send = [&](const json::object&,
                const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    return Result<json::value>(Error(Code::kUnavailable, "not now"));
  };
  life_->agent.answer = [](const agent::TurnRequest&) {
    agent::TurnResult result;
    result.status = "ok";
    result.text = "MEDIA:a.txt";
    return result;
  };
  EXPECT_EQ(offer(message("e1", "send it")), Code::kOk);
  ASSERT_TRUE(until([&] { return !calls.empty() && calls.back().first == "channel.send"; }));
  crash();
  on_send = nullptr;
  put("a.txt", "AA");
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(sent[0].at("attachments").at(0).at("bytes"), 2);
}

// What an operator sends comes with the request, is kept in the workspace and goes out like other
// files.
TEST_F(ReplyMediaTest, A13WhatIsBroughtIsKeptInTheWorkspaceBeforeItGoes) {
  boot();
  MessageAction action{
      .channel = "fake", .to = "1", .agent_id = "main", .session_key = "agent:main:main"};
  action.brought = {{"../a b.txt", "text/plain", "aGVsbG8="},
                    {"a b.txt", "text/plain", "aGVsbG8h"}};
  const auto done = act(action);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  const auto& files = sent.back().at("attachments").as_array();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].at("bytes"), 5);
  EXPECT_EQ(files[1].at("bytes"), 6);
  const auto outbound = dir_.path() / "workspace" / "media" / "outbound";
  const auto kept = std::distance(std::filesystem::directory_iterator(outbound), {});
  EXPECT_EQ(kept, 2);
  action.brought = {{"c.txt", "text/plain", "no base64!"}};
  EXPECT_THAT(act(action).error().message, HasSubstr("c.txt: it is not base64"));
  action.brought = {{"c.txt", "text/plain", ""}};
  EXPECT_THAT(act(action).error().message, HasSubstr("c.txt is empty"));
  action.brought.assign(11, {"c.txt", "text/plain", "aGVsbG8="});
  EXPECT_THAT(act(action).error().message, HasSubstr("at most 10 files"));
  // A folder that leads elsewhere is not followed.
  std::filesystem::remove_all(outbound);
  std::filesystem::create_directory_symlink(dir_.path(), outbound);
  action.brought = {{"c.txt", "text/plain", "aGVsbG8="}};
  EXPECT_THAT(act(action).error().message, HasSubstr("ls -ld media media/outbound"));
  EXPECT_FALSE(std::filesystem::exists(dir_.path() / "c.txt"));
}

TEST(ReplyMediaLines, AreLinesOfTheirOwnOutsideOfCode) {
  const auto split = split_media("a\n  MEDIA: `out/b.png` \n```\nMEDIA:c\n```\nsee MEDIA:d\n");
  EXPECT_THAT(split.paths, testing::ElementsAre("out/b.png"));
  EXPECT_EQ(split.text, "a\n```\nMEDIA:c\n```\nsee MEDIA:d");
  EXPECT_EQ(split_media("MEDIA:https://x/y.png").text, "MEDIA:https://x/y.png");
  EXPECT_EQ(split_media("MEDIA:").text, "MEDIA:");
  EXPECT_EQ(split_media("  as it was\n").text, "  as it was\n");
}

}  // namespace
}  // namespace openclaw::channel
