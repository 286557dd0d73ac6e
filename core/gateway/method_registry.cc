#include "gateway/method_registry.h"

namespace openclaw::gateway {

Reply Reply::ok(json::value payload) {
  return {std::move(payload), std::nullopt};
}

Reply Reply::invalid(std::string message, json::value details) {
  WireError error;
  error.code = kInvalidRequest;
  error.message = std::move(message);
  error.details = std::move(details);
  return {nullptr, std::move(error)};
}

Reply Reply::unavailable(std::string message, json::value details) {
  auto reply = invalid(std::move(message), std::move(details));
  reply.error->code = kUnavailable;
  return reply;
}

Reply Reply::failed(const Error& error) {
  json::value details;
  if (!error.details.empty()) details = error.details;
  Reply reply;
  switch (error.code) {
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
    case Code::kFailedPrecondition:
      reply = invalid(error.message, std::move(details));
      break;
    default:
      reply = unavailable(error.message, std::move(details));
  }
  if (error.retry_after) {
    reply.error->retryable = true;
    reply.error->retry_after_ms = error.retry_after->count();
  }
  return reply;
}

MethodRegistry::MethodRegistry() {
  add_core_methods(methods_);
  add_config_methods(methods_);
  add_device_methods(methods_);
  add_session_methods(methods_);
  add_chat_methods(methods_);
  add_agent_methods(methods_);
  add_message_methods(methods_);
  add_channel_methods(methods_);
  add_operation_methods(methods_);
  add_absent_methods(methods_);
  for (std::size_t i = 0; i < methods_.size(); ++i) {
    by_name_.emplace(methods_[i].name, i);
    if (methods_[i].listed && methods_[i].handler) listed_.emplace_back(methods_[i].name);
  }
}

const Method* MethodRegistry::find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &methods_[found->second];
}

std::string method_refusal(const Client& client, const Method* method) {
  if (method && method->scope.empty() && !method->node_only) return {};
  bool node_only = method && method->node_only;
  if (client.role != (node_only ? "node" : "operator")) return "unauthorized role: " + client.role;
  if (node_only || client.is_admin()) return {};
  std::string_view scope = method ? method->scope : "operator.admin";
  if (client.holds(scope)) return {};
  return "missing scope: " + std::string(scope);
}

}  // namespace openclaw::gateway
