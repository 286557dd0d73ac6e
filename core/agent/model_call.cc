#include "agent/model_call.h"

#include <algorithm>
#include <random>

#include <spdlog/spdlog.h>

#include "agent/fields.h"

namespace openclaw::agent {
namespace {

using std::chrono::milliseconds;

double random_share() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

Result<ModelReply> read_reply(json::value value) {
  auto* object = value.if_object();
  auto* content = object != nullptr ? object->if_contains("content") : nullptr;
  if (content == nullptr || !content->is_array()) {
    return make_error(Code::kProtocol, "the model plugin answered without \"content\"");
  }
  ModelReply reply;
  reply.content = std::move(content->get_array());
  reply.stop_reason = text_at(*object, "stopReason");
  if (const auto* usage = object_at(*object, "usage")) {
    reply.usage = {int_at(*usage, "input"), int_at(*usage, "output"), int_at(*usage, "cacheRead"),
                   int_at(*usage, "cacheWrite")};
  }
  return reply;
}

void deliver(std::string_view data, const DeltaSink& sink, bool& delivered) {
  boost::system::error_code failure;
  auto value = json::parse(data, failure);
  const auto* delta = failure ? nullptr : value.if_object();
  if (delta == nullptr) return;
  delivered = true;
  auto type = text_at(*delta, "type");
  if (!sink) return;
  if (type == "text") sink(DeltaKind::kText, text_at(*delta, "delta"));
  if (type == "thinking") sink(DeltaKind::kThinking, text_at(*delta, "delta"));
}

}  // namespace

bool is_context_overflow(const Error& error) {
  return text_at(error.details, "platformCode") == "context_length";
}

milliseconds retry_delay(const RetryPolicy& policy, int n, const Error& error, double random) {
  if (error.code != Code::kUnavailable && error.code != Code::kResourceExhausted)
    return milliseconds(-1);
  if (n >= policy.attempts) return milliseconds(-1);
  if (text_at(error.details, "platformCode") == "insufficient_quota") return milliseconds(-1);
  if (error.retry_after) {
    return *error.retry_after > policy.longest_wait ? milliseconds(-1) : *error.retry_after;
  }
  auto base = std::min(policy.first * (1 << std::min(n - 1, 10)), policy.cap);
  return std::chrono::duration_cast<milliseconds>(base * (0.75 + random / 2));
}

Awaitable<ModelOutcome> call_model(Runtime& runtime, ModelCall call) {
  ModelOutcome outcome;
  for (int attempt = 1;; ++attempt) {
    auto delivered = std::make_shared<bool>(false);
    plugin::ProgressSink sink = [delivered, on_delta = call.on_delta](plugin::Stream stream,
                                                                      std::string_view data) {
      if (stream == plugin::Stream::kJson) deliver(data, on_delta, *delivered);
      return true;
    };
    std::vector<std::string> texts{call.request};
    auto answer = co_await call.instance->call("model.chat", std::move(texts), call.limits, sink);
    outcome.delivered = *delivered;
    if (answer.has_value()) {
      outcome.reply = read_reply(std::move(answer.value()));
      co_return outcome;
    }
    outcome.reply = answer.error();
    if (*delivered) co_return outcome;
    auto pause = retry_delay(call.retry, attempt, answer.error(), random_share());
    if (pause < milliseconds(0)) co_return outcome;
    auto until = Deadline::after(pause);
    if (call.limits.deadline.earlier(until).when() != until.when()) co_return outcome;
    spdlog::warn("model call failed, again in {} ms: {}", pause.count(), answer.error().message);
    Limits rest{until, call.limits.abort};
    auto rested = co_await sleep_until(runtime, rest);
    if (rested.has_error()) {
      outcome.reply = rested.error();
      co_return outcome;
    }
  }
}

}  // namespace openclaw::agent
