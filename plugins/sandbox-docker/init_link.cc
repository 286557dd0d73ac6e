#include "init_link.h"

#include <random>

#include "spec_reader.h"

namespace openclaw::docker {

namespace {

using namespace sandbox_init;

constexpr std::uint64_t kHandshakeMs = 10'000;
constexpr std::uint64_t kLookMs = 500;
constexpr std::uint32_t kStateTimeoutMs = 10'000;
constexpr std::size_t kSendPiece = 64 * 1024;

std::string new_nonce() {
  std::random_device random;
  std::string nonce;
  for (std::size_t i = 0; i < kNonceSize; ++i) nonce += static_cast<char>(random());
  return nonce;
}

}  // namespace

InitLink::InitLink(Plugin& plugin, Engine& engine, std::string container)
    : plugin_(plugin), engine_(engine), container_(std::move(container)) {}

Flow<Outcome<Nothing>> InitLink::ready() {
  auto self = shared_from_this();
  if (state_ == State::kOpen) co_return Nothing{};
  Waiter opened;
  waiting_.push_back(&opened);
  if (state_ == State::kClosed) connect();
  co_await opened;
  co_return outcome_;
}

void InitLink::connect() {
  state_ = State::kOpening;
  frames_ = FrameReader();
  incoming_ = InitFrames();
  outgoing_.clear();
  auto self = shared_from_this();
  Hijacked::Handlers on;
  on.on_open = [self] { self->say_hello(); };
  on.on_data = [self](std::string_view data) { self->on_data(data); };
  on.on_writable = [self] { self->flush(); };
  on.on_close = [self](std::string_view reason) { self->on_close(reason); };
  wait_for_answer(kLookMs, kHandshakeMs - kLookMs);
  stream_ = std::make_shared<Hijacked>(plugin_, engine_);
  stream_->open("/containers/" + url_encoded(container_) + "/attach?stream=1&stdin=1&stdout=1", "",
                std::move(on));
}

void InitLink::wait_for_answer(std::uint64_t ms, std::uint64_t then_ms) {
  auto self = shared_from_this();
  std::function<void()> late = [self, then_ms] {
    self->patience_ = 0;
    if (then_ms == 0) return self->close();
    self->wait_for_answer(then_ms, 0);
    run_detached(self->look_whether_it_runs(self));
  };
  patience_ = plugin_.timer().after(ms, std::move(late));
}

// The engine attaches to a container that has ended too, and says nothing then.
Flow<Nothing> InitLink::look_whether_it_runs(std::shared_ptr<InitLink> self) {
  std::string path = "/containers/" + url_encoded(container_) + "/json";
  Outcome<Reply> reply = co_await engine_.call("GET", path, "", kStateTimeoutMs);
  bool known = reply.has_value() && reply->body.is_object();
  if (known && state_ == State::kOpening &&
      !flag_of(object_of(reply->body.get_object(), "State"), "Running"))
    close();
  static_cast<void>(self);
  co_return Nothing{};
}

// The padding completes whatever frame a gateway that died had begun.
void InitLink::say_hello() {
  std::string nonce = new_nonce();
  ready_frame_ = init_frame(Kind::kReady, kVersion, nonce);
  std::string hello(kMaxPayload + kHeadSize, '\0');
  hello += init_frame(Kind::kHello, kVersion, nonce);
  for (std::size_t at = 0; at < hello.size(); at += kSendPiece)
    outgoing_.push_back(hello.substr(at, kSendPiece));
  flush();
}

std::uint32_t InitLink::add(std::weak_ptr<Listener> listener) {
  do {
    ++last_command_;
  } while (last_command_ == 0 || listeners_.count(last_command_) > 0);
  listeners_.emplace(last_command_, std::move(listener));
  return last_command_;
}

void InitLink::send(Kind kind, std::uint32_t command, std::string_view payload) {
  if (state_ != State::kOpen) return;
  outgoing_.push_back(init_frame(kind, command, payload));
  flush();
}

void InitLink::flush() {
  while (!outgoing_.empty() && stream_->is_open()) {
    if (stream_->send(outgoing_.front()) != OC_OK) return;
    outgoing_.pop_front();
  }
}

void InitLink::close() {
  if (state_ != State::kClosed && stream_) stream_->close();
}

void InitLink::on_data(std::string_view data) {
  // Nothing in the container but process 1 has this stream; what it says goes to stdout.
  FrameReader::Sink sink = [this](bool is_stderr, std::string_view piece) {
    if (!is_stderr) incoming_.append(piece);
  };
  bool fine = frames_.feed(data, sink);
  if (fine && state_ == State::kOpening) {
    if (!incoming_.skip_past(ready_frame_)) return;
    state_ = State::kOpen;
    settle(Nothing{});
  }
  InitFrames::Frame frame{};
  auto found = InitFrames::Found::kBroken;
  while (fine && state_ == State::kOpen &&
         (found = incoming_.next(frame)) == InitFrames::Found::kFrame) {
    auto listener = listeners_.find(frame.command);
    if (listener == listeners_.end()) continue;  // of a command that nobody waits for
    if (auto command = listener->second.lock()) command->on_frame(frame.kind, frame.payload);
  }
  if (state_ != State::kOpen || found == InitFrames::Found::kIncomplete) return;
  plugin_.log().warn("sandbox-docker: container " + container_ +
                     " says what is no answer; its connection is closed");
  close();
}

void InitLink::on_close(std::string_view reason) {
  bool answered = stream_->is_stream();
  Reply reply = stream_->answer();
  bool was_open = state_ == State::kOpen;
  state_ = State::kClosed;
  outgoing_.clear();
  std::string why =
      reason.empty() ? "its connection ended" : "its connection ended: " + std::string(reason);
  for (auto& [command, weak] : std::exchange(listeners_, {})) {
    if (auto listener = weak.lock()) listener->on_lost(why);
  }
  if (was_open) return;
  if (answered)
    return settle(failure(OC_UNAVAILABLE, "nobody answers in the sandbox container " + container_));
  if (reply.status == 404 || reply.status == 409)
    return settle(container_gone(Engine::message_of(reply)));
  if (reply.status == 0) return settle(engine_.unreachable(OC_UNAVAILABLE));
  settle(failure(OC_UNAVAILABLE, "the engine did not attach: " + Engine::message_of(reply)));
}

void InitLink::settle(const Outcome<Nothing>& outcome) {
  if (patience_ != 0) plugin_.timer().disarm(std::exchange(patience_, 0));
  outcome_ = outcome;
  for (auto* waiter : std::exchange(waiting_, {})) waiter->arrived();
}

}  // namespace openclaw::docker
