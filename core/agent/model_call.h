// One answer from a model, with the retries that are safe: only while nothing of the answer was
// delivered. Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "agent/agent_service.h"

namespace openclaw::agent {

struct ModelReply {
  json::array content;
  Usage usage;
  std::string stop_reason;  // "stop", "toolUse", "length", "error"
};

struct RetryPolicy {
  int attempts = 4;
  std::chrono::milliseconds first{500};
  std::chrono::milliseconds cap{30'000};
  // A vendor that asks for a longer pause than this is not waited for.
  std::chrono::milliseconds longest_wait{60'000};
};

enum class DeltaKind { kText, kThinking };
using DeltaSink = std::function<void(DeltaKind kind, std::string_view delta)>;

struct ModelCall {
  plugin::PluginInstance* instance = nullptr;
  std::string request;  // JSON
  Limits limits;
  DeltaSink on_delta;
  RetryPolicy retry;
};

// `delivered` is true when at least one delta reached the sink, also on failure.
struct ModelOutcome {
  Result<ModelReply> reply = make_error(Code::kInternal, "not called");
  bool delivered = false;
};
Awaitable<ModelOutcome> call_model(Runtime& runtime, ModelCall call);

bool is_context_overflow(const Error& error);
// The pause before attempt `n` (1 = first retry): doubled each time, with jitter of a quarter
// either way; what the vendor asked for wins. Negative: do not retry.
std::chrono::milliseconds retry_delay(const RetryPolicy& policy, int n, const Error& error,
                                      double random);

}  // namespace openclaw::agent
