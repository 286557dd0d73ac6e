// Frames of protocol v3: reading requests strictly, writing responses and events exactly. Pure.
// [any-thread]
//
// Clients drop a frame with an unknown key without a word, so nothing but these functions makes
// frames.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::gateway {

struct RequestFrame {
  std::string id;
  std::string method;
  json::value params;  // null when absent
};

struct FrameProblem {
  bool is_json = false;  // false: not even JSON
  std::string id;        // of the frame, when it has one
  std::string message;   // "invalid request frame: at root: ..."
};

// Exactly one of the two is set.
struct ParsedFrame {
  std::optional<RequestFrame> request;
  std::optional<FrameProblem> problem;
};
ParsedFrame parse_request(std::string_view text);

// The codes of section 9 of the protocol.
inline constexpr std::string_view kInvalidRequest = "INVALID_REQUEST";
inline constexpr std::string_view kUnavailable = "UNAVAILABLE";
inline constexpr std::string_view kNotPaired = "NOT_PAIRED";
inline constexpr std::string_view kAgentTimeout = "AGENT_TIMEOUT";

struct WireError {
  std::string code;
  std::string message;
  json::value details;  // null: left out
  bool retryable = false;
  std::optional<std::int64_t> retry_after_ms;
};

std::string ok_frame(std::string_view id, const json::value& payload);
// `payload` null: left out.
std::string error_frame(std::string_view id, const WireError& error,
                        const json::value& payload = {});

struct StateVersion {
  std::uint64_t presence = 0, health = 0;
};
// `payload` is serialized JSON: one serialization serves every client. seq 0: left out.
std::string event_frame(std::string_view event, std::string_view payload, std::uint64_t seq,
                        const StateVersion* version = nullptr);

}  // namespace openclaw::gateway
