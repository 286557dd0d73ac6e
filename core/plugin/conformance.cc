#include "plugin/conformance.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <boost/asio/co_spawn.hpp>
#include <spdlog/spdlog.h>

#include "plugin/catalog.h"
#include "plugin/config_check.h"
#include "plugin/conformance_config.h"
#include "plugin/instance_core.h"
#include "plugin/plugin_instance.h"

namespace openclaw::plugin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswerTime{10'000};
constexpr milliseconds kGrace{2'500};  // the two seconds after a cancel, and a little
constexpr int kTogether = 16;
constexpr std::chrono::seconds kChildTime{180};

// Secrets are kept in memory; every service is absent, which a plugin has to live with.
class AbsentServices final : public HostServices, SecretSource {
 public:
  const void* table(std::string_view) const override { return nullptr; }
  Awaitable<> release(InstanceContext&, Deadline) override { co_return; }
  SecretSource& secrets() override { return *this; }
  void set_secret_observer(std::function<void(std::string_view)>) override {}
  std::string metrics_text() const override { return {}; }
  Awaitable<Result<std::string>> read_blob(std::uint64_t, std::uint64_t) override {
    co_return make_error(Code::kNotFound, "there are no blobs in a check");
  }
  Awaitable<Result<std::uint64_t>> make_blob(std::string, std::string) override {
    co_return make_error(Code::kUnimplemented, "there are no blobs in a check");
  }
  Awaitable<> stop(Deadline) override { co_return; }

 private:
  std::optional<std::string> get(std::string_view) const override { return std::nullopt; }
  void put_transient(std::string, std::string) override {}
  Result<void> put(std::string, std::string) override { return {}; }
};

// Every slot that takes texts and that the plugin fills, and what to put into it.
const std::vector<std::pair<std::string, std::size_t>>& text_slots() {
  static const std::vector<std::pair<std::string, std::size_t>> all = {
      {"tool.list", 0},         {"tool.invoke", 3},         {"channel.send", 1},
      {"channel.edit", 1},      {"channel.remove", 1},      {"channel.react", 1},
      {"channel.presence", 1},  {"channel.fetch_media", 1}, {"channel.probe", 0},
      {"channel.read", 1},      {"sandbox.ensure", 1},      {"sandbox.exec", 2},
      {"sandbox.describe", 1},  {"sandbox.remove", 1},      {"sandbox.list", 0},
      {"sandbox.read_file", 2}, {"sandbox.probe", 1},       {"browser.open", 1},
      {"browser.command", 2},   {"browser.watch", 2},       {"browser.screenshot", 2},
      {"browser.viewer", 1},    {"browser.close", 1},       {"model.list_models", 0},
      {"model.chat", 1},        {"model.embed", 1},         {"model.count_tokens", 1}};
  return all;
}

class Suite {
 public:
  Suite(Runtime& runtime, std::filesystem::path file, ConformanceOptions options,
        std::filesystem::path state_dir)
      : runtime_(runtime),
        file_(std::move(file)),
        options_(std::move(options)),
        state_dir_(std::move(state_dir)) {}

  Awaitable<> run();
  json::value report() const {
    return json::object{{"plugin", id_}, {"ok", ok_}, {"checks", checks_}};
  }

 private:
  void note(std::string name, bool ok, std::string detail) {
    ok_ = ok_ && ok;
    checks_.push_back(
        json::object{{"name", std::move(name)}, {"ok", ok}, {"detail", std::move(detail)}});
  }
  void note(std::string name, const Result<void>& result) {
    note(std::move(name), result.has_value(), result ? std::string() : result.error().message);
  }
  Result<void> prepare();
  Awaitable<bool> create();
  Awaitable<> destroy(std::string name);
  Awaitable<> payloads(std::string name, std::vector<std::string> texts);
  Awaitable<> cancels();
  Awaitable<> past_deadlines();
  Awaitable<> together_and_stop();
  Awaitable<Result<json::value>> call(std::string slot, std::string text, Limits limits,
                                      Deadline told,
                                      std::function<void(std::uint64_t)> accepted = {});
  std::vector<std::string> filled_slots() const;
  Awaitable<> wait_for_answers();

  Runtime& runtime_;
  const std::filesystem::path file_;
  const ConformanceOptions options_;
  const std::filesystem::path state_dir_;
  AbsentServices services_;
  InstanceSpec spec_;
  std::shared_ptr<InstanceCore> core_;
  std::string id_;
  bool ok_ = true;
  json::array checks_;
};

Result<void> Suite::prepare() {
  std::error_code failure;
  const auto path = std::filesystem::canonical(file_, failure);
  if (failure) return make_error(Code::kNotFound, "there is no file " + file_.string());
  const bool is_folder = std::filesystem::is_directory(path, failure);
  const Candidate plugin = examine(is_folder ? path : path.parent_path(), "", true, OC_ABI_MINOR);
  id_ = plugin.info.id;
  if (plugin.info.state == State::kRefused)
    return make_error(Code::kFailedPrecondition, plugin.info.reason);
  auto file = verify(plugin, state_dir_);
  if (!file) return file.error();
  auto library = load_library(*file, OC_ABI_MINOR);
  if (!library) return library.error();
  if (!same_manifest(plugin.file.manifest.raw, library->manifest_json)) {
    return make_error(Code::kInvalidArgument,
                      "the manifest inside the library differs from the one beside it");
  }
  const auto& schema = plugin.file.manifest.config_schema;
  json::object config = sample_config(schema, options_.config);
  if (auto checked = check_config(schema, config, "the configuration for this check"); !checked)
    return checked.error();
  auto ready = prepare_config(schema, std::move(config),
                              {id_ + ".conformance", services_.secrets(), [](const auto&) {
                                 return std::optional<std::string>("conformance");
                               }});
  if (!ready) return ready.error();
  spec_.plugin_id = id_;
  spec_.account = "conformance";
  spec_.permissions = plugin.file.permissions;
  spec_.config = std::move(*ready);
  spec_.state_dir = state_dir_.string();
  spec_.provides = plugin.file.manifest.provides;
  if (spec_.provides.empty()) {
    spec_.provides = {OC_TOOL_V1, OC_CHANNEL_V1, OC_SANDBOX_BACKEND_V1, OC_BROWSER_BACKEND_V1,
                      OC_MODEL_PROVIDER_V1};
  }
  spec_.library = std::move(*library);
  return {};
}

Awaitable<bool> Suite::create() {
  core_ = InstanceCore::create(runtime_, services_, spec_);
  std::function<void(Completer<void>)> open = [core = core_](Completer<void> done) {
    core->open_instance(done);
  };
  const Limits limits = Limits::within(kAnswerTime);
  auto opened = co_await suspend<void>(runtime_, limits, open);
  note("create answers in time", opened);
  co_return opened.has_value();
}

std::vector<std::string> Suite::filled_slots() const {
  std::vector<std::string> out;
  for (const auto& [name, texts] : text_slots()) {
    const auto found = find_text_slot(core_->tables(), name);
    if (found && found->function) out.push_back(name);
  }
  return out;
}

// `told` is the deadline in the call; `limits` is how long this suite waits.
Awaitable<Result<json::value>> Suite::call(std::string slot, std::string text, Limits limits,
                                           Deadline told,
                                           std::function<void(std::uint64_t)> accepted) {
  auto core = core_;
  const auto found = find_text_slot(core->tables(), slot);
  std::vector<std::string> texts(found->texts, text);
  // The tool's name is not JSON, and no plugin has this one.
  if (slot == "tool.invoke") texts[0] = "no-such-tool";
  InstanceCore::Invoke invoke = [found, texts, told](oc_instance* i, const oc_call* c) {
    oc_call changed = *c;
    changed.deadline_ns = told.is_never() ? 0 : told.monotonic_ns();
    return call_text_slot(*found, i, &changed, texts);
  };
  co_return co_await operate(core, std::move(slot), std::move(invoke), std::move(limits), {},
                             std::move(accepted));
}

Awaitable<> Suite::payloads(std::string name, std::vector<std::string> texts) {
  std::string wrong;
  for (const auto& slot : filled_slots()) {
    for (const auto& text : texts) {
      if (core_->lost()) break;
      const Limits limits = Limits::within(kAnswerTime);
      auto result = co_await call(slot, text, limits, limits.deadline);
      const bool silent = !result && result.error().code == Code::kDeadlineExceeded;
      const bool not_json = !result && result.error().code == Code::kProtocol &&
                            result.error().message.find("not JSON") != std::string::npos;
      if (silent || not_json || core_->lost())
        wrong += (wrong.empty() ? "" : "; ") + result.error().message;
    }
  }
  note(std::move(name), wrong.empty() && !core_->lost(), wrong);
}

Awaitable<> Suite::cancels() {
  for (const auto& slot : filled_slots()) {
    if (core_->lost()) break;
    AbortSource source;
    std::function<void(std::uint64_t)> abort = [&source](std::uint64_t) {
      source.abort("cancelled by the check");
    };
    Limits limits = Limits::within(kAnswerTime);
    limits.abort = source.signal();
    (void)co_await call(slot, "{}", limits, limits.deadline, abort);
  }
  // An operation that was never there.
  core_->notify("cancel", [core = core_.get()](oc_instance* i) {
    core->spec().library.entry.cancel(i, ~oc_op{0});
  });
  if (core_->spec().library.entry.resume) {
    core_->notify("resume", [core = core_.get()](oc_instance* i) {
      core->spec().library.entry.resume(i, ~oc_op{0});
    });
  }
  co_await wait_for_answers();
  const auto counts = core_->operations().counts();
  note("a cancelled operation is finished within two seconds",
       counts.overrun == 0 && !core_->lost(),
       counts.overrun == 0 ? "" : std::to_string(counts.overrun) + " were not");
}

// Until the plugin has finished what it accepted, or the grace has passed.
Awaitable<> Suite::wait_for_answers() {
  std::function<void(Completer<void>)> idle = [core = core_](Completer<void> done) {
    core->operations().when_idle([done] { done.now(Result<void>()); });
  };
  const Limits limits = Limits::within(kGrace);
  (void)co_await suspend<void>(runtime_, limits, idle);
}

Awaitable<> Suite::past_deadlines() {
  std::string silent;
  for (const auto& slot : filled_slots()) {
    if (core_->lost()) break;
    const Limits limits = Limits::within(kAnswerTime);
    auto result = co_await call(slot, "{}", limits,
                                Deadline::at(Deadline::Clock::now() - std::chrono::hours(1)));
    if (!result && result.error().code == Code::kDeadlineExceeded && limits.deadline.expired())
      silent += " " + slot;
  }
  note("an operation whose deadline has passed is still finished", silent.empty() && !core_->lost(),
       silent);
}

Awaitable<> Suite::together_and_stop() {
  auto left = std::make_shared<std::size_t>(0);
  const auto slots = filled_slots();
  const Limits limits = Limits::within(kAnswerTime);
  for (int i = 0; i < kTogether; ++i) {
    for (const auto& slot : slots) {
      ++*left;
      asio::co_spawn(runtime_.loop(), call(slot, "{}", limits, limits.deadline),
                     [left](const std::exception_ptr&, Result<json::value>) { --*left; });
    }
  }
  InstanceCore::Invoke stop = [&entry = spec_.library.entry](oc_instance* i, const oc_call* c) {
    return entry.stop(i, c);
  };
  const Limits stop_limits = Limits::within(kAnswerTime);
  auto stopped = co_await operate(core_, "stop", std::move(stop), stop_limits, {}, {});
  note("stop finishes with operations under way", stopped.has_value(),
       stopped ? "" : stopped.error().message);
  co_await wait_for_answers();
  note("stop leaves no operation open", *left == 0,
       *left == 0 ? "" : std::to_string(*left) + " are open");
}

Awaitable<> Suite::destroy(std::string name) {
  std::function<void(Completer<void>)> close = [core = core_](Completer<void> done) {
    core->close_instance(done);
  };
  const Limits limits = Limits::within(kAnswerTime);
  auto closed = co_await suspend<void>(runtime_, limits, close);
  note(std::move(name), closed);
  const auto counts = core_->operations().counts();
  note("every operation was finished once and in time",
       counts.doubled == 0 && counts.late == 0 && counts.overrun == 0,
       "accepted " + std::to_string(counts.accepted) + ", double " +
           std::to_string(counts.doubled) + ", late " + std::to_string(counts.late) + ", overrun " +
           std::to_string(counts.overrun));
  if (!closed || core_->lost()) core_->leave_behind();
}

Awaitable<> Suite::run() {
  auto prepared = prepare();
  note("manifest, note and entry agree, and the library loads", prepared);
  if (!prepared || !co_await create()) co_return;
  std::string missing;
  for (const auto& id : spec_.provides) {
    if (!core_->tables().has(id)) missing += " " + id;
  }
  const bool promised = missing.empty() || spec_.provides.size() == 5;
  note("every promised interface is there", promised, promised ? "" : "missing:" + missing);
  std::function<void(Completer<bool>)> ask = [core = core_](Completer<bool> done) {
    core->notify("get_interface", [core, done](oc_instance* i) {
      done(core->spec().library.entry.get_interface(i, "openclaw.no-such-interface/99") == nullptr);
    });
  };
  const Limits ask_limits = Limits::within(kAnswerTime);
  auto absent = co_await suspend<bool>(runtime_, ask_limits, ask);
  note("an unknown interface is null", absent && *absent, absent ? "" : absent.error().message);
  const std::vector<std::string> plain{"{}"};
  co_await payloads("calls before start are answered", plain);
  InstanceCore::Invoke start = [&entry = spec_.library.entry](oc_instance* i, const oc_call* c) {
    return entry.start(i, c);
  };
  const Limits limits = Limits::within(kAnswerTime);
  auto started = co_await operate(core_, "start", std::move(start), limits, {}, {});
  // Without services many plugins cannot start; they have to say so.
  note("start answers in time", started || started.error().code != Code::kDeadlineExceeded,
       started ? "" : started.error().message);
  const std::vector<std::string> broken{
      "", "{", "null", "[]", std::string(2000, '['), "\"\xff\xfe\""};
  co_await payloads("broken and empty payloads are answered", broken);
  const std::vector<std::string> huge{"{\"text\":\"" + std::string(1024 * 1024, 'x') + "\"}"};
  co_await payloads("a payload of a mebibyte is answered", huge);
  if (!core_->lost()) co_await cancels();
  if (!core_->lost()) co_await past_deadlines();
  if (!core_->lost()) co_await together_and_stop();
  co_await destroy("destroy returns in time");
  if (core_->lost() || !co_await create()) co_return;
  co_await destroy("an instance that was never started can be destroyed");
}

// Removed with what the plugin left in it.
class ScratchDir {
 public:
  ScratchDir() {
    std::string name = (std::filesystem::temp_directory_path() / "openclaw-check-XXXXXX").string();
    if (mkdtemp(name.data())) path_ = name;
  }
  ~ScratchDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

json::value crash_report(const std::string& what) {
  return json::object{
      {"plugin", nullptr},
      {"ok", false},
      {"checks", json::array{json::object{
                     {"name", "the plugin survives the suite"}, {"ok", false}, {"detail", what}}}}};
}

[[noreturn]] void child(int out, const std::filesystem::path& file, ConformanceOptions options) {
  const std::string text = json::serialize(run_conformance(file, std::move(options)));
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = write(out, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  // Not exit(): the plugin's leftovers must not be able to keep the process.
  _exit(0);
}

// What the child writes until it ends; false when the time is over.
bool read_until_end(int in, std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + kChildTime;
  while (true) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now())
            .count();
    if (left <= 0) return false;
    pollfd wait{in, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    if (wait.revents == 0) continue;
    char block[16 * 1024];
    const ssize_t n = read(in, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    text.append(block, static_cast<std::size_t>(n));
  }
}

}  // namespace

json::value run_conformance(const std::filesystem::path& file, ConformanceOptions options) {
  const ScratchDir scratch;
  Runtime runtime;
  Suite suite(runtime, file, std::move(options), scratch.path());
  std::string thrown;
  bool ended = false;
  asio::co_spawn(runtime.loop(), suite.run(), [&](const std::exception_ptr& failure) {
    ended = true;
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      thrown = e.what();
    }
  });
  auto work = asio::make_work_guard(runtime.loop());
  while (!ended) runtime.loop().run_one();
  return thrown.empty() ? suite.report() : crash_report("the suite itself failed: " + thrown);
}

Result<json::value> check_conformance(const std::filesystem::path& file,
                                      ConformanceOptions options) {
  std::error_code failure;
  if (!std::filesystem::exists(file, failure))
    return make_error(Code::kNotFound, "there is no file " + file.string());
  int ends[2];
  if (pipe(ends) != 0)
    return make_error(Code::kResourceExhausted, "no pipe for the check can be made");
  const pid_t pid = fork();
  if (pid < 0) {
    close(ends[0]);
    close(ends[1]);
    return make_error(Code::kResourceExhausted, "no process for the check can be made");
  }
  if (pid == 0) {
    close(ends[0]);
    spdlog::set_level(spdlog::level::off);
    child(ends[1], file, std::move(options));
  }
  close(ends[1]);
  std::string text;
  const bool in_time = read_until_end(ends[0], text);
  close(ends[0]);
  if (!in_time) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) return crash_report("it did not end within three minutes");
  if (WIFSIGNALED(status))
    return crash_report("it was killed by signal " + std::to_string(WTERMSIG(status)));
  boost::system::error_code broken;
  json::value report = json::parse(text, broken);
  if (broken)
    return crash_report("it ended the process with code " + std::to_string(WEXITSTATUS(status)));
  return report;
}

}  // namespace openclaw::plugin
