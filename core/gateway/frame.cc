#include "gateway/frame.h"

namespace openclaw::gateway {
namespace {

// Deep enough for any configuration, shallow enough for the stack.
constexpr std::size_t kMaxDepth = 64;

std::string string_member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

void add_issue(std::string& issues, const std::string& issue) {
  if (!issues.empty()) issues += "; ";
  issues += issue;
}

void check_text(const json::object& frame, std::string_view key, std::string& issues) {
  const auto* value = frame.if_contains(key);
  auto name = std::string(key);
  if (!value) {
    add_issue(issues, "must have required property '" + name + "'");
  } else if (!value->is_string()) {
    add_issue(issues, "at /" + name + ": must be string");
  } else if (value->get_string().empty()) {
    add_issue(issues, "at /" + name + ": must NOT have fewer than 1 characters");
  }
}

}  // namespace

ParsedFrame parse_request(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code bad;
  auto document = json::parse(text, bad, {}, options);
  ParsedFrame out;
  if (bad) {
    out.problem.emplace();
    return out;
  }
  FrameProblem problem;
  problem.is_json = true;
  std::string issues;
  if (auto* frame = document.if_object()) {
    problem.id = string_member(*frame, "id");
    const auto* type = frame->if_contains("type");
    if (!type) {
      add_issue(issues, "must have required property 'type'");
    } else if (!type->is_string() || type->get_string() != "req") {
      add_issue(issues, "at /type: must be equal to constant");
    }
    check_text(*frame, "id", issues);
    check_text(*frame, "method", issues);
    for (const auto& [key, value] : *frame) {
      if (key != "type" && key != "id" && key != "method" && key != "params") {
        add_issue(issues, "at root: unexpected property '" + std::string(key) + "'");
      }
    }
    if (issues.empty()) {
      RequestFrame request;
      request.id = problem.id;
      request.method = string_member(*frame, "method");
      if (auto* params = frame->if_contains("params")) request.params = std::move(*params);
      out.request = std::move(request);
      return out;
    }
  } else {
    issues = "must be object";
  }
  problem.message = "invalid request frame: " + issues;
  out.problem = std::move(problem);
  return out;
}

std::string ok_frame(std::string_view id, const json::value& payload) {
  std::string out = R"({"type":"res","id":)";
  out += json::serialize(json::string_view(id.data(), id.size()));
  out += R"(,"ok":true,"payload":)";
  out += json::serialize(payload);
  out += '}';
  return out;
}

std::string error_frame(std::string_view id, const WireError& error, const json::value& payload) {
  json::object wire{{"code", error.code}, {"message", error.message}};
  if (!error.details.is_null()) wire["details"] = error.details;
  if (error.retryable) wire["retryable"] = true;
  if (error.retry_after_ms) wire["retryAfterMs"] = *error.retry_after_ms;
  json::object frame{{"type", "res"}, {"id", id}, {"ok", false}};
  if (!payload.is_null()) frame["payload"] = payload;
  frame["error"] = std::move(wire);
  return json::serialize(frame);
}

std::string event_frame(std::string_view event, std::string_view payload, std::uint64_t seq,
                        const StateVersion* version) {
  std::string out;
  out.reserve(payload.size() + 128);
  out += R"({"type":"event","event":")";
  out += event;
  out += R"(","payload":)";
  out += payload;
  if (seq > 0) out.append(",\"seq\":").append(std::to_string(seq));
  if (version) {
    out.append(",\"stateVersion\":{\"presence\":").append(std::to_string(version->presence));
    out.append(",\"health\":").append(std::to_string(version->health)).append("}");
  }
  out += '}';
  return out;
}

}  // namespace openclaw::gateway
