// Files that come with a message, from their source to what the model is told.
#include <fstream>

#include "agent/agent_fixture_for_test.h"
#include "workspace/base64.h"

namespace openclaw::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kPng = std::string("\x89PNG\r\n\x1a\n", 8) + "pixels";

class IncomingFiles : public AgentTest {
 protected:
  IncomingFiles()
      : AgentTest(R"({"models":{"providers":{"mock":{
            "baseUrl":"http://mock","api":"openai-completions",
            "models":[{"id":"m1","contextWindow":100000,"input":["text","image"]}]}}}})") {}

  static IncomingFile file(std::string name, std::string mime, std::string bytes) {
    IncomingFile out;
    out.kind = "photo";
    out.name = std::move(name);
    out.mime = std::move(mime);
    out.fetch = [bytes = std::move(bytes)](Limits) { return give(bytes); };
    return out;
  }
  static IncomingFile lost(std::string name, std::string why) {
    IncomingFile out;
    out.name = std::move(name);
    out.fetch = [why = std::move(why)](Limits) { return refuse(why); };
    return out;
  }
  // The blocks of the user's last message that the model got.
  json::array told() {
    return model().requests.back().at("messages").as_array().back().at("content").as_array();
  }
  std::string staged(const std::string& name) {
    std::ifstream in(dir_.path() / "workspace/media/inbound" / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  static Awaitable<Result<workspace::MediaSource>> give(std::string bytes) {
    co_return workspace::source_of(std::move(bytes));
  }
  static Awaitable<Result<workspace::MediaSource>> refuse(std::string why) {
    co_return make_error(Code::kUnavailable, std::move(why));
  }
};

TEST_F(IncomingFiles, R169AreStagedAndNamedByThePathTheToolsOpen) {
  auto what = request("look at this");
  what.files = {file("a b.pdf", "application/pdf", "%PDF"), file("p.png", "image/png", kPng)};
  ASSERT_EQ(wait(agents().run(what)).status, "ok");
  EXPECT_EQ(staged("a_b.pdf"), "%PDF");
  EXPECT_EQ(staged("p.png"), kPng);
  auto content = told();
  ASSERT_EQ(content.size(), 4U) << json::serialize(content);
  EXPECT_EQ(content[1].at("text"),
            "[attached file: media/inbound/a_b.pdf (application/pdf, 4 bytes)]");
  EXPECT_EQ(content[2].at("text"), "[attached file: media/inbound/p.png (image/png, 14 bytes)]");
  EXPECT_EQ(content[3].at("type"), "image");
  EXPECT_EQ(content[3].at("data"), json::value(workspace::to_base64(kPng)));
}

TEST_F(IncomingFiles, WhatIsNoImageIsNotShownAsOne) {
  auto what = request("look");
  what.files = {file("a.png", "image/png", "not a picture")};
  ASSERT_EQ(wait(agents().run(what)).status, "ok");
  auto content = told();
  ASSERT_EQ(content.size(), 2U) << json::serialize(content);
  EXPECT_THAT(std::string(content[1].at("text").as_string()), HasSubstr("media/inbound/a.png"));
}

TEST_F(IncomingFiles, R169AFileThatCannotBeHadDoesNotCostTheMessage) {
  auto what = request("two files");
  what.files = {lost("gone.txt", "the platform has\nforgotten] it"), file("b.txt", "", "B")};
  ASSERT_EQ(wait(agents().run(what)).status, "ok");
  auto content = told();
  ASSERT_EQ(content.size(), 3U) << json::serialize(content);
  EXPECT_EQ(content[1].at("text"),
            "[attached file gone.txt is missing: the platform has forgotten  it]");
  EXPECT_EQ(content[2].at("text"), "[attached file: media/inbound/b.txt (1 bytes)]");
}

TEST_F(IncomingFiles, R169A13ALinkInThePlaceOfTheFolderIsRefusedAndTold) {
  std::filesystem::create_directories(dir_.path() / "workspace");
  std::filesystem::create_directories(dir_.path() / "elsewhere");
  std::filesystem::create_directory_symlink(dir_.path() / "elsewhere",
                                            dir_.path() / "workspace/media");
  auto what = request("look");
  what.files = {file("a.txt", "text/plain", "A")};
  what.attachments.push_back(
      json::object{{"mimeType", "image/png"}, {"data", "iVBORw0="}, {"name", "a.png"}});
  ASSERT_EQ(wait(agents().run(what)).status, "ok");
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path() / "elsewhere"));
  auto content = told();
  ASSERT_EQ(content.size(), 4U) << json::serialize(content);
  for (const std::size_t at : {1U, 3U}) {
    EXPECT_THAT(std::string(content[at].at("text").as_string()),
                testing::AllOf(HasSubstr("is missing: "), HasSubstr("symbolic link")));
  }
  EXPECT_EQ(content[2].at("type"), "image") << "the model sees it all the same";
}

TEST_F(IncomingFiles, AttachmentsOfClientsTakeTheSameWay) {
  auto what = request("read it");
  what.attachments.push_back(json::object{
      {"mimeType", "text/csv"}, {"data", workspace::to_base64("a,b\n")}, {"name", "../t.csv"}});
  ASSERT_EQ(wait(agents().run(what)).status, "ok");
  EXPECT_EQ(staged("t.csv"), "a,b\n");
  EXPECT_EQ(told()[1].at("text"), "[attached file: media/inbound/t.csv (text/csv, 4 bytes)]");
  what.attachments = {json::object{{"mimeType", "text/csv"}, {"data", "no base64!"}}};
  auto refused = wait(agents().run(what));
  EXPECT_EQ(refused.status, "error");
  EXPECT_THAT(refused.error, HasSubstr("is not base64"));
}

TEST_F(IncomingFiles, MoreThanAMessageMayBringAreLeftOut) {
  auto what = request("many");
  for (int i = 0; i < 23; ++i) what.files.push_back(file("f.txt", "", std::to_string(i)));
  ASSERT_EQ(wait(agents().run(what)).status, "ok");
  auto content = told();
  ASSERT_EQ(content.size(), 22U);
  EXPECT_THAT(std::string(content[21].at("text").as_string()), HasSubstr("3 more is missing"));
}

TEST_F(IncomingFiles, ASteeringMessageBringsItsFilesToo) {
  auto held = says({"first"});
  held.hold = true;
  held.answer = json::value(completion(
      json::array{json::object{
          {"type", "toolCall"}, {"id", "c1"}, {"name", "nothing"}, {"arguments", json::object{}}}},
      "toolUse"));
  agents();
  script({held, says({"second"})});
  auto running = start(request("begin"));
  until([&] { return !stream("assistant").empty(); });
  auto more = request("and this");
  more.files = {file("late.txt", "text/plain", "L")};
  auto steering = start(more);
  until([&] { return agents().active_runs() == 2; });
  model().release();
  EXPECT_EQ(finish(running).status, "ok");
  EXPECT_EQ(finish(steering).status, "steered");
  EXPECT_EQ(staged("late.txt"), "L");
  EXPECT_THAT(json::serialize(told()), HasSubstr("media/inbound/late.txt"));
}

}  // namespace
}  // namespace openclaw::agent
