// What a host service needs to know of the instance that calls it. One per instance; `oc_host_ctx*` in the C
// tables points at it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "result.h"

namespace openclaw::plugin {

// From the manifest's "permissions".
struct Permissions {
  struct SecretGrant {
    std::string name_pattern;        // "telegram.*.botToken"
    std::vector<std::string> hosts;  // where {{secret:NAME}} may be expanded to
  };
  std::vector<std::string> services;  // ids that get_service answers
  std::vector<std::string> net;       // "https://api.telegram.org:443", "unix:/var/run/docker.sock", "tcp:127.0.0.1:*",
                                      // "config:<key>" = the origin that the instance's config names under <key>
  std::vector<SecretGrant> secrets;
  std::string proxy_key;              // "proxy": where the instance's config may name a proxy for its HTTP and WebSockets
  bool private_network = false;       // may reach private and loopback addresses of granted hosts
};

// Where HostServices keeps what it holds for one instance: made on first use, gone with the context, so
// a later context at the same address starts anew. Nobody else touches it. [any-thread]
struct ServiceSlot {
  std::mutex mutex;
  std::shared_ptr<void> state;
};

class InstanceContext {
 public:
  virtual ~InstanceContext() = default;
  virtual const std::string& instance_id() const = 0;
  virtual const Permissions& permissions() const = 0;
  virtual const json::object& config() const = 0;  // as the plugin got it
  virtual Runtime& runtime() = 0;
  // Queues `fn` on the instance's thread; dropped (destroyed, not run) once destroy() has begun.
  // Bounded only by what the services bound. [any-thread]
  virtual void post_to_plugin(std::function<void()> fn) = 0;
  // True on the instance's own thread.
  virtual bool on_plugin_thread() const = 0;

  ServiceSlot& service_slot() { return service_slot_; }

 private:
  ServiceSlot service_slot_;
};

}  // namespace openclaw::plugin
