// What a command in a sandbox costs, each way there is, through the real manager, plugins and
// engine:
//   bench_sandbox [--json] [--image IMAGE]
// The command is `true`; the tool exec starts a login shell around it, which is measured apart.
// The last line is one JSON object; every figure comes from this run. A way that this host does not
// have is null.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <spdlog/spdlog.h>

#include "plugin/host_services.h"
#include "sandbox/sandbox_manager.h"

extern char** environ;

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

double ms_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

double rounded(double ms) {
  return std::round(ms * 1000) / 1000;
}

json::value summary(std::vector<double> list) {
  if (list.empty()) return nullptr;
  std::sort(list.begin(), list.end());
  auto at = [&](double q) {
    return list[std::min(list.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(list.size())))];
  };
  return json::object{
      {"p50_ms", rounded(at(0.5))}, {"p99_ms", rounded(at(0.99))}, {"runs", list.size()}};
}

// One gateway's worth of sandboxes, in a folder of its own.
class Bench {
 public:
  Bench(const fs::path& dir, json::object sandbox) : dir_(dir) {
    paths_.home = dir_;
    paths_.state_dir = dir_ / "state";
    paths_.config_file = paths_.state_dir / "openclaw.json";
    fs::create_directories(paths_.state_dir);
    json::object root = {{"agents", {{"defaults", {{"sandbox", std::move(sandbox)}}}}}};
    services_ = plugin::HostServices::create(runtime_, paths_.state_dir);
    plugin::HostOptions options;
    options.state_dir = paths_.state_dir;
    options.bundled_dirs = {OPENCLAW_BUNDLED_PLUGINS};
    plugins_ = plugin::PluginHost::create(runtime_, options, *services_);
    plugins_->scan();
    store_ = std::make_unique<config::ConfigStore>(paths_, plugins_->foreign_sections(),
                                                   config::from_json(std::move(root)));
    manager_ = SandboxManager::create(runtime_, *plugins_, *store_);
  }
  ~Bench() {
    run(shut_down());
    runtime_.stop_blocking();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // Milliseconds from the call to the exit code; nothing when it did not work.
  std::optional<double> command(const std::string& session, bool login_shell = false) {
    auto begun = Clock::now();
    bool fine = false;
    run(one(session, login_shell, fine));
    if (!fine) return std::nullopt;
    return ms_since(begun);
  }

  std::vector<double> commands(int count, bool login_shell = false) {
    std::vector<double> out;
    for (int i = 0; i < count; ++i) {
      auto took = command("agent:main:x", login_shell);
      if (!took) return {};
      out.push_back(*took);
    }
    return out;
  }

  // Commands per second from `sessions` sessions that each run one after the other.
  double parallel(int sessions, int each) {
    for (int i = 0; i < sessions; ++i) command(session_name(i));
    auto begun = Clock::now();
    int left = sessions;
    for (int i = 0; i < sessions; ++i) {
      asio::co_spawn(runtime_.loop(), many(session_name(i), each),
                     [&](const std::exception_ptr&) { --left; });
    }
    while (left > 0) step();
    return sessions * each / (ms_since(begun) / 1000);
  }

  void recreate() { run(remove_all()); }

  // First commands of new sessions while there is a spare for each.
  std::vector<double> first_commands(int count) {
    std::vector<double> out;
    manager_->keep_spares();
    for (int i = 0; i < count; ++i) {
      run(spare_ready());
      auto took = command("agent:main:new" + std::to_string(i));
      if (!took) return {};
      out.push_back(*took);
    }
    return out;
  }

 private:
  static std::string session_name(int i) { return "agent:main:s" + std::to_string(i); }

  Awaitable<> one(std::string session, bool login_shell, bool& fine) {
    ExecRequest request;
    request.argv = login_shell ? std::vector<std::string>{"sh", "-lc", "true"}
                               : std::vector<std::string>{"true"};
    OutputSink sink = [](bool, std::string_view) {};
    Limits limits = Limits::within(60s);
    auto started = co_await manager_->exec(manager_->resolve("", session), std::move(request),
                                           std::move(sink), limits);
    if (started.has_error()) {
      problem(started.error());
      co_return;
    }
    auto end = co_await (*started)->wait(limits);
    if (end.has_error()) problem(end.error());
    fine = end.has_value();
  }
  Awaitable<> many(std::string session, int count) {
    for (int i = 0; i < count; ++i) {
      bool fine = false;
      co_await one(session, false, fine);
    }
  }
  Awaitable<> spare_ready() {
    for (int tries = 0; tries < 300; ++tries) {
      Limits pause = Limits::within(100ms);
      co_await sleep_until(runtime_, pause);
      Limits limits = Limits::within(20s);
      auto list = co_await manager_->list(limits);
      if (list.has_error()) continue;
      bool ready = std::any_of(list->begin(), list->end(), [](const auto& info) {
        return info.spare && info.state == "running" && !info.name.ends_with(".new");
      });
      if (ready) co_return;
    }
  }
  Awaitable<> remove_all() {
    Limits limits = Limits::within(60s);
    co_await manager_->recreate("", "", true, limits);
  }
  Awaitable<> shut_down() {
    co_await remove_all();
    Deadline deadline = Deadline::after(20s);
    co_await manager_->stop(deadline);
    co_await plugins_->stop_all(deadline);
    co_await services_->stop(deadline);
  }
  static void problem(const Error& error) {
    std::fprintf(stderr, "bench_sandbox: %s\n", error.message.c_str());
  }

  void step() {
    if (runtime_.loop().stopped()) runtime_.loop().restart();
    runtime_.loop().run_one();
  }
  void run(Awaitable<> task) {
    bool done = false;
    asio::co_spawn(runtime_.loop(), std::move(task),
                   [&](const std::exception_ptr&) { done = true; });
    while (!done) step();
  }

  fs::path dir_;
  config::Paths paths_;
  Runtime runtime_;
  std::unique_ptr<plugin::HostServices> services_;
  std::unique_ptr<plugin::PluginHost> plugins_;
  std::unique_ptr<config::ConfigStore> store_;
  std::unique_ptr<SandboxManager> manager_;
};

std::optional<double> spawned(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  auto begun = Clock::now();
  pid_t pid = 0;
  int status = 0;
  if (posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return std::nullopt;
  if (waitpid(pid, &status, 0) != pid || status != 0) return std::nullopt;
  return ms_since(begun);
}

std::vector<double> spawned(const std::vector<std::string>& words, int count) {
  std::vector<double> out;
  for (int i = 0; i < count; ++i) {
    auto took = spawned(words);
    if (!took) return {};
    out.push_back(*took);
  }
  return out;
}

// Commands per second of as many threads, with no sandbox around them: what the machine gives.
double spawned_in_parallel(int threads, int each) {
  auto begun = Clock::now();
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back([each] { spawned({"true"}, each); });
  for (auto& thread : running) thread.join();
  return threads * each / (ms_since(begun) / 1000);
}

json::object sandbox_of(const std::string& image, const std::string& scope, bool helper) {
  return {
      {"mode", "all"}, {"scope", scope}, {"docker", {{"image", image}, {"execHelper", helper}}}};
}

std::vector<double> creations(Bench& bench, int count) {
  std::vector<double> out;
  for (int i = 0; i < count; ++i) {
    bench.recreate();
    auto took = bench.command("agent:main:x");
    if (!took) return {};
    out.push_back(*took);
  }
  return out;
}

json::object measure(const fs::path& dir, const std::string& image) {
  json::object out;
  {
    Bench fast(dir / "fast", sandbox_of(image, "agent", true));
    fast.commands(20);
    out["fast"] = summary(fast.commands(500));
    out["fast_login_shell"] = summary(fast.commands(200, true));
    out["create_start"] = summary(creations(fast, 10));
  }
  {
    json::object sandbox = sandbox_of(image, "session", true);
    sandbox["pool"] = json::object{{"enabled", true}};
    Bench pool(dir / "pool", std::move(sandbox));
    out["pool"] = summary(pool.first_commands(12));
  }
  {
    Bench engine(dir / "engine", sandbox_of(image, "agent", false));
    engine.commands(3);
    out["engine"] = summary(engine.commands(40));
  }
  {
    json::object sandbox = {{"mode", "all"}, {"backend", "bwrap"}};
    Bench bwrap(dir / "bwrap", std::move(sandbox));
    bwrap.commands(5);
    out["bwrap"] = summary(bwrap.commands(100));
  }
  {
    Bench sessions(dir / "sessions", sandbox_of(image, "session", true));
    out["parallel_8"] =
        json::object{{"commands_per_second", std::round(sessions.parallel(8, 250))}};
  }
  out["host"] = summary(spawned({"true"}, 300));
  out["host_parallel_8"] =
      json::object{{"commands_per_second", std::round(spawned_in_parallel(8, 250))}};
  out["host_login_shell"] = summary(spawned({"sh", "-lc", "true"}, 100));
  std::string name = "openclaw-bench-" + std::to_string(getpid());
  if (spawned({"sh", "-c",
               "exec docker run -d --rm --name " + name + " --network none " + image +
                   " sleep 300 >/dev/null"})) {
    out["docker_cli"] = summary(spawned({"docker", "exec", name, "true"}, 20));
    spawned({"sh", "-c", "exec docker rm -f " + name + " >/dev/null"});
  } else {
    out["docker_cli"] = nullptr;
  }
  return out;
}

}  // namespace
}  // namespace openclaw::sandbox

int main(int argc, char** argv) {
  std::string image = "openclaw-sandbox:bookworm-slim";
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--json") continue;
    if (word == "--image" && i + 1 < argc) {
      image = argv[++i];
      continue;
    }
    std::fprintf(stderr, "usage: bench_sandbox [--json] [--image IMAGE]\n");
    return word == "--help" ? 0 : 2;
  }
  spdlog::set_level(spdlog::level::warn);
  char name[] = "/tmp/openclaw-bench-XXXXXX";
  if (!mkdtemp(name)) return 1;
  auto result = openclaw::sandbox::measure(name, image);
  std::error_code ignored;
  std::filesystem::remove_all(name, ignored);
  std::cout << boost::json::serialize(result) << "\n";
}
