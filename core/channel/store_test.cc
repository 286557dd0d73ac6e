#include "channel/store.h"

#include <sys/stat.h>

#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/temp_dir_for_test.h"

namespace openclaw::channel {
namespace {

// A store on a real file that can be closed and opened again, as a restart does.
class StoreTest : public testing::Test {
 protected:
  StoreTest() { open(); }
  ~StoreTest() override {
    store_.reset();
    runtime_.stop_blocking();
  }
  void open() {
    store_.reset();
    store_ = std::make_unique<Store>(runtime_, [this] { return now_; });
    auto opened = store_->open(path(), set_aside_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
  }
  std::filesystem::path path() const { return dir_.path() / "channels.db"; }

  template <class T>
  T run(Awaitable<Result<T>> task) {
    std::optional<Result<T>> out;
    asio::co_spawn(runtime_.loop(), std::move(task),
                   [&](const std::exception_ptr& e, Result<T> value) {
                     if (e) std::rethrow_exception(e);
                     out.emplace(std::move(value));
                   });
    runtime_.loop().restart();
    while (!out) runtime_.loop().run_one();
    if (out->has_error()) ADD_FAILURE() << out->error().message;
    return out->has_error() ? T{} : std::move(out->value());
  }

  InboxRow event(const std::string& id) {
    InboxRow row;
    row.instance = "telegram/default";
    row.event_id = id;
    row.lane = "lane";
    row.event = json::object{{"text", "hi " + id}};
    return row;
  }
  OutboxRow reply(const std::string& key) {
    OutboxRow row;
    row.instance = "telegram/default";
    row.lane = "lane";
    row.idempotency_key = key;
    row.message = json::object{{"text", "yes"}};
    return row;
  }

  storage::TempDir dir_;
  Runtime runtime_;
  std::int64_t now_ = 1'000'000'000'000;
  std::string set_aside_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, TheFileIsPrivate) {
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(StoreTest, AnEventIsStoredOnceAlsoAcrossRestarts) {
  EXPECT_FALSE(run(store_->add_inbound(event("1"))).duplicate);
  EXPECT_TRUE(run(store_->add_inbound(event("1"))).duplicate);
  open();
  EXPECT_TRUE(run(store_->add_inbound(event("1"))).duplicate);
  InboxRow other = event("1");
  other.instance = "telegram/ops";
  EXPECT_FALSE(run(store_->add_inbound(other)).duplicate);
}

TEST_F(StoreTest, UnfinishedRowsComeBackInOrderWithTheirState) {
  const auto first = run(store_->add_inbound(event("1")));
  const auto second = run(store_->add_inbound(event("2")));
  run(store_->start_inbox({first.id}, "run-1"));
  run(store_->mark_effects(first.id));
  run(store_->set_draft(first.id, "77"));
  open();
  const auto rows = run(store_->unfinished());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].id, first.id);
  EXPECT_EQ(rows[0].state, InboxState::kRunning);
  EXPECT_TRUE(rows[0].effects);
  EXPECT_EQ(rows[0].draft, "77");
  EXPECT_EQ(rows[0].attempts, 1);
  EXPECT_EQ(rows[1].id, second.id);
  EXPECT_EQ(rows[1].event.at("text").get_string(), "hi 2");
}

TEST_F(StoreTest, AMessageCanBeStoredAsBegun) {
  InboxRow row = event("1");
  row.begun = true;
  row.run_id = "run-1";
  const auto added = run(store_->add_inbound(row));
  const auto commits = store_->commits();
  Heard heard;
  heard.instance = row.instance;
  heard.chat = "5";
  heard.sender_id = "7";
  heard.text = "hi";
  store_->record_begun(added.id, heard);
  EXPECT_EQ(store_->commits(), commits);  // goes with what comes next
  RecordQuery query;
  query.instance = row.instance;
  query.chat = "5";
  EXPECT_EQ(run(store_->messages_of(query)).size(), 1U);
  EXPECT_EQ(store_->commits(), commits + 1);
  open();
  const auto rows = run(store_->unfinished());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].state, InboxState::kRunning);
  EXPECT_EQ(rows[0].run_id, "run-1");
  EXPECT_EQ(rows[0].attempts, 1);
}

TEST_F(StoreTest, WhatIsOnRecordSurvivesACloseRightAfter) {
  InboxRow row = event("1");
  row.begun = true;
  const auto added = run(store_->add_inbound(row));
  Heard heard;
  heard.instance = row.instance;
  heard.chat = "5";
  store_->record_begun(added.id, heard);
  open();
  RecordQuery query;
  query.instance = row.instance;
  query.chat = "5";
  EXPECT_EQ(run(store_->messages_of(query)).size(), 1U);
}

TEST_F(StoreTest, FinishingStoresTheReplyInTheSameTransactionAndOnce) {
  const auto added = run(store_->add_inbound(event("1")));
  EXPECT_EQ(run(store_->finish_inbox(added.id, "replied", {reply("k1")})).size(), 1U);
  // A second finish, as after a lost answer, adds nothing.
  EXPECT_EQ(run(store_->finish_inbox(added.id, "replied", {reply("k2")})).size(), 0U);
  open();
  EXPECT_TRUE(run(store_->unfinished()).empty());
  const auto rows = run(store_->undelivered());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].idempotency_key, "k1");
  EXPECT_TRUE(run(store_->add_inbound(event("1"))).duplicate);
}

TEST_F(StoreTest, AReplyThatGoesOutAtOnceIsStoredAsSendingOnceOnly) {
  const auto added = run(store_->add_inbound(event("1")));
  OutboxRow first = reply("k1");
  first.begun = true;
  auto stored = run(store_->finish_inbox(added.id, "replied", {first, reply("k2")}));
  ASSERT_EQ(stored.size(), 2U);
  EXPECT_TRUE(stored[0].begun);
  EXPECT_EQ(stored[0].state, OutboxState::kSending);
  EXPECT_EQ(stored[0].attempts, 1);
  EXPECT_FALSE(stored[1].begun);
  EXPECT_EQ(stored[1].state, OutboxState::kQueued);
  run(store_->set_sent(stored[0].id, "m1"));
  // What has this key was sent: another try to store it begins nothing.
  const auto second = run(store_->add_inbound(event("2")));
  stored = run(store_->finish_inbox(second.id, "replied", {first}));
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_FALSE(stored[0].begun);
  EXPECT_EQ(stored[0].state, OutboxState::kSent);
}

TEST_F(StoreTest, OutboxStatesSurviveARestart) {
  const auto row = run(store_->add_outbox(reply("k")));
  run(store_->set_sending(row.id));
  run(store_->set_progress(row.id, {{"done", 1}}));
  open();
  auto rows = run(store_->undelivered());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].state, OutboxState::kSending);
  EXPECT_EQ(rows[0].progress.at("done"), 1);
  run(store_->set_waiting(row.id, 5, true, "gone"));
  open();
  rows = run(store_->undelivered());
  EXPECT_EQ(rows[0].state, OutboxState::kQueued);
  EXPECT_EQ(rows[0].ambiguous, 1);
  EXPECT_EQ(rows[0].not_before_ms, 5);
  run(store_->set_sending(row.id));
  run(store_->set_cut({row.id}, "gone again"));
  rows = run(store_->undelivered());
  EXPECT_EQ(rows[0].state, OutboxState::kQueued);
  EXPECT_EQ(rows[0].ambiguous, 2);
  run(store_->set_sent(row.id, "m1"));
  EXPECT_TRUE(run(store_->undelivered()).empty());
  EXPECT_EQ(run(store_->add_outbox(reply("k"))).message_id, "m1");
}

TEST_F(StoreTest, P5WhatWasGivenUpWaitsAgainOrIsDroppedAndWhatWasSentIsNeither) {
  const auto sent = run(store_->add_outbox(reply("sent")));
  run(store_->set_sent(sent.id, "m1"));
  const auto dead = run(store_->add_outbox(reply("dead")));
  for (int i = 0; i < 10; ++i) run(store_->set_waiting(dead.id, 0, true, "cut"));
  run(store_->set_final(dead.id, OutboxState::kAmbiguous, "cut"));
  ASSERT_EQ(run(store_->unsent(1'000, 10)).size(), 1U);
  EXPECT_FALSE(run(store_->set_again(sent.id)));
  EXPECT_FALSE(run(store_->set_dropped(sent.id)));
  EXPECT_EQ(run(store_->outbox_row(sent.id)).state, OutboxState::kSent);
  EXPECT_TRUE(run(store_->set_again(dead.id)));
  EXPECT_EQ(run(store_->undelivered()).at(0).ambiguous, 1);
  EXPECT_TRUE(run(store_->set_dropped(dead.id)));
  EXPECT_FALSE(run(store_->set_again(dead.id)));
  EXPECT_TRUE(run(store_->unsent(1'000, 10)).empty());
  EXPECT_TRUE(run(store_->undelivered()).empty());
}

TEST_F(StoreTest, P4WhatIsOlderThanItsLifetimeExpires) {
  const auto added = run(store_->add_inbound(event("1")));
  const auto row = run(store_->add_outbox(reply("k")));
  now_ += kEntryLifetimeMs + 1;
  EXPECT_EQ(run(store_->prune()), 1);
  // The message waits for the one who tells its sender; the store only knows that it is old.
  ASSERT_EQ(run(store_->unfinished()).size(), 1U);
  EXPECT_LE(run(store_->unfinished())[0].received_ms + kEntryLifetimeMs, now_);
  const OutboxRow dead = run(store_->outbox_row(row.id));
  EXPECT_EQ(dead.state, OutboxState::kDead);
  EXPECT_THAT(dead.error, testing::HasSubstr("expired"));
  EXPECT_TRUE(run(store_->add_inbound(event("1"))).duplicate) << added.id;
}

TEST_F(StoreTest, ManyWritersShareACommit) {
  constexpr int kCount = 200;
  int answered = 0;
  for (int i = 0; i < kCount; ++i) {
    asio::co_spawn(runtime_.loop(), store_->add_inbound(event(std::to_string(i))),
                   [&](const std::exception_ptr&, const Result<Added>& added) {
                     EXPECT_TRUE(added.has_value());
                     ++answered;
                   });
  }
  runtime_.loop().restart();
  while (answered < kCount) runtime_.loop().run_one();
  EXPECT_EQ(run(store_->unfinished()).size(), static_cast<std::size_t>(kCount));
  EXPECT_LT(store_->commits(), static_cast<std::uint64_t>(kCount));
}

TEST_F(StoreTest, TheRecordHoldsAWeekAndPeersNinetyDays) {
  constexpr std::int64_t kDay = 24LL * 60 * 60 * 1000;
  const auto hear = [&](const std::string& id, const std::string& sender) {
    const auto added = run(store_->add_inbound(event(id)));
    Heard heard;
    heard.instance = "telegram/default";
    heard.chat = heard.sender_id = sender;
    heard.sender_name = "Ada";
    heard.text = "hi " + id;
    heard.direct = true;
    EXPECT_TRUE(run(store_->start_inbox({added.id}, "run-" + id, {std::move(heard)})));
    run(store_->finish_inbox(added.id, "ok", {}));
  };
  const auto count = [&](const std::string& chat) {
    RecordQuery query{.instance = "telegram/default", .chat = chat, .thread = "", .limit = 50};
    return run(store_->messages_of(std::move(query))).size();
  };
  hear("1", "55");
  now_ += 8 * kDay;
  hear("2", "55");
  run(store_->prune());
  EXPECT_EQ(count("55"), 1U);
  EXPECT_EQ(run(store_->peers("telegram/default")).size(), 1U);
  now_ += 91 * kDay;
  run(store_->prune());
  EXPECT_EQ(count("55"), 0U);
  EXPECT_TRUE(run(store_->peers("telegram/default")).empty());
}

TEST_F(StoreTest, TheRecordHoldsSoManyMessagesAndPeers) {
  store_.reset();
  Connection file;
  ASSERT_TRUE(file.open(path()).has_value());
  const std::string rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT " +
                           std::to_string(kMostHeard + 20) + ") ";
  const std::string heard = rows +
                            "INSERT INTO heard SELECT i,'t/d','c','','','','','text ' || i," +
                            std::to_string(now_) + " FROM n";
  const std::string peers =
      rows + "INSERT INTO peers SELECT 't/d',0,i,'','',''," + std::to_string(now_) + "+i FROM n";
  ASSERT_TRUE(file.run(heard.c_str()).has_value());
  ASSERT_TRUE(file.run(peers.c_str()).has_value());
  file.close();
  open();
  run(store_->prune());
  EXPECT_EQ(run(store_->peers("t/d")).back().id, "21");
  RecordQuery query{.instance = "t/d", .chat = "c", .thread = "", .limit = 1};
  EXPECT_EQ(run(store_->messages_of(query)).at(0).text, "text " + std::to_string(kMostHeard + 20));
  store_.reset();
  std::int64_t oldest = 0;
  ASSERT_TRUE(file.open(path()).has_value());
  ASSERT_TRUE(file.run("SELECT min(id) FROM heard", {},
                       [&](sqlite3_stmt* row) { oldest = column_int(row, 0); })
                  .has_value());
  file.close();
  EXPECT_EQ(oldest, 21);
}

TEST_F(StoreTest, APairingCodeIsNoPartOfAConversation) {
  auto code = reply("pair:telegram/default:9:ABCD");
  code.lane = "telegram/default\n9\n";
  run(store_->set_sent(run(store_->add_outbox(std::move(code))).id, "m1"));
  auto said = reply("send:telegram/default:k");
  said.lane = "telegram/default\n9\n7";
  run(store_->set_sent(run(store_->add_outbox(std::move(said))).id, "m2"));
  RecordQuery query{.instance = "telegram/default", .chat = "9", .thread = "", .limit = 9};
  const auto all = run(store_->messages_of(query));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].message_id, "m2");
  EXPECT_EQ(all[0].thread, "7");
  query.thread = "8";
  EXPECT_TRUE(run(store_->messages_of(query)).empty());
}

TEST_F(StoreTest, P9AFileThatIsNoDatabaseIsKeptAside) {
  store_.reset();
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path().string() + suffix);
  std::ofstream(path()) << "this is not a database, it is a poem";
  open();
  EXPECT_THAT(set_aside_, testing::HasSubstr("channels.db.unreadable-"));
  EXPECT_TRUE(std::filesystem::exists(set_aside_));
  EXPECT_FALSE(run(store_->add_inbound(event("1"))).duplicate);
}

}  // namespace
}  // namespace openclaw::channel
