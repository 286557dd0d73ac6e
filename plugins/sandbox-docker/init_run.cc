#include "init_run.h"

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <cstring>

namespace openclaw::docker {

namespace {

using namespace sandbox_init;

constexpr std::uint64_t kStopAfterMs = 5000;
constexpr std::uint32_t kStopTimeoutMs = 30'000;
constexpr std::uint32_t kReturnAt = kOutputWindow / 4;
constexpr int kSignalled = 128;

std::string number(std::uint32_t value) {
  std::string out(4, '\0');
  put_u32(value, out.data());
  return out;
}

std::string run_payload(const ExecPlan& plan) {
  std::uint32_t flags = (plan.tty ? kTerminal : 0) | (plan.input ? kWithInput : 0);
  auto variables = static_cast<std::uint32_t>(plan.env.size() + (plan.tty ? 1 : 0));
  std::string out =
      number(flags) + number(static_cast<std::uint32_t>(plan.argv.size())) + number(variables);
  out.append(plan.cwd).push_back('\0');
  for (const auto& argument : plan.argv) out.append(argument).push_back('\0');
  if (plan.tty) out.append("TERM=xterm-256color").push_back('\0');
  for (const auto& variable : plan.env) out.append(variable).push_back('\0');
  return out;
}

Outcome<int> how_it_ended(std::uint32_t how, std::uint32_t value) {
  if (how == 0 && value < 256) return static_cast<int>(value);
  if (how == 1 && value < 128) return kSignalled + static_cast<int>(value);
  if (how == 2 && value < 4096) {
    std::string why = std::strerror(static_cast<int>(value));
    if (value == EAGAIN)
      why += " (agents.defaults.sandbox.docker.pidsLimit and ulimits.nproc bound it)";
    return failure(OC_UNAVAILABLE, "the sandbox could not start the command: " + why);
  }
  return failure(OC_PROTOCOL, "the sandbox says of its command what cannot be");
}

}  // namespace

InitRun::InitRun(Plugin& plugin, Engine& engine, std::shared_ptr<InitLink> link, ExecPlan plan,
                 ExecSink sink)
    : plugin_(plugin),
      engine_(engine),
      link_(std::move(link)),
      plan_(std::move(plan)),
      sink_(std::move(sink)) {}

bool InitRun::can_run(const ExecPlan& plan) {
  auto whole = [](const std::string& text) { return text.find('\0') == std::string::npos; };
  return plan.user.empty() && run_payload(plan).size() <= kMaxPayload && whole(plan.cwd) &&
         std::all_of(plan.argv.begin(), plan.argv.end(), whole) &&
         std::all_of(plan.env.begin(), plan.env.end(), whole);
}

Flow<Outcome<int>> InitRun::run() {
  auto self = shared_from_this();
  Outcome<Nothing> linked = co_await link_->ready();
  if (linked.has_error()) {
    end(linked.error());
  } else if (killed_) {
    end(kKilledExitCode);  // before it ever ran
  } else {
    command_ = link_->add(weak_from_this());
    link_->send(Kind::kRun, command_, run_payload(plan_));
    flush_input();
  }
  co_await ended_;
  if (patience_ != 0) plugin_.timer().disarm(std::exchange(patience_, 0));
  if (!held_.empty()) {
    Waiter drained;
    on_drained_ = [&drained] { drained.arrived(); };
    co_await drained;
    on_drained_ = nullptr;
  }
  if (no_room_ && !killed_ && !link_->has_commands()) co_await make_room();
  co_return how_;
}

// No command runs, so it is what earlier ones left that takes the room, or a limit that one of them
// set for process 1, which has the same user. Neither would ever end by itself, and nothing can be
// run to end it.
Flow<Nothing> InitRun::make_room() {
  plugin_.log().warn("sandbox-docker: stopping container " + plan_.container +
                     " because what commands left in it leaves no room for another one");
  std::string path = "/containers/" + url_encoded(plan_.container) + "/kill";
  co_await engine_.call("POST", path, "", kStopTimeoutMs);
  link_->close();
  how_ = container_gone(how_.error().message);
  co_return Nothing{};
}

void InitRun::end(Outcome<int> how) {
  if (ended_.has_arrived()) return;
  if (command_ != 0) link_->remove(std::exchange(command_, 0));
  how_ = std::move(how);
  fail_input("the command has ended");
  ended_.arrived();
}

void InitRun::on_frame(Kind kind, std::string_view payload) {
  auto self = shared_from_this();
  switch (kind) {
    case Kind::kStdout:
    case Kind::kStderr:
      return deliver(kind == Kind::kStderr ? OC_STREAM_STDERR : OC_STREAM_STDOUT, payload);
    case Kind::kInputTaken:
      input_room_ =
          std::min(kInputWindow, input_room_ + std::min(kInputWindow, get_u32(payload.data())));
      return flush_input();
    case Kind::kExit: {
      std::uint32_t how = get_u32(payload.data()), value = get_u32(payload.data() + 4);
      no_room_ = how == 2 && (value == EAGAIN || value == EMFILE);
      return end(how_it_ended(how, value));
    }
    default:
      return;
  }
}

void InitRun::on_lost(const std::string& why) {
  auto self = shared_from_this();
  end(container_gone(why));
}

void InitRun::deliver(std::uint32_t kind, std::string_view piece) {
  if (killed_ || (held_.empty() && sink_(kind, piece))) return give_back(piece.size());
  held_size_ += piece.size();
  held_.emplace_back(kind, piece);
  if (held_size_ <= kOutputWindow) return;
  end(failure(OC_PROTOCOL, "the sandbox sent more output than it may"));
  link_->close();
}

void InitRun::give_back(std::size_t size) {
  returned_ += static_cast<std::uint32_t>(size);
  if (returned_ < kReturnAt || command_ == 0) return;
  link_->send(Kind::kTaken, command_, number(std::exchange(returned_, 0)));
}

void InitRun::resume() {
  while (!held_.empty()) {
    if (!killed_ && !sink_(held_.front().first, held_.front().second)) return;
    std::size_t size = held_.front().second.size();
    held_.pop_front();
    held_size_ -= size;
    give_back(size);
  }
  if (auto tell = std::exchange(on_drained_, nullptr)) tell();
}

void InitRun::write(Completion done, std::string_view data, bool eof) {
  if (!plan_.input)
    return done.error(OC_FAILED_PRECONDITION, "the command was started without input");
  if (input_)
    return done.error(OC_FAILED_PRECONDITION, "the write before this one has not ended yet");
  if (ended_.has_arrived()) return done.error(OC_FAILED_PRECONDITION, "the command has ended");
  input_.emplace(Input{std::move(done), std::string(data), 0, eof});
  flush_input();
}

void InitRun::flush_input() {
  if (!input_ || command_ == 0) return;
  while (input_->sent < input_->data.size()) {
    std::size_t piece =
        std::min<std::size_t>({input_room_, kMaxPiece, input_->data.size() - input_->sent});
    if (piece == 0) return;
    link_->send(Kind::kInput, command_, std::string_view(input_->data).substr(input_->sent, piece));
    input_->sent += piece;
    input_room_ -= static_cast<std::uint32_t>(piece);
  }
  Input sent = std::move(*input_);
  input_.reset();
  if (sent.eof) link_->send(Kind::kInputEnd, command_, "");
  sent.done.ok();
}

void InitRun::fail_input(const std::string& why) {
  if (!input_) return;
  Input lost = std::move(*input_);
  input_.reset();
  lost.done.error(OC_FAILED_PRECONDITION, why);
}

void InitRun::signal(int signo) {
  auto self = shared_from_this();
  if (ended_.has_arrived() || (signo == SIGKILL && std::exchange(killed_, true))) return;
  if (command_ != 0)
    link_->send(Kind::kSignal, command_, number(static_cast<std::uint32_t>(signo)));
  if (signo != SIGKILL) return;
  resume();  // what it printed is of no use any more, and must not keep the stream from ending
  std::function<void()> late = [self] {
    self->patience_ = 0;
    if (!self->ended_.has_arrived()) run_detached(self->stop_container(self));
  };
  patience_ = plugin_.timer().after(kStopAfterMs, std::move(late));
}

// Process 1 itself cannot be stopped from inside; that it does not answer means that the whole
// container is stuck.
Flow<Nothing> InitRun::stop_container(std::shared_ptr<InitRun> self) {
  plugin_.log().warn("sandbox-docker: stopping container " + plan_.container +
                     " because a command in it could not be ended");
  std::string path = "/containers/" + url_encoded(plan_.container) + "/kill";
  co_await engine_.call("POST", path, "", kStopTimeoutMs);
  end(container_gone("it was stopped"));
  static_cast<void>(self);
  co_return Nothing{};
}

}  // namespace openclaw::docker
