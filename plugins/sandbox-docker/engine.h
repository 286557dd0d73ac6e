// Engine: calls to the Docker Engine API over its unix socket, through the host's http service.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "outcome.h"

namespace openclaw::docker {

struct Reply {
  int status = 0;
  std::string text;
  json::value body;  // null when the answer was no JSON
};

// Strand only; owned by the backend.
class Engine {
 public:
  // `address` is "unix:/var/run/docker.sock".
  Engine(Plugin& plugin, std::string address);

  const std::string& address() const { return address_; }
  std::string socket_path() const { return address_.substr(5); }
  // Agrees on a version first. A Failure only when the engine cannot be reached; HTTP errors are
  // replies.
  Flow<Outcome<Reply>> call(std::string method, std::string path, std::string body,
                            std::uint32_t timeout_ms);
  // "/v1.44" once a call has succeeded.
  const std::string& prefix() const { return prefix_; }
  Flow<Nothing> pause(std::uint64_t ms);

  struct Trouble {
    oc_status code = OC_UNAVAILABLE;
    std::string what, fix;  // one sentence without its full stop; the command to type
  };
  // Why the socket cannot be used, after a call that ended with `status`.
  Trouble trouble(oc_status status) const;
  // The same, as the failure of that call.
  Failure unreachable(oc_status status) const;
  // The engine's own words in a reply.
  static std::string message_of(const Reply& reply);

 private:
  Flow<Outcome<Reply>> send(std::string method, std::string target, std::string body,
                            std::uint32_t timeout_ms, std::string* version);
  Flow<Outcome<Nothing>> negotiate();
  void leave();

  Plugin& plugin_;
  std::string address_, prefix_;
  int calls_ = 0;  // under way
  std::deque<Waiter*> in_line_;
};

// The part of a path or query that holds `text`, percent-encoded.
std::string url_encoded(std::string_view text);

}  // namespace openclaw::docker
