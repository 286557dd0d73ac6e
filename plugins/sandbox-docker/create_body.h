// From a sandbox spec to the body of the engine's "create container" call, hardened. Pure.
#pragma once

#include <cstdint>
#include <string>

#include <boost/json.hpp>

namespace openclaw::docker {

namespace json = boost::json;

struct CreateContext {
  std::int64_t created_at_ms = 0;
  std::string seccomp_text = {};  // content of spec.seccompProfile; empty: the engine's own profile
  std::string init_program = {};  // our init on this host; empty: without it
};

inline constexpr const char* kLabelSandbox = "openclaw.sandbox";
inline constexpr const char* kLabelSession = "openclaw.sessionKey";
inline constexpr const char* kLabelAgent = "openclaw.agentId";
inline constexpr const char* kLabelCreated = "openclaw.createdAtMs";
inline constexpr const char* kLabelHash = "openclaw.configHash";
inline constexpr const char* kLabelGateway = "openclaw.gatewayId";
// Of containers that were made before they had a session; they carry the spareHash of the spec.
inline constexpr const char* kLabelSpare = "openclaw.spare";
// Of containers that have our init; the value is the version of its protocol.
inline constexpr const char* kLabelInit = "openclaw.init";
// Where it is in them.
inline constexpr const char* kInitTarget = "/.openclaw-init";

// Never fails: what is odd in the spec ends up in the body, and check_body() refuses it there.
json::object create_body(const json::object& spec, const CreateContext& context);

}  // namespace openclaw::docker
