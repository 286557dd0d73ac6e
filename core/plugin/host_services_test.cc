#include <sys/stat.h>

#include <atomic>
#include <future>
#include <thread>

#include "net/loopback_server_for_test.h"
#include "plugin/service_fixture_for_test.h"
#include "plugin/service_state.h"

namespace openclaw::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST_F(ServicesTest, CreatingThemTouchesNothing) {
  EXPECT_FALSE(std::filesystem::exists(dir_.path() / "state"));
  EXPECT_EQ(services_->table("openclaw.unknown/1"), nullptr);
  for (const char* id : {OC_TIMER_V1, OC_TASK_V1, OC_HTTP_V1, OC_WEBSOCKET_V1, OC_STREAM_V1,
                         OC_KV_V1, OC_BLOB_V1, OC_SECRETS_V1, OC_METRICS_V1}) {
    EXPECT_NE(services_->table(id), nullptr) << id;
  }
}

// ---- timer

struct TimerUser {
  FakeInstance* instance;
  const oc_timer_v1* timer;
  Told told;
  std::atomic<bool> right_thread{true};
};
void on_timer(void* user, uint64_t id) {
  auto* u = static_cast<TimerUser*>(user);
  if (!u->instance->on_plugin_thread()) u->right_thread = false;
  u->told.add(std::to_string(id));
}

TEST_F(ServicesTest, TimersFireOnThePluginsThreadOnceOrPeriodically) {
  const auto& timer = table<oc_timer_v1>(OC_TIMER_V1);
  TimerUser user{instance_.get(), &timer, {}};
  timer.arm(instance_->ctx(), 1, 1, 0, on_timer, &user);
  ASSERT_TRUE(user.told.wait_events(1));
  timer.arm(instance_->ctx(), 2, 1, 1, on_timer, &user);
  ASSERT_TRUE(user.told.wait_events(5));
  instance_->call([&] { timer.disarm(instance_->ctx(), 2); });
  EXPECT_TRUE(user.right_thread);
  EXPECT_EQ(user.told.events[0], "1");
  EXPECT_EQ(user.told.events[4], "2");
}

TEST_F(ServicesTest, NoTimerCallAfterDisarmReturnedOnThePluginsThread) {
  const auto& timer = table<oc_timer_v1>(OC_TIMER_V1);
  TimerUser user{instance_.get(), &timer, {}};
  std::size_t before = 0;
  for (int i = 0; i < 50; ++i) {
    timer.arm(instance_->ctx(), 7, 0, 1, on_timer, &user);
    ASSERT_TRUE(user.told.wait_events(before + 1));
    instance_->call([&] {
      timer.disarm(instance_->ctx(), 7);
      before = user.told.events.size();
    });
    instance_->call([] {});  // whatever was queued has run now
    EXPECT_EQ(user.told.events.size(), before);
  }
}

TEST_F(ServicesTest, ArmingANumberAgainReplacesIt) {
  const auto& timer = table<oc_timer_v1>(OC_TIMER_V1);
  TimerUser old{instance_.get(), &timer, {}}, fresh{instance_.get(), &timer, {}};
  timer.arm(instance_->ctx(), 3, 3'600'000, 0, on_timer, &old);
  timer.arm(instance_->ctx(), 3, 0, 0, on_timer, &fresh);
  ASSERT_TRUE(fresh.told.wait_events(1));
  EXPECT_TRUE(old.told.events.empty());
}

// ---- task

struct TaskUser {
  std::atomic<int> worked{0};
  std::promise<void>* gate = nullptr;
  std::shared_future<void> open;
  Told told;
};
void work(void* user) {
  auto* u = static_cast<TaskUser*>(user);
  if (u->open.valid()) u->open.wait();
  ++u->worked;
}
void worked(void* user) {
  static_cast<TaskUser*>(user)->told.end(OC_OK);
}

TEST_F(ServicesTest, BlockingWorkRunsOffThePluginsThreadAndIsBounded) {
  const auto& task = table<oc_task_v1>(OC_TASK_V1);
  std::promise<void> gate;
  TaskUser user;
  user.open = gate.get_future().share();
  int accepted = 0;
  oc_status last = OC_OK;
  for (int i = 0; i < 100; ++i) {
    last = task.run_blocking(instance_->ctx(), work, worked, &user);
    if (last == OC_OK) ++accepted;
  }
  EXPECT_EQ(accepted, 64);
  EXPECT_EQ(last, OC_RESOURCE_EXHAUSTED);
  // The other instance still gets a thread.
  TaskUser neighbour;
  ASSERT_EQ(task.run_blocking(other_->ctx(), work, worked, &neighbour), OC_OK);
  EXPECT_TRUE(neighbour.told.wait());
  gate.set_value();
  std::unique_lock lock(user.told.mutex);
  EXPECT_TRUE(user.told.changed.wait_for(lock, std::chrono::seconds(10),
                                         [&] { return user.told.ends == 64; }));
  EXPECT_EQ(user.worked, 64);
}

TEST_F(ServicesTest, ReleaseLetsBlockingWorkEndFirst) {
  const auto& task = table<oc_task_v1>(OC_TASK_V1);
  TaskUser user;
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(task.run_blocking(instance_->ctx(), work, worked, &user), OC_OK);
  }
  release(*instance_);
  EXPECT_EQ(user.worked, 10);
  EXPECT_EQ(user.told.ends, 10);
  EXPECT_EQ(task.run_blocking(instance_->ctx(), work, worked, &user), OC_CANCELLED);
}

// ---- kv

TEST_F(ServicesTest, KvKeepsValuesPerInstance) {
  const auto& kv = table<oc_kv_v1>(OC_KV_V1);
  Told put, got, foreign, keys, erased;
  kv.put(instance_->ctx(), as_str("offset"), as_bytes("42"), told_ack, &put);
  ASSERT_TRUE(put.wait());
  EXPECT_EQ(put.status, OC_OK);
  kv.get(instance_->ctx(), as_str("offset"), told_value, &got);
  kv.get(other_->ctx(), as_str("offset"), told_value, &foreign);
  kv.scan(instance_->ctx(), as_str("off"), told_value, &keys);
  ASSERT_TRUE(got.wait() && foreign.wait() && keys.wait());
  EXPECT_EQ(got.value, "42");
  EXPECT_EQ(foreign.status, OC_NOT_FOUND);
  EXPECT_EQ(keys.value, R"(["offset"])");
  kv.erase(instance_->ctx(), as_str("offset"), told_ack, &erased);
  ASSERT_TRUE(erased.wait());
  struct stat info {};
  ASSERT_EQ(::stat((dir_.path() / "state" / "kv.db").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(ServicesTest, EveryCallbackComesOnceAlsoThroughARelease) {
  const auto& kv = table<oc_kv_v1>(OC_KV_V1);
  std::deque<Told> told(400);
  for (auto& t : told) kv.put(instance_->ctx(), as_str("k"), as_bytes("v"), told_ack, &t);
  release(*instance_);
  int refused = 0;
  for (auto& t : told) {
    EXPECT_EQ(t.ends, 1);
    EXPECT_THAT(t.status, testing::AnyOf(OC_OK, OC_CANCELLED, OC_RESOURCE_EXHAUSTED));
    refused += t.status == OC_RESOURCE_EXHAUSTED ? 1 : 0;
  }
  EXPECT_LE(refused, 400 - 256);
  Told late;
  kv.get(instance_->ctx(), as_str("k"), told_value, &late);
  instance_->call([] {});
  EXPECT_EQ(late.ends, 0);  // detached: not even this may touch the instance
}

// An engine may be done before request() has said how to stop it.
TEST_F(ServicesTest, ACallThatHasEndedIsHeldByNothing) {
  auto services = InstanceServices::of(instance_->ctx());
  auto owed = services->owe(ServiceKind::kHttp);
  std::promise<void> ended;
  owed->finish([&] { ended.set_value(); });
  ended.get_future().wait();
  std::weak_ptr<Owed> weak = owed;
  owed->on_release([owed] {});
  owed.reset();
  for (int i = 0; i < 200 && !weak.expired(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(weak.expired());
}

TEST_F(ServicesTest, ANewInstanceAtTheSamePlaceStartsAnew) {
  const auto& kv = table<oc_kv_v1>(OC_KV_V1);
  Told first, second;
  kv.put(instance_->ctx(), as_str("k"), as_bytes("v"), told_ack, &first);
  ASSERT_TRUE(first.wait());
  release(*instance_);
  instance_ = std::make_unique<FakeInstance>(runtime_, "telegram/default");
  kv.get(instance_->ctx(), as_str("k"), told_value, &second);
  ASSERT_TRUE(second.wait());
  EXPECT_EQ(second.value, "v");
}

// ---- blobs

TEST_F(ServicesTest, BlobsAreSharedWithTheHost) {
  const auto& blob = table<oc_blob_v1>(OC_BLOB_V1);
  Told created, sealed, read;
  blob.create(instance_->ctx(), as_str("image/png"), told_value, &created);
  ASSERT_TRUE(created.wait());
  std::uint64_t id = 0;
  ASSERT_EQ(created.value.size(), sizeof id);
  std::memcpy(&id, created.value.data(), sizeof id);
  std::string data(300'000, 'p');
  EXPECT_EQ(blob.append(instance_->ctx(), id, as_bytes(data)), OC_OK);
  EXPECT_EQ(blob.append(other_->ctx(), id, as_bytes(data)), OC_PERMISSION_DENIED);
  blob.seal(instance_->ctx(), id, told_ack, &sealed);
  ASSERT_TRUE(sealed.wait());
  blob.read(other_->ctx(), id, 299'998, 100, told_value, &read);
  ASSERT_TRUE(read.wait());
  EXPECT_EQ(read.value, "pp");
  on_loop([&]() -> Awaitable<> {
    auto all = co_await services_->read_blob(id, 1 << 20);
    EXPECT_EQ(all.value().size(), data.size());
    auto small = co_await services_->read_blob(id, 10);
    EXPECT_EQ(small.error().code, Code::kResourceExhausted);
    auto made = co_await services_->make_blob("from the host", "text/plain");
    id = made.value();
  });
  Told from_host;
  blob.read(instance_->ctx(), id, 0, 100, told_value, &from_host);
  ASSERT_TRUE(from_host.wait());
  EXPECT_EQ(from_host.value, "from the host");
  auto taken = services_->take_blob(id);
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  EXPECT_EQ(taken->bytes, 13U);
  EXPECT_EQ(taken->mime, "text/plain");
  EXPECT_EQ(taken->read(5, 100).value(), "the host");
  EXPECT_EQ(taken->read(13, 100).value(), "");
  EXPECT_EQ(services_->take_blob(id + 1).error().code, Code::kNotFound);
  taken->read = {};  // the last one that could read it
  Told gone;
  blob.read(instance_->ctx(), id, 0, 100, told_value, &gone);
  ASSERT_TRUE(gone.wait());
  EXPECT_EQ(gone.status, OC_NOT_FOUND);
}

// ---- secrets

TEST_F(ServicesTest, SecretsAreGivenByGrantAndToldToTheObserver) {
  std::mutex mutex;
  std::vector<std::string> heard;
  services_->set_secret_observer([&](std::string_view secret) {
    std::lock_guard lock(mutex);
    heard.emplace_back(secret);
  });
  services_->secrets().put_transient("telegram.default.botToken", "canary-1");
  ASSERT_TRUE(services_->secrets().put("discord.token", "canary-2").has_value());
  instance_->granted.secrets = {{"telegram.*.botToken", {}}};
  const auto& secrets = table<oc_secrets_v1>(OC_SECRETS_V1);
  Told own, foreign, unknown;
  secrets.get(instance_->ctx(), as_str("telegram.default.botToken"), told_value, &own);
  secrets.get(instance_->ctx(), as_str("discord.token"), told_value, &foreign);
  secrets.get(instance_->ctx(), as_str("telegram.ops.botToken"), told_value, &unknown);
  ASSERT_TRUE(own.wait() && foreign.wait() && unknown.wait());
  EXPECT_EQ(own.value, "canary-1");
  EXPECT_EQ(foreign.status, OC_PERMISSION_DENIED);
  EXPECT_EQ(foreign.value, "");
  EXPECT_EQ(unknown.status, OC_UNAUTHENTICATED);
  EXPECT_THAT(heard, testing::IsSupersetOf({"canary-1", "canary-2"}));
  EXPECT_EQ(services_->secrets().get("discord.token"), "canary-2");
  EXPECT_EQ(services_->secrets().get("none"), std::nullopt);
}

// ---- metrics

TEST_F(ServicesTest, MetricsAreTextWithTheInstanceAndBounded) {
  const auto& metrics = table<oc_metrics_v1>(OC_METRICS_V1);
  metrics.add(instance_->ctx(), as_str("sent_total"), as_str(R"({"kind":"text"})"), 2);
  metrics.add(instance_->ctx(), as_str("sent_total"), as_str(R"({"kind":"text"})"), 1);
  metrics.set(instance_->ctx(), as_str("queue"), {}, 7);
  metrics.observe(instance_->ctx(), as_str("seconds"), {}, 0.02);
  // Wrong ones are dropped: kind, name, labels, sign.
  metrics.set(instance_->ctx(), as_str("sent_total"), {}, 7);
  metrics.add(instance_->ctx(), as_str("bad name\n"), {}, 1);
  metrics.add(instance_->ctx(), as_str("x"), as_str("[1]"), 1);
  metrics.add(instance_->ctx(), as_str("x"), as_str(R"({"instance":"spoofed"})"), 1);
  metrics.add(instance_->ctx(), as_str("y"), {}, -1);
  auto text = services_->metrics_text();
  EXPECT_THAT(
      text, HasSubstr("openclaw_plugin_sent_total{instance=\"telegram/default\",kind=\"text\"} 3"));
  EXPECT_THAT(text, HasSubstr("openclaw_plugin_queue{instance=\"telegram/default\"} 7"));
  EXPECT_THAT(text, HasSubstr("openclaw_plugin_seconds_count"));
  EXPECT_THAT(text, Not(HasSubstr("spoofed")));
  for (int i = 0; i < 1000; ++i) {
    auto labels = R"({"user":")" + std::to_string(i) + R"("})";
    metrics.add(instance_->ctx(), as_str("flood"), as_str(labels), 1);
  }
  text = services_->metrics_text();
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 300);
}

// ---- stream

oc_stream_events stream_events() {
  oc_stream_events events{};
  events.struct_size = sizeof events;
  events.on_open = [](void* user) { static_cast<Told*>(user)->add("open"); };
  events.on_data = [](void* user, oc_bytes data) { static_cast<Told*>(user)->add(text_of(data)); };
  events.on_close = [](void* user, oc_status status, oc_str reason) {
    static_cast<Told*>(user)->end(status, text_of(reason));
  };
  return events;
}

TEST_F(ServicesTest, StreamsNeedAGrantAndHalfClose) {
  net::LoopbackServer server([](net::Peer& peer) { peer.write("got " + peer.read_all()); });
  auto address = "tcp:127.0.0.1:" + std::to_string(server.port());
  const auto& stream = table<oc_stream_v1>(OC_STREAM_V1);
  auto events = stream_events();
  Told told;
  EXPECT_EQ(stream.connect(instance_->ctx(), 1, as_str(address), 0, &events, &told),
            OC_PERMISSION_DENIED);
  instance_->granted.net = {"tcp:127.0.0.1:*"};
  ASSERT_EQ(stream.connect(instance_->ctx(), 1, as_str(address), 0, &events, &told), OC_OK);
  EXPECT_EQ(stream.connect(instance_->ctx(), 1, as_str(address), 0, &events, &told),
            OC_ALREADY_EXISTS);
  EXPECT_EQ(stream.send(instance_->ctx(), 1, as_bytes("abc")), OC_OK);
  EXPECT_EQ(stream.send(other_->ctx(), 1, as_bytes("abc")), OC_NOT_FOUND);
  stream.shut_write(instance_->ctx(), 1);
  ASSERT_TRUE(told.wait());
  EXPECT_EQ(told.status, OC_OK);
  EXPECT_THAT(told.events, ElementsAre("open", "got abc"));
  EXPECT_EQ(stream.send(instance_->ctx(), 1, as_bytes("x")), OC_NOT_FOUND);
}

TEST_F(ServicesTest, ReleaseClosesStreamsOnceWithCancelled) {
  net::LoopbackServer server([](net::Peer& peer) { peer.read_all(); });
  auto address = "tcp:127.0.0.1:" + std::to_string(server.port());
  instance_->granted.net = {"tcp:127.0.0.1:*"};
  const auto& stream = table<oc_stream_v1>(OC_STREAM_V1);
  auto events = stream_events();
  std::deque<Told> told(10);
  for (std::size_t i = 0; i < told.size(); ++i) {
    ASSERT_EQ(stream.connect(instance_->ctx(), i, as_str(address), 0, &events, &told[i]), OC_OK);
  }
  ASSERT_TRUE(told[0].wait_events(1));
  release(*instance_);
  for (auto& t : told) {
    EXPECT_EQ(t.ends, 1);
    EXPECT_EQ(t.status, OC_CANCELLED);
  }
}

// ---- websocket: the protocol itself is tested beside the client

TEST_F(ServicesTest, WebSocketsNeedAGrantAndCloseOnce) {
  net::LoopbackServer server([](net::Peer& peer) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  });
  auto url = "ws://127.0.0.1:" + std::to_string(server.port()) + "/";
  oc_ws_events events{};
  events.struct_size = sizeof events;
  events.on_close = [](void* user, oc_status status, uint32_t, oc_str reason) {
    static_cast<Told*>(user)->end(status, text_of(reason));
  };
  const auto& ws = table<oc_websocket_v1>(OC_WEBSOCKET_V1);
  Told told;
  EXPECT_EQ(ws.connect(instance_->ctx(), 5, as_str(url), {}, &events, &told), OC_PERMISSION_DENIED);
  instance_->settings["gateway"] = "http://127.0.0.1:" + std::to_string(server.port());
  instance_->granted.net = {"config:gateway"};
  ASSERT_EQ(ws.connect(instance_->ctx(), 5, as_str(url), {}, &events, &told), OC_OK);
  ASSERT_TRUE(told.wait());
  EXPECT_EQ(told.status, OC_UNAUTHENTICATED);
  EXPECT_EQ(told.ends, 1);
}

}  // namespace
}  // namespace openclaw::plugin
