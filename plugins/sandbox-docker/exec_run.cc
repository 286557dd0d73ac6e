#include "exec_run.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <random>

#include "process_kill.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {

constexpr std::uint32_t kExecCallTimeoutMs = 30'000;
constexpr std::uint64_t kKillPatienceMs = 3000;
constexpr int kKillAttempts = 2;
// The engine closes the stream a moment before it knows the exit code.
constexpr int kExitCodeAttempts = 100;
constexpr std::uint64_t kExitCodePauseMs = 20;
// Why a command could not start is printed by the engine as if it were output: one piece that ends
// so (moby, postContainerExecStart).
constexpr std::string_view kEndOfRefusal = "\r\n";
constexpr std::size_t kMaxRefusal = 4096;
constexpr int kEndedAttempts = 40;
constexpr std::uint64_t kEndedPauseMs = 50;

std::string new_marker() {
  std::random_device random;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (int i = 0; i < 32; ++i) out += kHex[random() % 16];
  return out;
}

std::string utc_now() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts));
}

// The runtime got as far as the command itself: its program, folder or user is not there.
bool blames_the_command(std::string_view refusal) {
  for (std::string_view sign :
       {"exec: \"", "chdir to cwd", "unable to find user", "current working directory"}) {
    if (refusal.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

Failure of_reply(const Reply& reply, const std::string& what) {
  std::string message = Engine::message_of(reply);
  // 404: removed. 409: stopped or paused. Either way the next `ensure` brings it back.
  if (reply.status == 404 || reply.status == 409) return container_gone(message);
  return failure(reply.status >= 500 ? OC_UNAVAILABLE : OC_INVALID_ARGUMENT, what + ": " + message);
}

}  // namespace

Outcome<ExecPlan> read_plan(std::string_view container, std::string_view exec_json) {
  boost::system::error_code failed;
  json::value parsed = json::parse(json::string_view(exec_json.data(), exec_json.size()), failed);
  if (failed || !parsed.is_object())
    return failure(OC_INVALID_ARGUMENT, "exec: the request is no JSON object");
  const json::object& request = parsed.get_object();
  ExecPlan plan;
  plan.container = container;
  for (const auto& item : list_of(request, "argv")) {
    if (!item.is_string()) return failure(OC_INVALID_ARGUMENT, "exec: argv must hold strings");
    plan.argv.emplace_back(item.get_string());
  }
  if (plan.argv.empty()) return failure(OC_INVALID_ARGUMENT, "exec: argv is empty");
  for (const auto& [name, value] : object_of(request, "env")) {
    if (!value.is_string() || name.empty() || name.find('=') != json::string_view::npos) {
      return failure(OC_INVALID_ARGUMENT, "exec: env holds what is no variable");
    }
    plan.env.push_back(std::string(name) + "=" + std::string(value.get_string()));
  }
  plan.cwd = text_of(request, "cwd");
  plan.user = text_of(request, "user");
  plan.tty = flag_of(request, "tty");
  plan.input = flag_of(request, "stdin");
  return plan;
}

json::object exec_body(const ExecPlan& plan, const std::string& marker) {
  json::array argv, env;
  for (const auto& item : plan.argv) argv.emplace_back(item);
  for (const auto& item : plan.env) env.emplace_back(item);
  if (plan.tty) env.emplace_back("TERM=xterm-256color");
  if (!marker.empty()) env.emplace_back(std::string(kMarkerVariable) + "=" + marker);
  json::object body = {{"AttachStdin", plan.input}, {"AttachStdout", true},
                       {"AttachStderr", true},      {"Tty", plan.tty},
                       {"Cmd", std::move(argv)},    {"Env", std::move(env)}};
  if (!plan.cwd.empty()) body["WorkingDir"] = plan.cwd;
  if (!plan.user.empty()) body["User"] = plan.user;
  return body;
}

ExecRun::ExecRun(Plugin& plugin, Engine& engine, ExecPlan plan, ExecSink sink)
    : plugin_(plugin),
      engine_(engine),
      plan_(std::move(plan)),
      sink_(std::move(sink)),
      marker_(new_marker()) {}

Flow<Outcome<Nothing>> ExecRun::create() {
  std::string path = "/containers/" + url_encoded(plan_.container) + "/exec";
  std::string body = json::serialize(exec_body(plan_, marker_));
  created_at_ = utc_now();
  Outcome<Reply> reply = co_await engine_.call("POST", path, body, kExecCallTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  if (reply->status != 201 || !reply->body.is_object())
    co_return of_reply(*reply, "the engine refused the command");
  exec_id_ = text_of(reply->body.get_object(), "Id");
  co_return Nothing{};
}

Flow<Outcome<int>> ExecRun::run() {
  auto self = shared_from_this();
  Outcome<Nothing> created = co_await create();
  if (created.has_error()) {
    fail_input(created.error().message);
    co_return created.error();
  }
  if (killed_) co_return kKilledExitCode;  // before it ever ran
  connect();
  co_await closed_;
  co_await drained();
  fail_input("the command has ended");
  if (!stream_->is_stream()) {
    Reply reply = stream_->answer();
    if (reply.status == 0) co_return engine_.unreachable(OC_UNAVAILABLE);
    co_return of_reply(reply, "the engine could not start the command");
  }
  Outcome<int> code = co_await exit_code();
  if (killed_) co_return code;
  if (!refusal_.empty() && !started_ && !blames_the_command(refusal_)) {
    bool ended = co_await container_ended();
    if (ended) co_return container_gone(refusal_);
  }
  release_refusal(started_ ? OC_STREAM_STDOUT : OC_STREAM_STDERR);
  co_await drained();
  co_return code;
}

// A command that is still there printed those words itself, and whoever reads them may be expected
// to answer.
Flow<Nothing> ExecRun::doubt_refusal(std::shared_ptr<ExecRun> self) {
  Outcome<Reply> reply = co_await engine_.call("GET", "/exec/" + url_encoded(exec_id_) + "/json",
                                               "", kExecCallTimeoutMs);
  if (reply.has_value() && reply->status == 200 && reply->body.is_object()) {
    const json::object& state = reply->body.get_object();
    if (flag_of(state, "Running") || number_of(state, "Pid", 0) != 0)
      release_refusal(OC_STREAM_STDOUT);
  }
  static_cast<void>(self);
  co_return Nothing{};
}

void ExecRun::release_refusal(std::uint32_t kind) {
  std::string words = std::exchange(refusal_, {});
  if (!words.empty()) deliver(kind, words);
}

Flow<Nothing> ExecRun::drained() {
  if (held_.empty()) co_return Nothing{};
  Waiter waiter;
  on_drained_ = [&waiter] { waiter.arrived(); };
  co_await waiter;
  on_drained_ = nullptr;
  co_return Nothing{};
}

// True when the container went down, and maybe up again, since the command was created. The runtime
// can know it a moment before the engine does.
Flow<bool> ExecRun::container_ended() {
  std::string path = "/containers/" + url_encoded(plan_.container) + "/json";
  for (int attempt = 0; attempt < kEndedAttempts; ++attempt) {
    Outcome<Reply> reply = co_await engine_.call("GET", path, "", kExecCallTimeoutMs);
    if (reply.has_error()) co_return false;
    if (reply->status == 404) co_return true;
    if (reply->status == 200 && reply->body.is_object()) {
      const json::object& state = object_of(reply->body.get_object(), "State");
      if (!flag_of(state, "Running") || flag_of(state, "Restarting")) co_return true;
      if (text_of(state, "StartedAt") >= created_at_) co_return true;
    }
    co_await engine_.pause(kEndedPauseMs);
  }
  co_return false;
}

Flow<Outcome<int>> ExecRun::exit_code() {
  std::string path = "/exec/" + url_encoded(exec_id_) + "/json";
  for (int attempt = 0; attempt < kExitCodeAttempts; ++attempt) {
    Outcome<Reply> reply = co_await engine_.call("GET", path, "", kExecCallTimeoutMs);
    if (reply.has_error()) co_return reply.error();
    if (reply->status != 200 || !reply->body.is_object()) {
      if (killed_) co_return kKilledExitCode;
      co_return of_reply(*reply, "the engine lost the command");
    }
    const json::object& state = reply->body.get_object();
    if (!flag_of(state, "Running")) {
      started_ = number_of(state, "Pid", 0) != 0;
      co_return static_cast<int>(number_of(state, "ExitCode", -1));
    }
    co_await engine_.pause(kExitCodePauseMs);
  }
  if (killed_) co_return kKilledExitCode;
  co_return failure(OC_UNAVAILABLE,
                    "the connection to the command was lost while it ran" +
                        (close_reason_.empty() ? std::string() : ": " + close_reason_));
}

void ExecRun::connect() {
  auto self = shared_from_this();
  Hijacked::Handlers on;
  on.on_open = [self] { self->flush_input(); };
  on.on_data = [self](std::string_view data) { self->on_data(data); };
  on.on_writable = [self] { self->flush_input(); };
  on.on_close = [self](std::string_view reason) { self->on_close(reason); };
  stream_ = std::make_shared<Hijacked>(plugin_, engine_);
  std::string body = json::serialize(json::object{{"Detach", false}, {"Tty", plan_.tty}});
  stream_->open("/exec/" + url_encoded(exec_id_) + "/start", std::move(body), std::move(on));
}

void ExecRun::on_close(std::string_view reason) {
  close_reason_ = reason;
  if (auto tell = std::exchange(on_closed_, nullptr)) tell();
  closed_.arrived();
}

void ExecRun::on_data(std::string_view data) {
  if (plan_.tty) return deliver(OC_STREAM_STDOUT, data);
  FrameReader::Sink sink = [this](bool is_stderr, std::string_view piece) {
    deliver(is_stderr ? OC_STREAM_STDERR : OC_STREAM_STDOUT, piece);
  };
  if (!frames_.feed(data, sink)) stream_->close();
}

void ExecRun::deliver(std::uint32_t kind, std::string_view piece) {
  if (killed_) return;
  if (!std::exchange(printed_, true) && kind == OC_STREAM_STDOUT && piece.size() <= kMaxRefusal &&
      piece.ends_with(kEndOfRefusal)) {
    refusal_ = piece;
    run_detached(doubt_refusal(shared_from_this()));
    return;
  }
  release_refusal(OC_STREAM_STDOUT);  // more follows: it was output
  if (held_.empty() && sink_(kind, piece)) return;
  if (held_.empty()) stream_->pause(true);
  held_.emplace_back(kind, piece);
}

void ExecRun::resume() {
  while (!held_.empty()) {
    if (!killed_ && !sink_(held_.front().first, held_.front().second)) return;
    held_.pop_front();
  }
  if (is_connected()) stream_->pause(false);
  if (auto tell = std::exchange(on_drained_, nullptr)) tell();
}

void ExecRun::write(Completion done, std::string_view data, bool eof) {
  if (!plan_.input)
    return done.error(OC_FAILED_PRECONDITION, "the command was started without input");
  if (input_)
    return done.error(OC_FAILED_PRECONDITION, "the write before this one has not ended yet");
  if (closed_.has_arrived()) return done.error(OC_FAILED_PRECONDITION, "the command has ended");
  std::string bytes(data);
  if (eof && plan_.tty) bytes += '\x04';
  input_.emplace(Input{std::move(done), std::move(bytes), eof});
  flush_input();
}

void ExecRun::flush_input() {
  if (!input_ || !is_connected() || !stream_->is_stream()) return;
  if (!input_->data.empty()) {
    oc_status status = stream_->send(input_->data);
    if (status == OC_WOULD_BLOCK) return;
    if (status != OC_OK) return fail_input("the connection to the command is gone");
  }
  Input sent = std::move(*input_);
  input_.reset();
  if (sent.eof && !plan_.tty) stream_->shut_write();
  sent.done.ok();
}

void ExecRun::fail_input(const std::string& why) {
  if (!input_) return;
  Input lost = std::move(*input_);
  input_.reset();
  lost.done.error(OC_FAILED_PRECONDITION, why);
}

void ExecRun::signal(int signo) {
  if (closed_.has_arrived()) return;
  auto self = shared_from_this();
  if (signo != 9) {
    if (!exec_id_.empty()) run_detached(send_signal(self, signo));
    return;
  }
  if (std::exchange(killed_, true)) return;
  resume();  // what it printed is of no use any more, and must not keep the stream from ending
  if (is_connected()) run_detached(kill_all(self));
}

Flow<Nothing> ExecRun::send_signal(std::shared_ptr<ExecRun> self, int signo) {
  ExecPlan plan;
  plan.argv = kill_command(marker_, signo);
  plan.user = plan_.user;
  std::string path = "/containers/" + url_encoded(plan_.container) + "/exec";
  std::string body = json::serialize(exec_body(plan, ""));
  Outcome<Reply> created = co_await engine_.call("POST", path, body, kExecCallTimeoutMs);
  if (created.has_value() && created->status == 201 && created->body.is_object()) {
    std::string start =
        "/exec/" + url_encoded(text_of(created->body.get_object(), "Id")) + "/start";
    std::string detached = R"({"Detach":true,"Tty":false})";
    co_await engine_.call("POST", start, detached, kExecCallTimeoutMs);
  }
  static_cast<void>(self);
  co_return Nothing{};
}

Flow<bool> ExecRun::closed_within(std::uint64_t ms) {
  if (closed_.has_arrived()) co_return true;
  Waiter either;
  on_closed_ = [&either] { either.arrived(); };
  std::function<void()> late = [&either] { either.arrived(); };
  std::uint64_t timer = plugin_.timer().after(ms, std::move(late));
  co_await either;
  plugin_.timer().disarm(timer);
  on_closed_ = nullptr;
  co_return closed_.has_arrived();
}

Flow<Nothing> ExecRun::kill_all(std::shared_ptr<ExecRun> self) {
  for (int attempt = 0; attempt < kKillAttempts; ++attempt) {
    co_await send_signal(self, 9);
    bool over = co_await closed_within(kKillPatienceMs);
    if (over) co_return Nothing{};
  }
  // Nothing inside could end it (a fork bomb may leave no room for the shell): the container can.
  plugin_.log().warn("sandbox-docker: stopping container " + plan_.container +
                     " because a command in it could not be ended");
  std::string path = "/containers/" + url_encoded(plan_.container) + "/kill";
  co_await engine_.call("POST", path, "", kExecCallTimeoutMs);
  bool over = co_await closed_within(kKillPatienceMs);
  if (!over) stream_->close();
  co_return Nothing{};
}

}  // namespace openclaw::docker
