#include "session/session_store.h"

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/session_files.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::session {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kMain = "agent:main:main";
constexpr const char* kSide = "agent:main:side";

json::object text_message(std::string_view role, std::string_view text) {
  return {{"role", role}, {"content", json::array{json::object{{"type", "text"}, {"text", text}}}}};
}

std::string text_of(const Message& message) {
  return std::string(message.at("content").as_array().at(0).as_object().at("text").as_string());
}

class SessionStoreTest : public testing::Test {
 protected:
  SessionStoreTest() { open(); }
  ~SessionStoreTest() override {
    wait(store_->flush());
    store_.reset();
    runtime_.stop_blocking();
    runtime_.loop().poll();
  }

  // A new store on the same files, as after a restart.
  void open() {
    if (store_) wait(store_->flush());
    store_.reset();
    store_ = SessionStore::create(runtime_, config_);
  }
  template <class T>
  T wait(Awaitable<T> task) {
    std::optional<T> out;
    runtime_.loop().restart();
    auto guard = asio::make_work_guard(runtime_.loop());
    asio::co_spawn(runtime_.loop(), std::move(task), [&](const std::exception_ptr& e, T value) {
      if (e) std::rethrow_exception(e);
      out.emplace(std::move(value));
    });
    while (!out) runtime_.loop().run_one();
    return std::move(*out);
  }
  void wait(Awaitable<> task) {
    bool done = false;
    runtime_.loop().restart();
    auto guard = asio::make_work_guard(runtime_.loop());
    asio::co_spawn(runtime_.loop(), std::move(task),
                   [&](const std::exception_ptr&) { done = true; });
    while (!done) runtime_.loop().run_one();
  }
  std::string say(const std::string& key, std::string_view role, std::string_view text) {
    return wait(store_->append(key, "message", text_message(role, text))).value();
  }
  fs::path sessions() const { return dir_.path() / "agents/main/sessions"; }
  fs::path transcript(const std::string& key) {
    auto entry = wait(store_->entry(key)).value();
    return sessions() / (std::string(entry.at("sessionId").as_string()) + ".jsonl");
  }
  static std::string read(const fs::path& file) {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
  }
  static std::vector<json::object> lines(const fs::path& file) {
    std::vector<json::object> out;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) out.push_back(json::parse(line).as_object());
    return out;
  }
  std::vector<std::string> context(const std::string& key) {
    std::vector<std::string> out;
    for (auto& message : wait(store_->context(key)).value()) out.push_back(text_of(message));
    return out;
  }
  std::vector<fs::path> files_like(const std::string& pattern) {
    std::vector<fs::path> out;
    for (auto& item : fs::directory_iterator(sessions())) {
      if (std::regex_search(item.path().filename().string(), std::regex(pattern))) {
        out.push_back(item.path());
      }
    }
    return out;
  }

  storage::TempDir dir_;
  Runtime runtime_;
  config::ConfigStore config_{
      {dir_.path(), dir_.path() / "openclaw.toml", dir_.path()}, {}, config::from_json({})};
  std::unique_ptr<SessionStore> store_;
};

TEST_F(SessionStoreTest, R156FilesHaveTheDocumentedShapes) {
  say(kMain, "user", "[Mon 2026-11-23 06:34 UTC] hi");
  json::object change{{"provider", "mock"}, {"modelId", "mock-1"}};
  wait(store_->append(kMain, "model_change", change)).value();
  say(kMain, "assistant", "Hello");
  wait(store_->flush());

  auto written = lines(transcript(kMain));
  ASSERT_EQ(written.size(), 4U);
  auto entry = wait(store_->entry(kMain)).value().as_object();
  EXPECT_EQ(written[0]["type"], "session");
  EXPECT_EQ(written[0]["version"], 3);
  EXPECT_EQ(written[0]["id"], entry["sessionId"]);
  EXPECT_EQ(written[0]["cwd"].as_string(), (dir_.path() / "workspace").string());
  EXPECT_TRUE(written[1]["parentId"].is_null());
  for (std::size_t i = 1; i < written.size(); ++i) {
    EXPECT_TRUE(
        std::regex_match(std::string(written[i]["id"].as_string()), std::regex("[0-9a-f]{8}")));
    EXPECT_TRUE(std::regex_match(std::string(written[i]["timestamp"].as_string()),
                                 std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")));
    if (i > 1) {
      EXPECT_EQ(written[i]["parentId"], written[i - 1]["id"]);
    }
  }
  EXPECT_EQ(written[2]["modelId"], "mock-1");
  EXPECT_EQ(written[3]["message"].as_object()["role"], "assistant");
  EXPECT_TRUE(written[3]["message"].as_object()["timestamp"].is_int64());

  auto index = read(sessions() / "sessions.json");
  EXPECT_THAT(index, HasSubstr("{\n  \"agent:main:main\": {\n    \"sessionId\": \""));
  struct stat info {};
  ASSERT_EQ(::stat((sessions() / "sessions.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(transcript(kMain).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(SessionStoreTest, EverythingIsThereAfterARestart) {
  say(kMain, "user", "one");
  say(kMain, "assistant", "two");
  open();
  EXPECT_EQ(context(kMain), (std::vector<std::string>{"one", "two"}));
  say(kMain, "user", "three");
  auto written = lines(transcript(kMain));
  EXPECT_EQ(written.back()["parentId"], written[written.size() - 2]["id"]);
}

TEST_F(SessionStoreTest, AnAppendThatReturnedIsOnDisk) {
  say(kMain, "user", "durable");
  EXPECT_THAT(read(transcript(kMain)), HasSubstr("durable"));
  // The index names a new session before its first line counts as durable.
  EXPECT_THAT(read(sessions() / "sessions.json"), HasSubstr(kMain));
}

TEST_F(SessionStoreTest, ATornLastLineIsCut) {
  say(kMain, "user", "whole");
  auto file = transcript(kMain);
  auto good = read(file);
  open();
  std::ofstream(file, std::ios::app) << R"({"type":"message","id":"deadbeef","mess)";
  EXPECT_EQ(context(kMain), std::vector<std::string>{"whole"});
  EXPECT_EQ(read(file), good);
  say(kMain, "user", "next");
  EXPECT_EQ(lines(file).size(), 3U);
}

TEST_F(SessionStoreTest, ALastLineWithoutNewlineIsKept) {
  say(kMain, "user", "whole");
  auto file = transcript(kMain);
  auto text = read(file);
  open();
  fs::resize_file(file, text.size() - 1);
  say(kMain, "user", "next");
  EXPECT_EQ(context(kMain), (std::vector<std::string>{"whole", "next"}));
  EXPECT_EQ(lines(file).size(), 3U);
}

TEST_F(SessionStoreTest, UnreadableFilesAreKeptAside) {
  say(kMain, "user", "lost?");
  auto file = transcript(kMain);
  open();
  std::ofstream(file, std::ios::trunc) << "this is no transcript\nat all\n";
  EXPECT_TRUE(context(kMain).empty());
  EXPECT_EQ(files_like(R"(\.jsonl\.corrupt\.)").size(), 1U);
  say(kMain, "user", "again");
  open();
  EXPECT_EQ(context(kMain), std::vector<std::string>{"again"});

  wait(store_->flush());
  std::ofstream(sessions() / "sessions.json", std::ios::trunc) << "{ broken";
  open();
  EXPECT_TRUE(wait(store_->entry(kMain)).value().is_null());
  EXPECT_EQ(files_like(R"(sessions\.json\.corrupt\.)").size(), 1U);
}

TEST_F(SessionStoreTest, HostileSessionIdsAreNeverFileNames) {
  fs::create_directories(sessions());
  std::ofstream(sessions() / "sessions.json")
      << R"({"agent:main:main":{"sessionId":"../../../../tmp/evil","keep":1},
             "agent:main:side":{"sessionId":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","sessionFile":"/etc/passwd"}})";
  say(kMain, "user", "x");
  say(kSide, "user", "y");
  EXPECT_TRUE(is_uuid(std::string(wait(store_->entry(kMain)).value().at("sessionId").as_string())));
  EXPECT_TRUE(fs::exists(sessions() / "6ba7b810-9dad-11d1-80b4-00c04fd430c8.jsonl"));
  EXPECT_FALSE(fs::exists("/tmp/evil.jsonl"));
}

TEST_F(SessionStoreTest, UnknownFieldsSurvive) {
  fs::create_directories(sessions());
  std::ofstream(sessions() / "sessions.json")
      << R"({"agent:main:main":{"sessionId":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","future":{"a":[1,2]}}})";
  wait(store_->update(kMain, json::object{{"label", "L"}, {"sessionId", "x"}})).value();
  open();
  auto entry = wait(store_->entry(kMain)).value().as_object();
  EXPECT_EQ(entry["future"], json::parse(R"({"a":[1,2]})"));
  EXPECT_EQ(entry["label"], "L");
  EXPECT_EQ(entry["sessionId"], "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  wait(store_->update(kMain, json::object{{"label", nullptr}})).value();
  EXPECT_FALSE(wait(store_->entry(kMain)).value().as_object().contains("label"));
}

TEST_F(SessionStoreTest, CompactionHidesWhatItSummarises) {
  say(kMain, "user", "old 1");
  say(kMain, "assistant", "old 2");
  auto kept = say(kMain, "user", "recent");
  json::object line{
      {"summary", "they said old things"}, {"firstKeptEntryId", kept}, {"tokensBefore", 9}};
  wait(store_->append(kMain, "compaction", line)).value();
  say(kMain, "assistant", "newest");
  auto check = [&] {
    auto now = context(kMain);
    ASSERT_EQ(now.size(), 3U);
    EXPECT_THAT(now[0], HasSubstr("they said old things"));
    EXPECT_EQ(now[1], "recent");
    EXPECT_EQ(now[2], "newest");
    EXPECT_EQ(wait(store_->history(kMain, 100)).value().size(), 4U);
    EXPECT_EQ(wait(store_->history(kMain, 2)).value().size(), 2U);
  };
  check();
  open();
  check();
}

TEST_F(SessionStoreTest, OnlyTheActiveBranchCounts) {
  say(kMain, "user", "root");
  auto file = transcript(kMain);
  auto root = std::string(lines(file)[1]["id"].as_string());
  open();
  std::ofstream(file, std::ios::app)
      << R"({"type":"message","id":"aaaaaaaa","parentId":")" << root
      << R"(","message":{"role":"user","content":[{"type":"text","text":"abandoned"}]}})"
      << "\n"
      << R"({"type":"message","id":"bbbbbbbb","parentId":")" << root
      << R"(","message":{"role":"user","content":[{"type":"text","text":"taken"}]}})"
      << "\n";
  EXPECT_EQ(context(kMain), (std::vector<std::string>{"root", "taken"}));
}

TEST_F(SessionStoreTest, ManyAppendsAtOnceKeepOneChain) {
  constexpr int kCount = 200;
  int left = kCount;
  runtime_.loop().restart();
  auto guard = asio::make_work_guard(runtime_.loop());
  for (int i = 0; i < kCount; ++i) {
    asio::co_spawn(runtime_.loop(),
                   store_->append(i % 2 == 0 ? kMain : kSide, "message",
                                  text_message("user", std::to_string(i))),
                   [&](const std::exception_ptr&, const Result<std::string>& id) {
                     EXPECT_TRUE(id.has_value());
                     --left;
                   });
  }
  while (left > 0) runtime_.loop().run_one();
  for (auto* key : {kMain, kSide}) {
    auto written = lines(transcript(key));
    ASSERT_EQ(written.size(), kCount / 2 + 1);
    std::set<std::string> ids;
    for (std::size_t i = 2; i < written.size(); ++i) {
      EXPECT_EQ(written[i]["parentId"], written[i - 1]["id"]);
      ids.insert(std::string(written[i]["id"].as_string()));
    }
    EXPECT_EQ(ids.size(), written.size() - 2);
  }
}

TEST_F(SessionStoreTest, QueuedLinesShowAtOnceAndAreDurableAfterSync) {
  wait(store_->append_queued(kMain, "message", text_message("user", "q"))).value();
  EXPECT_EQ(context(kMain), std::vector<std::string>{"q"});
  EXPECT_TRUE(wait(store_->sync(kMain)).has_value());
  EXPECT_THAT(read(transcript(kMain)), HasSubstr("\"q\""));
}

TEST_F(SessionStoreTest, AFailedWriteIsReportedAndLeavesNoHalfLine) {
  say(kMain, "user", "good");
  auto file = transcript(kMain);
  fs::rename(file, file.string() + ".kept");
  fs::create_directory(file);  // open for append fails
  EXPECT_TRUE(wait(store_->append(kMain, "message", text_message("user", "bad"))).has_error());
  fs::remove(file);
  fs::rename(file.string() + ".kept", file);
  EXPECT_EQ(context(kMain), std::vector<std::string>{"good"});
  say(kMain, "user", "after");
  EXPECT_EQ(context(kMain), (std::vector<std::string>{"good", "after"}));
  // The same for lines whose writer does not wait for them: the next sync tells.
  fs::rename(file, file.string() + ".kept");
  fs::create_directory(file);
  wait(store_->append_queued(kMain, "message", text_message("user", "bad"))).value();
  wait(store_->append_queued(kSide, "message", text_message("user", "other"))).value();
  wait(store_->sync(kSide)).value();
  EXPECT_TRUE(wait(store_->sync(kMain)).has_error());
}

TEST_F(SessionStoreTest, ResetArchivesAndStartsAnew) {
  say(kMain, "user", "before");
  wait(store_->update(kMain, json::object{{"label", "L"}, {"totalTokens", 5}})).value();
  auto old_file = transcript(kMain);
  auto old_id = wait(store_->entry(kMain)).value().at("sessionId");
  auto entry = wait(store_->reset(kMain)).value();
  EXPECT_NE(entry["sessionId"], old_id);
  EXPECT_EQ(entry["label"], "L");
  EXPECT_FALSE(entry.contains("totalTokens"));
  EXPECT_FALSE(fs::exists(old_file));
  EXPECT_EQ(files_like(R"(\.jsonl\.reset\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+Z$)").size(), 1U);
  EXPECT_TRUE(context(kMain).empty());
  say(kMain, "user", "after");
  open();
  EXPECT_EQ(context(kMain), std::vector<std::string>{"after"});
}

TEST_F(SessionStoreTest, RemoveArchivesAndSparesTheMainSession) {
  say(kMain, "user", "m");
  say(kSide, "user", "s");
  auto refused = wait(store_->remove(kMain, true));
  EXPECT_EQ(refused.error().message, "Cannot delete the main session (agent:main:main).");
  auto archived = wait(store_->remove(kSide, true)).value();
  ASSERT_EQ(archived.size(), 1U);
  EXPECT_THAT(archived[0], HasSubstr(".deleted."));
  EXPECT_TRUE(fs::exists(archived[0]));
  open();
  EXPECT_TRUE(wait(store_->entry(kSide)).value().is_null());
  EXPECT_TRUE(wait(store_->remove(kSide, true)).value().empty());
}

TEST_F(SessionStoreTest, ListIsNewestFirstOverAllAgents) {
  say(kMain, "user", "1");
  say("agent:ops:main", "user", "2");
  wait(store_->update(kMain, json::object{{"label", "x"}})).value();
  open();
  auto all = wait(store_->list("")).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_GE(all[0]["updatedAt"].as_int64(), all[1]["updatedAt"].as_int64());
  EXPECT_EQ(wait(store_->list("ops")).value().size(), 1U);
}

TEST_F(SessionStoreTest, UnknownSessionsReadAsEmpty) {
  EXPECT_TRUE(wait(store_->entry("agent:main:nobody")).value().is_null());
  EXPECT_TRUE(context("agent:main:nobody").empty());
  EXPECT_TRUE(wait(store_->history("agent:main:nobody", 10)).value().empty());
  EXPECT_FALSE(fs::exists(sessions()));
  EXPECT_TRUE(wait(store_->entry("../x")).has_error());
}

TEST_F(SessionStoreTest, ALongSessionComesFromMemory) {
  for (int i = 0; i < 1000; ++i) {
    wait(store_->append_queued(kMain, "message", text_message("user", std::string(200, 'x'))))
        .value();
  }
  wait(store_->sync(kMain)).value();
  auto file = transcript(kMain);
  fs::remove(file);  // a read from disk would now fail
  EXPECT_EQ(wait(store_->shared_context(kMain)).value().size(), 1000U);
}

TEST_F(SessionStoreTest, ManySessionsDoNotGrowTheCacheWithoutBound) {
  for (int i = 0; i < 140; ++i) {
    say("agent:main:s" + std::to_string(i), "user", "text " + std::to_string(i));
  }
  EXPECT_EQ(context("agent:main:s0"), std::vector<std::string>{"text 0"});
  EXPECT_EQ(context("agent:main:s139"), std::vector<std::string>{"text 139"});
}

// More than is kept in memory: what one opens drives out what nobody uses, and nothing else.
TEST_F(SessionStoreTest, LargeSessionsOpenedAtOnceAreAllThere) {
  constexpr int kCount = 8, kRounds = 10;
  const auto key_of = [](int i) { return "agent:a" + std::to_string(i) + ":main"; };
  std::vector<std::string> all{std::string(2U << 20, 'x')};
  for (int i = 0; i < kCount; ++i) say(key_of(i), "user", all[0]);
  for (int round = 0; round < kRounds; ++round) {
    open();
    int left = kCount;
    runtime_.loop().restart();
    auto guard = asio::make_work_guard(runtime_.loop());
    for (int i = 0; i < kCount; ++i) {
      asio::co_spawn(runtime_.loop(),
                     store_->append(key_of(i), "message", text_message("user", "more")),
                     [&](const std::exception_ptr&, const Result<std::string>& id) {
                       EXPECT_TRUE(id.has_value()) << id.error().message;
                       --left;
                     });
    }
    while (left > 0) runtime_.loop().run_one();
    all.emplace_back("more");
  }
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(context(key_of(i)), all);
}

TEST(PrettyJson, LooksLikeTwoSpaceIndent) {
  EXPECT_EQ(
      pretty_json(json::parse(R"({"a":[1,{"b":null}],"c":{},"d":[]})")),
      "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}");
}

}  // namespace
}  // namespace openclaw::session
