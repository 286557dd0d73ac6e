#include "channel/channel_fixture_for_test.h"

namespace openclaw::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = MessageAction::Kind;

TEST_F(ChannelServiceTest, P1AMessageIsAnsweredOnceAndADuplicateIsNotReadAgain) {
  boot();
  EXPECT_EQ(offer(message("e1", "hi")), Code::kOk);
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(offer(message("e1", "hi")), Code::kOk);
  settle();
  EXPECT_THAT(sent_texts(), ElementsAre("re: hi"));
  EXPECT_EQ(life_->agent.requests.size(), 1U);
  EXPECT_EQ(life_->agent.requests[0].session_key, "agent:main:main");
  EXPECT_TRUE(life_->agent.requests[0].origin.is_owner);
  stop_cleanly();
  boot();
  EXPECT_EQ(offer(message("e1", "hi")), Code::kOk);
  settle();
  EXPECT_THAT(sent_texts(), ElementsAre("re: hi"));
}

TEST_F(ChannelServiceTest, P1ATurnThatACrashCutGoesOnAndIsAnsweredOnce) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  EXPECT_EQ(offer(message("e1", "hi")), Code::kOk);
  crash_in_the_turn();
  EXPECT_THAT(sent_texts(), ElementsAre("re: hi"));
}

TEST_F(ChannelServiceTest, OnlyTheFirstOfMessagesThatComeTogetherIsBegunOnDisk) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  std::size_t stored = 0;
  for (const char* id : {"e1", "e2", "e3"}) {
    life_->host.events->inbound(*life_->host.instance(), message(id, id),
                                [&](Code code) { stored += code == Code::kOk ? 1 : 0; });
  }
  ASSERT_TRUE(until([&] { return stored == 3 && life_->agent.active_runs() == 1; }));
  EXPECT_EQ(life_->agent.requests[0].text, "e1");
  EXPECT_FALSE(life_->agent.requests[0].resume);
  crash();
  on_disk([](Store& store) -> Awaitable<Result<bool>> {
    auto rows = co_await store.unfinished();
    std::vector<InboxState> states;
    for (const InboxRow& row : rows.value()) states.push_back(row.state);
    EXPECT_THAT(states,
                ElementsAre(InboxState::kRunning, InboxState::kQueued, InboxState::kQueued));
    co_return true;
  });
}

TEST_F(ChannelServiceTest, AStrangersMessageIsBegunForNobody) {
  boot();
  EXPECT_EQ(offer(message("e1", "hi", "666")), Code::kOk);
  EXPECT_EQ(offer(message("e1", "hi", "666")), Code::kOk);
  settle();
  EXPECT_TRUE(life_->agent.requests.empty());
  stop_cleanly();
  on_disk([](Store& store) -> Awaitable<Result<bool>> {
    EXPECT_TRUE((co_await store.unfinished()).value().empty());
    EXPECT_TRUE((co_await store.peers("fake/default")).value().empty());
    co_return true;
  });
}

TEST_F(ChannelServiceTest, P2ATurnWhoseToolsRanIsResumedOrReportedInItsPlace) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  offer(message("e1", "deploy"));
  offer(message("e2", "and then?"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  EXPECT_FALSE(life_->agent.requests[0].resume);
  const auto note = life_->agent.requests[0].before_tools;
  ASSERT_TRUE(wait(note()).has_value());
  crash();
  prepare = [](Life& life) {
    life.agent.answer = [](const agent::TurnRequest& request) {
      agent::TurnResult result;
      result.status = request.tools_ran ? "cut" : "ok";
      result.text = "re: " + request.text;
      return result;
    };
  };
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_TRUE(life_->agent.requests[0].resume);
  EXPECT_TRUE(life_->agent.requests[0].tools_ran);
  EXPECT_EQ(life_->agent.requests[0].run_id, "fake/default:e1");
  EXPECT_FALSE(life_->agent.requests[1].resume);
  EXPECT_THAT(sent_texts(), ElementsAre(HasSubstr("restarted"), "re: and then?"));
  EXPECT_EQ(sent[0].at("replyTo").at("messageId"), "e1");
}

TEST_F(ChannelServiceTest, P2ATurnInWhichTheGatewayEndsEachTimeIsReported) {
  prepare = [](Life& life) { life.agent.held = true; };
  for (int life = 0; life < 5; ++life) {
    boot();
    if (life == 0) offer(message("e1", "crash me"));
    ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
    settle();
    crash();
  }
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(sent_texts(), ElementsAre(HasSubstr("restarted")));
  EXPECT_TRUE(life_->agent.requests.empty());
}

TEST_F(ChannelServiceTest, P1WhatComesInWhileAStartPicksUpTheOldStaysBehindIt) {
  on_disk([this](Store& store) -> Awaitable<Result<bool>> {
    auto added = co_await store.add_inbound(inbox_row("e1", "one"));
    std::vector<std::int64_t> ids{added.value().id};
    (void)co_await store.start_inbox(std::move(ids), "fake/default:e1");
    auto waiting = co_await store.add_outbox(outbox_row("k0", "re: zero"));
    co_return co_await store.set_sending(waiting.value().id);
  });
  // The platform offers the next message the moment its account starts.
  prepare = [this](Life& life) {
    life.host.on_start = [this, &life](const std::string& account) {
      life.host.events->inbound(*life.host.instance(account), message("e2", "two"), [](Code) {});
      return Result<void>();
    };
  };
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 3; }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: zero", "re: one", "re: two"));
}

TEST_F(ChannelServiceTest, P3WhatCrashesCutInSendingIsSentAgainAndCounted) {
  on_disk([this](Store& store) -> Awaitable<Result<bool>> {
    auto row = co_await store.add_outbox(outbox_row("k1", "hello"));
    const std::int64_t id = row.value().id;
    for (int crash = 0; crash < 3; ++crash) {
      (void)co_await store.set_sending(id);
      std::vector<std::int64_t> cut(1, id);
      (void)co_await store.set_cut(std::move(cut), "the gateway ended while this was being sent");
    }
    co_return co_await store.set_sending(id);
  });
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(sent_texts(), ElementsAre("hello"));
  stop_cleanly();
  on_disk([](Store& store) -> Awaitable<Result<bool>> {
    auto row = co_await store.outbox_row(1);
    EXPECT_EQ(row.value().state, OutboxState::kSent);
    EXPECT_EQ(row.value().ambiguous, 4);
    co_return true;
  });
}

TEST_F(ChannelServiceTest, P3WherePlatformsKnowCopiesACutSendIsRepeatedWithItsKeyAndNoFlag) {
  on_disk([this](Store& store) -> Awaitable<Result<bool>> {
    auto row = co_await store.add_outbox(outbox_row("k1", "hello"));
    co_return co_await store.set_sending(row.value().id);
  });
  prepare = [](Life& life) { life.host.traits()["idempotentSend"] = true; };
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(sent[0].at("idempotencyKey"), "k1");
  stop_cleanly();
  on_disk([](Store& store) -> Awaitable<Result<bool>> {
    auto row = co_await store.outbox_row(1);
    EXPECT_EQ(row.value().state, OutboxState::kSent);
    EXPECT_EQ(row.value().ambiguous, 0);
    co_return true;
  });
}

TEST_F(ChannelServiceTest, P3AMessageThatAlwaysCrashesTheGatewayEndsAsAmbiguous) {
  on_disk([this](Store& store) -> Awaitable<Result<bool>> {
    OutboxRow poison = outbox_row("k1", "poison");
    poison.ambiguous = 9;
    auto row = co_await store.add_outbox(std::move(poison));
    (void)co_await store.set_sending(row.value().id);
    co_return (co_await store.add_outbox(outbox_row("k2", "next"))).has_value();
  });
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(sent_texts(), ElementsAre("next"));
  stop_cleanly();
  on_disk([](Store& store) -> Awaitable<Result<bool>> {
    auto row = co_await store.outbox_row(1);
    EXPECT_EQ(row.value().state, OutboxState::kAmbiguous);
    co_return true;
  });
}

TEST_F(ChannelServiceTest, P3ADraftThatACrashLeftUnknownFlagsTheReply) {
  prepare = [](Life& life) {
    life.host.traits()["streaming"] = json::object{{"minIntervalMs", 5}, {"minChars", 3}};
  };
  on_disk([this](Store& store) -> Awaitable<Result<bool>> {
    auto added = co_await store.add_inbound(inbox_row("e1", "one"));
    std::vector<std::int64_t> ids{added.value().id};
    (void)co_await store.start_inbox(std::move(ids), "fake/default:e1");
    co_return co_await store.set_draft(added.value().id, kDraftUnknown);
  });
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_FALSE(sent[0].contains("replaces"));
  stop_cleanly();
  on_disk([](Store& store) -> Awaitable<Result<bool>> {
    auto row = co_await store.outbox_row(1);
    EXPECT_EQ(row.value().ambiguous, 1);
    co_return true;
  });
}

TEST_F(ChannelServiceTest, P4ADraftDoesNotStandBeforeAnEarlierReply) {
  prepare = [](Life& life) {
    life.host.traits()["streaming"] = json::object{{"minIntervalMs", 5}, {"minChars", 3}};
  };
  bool refuse = true;
  on_send = [&](const json::object&,
                const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    if (!refuse) return std::nullopt;
    Error error(Code::kResourceExhausted, "slow down");
    error.retry_after = milliseconds(300);
    return Result<json::value>(error);
  };
  boot();
  offer(message("e1", "one"));
  ASSERT_TRUE(until([&] { return !calls.empty(); }));
  refuse = false;
  life_->agent.held = true;
  offer(message("e2", "two"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  life_->agent.emit("fake/default:e2", "assistant", {{"text", "Once upon a time"}});
  settle();
  EXPECT_EQ(calls.size(), 1U);
  ASSERT_TRUE(until([&] { return calls.size() == 3; }));
  EXPECT_EQ(calls[1].second.at("text"), "re: one");
  EXPECT_TRUE(calls[2].second.contains("draft"));
}

TEST_F(ChannelServiceTest, P4WhatWaitedTooLongIsNotReadLateAndThePersonIsToldOnce) {
  const auto add = [this](Store& store) -> Awaitable<Result<bool>> {
    (void)co_await store.add_inbound(inbox_row("e1", "one"));
    auto second = co_await store.add_inbound(inbox_row("e2", "two"));
    std::vector<std::int64_t> ids{second.value().id};
    co_return co_await store.start_inbox(std::move(ids), "fake/default:e2");
  };
  on_disk(add, std::chrono::hours(30));
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  EXPECT_THAT(sent_texts(), ElementsAre(HasSubstr("I was not running for a while")));
  EXPECT_TRUE(life_->agent.requests.empty());
  stop_cleanly();
  boot();
  settle();
  EXPECT_EQ(sent.size(), 1U);
}

TEST_F(ChannelServiceTest, P1ACleanStopKeepsTheRunningTurnForTheNextStart) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  offer(message("e1", "one"));
  offer(message("e2", "two"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  stop_cleanly();
  EXPECT_TRUE(sent.empty());
  prepare = nullptr;
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: one", "re: two"));
}

TEST_F(ChannelServiceTest, P3ACrashWhileSendingIsSentAgainOnceAndFlagged) {
  on_send = [](const json::object&,
               const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    return Result<json::value>(
        Error(Code::kProtocol, "the connection broke after the request was written"));
  };
  boot();
  offer(message("e1", "hi"));
  // Tried, unknown, tried once more, unknown: given up as ambiguous, not repeated for ever.
  ASSERT_TRUE(until([&] { return calls.size() >= 2 && calls[0].first == "channel.send"; }));
  settle();
  on_send = nullptr;
  crash();
  boot();
  settle();
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].second.at("idempotencyKey"), calls[1].second.at("idempotencyKey"));
}

TEST_F(ChannelServiceTest, ATransientFailureIsRetriedAfterWhatThePlatformAsked) {
  int tries = 0;
  std::optional<std::chrono::steady_clock::time_point> refused;
  on_send = [&](const json::object&,
                const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    if (++tries > 1) {
      EXPECT_GE(std::chrono::steady_clock::now() - *refused, milliseconds(290));
      return std::nullopt;
    }
    refused = std::chrono::steady_clock::now();
    Error error(Code::kResourceExhausted, "slow down");
    error.retry_after = milliseconds(300);
    return Result<json::value>(error);
  };
  boot();
  offer(message("e1", "hi"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(tries, 2);
}

TEST_F(ChannelServiceTest, P5APermanentFailureEndsAndTheNextMessageGoesOn) {
  on_send = [&](const json::object& payload,
                const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    if (payload.at("text") == "re: one")
      return Result<json::value>(Error(Code::kPermissionDenied, "bot was blocked"));
    return std::nullopt;
  };
  boot();
  offer(message("e1", "one"));
  offer(message("e2", "two"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: two"));
  settle();  // that it was sent is on disk
  crash();
  on_send = nullptr;
  boot();
  settle();
  EXPECT_THAT(sent_texts(), ElementsAre("re: two"));
}

TEST_F(ChannelServiceTest, P5WhatWasGivenUpIsListedAndCanBeSentAfterAllOrDropped) {
  bool blocked = true;
  on_send = [&](const json::object&,
                const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    if (blocked) return Result<json::value>(Error(Code::kPermissionDenied, "bot was blocked"));
    return std::nullopt;
  };
  boot();
  const auto ask = [&](QueueRequest request) {
    return wait(life_->service->queue(std::move(request)));
  };
  const auto listed = [&](QueueRequest request = {}) {
    return ask(std::move(request)).value().at("entries").as_array();
  };
  offer(message("e1", "one"));
  ASSERT_TRUE(until([&] { return listed({.state = "dead"}).size() == 1; }));
  offer(message("e2", "two"));
  ASSERT_TRUE(until([&] { return listed({.state = "dead"}).size() == 2; }));
  const json::object newest = listed()[0].as_object();
  EXPECT_EQ(newest.at("text"), "re: two");
  EXPECT_EQ(newest.at("channel"), "fake");
  EXPECT_EQ(newest.at("error"), "bot was blocked");
  EXPECT_EQ(newest.at("mayHaveBeenSent"), false);
  EXPECT_TRUE(listed({.channel = "other"}).empty());
  EXPECT_EQ(listed({.limit = 1}).size(), 1U);
  const std::int64_t second = newest.at("id").as_int64();
  const std::int64_t first = listed()[1].at("id").as_int64();
  ASSERT_TRUE(ask({.kind = QueueRequest::Kind::kDrop, .id = second}).has_value());
  EXPECT_EQ(ask({.kind = QueueRequest::Kind::kDrop, .id = second}).error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(ask({.kind = QueueRequest::Kind::kRetry, .id = 4711}).error().code, Code::kNotFound);
  blocked = false;
  ASSERT_TRUE(ask({.kind = QueueRequest::Kind::kRetry}).has_value());
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: one"));
  ASSERT_TRUE(until([&] { return listed().empty(); }));
  EXPECT_EQ(ask({.kind = QueueRequest::Kind::kRetry, .id = first}).error().code,
            Code::kFailedPrecondition);
}

TEST_F(ChannelServiceTest, P5AMessageThatWaitsForItsTimeCanBeTriedNowOrDropped) {
  int tries = 0;
  on_send = [&](const json::object&,
                const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    Error later(Code::kResourceExhausted, "slow down");
    later.retry_after = milliseconds(3'600'000);
    return ++tries < 3 ? std::optional<Result<json::value>>(later) : std::nullopt;
  };
  boot();
  offer(message("e1", "one"));
  ASSERT_TRUE(until([&] { return tries == 1; }));
  settle();
  const auto queued = [&] {
    return wait(life_->service->queue({})).value().at("entries").as_array();
  };
  ASSERT_EQ(queued().size(), 1U);
  EXPECT_EQ(queued()[0].at("state"), "queued");
  EXPECT_TRUE(queued()[0].as_object().contains("nextTryAtMs"));
  const std::int64_t id = queued()[0].at("id").as_int64();
  ASSERT_TRUE(
      wait(life_->service->queue({.kind = QueueRequest::Kind::kRetry, .id = id})).has_value());
  ASSERT_TRUE(until([&] { return tries == 2; }));
  settle();
  ASSERT_TRUE(
      wait(life_->service->queue({.kind = QueueRequest::Kind::kDrop, .id = id})).has_value());
  EXPECT_TRUE(queued().empty());
  offer(message("e2", "two"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: two"));
}

TEST_F(ChannelServiceTest, P5WhatStandsBehindASendThatIsUnderWayCanBeDropped) {
  boot();
  life_->host.hold = std::make_shared<Event>(life_->runtime);
  for (const char* id : {"e1", "e2", "e3", "e4"}) offer(message(id, id));
  const auto queued = [&] {
    return wait(life_->service->queue({})).value().at("entries").as_array();
  };
  ASSERT_TRUE(until([&] { return queued().size() == 4; }));
  EXPECT_EQ(queued()[3].at("state"), "sending");
  const auto drop = [&](const json::value& entry) {
    return wait(life_->service->queue(
        {.kind = QueueRequest::Kind::kDrop, .id = entry.at("id").as_int64()}));
  };
  EXPECT_EQ(drop(queued()[3]).error().code, Code::kFailedPrecondition);
  ASSERT_TRUE(drop(queued()[2]).has_value());
  life_->host.hold->set();
  ASSERT_TRUE(until([&] { return queued().empty(); }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: e1", "re: e3", "re: e4"));
}

TEST_F(ChannelServiceTest, ARetryGoesOnWhereThePartialSendEnded) {
  int tries = 0;
  json::value resumed;
  on_send = [&](const json::object& payload,
                const plugin::ProgressSink& progress) -> std::optional<Result<json::value>> {
    if (++tries == 1) {
      progress(plugin::Stream::kJson, R"({"done":1,"of":3})");
      Error error(Code::kUnavailable, "gone");
      error.retry_after = milliseconds(1);
      return Result<json::value>(error);
    }
    resumed = payload.at("resume");
    return std::nullopt;
  };
  boot();
  offer(message("e1", "hi"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(resumed.at("done"), 1);
}

TEST_F(ChannelServiceTest, StrangersAreToldACodeOnceAndApprovalCountsAtOnce) {
  boot();
  offer(message("e1", "hello", "9"));
  offer(message("e2", "hello?", "9"));
  ASSERT_TRUE(until([&] { return !sent.empty(); }));
  settle();
  ASSERT_EQ(sent.size(), 1U);
  const auto requests = PairingStore(dir_.path()).list("fake");
  ASSERT_TRUE(requests.has_value());
  ASSERT_EQ(requests.value().size(), 1U);
  EXPECT_THAT(sent_texts()[0],
              HasSubstr("openclaw pairing approve fake " + requests.value()[0].code));
  EXPECT_TRUE(life_->agent.requests.empty());
  ASSERT_TRUE(PairingStore(dir_.path()).approve("fake", requests.value()[0].code).has_value());
  offer(message("e3", "now", "9"));
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_EQ(sent_texts()[1], "re: now");
  EXPECT_FALSE(life_->agent.requests[0].origin.is_owner);
}

TEST_F(ChannelServiceTest, A25UnknownKindsOfChatAreDenied) {
  boot();
  json::object event = message("e1", "hi");
  event["conversation"].get_object()["type"] = "unknown";
  EXPECT_EQ(offer(std::move(event)), Code::kOk);
  settle();
  EXPECT_TRUE(sent.empty());
  EXPECT_TRUE(life_->agent.requests.empty());
}

TEST_F(ChannelServiceTest, OneConversationKeepsItsOrderAndOthersRunBeside) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  offer(message("e1", "one"));
  offer(message("e2", "two"));
  offer(message("e3", "other", "2"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 2; }));
  settle();
  EXPECT_EQ(life_->agent.requests.size(), 2U);
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 3; }));
  std::vector<std::string> first;
  for (const auto& each : sent) {
    if (each.at("conversation").at("id") == "1") first.emplace_back(each.at("text").get_string());
  }
  EXPECT_THAT(first, ElementsAre("re: one", "re: two"));
}

TEST_F(ChannelServiceTest, StatusSaysHowLongMessagesWaitForTheirTurn) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  const auto times = [&] {
    const json::object status =
        wait(life_->service->status(false, Limits::within(milliseconds(5000))));
    const json::object& account = status.at("channelAccounts").at("fake").at(0).as_object();
    const json::value* found = account.if_contains("startTimes");
    return found == nullptr ? json::value(nullptr) : *found;
  };
  EXPECT_TRUE(times().is_null());
  offer(message("e1", "one"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  offer(message("e2", "two"));
  std::this_thread::sleep_for(milliseconds(50));
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  const json::value both = times();
  EXPECT_EQ(both.at("messages"), 2);
  EXPECT_GE(both.at("turnMs").at("p99").as_double(), 50.0);  // behind the first one
  EXPECT_LT(both.at("storedMs").at("p99").as_double(), both.at("turnMs").at("p99").as_double());
}

TEST_F(ChannelServiceTest, AStopWordOvertakesTheRunningTurn) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  offer(message("e1", "long work"));
  offer(message("e2", "more work"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  offer(message("e3", "/stop"));
  ASSERT_TRUE(until([&] { return !sent.empty(); }));
  settle();
  EXPECT_THAT(sent_texts(), ElementsAre("Stopped."));
  EXPECT_EQ(life_->agent.requests.size(), 1U);
}

TEST_F(ChannelServiceTest, AStrangersStopWordStopsNothing) {
  config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["1"],"dmPolicy":"allowlist"}}})";
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  offer(message("e1", "work"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  offer(message("e2", "/stop", "9"));
  settle();
  EXPECT_EQ(life_->agent.active_runs(), 1U);
  EXPECT_TRUE(sent.empty());
}

TEST_F(ChannelServiceTest, ADraftIsEditedAndTheReplyReplacesIt) {
  prepare = [](Life& life) {
    life.agent.held = true;
    life.host.traits()["streaming"] = json::object{{"minIntervalMs", 5}, {"minChars", 3}};
    life.host.traits()["typing"] = json::object{{"intervalMs", 1000}};
  };
  boot();
  offer(message("e1", "tell me"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  const auto count = [&](std::string_view slot) {
    return std::count_if(calls.begin(), calls.end(),
                         [&](const auto& call) { return call.first == slot; });
  };
  life_->agent.emit("fake/default:e1", "assistant", {{"text", "Once upon"}});
  ASSERT_TRUE(until([&] { return count("channel.send") == 1; }));
  life_->agent.emit("fake/default:e1", "assistant", {{"text", "Once upon a time"}});
  ASSERT_TRUE(until([&] { return count("channel.edit") == 1; }));
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_TRUE(sent[0].at("replaces").at("messageId").get_string().starts_with('m'));
  EXPECT_GE(count("channel.presence"), 1);
}

TEST_F(ChannelServiceTest, SilenceIsNotSent) {
  boot();
  life_->agent.answer = [](const agent::TurnRequest&) {
    agent::TurnResult result;
    result.status = "ok";
    result.text = "NO_REPLY";
    return result;
  };
  offer(message("e1", "fyi"));
  ASSERT_TRUE(until([&] { return life_->agent.requests.size() == 1; }));
  settle();
  EXPECT_TRUE(sent.empty());
}

TEST_F(ChannelServiceTest, AMessageOutlivesSeveralRestartsOfItsAccount) {
  boot();
  int tries = 0;
  on_send = [&](const json::object&,
                const plugin::ProgressSink&) -> std::optional<Result<json::value>> {
    if (++tries > 2) return std::nullopt;
    return Result<json::value>(Error(Code::kCancelled, "the account is stopping"));
  };
  offer(message("e1", "hello"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(tries, 3);
}

TEST_F(ChannelServiceTest, SendingByHandIsDurableAndIdempotent) {
  boot();
  MessageAction hello{.channel = "fake", .to = "fake:1", .text = "hello", .idempotency_key = "k1"};
  const auto first = act(hello);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  hello.to = "1";
  EXPECT_EQ(first.value().at("messageId"), act(hello).value().at("messageId"));
  EXPECT_EQ(sent.size(), 1U);
  EXPECT_EQ(act({.channel = "nope", .to = "1", .text = "x"}).error().message,
            "unsupported channel: nope");
  EXPECT_EQ(act({.channel = "fake", .account = "other", .to = "1", .text = "x"}).error().code,
            Code::kFailedPrecondition);
}

TEST_F(ChannelServiceTest, MessagesAreEditedDeletedAndReactedToByHand) {
  boot();
  ASSERT_TRUE(act({.kind = Kind::kEdit,
                   .channel = "fake",
                   .to = "1:topic:7",
                   .message_id = "m9",
                   .text = "better",
                   .idempotency_key = "k1"})
                  .has_value());
  EXPECT_EQ(sent.at(0).at("replaces").at("messageId"), "m9");
  EXPECT_EQ(sent.at(0).at("conversation"), (json::object{{"threadId", "7"}, {"id", "1"}}));
  ASSERT_TRUE(
      act({.kind = Kind::kReact, .channel = "fake", .to = "1", .message_id = "m9", .emoji = "x"})
          .has_value());
  EXPECT_EQ(calls.back().first, "channel.react");
  EXPECT_EQ(calls.back().second.at("emoji"), "x");
  ASSERT_TRUE(
      act({.kind = Kind::kReact, .channel = "fake", .to = "1", .message_id = "m9"}).has_value());
  EXPECT_EQ(calls.back().second.at("remove"), true);
  ASSERT_TRUE(
      act({.kind = Kind::kDelete, .channel = "fake", .to = "1", .message_id = "m9"}).has_value());
  EXPECT_EQ(calls.back().first, "channel.remove");
  for (auto kind : {Kind::kEdit, Kind::kDelete, Kind::kReact}) {
    EXPECT_THAT(act({.kind = kind, .channel = "fake", .to = "1", .text = "x"}).error().message,
                HasSubstr("messageId"));
  }
}

TEST_F(ChannelServiceTest, StatusWarnsWhenThePlatformKeepsBackWhatAGroupIsToBeReadFor) {
  config_text_ = R"({"channels":{"fake":{"token":"t","groups":{"-7":{"requireMention":false}}}}})";
  boot();
  const auto warnings = [&] {
    const json::object status = wait(life_->service->status(false, Limits()));
    const json::value& account = status.at("channelAccounts").at("fake").at(0);
    return account.as_object().contains("warnings") ? json::serialize(account.at("warnings"))
                                                    : std::string();
  };
  EXPECT_EQ(warnings(), "");
  const auto report = [&](bool all) {
    json::object groups{{"all", all}, {"fix", "do this"}};
    life_->host.events->link_state(*life_->host.instance(),
                                   {{"state", "online"}, {"groupMessages", std::move(groups)}});
  };
  report(false);
  EXPECT_THAT(warnings(), HasSubstr("do this"));
  report(true);
  EXPECT_EQ(warnings(), "");
}

TEST_F(ChannelServiceTest, IsNotReadyBeforeItKnowsItsAccounts) {
  boot();
  const auto unstarted = ChannelService::create(life_->runtime, life_->store, life_->host,
                                                *life_->services, life_->sandboxes, life_->agent);
  EXPECT_THAT(unstarted->failing(), ElementsAre("channels"));
  EXPECT_TRUE(life_->service->failing().empty());
}

TEST_F(ChannelServiceTest, R131R133AccountsStartFromTheirTokenFileAndStatusNamesNoSecret) {
  std::ofstream(dir_.path() / "token") << "very-secret\n";
  config_text_ =
      R"({"channels":{"fake":{"tokenFile":")" + (dir_.path() / "token").string() + R"("}}})";
  boot();
  ASSERT_EQ(life_->host.created.size(), 1U);
  EXPECT_EQ(life_->host.created[0].at("token").get_string(), "very-secret");
  const json::object status =
      wait(life_->service->status(true, Limits::within(milliseconds(5000))));
  EXPECT_EQ(status.at("channelAccounts").at("fake").at(0).at("connected"), true);
  EXPECT_EQ(status.at("channelAccounts").at("fake").at(0).at("tokenSource").get_string(),
            "tokenFile");
  EXPECT_THAT(json::serialize(status), testing::Not(HasSubstr("very-secret")));
  EXPECT_TRUE(life_->service->failing().empty());
}

TEST_F(ChannelServiceTest, AnAccountThatCannotLogInIsFailingAndSaysWhy) {
  prepare = [](Life& life) {
    life.host.on_start = [](const std::string&) {
      return Result<void>(Error(Code::kUnauthenticated, "the token is wrong"));
    };
  };
  boot();
  ASSERT_TRUE(until([&] { return !life_->service->failing().empty(); }));
  const json::object status =
      wait(life_->service->status(false, Limits::within(milliseconds(5000))));
  EXPECT_EQ(status.at("channelAccounts").at("fake").at(0).at("lastError").get_string(),
            "the token is wrong");
  EXPECT_THAT(life_->service->failing(), ElementsAre("fake"));
}

TEST_F(ChannelServiceTest, AnAccountThatIsOffStartsAgainWhenItIsAskedFor) {
  auto refused = std::make_shared<bool>(true);
  prepare = [refused](Life& life) {
    life.host.on_start = [refused](const std::string&) {
      if (*refused) return Result<void>(Error(Code::kUnauthenticated, "the token is wrong"));
      return Result<void>();
    };
  };
  boot();
  const auto ask = [&] {
    return wait(
        life_->service->first_result("fake", "default", Deadline::after(milliseconds(5000))));
  };
  EXPECT_EQ(ask().at("error"), "the token is wrong");
  *refused = false;  // mended at the platform: nothing changes here
  EXPECT_EQ(ask().at("connected"), true);
  const auto started = life_->host.created.size();
  EXPECT_EQ(ask().at("connected"), true);
  EXPECT_EQ(life_->host.created.size(), started);  // one that runs is left alone
}

TEST_F(ChannelServiceTest, TwoReloadsAtOnceStartAnAccountOnce) {
  boot();
  std::ofstream(dir_.path() / "openclaw.toml")
      << "[channels.fake]\ntoken = \"t2\"\nallowFrom = [\"1\"]\n";
  auto reloaded = life_->store.reload();
  ASSERT_TRUE(reloaded.has_value()) << reloaded.error().message;
  int done = 0;
  for (int i = 0; i < 2; ++i) {
    asio::co_spawn(
        life_->runtime.loop(), life_->service->apply_config(), [&](const std::exception_ptr&) {
          ++done;
          const bool old_is_gone = !life_->host.instance() || life_->host.created.size() == 2;
          EXPECT_TRUE(old_is_gone);
        });
  }
  ASSERT_TRUE(until([&] { return done == 2 && life_->host.created.size() > 1; }));
  settle();
  ASSERT_EQ(life_->host.created.size(), 2U);
  EXPECT_EQ(life_->host.created[1].at("token").get_string(), "t2");
  EXPECT_TRUE(life_->service->failing().empty());
}

TEST_F(ChannelServiceTest, AnAccountThatIsAddedLeavesTheOthersRunning) {
  boot();
  std::ofstream(dir_.path() / "openclaw.toml")
      << "[channels.fake]\ntoken = \"t1\"\nallowFrom = [\"1\"]\na = 1\nb = 2\nc = 3\n";
  ASSERT_TRUE(life_->store.reload().has_value());
  wait(life_->service->apply_config());
  ASSERT_TRUE(until([&] { return life_->host.created.size() == 2; }));
  std::ofstream(dir_.path() / "openclaw.toml")
      << "[channels.fake.accounts.other]\ntoken = \"t2\"\n[channels.fake]\nc = 3\ntoken = \"t1\"\n"
         "b = 2\na = 1\nallowFrom = [\"1\"]\n";
  ASSERT_TRUE(life_->store.reload().has_value());
  wait(life_->service->apply_config());
  ASSERT_TRUE(until([&] { return life_->host.created.size() >= 3; }));
  settle();
  ASSERT_EQ(life_->host.created.size(), 3U);
  EXPECT_EQ(life_->host.created[2].at("token").get_string(), "t2");
}

TEST_F(ChannelServiceTest, AccountsWithoutATokenAreListedAndNotStarted) {
  config_text_ = "{}";
  boot();
  EXPECT_TRUE(life_->host.created.empty());
  const json::object status =
      wait(life_->service->status(false, Limits::within(milliseconds(5000))));
  EXPECT_EQ(status.at("channelAccounts").at("fake").at(0).at("configured"), false);
  EXPECT_TRUE(life_->service->failing().empty());
}

}  // namespace
}  // namespace openclaw::channel
