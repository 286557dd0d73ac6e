// MethodRegistry: every method of the protocol by name, with the scope it needs and the params it
// takes. A test walks it; no method can be called but through it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/awaitable.h"
#include "async/limits.h"
#include "gateway/client.h"
#include "gateway/frame.h"
#include "gateway/params.h"

namespace openclaw::gateway {

struct ServerState;

struct Reply {
  json::value payload;
  std::optional<WireError> error;

  static Reply ok(json::value payload);
  static Reply invalid(std::string message, json::value details = {});
  static Reply unavailable(std::string message, json::value details = {});
  // INVALID_REQUEST or UNAVAILABLE, by the code.
  static Reply failed(const Error& error);
};

struct MethodCall {
  std::string method;
  json::object params;
  std::shared_ptr<const Client> client;
  AbortSignal
      gone;  // fires when the client's connection ends: work that only its answer needs stops then
  // Two-phase methods: the first answer. May be called before the coroutine first waits, or not at
  // all.
  std::function<void(json::value)> first_answer;
};

using MethodHandler = Awaitable<Reply> (*)(ServerState& state, MethodCall call);

struct Method {
  std::string_view name;
  std::string_view scope;  // empty: anybody who is connected
  const ParamTable* params = nullptr;
  MethodHandler handler = nullptr;  // null: known to the protocol, not offered here
  bool listed = true;               // in hello-ok features.methods
  bool node_only = false;
};

class MethodRegistry {
 public:
  MethodRegistry();  // with all methods
  const Method* find(std::string_view name) const;
  const std::vector<Method>& all() const { return methods_; }
  const std::vector<std::string>& listed() const { return listed_; }

 private:
  std::vector<Method> methods_;
  std::map<std::string_view, std::size_t> by_name_;
  std::vector<std::string> listed_;
};

// Empty when the client may call the method; else the error text: role, then scope. An unknown
// method needs operator.admin.
std::string method_refusal(const Client& client, const Method* method);

// The groups, one function per methods_*.cc.
void add_core_methods(std::vector<Method>& out);
void add_config_methods(std::vector<Method>& out);
void add_device_methods(std::vector<Method>& out);
void add_session_methods(std::vector<Method>& out);
void add_chat_methods(std::vector<Method>& out);
void add_agent_methods(std::vector<Method>& out);
void add_message_methods(std::vector<Method>& out);
void add_channel_methods(std::vector<Method>& out);
void add_operation_methods(std::vector<Method>& out);
void add_absent_methods(std::vector<Method>& out);

}  // namespace openclaw::gateway
