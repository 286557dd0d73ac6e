#include "program/backend_check.h"

#include <dirent.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/co_spawn.hpp>

#include "config/config.h"
#include "plugin/host_services.h"
#include "plugin/plugin_host.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::gateway {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kTime = 60s;
constexpr const char* kSession = "agent:main:check";
constexpr const char* kSecret = "OPENCLAW_CHECK_SECRET";

struct Ran {
  std::string out, err;
  Result<json::object> end = Error(Code::kInternal, "it never ended");
  std::chrono::milliseconds took{0};
  int code() const {
    const auto* value = end.has_value() ? end->if_contains("exitCode") : nullptr;
    return value && value->is_int64() ? static_cast<int>(value->get_int64()) : -1;
  }
  std::string said() const {
    std::string text =
        end.has_error() ? end.error().message : "exit code " + std::to_string(code());
    return text + ", out '" + out.substr(0, 300) + "', err '" + err.substr(0, 300) + "'";
  }
};

std::size_t descriptors() {
  std::size_t count = 0;
  DIR* dir = opendir("/proc/self/fd");
  while (dir && readdir(dir)) ++count;
  if (dir) closedir(dir);
  return count;
}

// A gateway's rooms around the one backend.
class Bench {
 public:
  Bench(const fs::path& dir, const BackendCheck& wanted);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Result<void> usable() const;
  Ran run(sandbox::ExecRequest request, Limits limits = Limits::within(kTime),
          std::string input = {});
  Ran sh(const std::string& command, Limits limits = Limits::within(kTime)) {
    return run(shell(command), limits);
  }
  std::vector<Ran> together(const std::string& command, std::size_t count);
  Result<std::vector<sandbox::ContainerInfo>> list();
  Result<std::vector<std::string>> remove_all();
  sandbox::View view() const { return sandboxes_->resolve("", kSession); }
  Runtime& runtime() { return runtime_; }
  fs::path state_dir() const { return paths_.state_dir; }

  static sandbox::ExecRequest shell(const std::string& command) {
    sandbox::ExecRequest request;
    request.argv = {"sh", "-lc", command};
    return request;
  }

 private:
  Awaitable<> drive(sandbox::ExecRequest request, Limits limits, std::string input, Ran& ran);
  Awaitable<> list_into(Result<std::vector<sandbox::ContainerInfo>>& out);
  Awaitable<> remove_into(Result<std::vector<std::string>>& out);
  Awaitable<> stop();
  void finish(Awaitable<> task) {
    bool done = false;
    asio::co_spawn(runtime_.loop(), std::move(task),
                   [&](const std::exception_ptr&) { done = true; });
    until([&] { return done; });
  }
  void until(const std::function<bool()>& done) {
    while (!done()) {
      if (runtime_.loop().stopped()) runtime_.loop().restart();
      runtime_.loop().run_one();
    }
  }

  std::string plugin_id_;
  config::Paths paths_;
  Runtime runtime_;
  std::unique_ptr<plugin::HostServices> services_;
  std::unique_ptr<plugin::PluginHost> plugins_;
  std::unique_ptr<config::ConfigStore> config_;
  std::unique_ptr<sandbox::SandboxManager> sandboxes_;
};

Bench::Bench(const fs::path& dir, const BackendCheck& wanted) : plugin_id_(wanted.plugin_id) {
  paths_.home = dir;
  paths_.state_dir = dir / "state";
  paths_.config_file = paths_.state_dir / "openclaw.json";
  fs::create_directories(paths_.state_dir / "credentials");
  std::ofstream(paths_.state_dir / "credentials" / "token") << "secret\n";
  services_ = plugin::HostServices::create(runtime_, paths_.state_dir);
  plugin::HostOptions options;
  options.state_dir = paths_.state_dir;
  options.bundled_dirs = {wanted.plugin_dir};
  plugins_ = plugin::PluginHost::create(runtime_, options, *services_);
  plugins_->scan();
  json::object sandbox{{"mode", "all"}, {"backend", wanted.backend}, {"docker", wanted.docker}};
  json::object root{{"agents", {{"defaults", {{"sandbox", std::move(sandbox)}}}}}};
  json::object entry{{"config", wanted.plugin_config}};
  json::object entries;
  entries[wanted.plugin_id] = std::move(entry);
  root["plugins"] = json::object{{"entries", std::move(entries)}};
  config_ = std::make_unique<config::ConfigStore>(paths_, plugins_->foreign_sections(),
                                                  config::from_json(std::move(root)));
  sandboxes_ = sandbox::SandboxManager::create(runtime_, *plugins_, *config_);
}

Bench::~Bench() {
  finish(stop());
  runtime_.stop_blocking();
}

Result<void> Bench::usable() const {
  const auto* info = plugins_->find(plugin_id_);
  if (info && info->usable) return {};
  return Error(Code::kFailedPrecondition,
               info ? info->reason : "the folder holds no plugin " + plugin_id_);
}

Awaitable<> Bench::stop() {
  Result<std::vector<std::string>> removed = std::vector<std::string>();
  co_await remove_into(removed);
  auto deadline = Deadline::after(20s);
  co_await sandboxes_->stop(deadline);
  co_await plugins_->stop_all(deadline);
  co_await services_->stop(deadline);
}

Awaitable<> Bench::drive(sandbox::ExecRequest request, Limits limits, std::string input, Ran& ran) {
  auto begun = Clock::now();
  sandbox::OutputSink sink = [&ran](bool is_stderr, std::string_view data) {
    (is_stderr ? ran.err : ran.out) += data;
  };
  auto started = co_await sandboxes_->exec(view(), std::move(request), std::move(sink), limits);
  if (started.has_error()) {
    ran.end = started.error();
    co_return;
  }
  if (!input.empty()) {
    auto sent = co_await (*started)->write(std::move(input), true, limits);
    if (sent.has_error()) ran.err += "[input: " + sent.error().message + "]";
  }
  ran.end = co_await (*started)->wait(limits);
  ran.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
  started->reset();
}

Ran Bench::run(sandbox::ExecRequest request, Limits limits, std::string input) {
  Ran ran;
  finish(drive(std::move(request), limits, std::move(input), ran));
  return ran;
}

std::vector<Ran> Bench::together(const std::string& command, std::size_t count) {
  std::vector<Ran> all(count);
  std::size_t left = count;
  for (auto& ran : all) {
    asio::co_spawn(runtime_.loop(), drive(shell(command), Limits::within(kTime), "", ran),
                   [&](const std::exception_ptr&) { --left; });
  }
  until([&] { return left == 0; });
  return all;
}

Awaitable<> Bench::list_into(Result<std::vector<sandbox::ContainerInfo>>& out) {
  Limits limits = Limits::within(kTime);
  out = co_await sandboxes_->list(limits);
}

Awaitable<> Bench::remove_into(Result<std::vector<std::string>>& out) {
  Limits limits = Limits::within(kTime);
  out = co_await sandboxes_->recreate("", "", true, limits);
}

Result<std::vector<sandbox::ContainerInfo>> Bench::list() {
  Result<std::vector<sandbox::ContainerInfo>> out = std::vector<sandbox::ContainerInfo>();
  finish(list_into(out));
  return out;
}

Result<std::vector<std::string>> Bench::remove_all() {
  Result<std::vector<std::string>> out = std::vector<std::string>();
  finish(remove_into(out));
  return out;
}

class Suite {
 public:
  explicit Suite(Bench& bench) : bench_(bench) {}
  json::array run();

 private:
  void note(std::string name, bool ok, const std::string& detail) {
    json::object row{
        {"name", std::move(name)}, {"ok", ok}, {"detail", ok ? std::string() : detail}};
    checks_.emplace_back(std::move(row));
  }
  void prints(std::string name, const std::string& command, const std::string& wanted) {
    Ran ran = bench_.sh(command);
    note(std::move(name), ran.out == wanted, ran.said());
  }
  void commands();
  void streams();
  void ends();
  void walls();
  void limits();
  void life();

  Bench& bench_;
  json::array checks_;
};

void Suite::commands() {
  Ran ran = bench_.sh("echo out; echo err >&2; exit 42");
  note("output, errors and exit code arrive",
       ran.out == "out\n" && ran.err == "err\n" && ran.code() == 42, ran.said());
  sandbox::ExecRequest words;
  words.argv = {"printf", "%s|", "a b", "$(id)", "", "*"};
  ran = bench_.run(words);
  note("arguments arrive as they are", ran.out == "a b|$(id)||*|", ran.said());
  prints("commands start in the workspace", "pwd", bench_.view().workdir + "\n");
  bench_.sh("echo from-inside > mark");
  std::string text;
  std::ifstream(bench_.view().host_workspace / "mark") >> text;
  note("files of the workspace are the host's", text == "from-inside",
       "the host sees '" + text + "'");
  words = Bench::shell("echo $GIVEN");
  words.env = {{"GIVEN", "a value"}};
  ran = bench_.run(words);
  note("the environment that is given arrives", ran.out == "a value\n", ran.said());
  words.argv = {"no-such-program"};
  ran = bench_.run(words);
  note("a program that is not there is an error", ran.end.has_error() || ran.code() > 125,
       ran.said());
}

void Suite::streams() {
  auto request = Bench::shell("cat; echo end");
  request.keep_stdin_open = true;
  std::string input(300000, 'x');
  Ran ran = bench_.run(request, Limits::within(kTime), input + "\n");
  note("input arrives, and its end", ran.out == input + "\nend\n", ran.said());
  ran = bench_.sh("head -c 20000000 /dev/zero | tr '\\0' x");
  note("20 MB of output arrive whole", ran.out.size() == 20000000 && ran.code() == 0,
       std::to_string(ran.out.size()) + " bytes");
  request = Bench::shell("test -t 0 && test -t 1 && echo terminal");
  request.pty = true;
  ran = bench_.run(request);
  note("a terminal is a real one", ran.out.find("terminal") != std::string::npos, ran.said());
  bool fine = true;
  std::string wrong;
  for (const Ran& one : bench_.together("echo $$ > /dev/null; echo ok", 20)) {
    fine = fine && one.out == "ok\n";
    if (one.out != "ok\n") wrong = one.said();
  }
  note("twenty commands at once", fine, wrong);
}

void Suite::ends() {
  std::string tree =
      "sleep 7301 & setsid sleep 7302 & (setsid sh -c 'sleep 7303 & sleep 7304' &); sleep 7305";
  Ran ran = bench_.sh(tree, Limits::within(1500ms));
  note("a time-out ends the command",
       ran.end.has_error() && ran.end.error().code == Code::kDeadlineExceeded && ran.took < 12s,
       ran.said());
  prints("and every process it started",
         "for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null; echo; done | grep -c "
         "'^sleep 730'",
         "0\n");
  AbortSource source;
  asio::steady_timer timer(bench_.runtime().loop(), 800ms);
  timer.async_wait([source](const boost::system::error_code&) mutable { source.abort("stopped"); });
  Limits limits{Deadline::after(kTime), source.signal()};
  ran = bench_.sh("sleep 7306", limits);
  note("an abort ends it too",
       ran.end.has_error() && ran.end.error().code == Code::kCancelled && ran.took < 12s,
       ran.said());
  ran = bench_.sh("sleep 20 & echo started");
  note("what is left running in the background is not waited for",
       ran.out == "started\n" && ran.took < 8s, ran.said());
}

void Suite::walls() {
  prints("no capabilities", "grep CapEff /proc/self/status", "CapEff:\t0000000000000000\n");
  prints("no new privileges", "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n");
  prints("system calls are filtered", "grep Seccomp: /proc/self/status", "Seccomp:\t2\n");
  prints("no network but loopback", "sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' '", "lo\n");
  prints("the root is read-only",
         "touch /probe 2>/dev/null && echo written; touch /usr/probe 2>/dev/null && echo written; "
         "true",
         "");
  prints("there is room for temporary files", "touch /tmp/probe && echo yes", "yes\n");
  prints("the host's environment stays outside", std::string("env | grep -c ") + kSecret, "0\n");
  prints("the state directory is not there",
         "ls " + bench_.state_dir().string() + "/credentials 2>/dev/null; true", "");
  prints("nor a socket of an engine",
         "ls /var/run/docker.sock /run/docker.sock /run/containerd 2>/dev/null; true", "");
  prints("nor processes of the host",
         "for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null; echo; done | grep -c "
         "'[p]lugins check'",
         "0\n");
  prints("nor a way to mount",
         "mount -t tmpfs none /tmp 2>/dev/null && echo mounted; unshare -Ur true 2>/dev/null && "
         "echo unshared; true",
         "");
}

void Suite::limits() {
  Ran ran = bench_.sh("bomb() { bomb | bomb & }; bomb & exec sleep 100", Limits::within(3s));
  note("a fork bomb ends with its time-out", ran.end.has_error() && ran.took < 40s, ran.said());
  prints("and the next command runs", "echo alive", "alive\n");
  ran = bench_.sh("x=$(head -c 3000000000 /dev/zero | tr '\\0' x); echo ${#x}");
  note("memory is bounded", ran.code() != 0 || ran.end.has_error(), ran.said());
  prints("and the next command runs, too", "echo alive", "alive\n");
  ran = bench_.sh(
      "dd if=/dev/zero of=/tmp/full bs=1M count=4000 2>/dev/null; ls -s /tmp/full | cut -d' ' -f1; "
      "rm -f /tmp/full");
  note("temporary files are bounded",
       ran.code() != 0 || ran.end.has_error() || std::atoll(ran.out.c_str()) < 3900000, ran.said());
}

void Suite::life() {
  auto listed = bench_.list();
  note(
      "the sandbox is listed", listed.has_value() && listed->size() == 1,
      listed.has_error() ? listed.error().message : std::to_string(listed->size()) + " are listed");
  auto before = descriptors();
  bool fine = true;
  for (int i = 0; i < 50; ++i) fine = fine && bench_.sh("true").code() == 0;
  auto after = descriptors();
  note("fifty commands leave no descriptor open", fine && after <= before + 2,
       std::to_string(before) + " before, " + std::to_string(after) + " after");
  auto removed = bench_.remove_all();
  listed = bench_.list();
  note("it can be removed", removed.has_value() && listed.has_value() && listed->empty(),
       removed.has_error() ? removed.error().message : "it is still listed");
  prints("and comes back with its workspace at the next use", "cat mark", "from-inside\n");
}

json::array Suite::run() {
  Ran first = bench_.sh("true");
  note("a first command runs", first.code() == 0, first.said());
  if (first.code() != 0) return checks_;
  commands();
  streams();
  ends();
  walls();
  limits();
  life();
  return checks_;
}

}  // namespace

Result<json::array> check_backend(const BackendCheck& wanted) {
  std::string name = (fs::temp_directory_path() / "openclaw-backend-check-XXXXXX").string();
  if (!mkdtemp(name.data()))
    return Error(Code::kUnavailable,
                 "cannot make a folder in " + fs::temp_directory_path().string());
  setenv(kSecret, "must-not-be-seen", 1);  // NOLINT(concurrency-mt-unsafe): no threads yet
  Result<json::array> out = json::array();
  {
    Bench bench(name, wanted);
    auto usable = bench.usable();
    if (usable.has_error()) {
      out = usable.error();
    } else {
      out = Suite(bench).run();
    }
  }
  unsetenv(kSecret);  // NOLINT(concurrency-mt-unsafe): its threads have ended
  std::error_code ignored;
  fs::remove_all(name, ignored);
  return out;
}

}  // namespace openclaw::gateway
