// Attachments: from the event's refs to bytes, by the account's plugin.
#include "channel/channel_fixture_for_test.h"

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

}  // namespace
}  // namespace openclaw::channel
