#include "channel_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <stdexcept>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "net/url.h"

extern char** environ;

namespace openclaw::channel_test {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 40s;

class MemorySink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit MemorySink(std::shared_ptr<std::vector<std::string>> lines) : lines_(std::move(lines)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    lines_->emplace_back(msg.payload.data(), msg.payload.size());
  }
  void flush_() override {}
  std::shared_ptr<std::vector<std::string>> lines_;
};

std::string first_line(int fd) {
  std::string line;
  for (;;) {
    pollfd wait{fd, POLLIN, 0};
    if (poll(&wait, 1, 20'000) <= 0) throw std::runtime_error("the stub server does not start");
    char c = 0;
    const ssize_t n = read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw std::runtime_error("the stub server ended; is node installed?");
    if (c == '\n') return line;
    line += c;
  }
}

Awaitable<> stop_all(plugin::PluginHost& host, plugin::HostServices& services, bool* stopped) {
  const Deadline deadline = Deadline::after(10s);
  co_await host.stop_all(deadline);
  co_await services.stop(deadline);
  *stopped = true;
}

}  // namespace

StubServer::StubServer(const char* script) {
  int ends[2];
  int held[2];
  if (pipe2(ends, O_CLOEXEC) != 0 || pipe2(held, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, held[0], STDIN_FILENO);
  std::vector<std::string> words{"node",           script, "--port",           "0",
                                 "--control-port", "0",    "--end-with-stdin", "yes"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int failed = posix_spawnp(&pid_, "node", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  close(held[0]);
  out_ = ends[0];
  held_ = held[1];
  if (failed != 0) throw std::runtime_error("node could not be started; is it installed?");
  said_ = json::parse(first_line(out_)).as_object();
}

std::string StubServer::said(std::string_view key) const {
  return std::string(said_.at(key).as_string());
}

StubServer::~StubServer() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (held_ >= 0) close(held_);
  if (out_ >= 0) close(out_);
}

void Recorder::inbound(PluginInstance&, json::object event, std::function<void(Code)> ack) {
  events.push_back(std::move(event));
  if (withhold) {
    kept.push_back(std::move(ack));
  } else if (!answers.empty()) {
    const Code answer = answers.front();
    answers.erase(answers.begin());
    ack(answer);
  } else {
    ack(Code::kOk);
  }
}

void Recorder::link_state(PluginInstance&, json::object state) {
  links.push_back(std::move(state));
}

ChannelFixture::ChannelFixture(std::string channel, const char* script)
    : channel_(std::move(channel)),
      stub_(script),
      logged_(std::make_shared<std::vector<std::string>>()) {
  auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<MemorySink>(logged_));
  logger->set_level(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  forbidden_.push_back(stub_.token());
  services_ = plugin::HostServices::create(runtime_, temp_.path() / "state");
  plugin::HostOptions options;
  options.state_dir = temp_.path() / "state";
  options.bundled_dirs = {OPENCLAW_BUNDLED_PLUGINS};
  std::filesystem::create_directories(options.state_dir);
  host_ = plugin::PluginHost::create(runtime_, options, *services_);
  host_->scan();
  host_->set_channel_events(&recorder_);
}

ChannelFixture::~ChannelFixture() {
  bool stopped = false;
  asio::co_spawn(runtime_.loop(), stop_all(*host_, *services_, &stopped),
                 [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  run_until([&] { return stopped; });
  host_ = nullptr;
  services_ = nullptr;
  client_.stop();
  runtime_.stop_blocking();
  for (const std::string& secret : forbidden_) {
    for (const std::string& line : *logged_)
      EXPECT_EQ(line.find(secret), std::string::npos) << line;
    for (const json::object& link : recorder_.links)
      EXPECT_EQ(json::serialize(link).find(secret), std::string::npos) << json::serialize(link);
  }
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("none"));
}

void ChannelFixture::run_until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  auto work = asio::make_work_guard(runtime_.loop());
  while (!done()) {
    if (runtime_.loop().stopped()) runtime_.loop().restart();
    // `done` may ask the lab, which wakes nobody here.
    const auto now = std::chrono::steady_clock::now();
    if (runtime_.loop().run_one_until(std::min(deadline, now + 20ms)) == 0 && now >= deadline) {
      ADD_FAILURE() << "it did not happen in time; the last log lines:";
      for (std::size_t i = logged_->size() > 20 ? logged_->size() - 20 : 0; i < logged_->size();
           ++i)
        GTEST_LOG_(INFO) << (*logged_)[i];
      throw std::runtime_error("waited in vain");
    }
  }
}

PluginInstance* ChannelFixture::create(json::object config, const std::string& account) {
  auto made = run(host_->create_instance({channel_, account, std::move(config)}));
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return made.has_value() ? *made : nullptr;
}

Result<void> ChannelFixture::start(PluginInstance& instance) {
  return run(host_->start(instance, Limits::within(20s)));
}

PluginInstance* ChannelFixture::up(json::object more, const std::string& account) {
  json::object all = config();
  for (auto& member : more) all[member.key()] = member.value();
  PluginInstance* instance = create(std::move(all), account);
  if (instance == nullptr) throw std::runtime_error("no instance");
  recorder_.links.clear();
  auto started = start(*instance);
  EXPECT_TRUE(started.has_value()) << started.error().message;
  wait_link("online");
  return instance;
}

void ChannelFixture::down(PluginInstance* instance) {
  auto removed = run(host_->remove(*instance, Limits::within(10s)));
  EXPECT_TRUE(removed.has_value()) << removed.error().message;
}

Result<json::value> ChannelFixture::call(PluginInstance* instance, const std::string& slot,
                                         json::object payload, std::chrono::milliseconds time,
                                         plugin::ProgressSink progress) {
  std::vector<std::string> texts;
  if (slot != "channel.probe") texts.push_back(json::serialize(payload));
  return run(instance->call(slot, std::move(texts), Limits::within(time), std::move(progress)));
}

std::shared_ptr<std::optional<Result<json::value>>> ChannelFixture::begin(
    PluginInstance* instance, const std::string& slot, json::object payload,
    std::chrono::milliseconds time) {
  auto out = std::make_shared<std::optional<Result<json::value>>>();
  asio::co_spawn(runtime_.loop(),
                 instance->call(slot, {json::serialize(payload)}, Limits::within(time)),
                 [out](const std::exception_ptr& e, Result<json::value> value) {
                   EXPECT_FALSE(e);
                   out->emplace(std::move(value));
                 });
  return out;
}

Result<json::value> ChannelFixture::send_to(PluginInstance* instance, json::object conversation,
                                            const std::string& text, json::object more) {
  json::object payload{
      {"conversation", std::move(conversation)}, {"text", text}, {"format", "markdown"}};
  for (auto& member : more) payload[member.key()] = member.value();
  return call(instance, "channel.send", std::move(payload));
}

json::value ChannelFixture::control(const std::string& method, const std::string& path,
                                    json::value body) {
  net::HttpRequest request;
  request.method = method;
  request.url = *net::parse_url(stub_.control() + path);
  request.allow_private = true;
  if (!body.is_null()) {
    request.headers = {{"content-type", "application/json"}};
    request.body = json::serialize(body);
  }
  auto answer = run(client_.request(std::move(request), Limits::within(30s)));
  if (answer.has_error() || answer->status != 200) {
    ADD_FAILURE() << path << ": " << (answer.has_error() ? answer.error().message : answer->body);
    return nullptr;
  }
  return json::parse(answer->body);
}

void ChannelFixture::wait_events(std::size_t count) {
  run_until([&] { return recorder_.events.size() >= count; });
}

void ChannelFixture::wait_link(const std::string& state, const std::string& reason) {
  run_until([&] {
    if (recorder_.links.empty()) return false;
    const json::object& last = recorder_.links.back();
    if (last.at("state") != json::value(state)) return false;
    return reason.empty() || (last.contains("reason") && last.at("reason") == json::value(reason));
  });
}

}  // namespace openclaw::channel_test
