// What stands behind the C service tables: the engines that all instances share, and what is held
// for one instance. Private to the room host_services.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <boost/asio/steady_timer.hpp>

#include <openclaw/services.h>

#include "net/egress_guard.h"
#include "net/http_client.h"
#include "net/stream_client.h"
#include "net/websocket_client.h"
#include "plugin/instance_context.h"
#include "plugin/plugin_metrics.h"
#include "storage/blob_store.h"
#include "storage/kv_store.h"
#include "storage/secret_store.h"

namespace openclaw::plugin {

// None of the engines starts a thread or touches a file before it is used.
struct ServiceHub {
  ServiceHub(Runtime& rt, const std::filesystem::path& state_dir);
  Runtime& runtime;
  storage::SecretStore secrets;
  storage::BlobStore blobs;
  storage::KvStore kv;
  net::HttpClient http;
  net::WebSocketClient websockets;
  net::StreamClient streams;
  PluginMetrics metrics;

  // Also tells the secret in the spelling it was sent in. [any-thread]
  void observe_secret(std::string_view text);
  void set_observer(std::function<void(std::string_view)> observer);

 private:
  std::mutex observer_mutex_;
  std::function<void(std::string_view)> observer_;
};

// The hub that belongs to a runtime: the C tables get an instance and nothing else. [any-thread]
void publish_hub(const Runtime& runtime, const std::shared_ptr<ServiceHub>& hub);
void withdraw_hub(const Runtime& runtime);

enum class ServiceKind { kHttp, kWebSocket, kStream, kKv, kBlob, kSecret, kBlocking, kCount };

class InstanceServices;

// The duty to call one instance back: any number of events, then one end. Whatever is delivered
// after the end is dropped on the plugin's thread, so a cancel and a completion may race freely.
// [any-thread]
class Owed : public std::enable_shared_from_this<Owed> {
 public:
  Owed(std::shared_ptr<InstanceServices> services, ServiceKind kind, std::uint64_t ticket)
      : services_(std::move(services)), kind_(kind), ticket_(ticket) {}
  void event(std::function<void()> call);
  void finish(std::function<void()> call);
  // How release() ends it: stop the engine, then finish() with OC_CANCELLED. Runs at once when
  // release has begun; never when it has ended already. May hold this Owed: it is let go of at the
  // end.
  void on_release(std::function<void()> cancel);
  // Nothing was accepted after all: no callback, no place taken.
  void abandon();
  // Runs when the end has been delivered, before the plugin's callback.
  void on_end(std::function<void()> cleanup) { cleanup_ = std::move(cleanup); }

 private:
  friend class InstanceServices;
  const std::shared_ptr<InstanceServices> services_;
  const ServiceKind kind_;
  const std::uint64_t ticket_;
  std::function<void()> cancel_;   // under the services' mutex
  bool forgotten_ = false;         // under it too: there is nothing to release any more
  std::function<void()> cleanup_;  // set before the first finish()
  bool ended_ = false;             // the plugin thread's
};

// Everything held for one instance. Lives in its ServiceSlot and as long as an engine still refers
// to it; after release() it does not touch the InstanceContext any more. [any-thread]
class InstanceServices : public std::enable_shared_from_this<InstanceServices> {
 public:
  struct Timer;
  struct Blocking {
    oc_task_fn work = nullptr, done = nullptr;
    void* user = nullptr;
    std::shared_ptr<Owed> owed;
  };

  InstanceServices(InstanceContext& context, std::shared_ptr<ServiceHub> hub);

  // Null only when there are no HostServices (any more).
  static std::shared_ptr<InstanceServices> of(oc_host_ctx* ctx);
  static std::shared_ptr<InstanceServices> existing(InstanceContext& context);

  ServiceHub& hub() { return *hub_; }
  const std::string& id() const { return id_; }
  // Inside a call of the plugin only: they read its manifest and config.
  net::EgressGuard guard() const;
  // What the instance's config has under the key that its manifest names; empty: no proxy.
  std::string proxy() const;
  const Permissions& permissions() const { return context_->permissions(); }
  const json::object& config() const { return context_->config(); }

  // To the instance's thread; nothing once detached.
  void deliver(std::function<void()> call);
  // Null when as many are under way as may be, or release has begun.
  std::shared_ptr<Owed> owe(ServiceKind kind);
  bool released() const;
  // OC_RESOURCE_EXHAUSTED or, during release, OC_CANCELLED: why owe() said no.
  oc_status refusal() const { return released() ? OC_CANCELLED : OC_RESOURCE_EXHAUSTED; }

  void run_blocking(Blocking job);
  // Cancels all but blocking work, which runs to its end.
  void begin_release();
  void when_blocking_idle(std::function<void()> then);
  void detach();

  // Guarded by `mutex`: what the plugin's own numbers stand for.
  mutable std::mutex mutex;
  std::map<std::uint64_t, std::uint64_t> http_ids;
  std::map<std::uint64_t, std::shared_ptr<net::WebSocketConnection>> sockets;
  std::map<std::uint64_t, std::shared_ptr<net::StreamConnection>> streams;
  std::map<std::uint64_t, std::shared_ptr<Timer>> timers;

 private:
  friend class Owed;
  void forget(Owed& owed);
  void start_blocking(Blocking job);

  const std::shared_ptr<ServiceHub> hub_;
  const std::string id_;
  mutable std::mutex context_mutex_;  // held while posting, taken last
  InstanceContext* context_;          // null once detached
  bool detached_ = false;
  // Guarded by `mutex`.
  bool released_ = false;
  std::uint64_t next_ticket_ = 1;
  std::map<std::uint64_t, std::shared_ptr<Owed>> owed_;
  std::size_t counts_[static_cast<std::size_t>(ServiceKind::kCount)] = {};
  std::deque<Blocking> blocking_;
  std::size_t blocking_running_ = 0;
  std::function<void()> blocking_idle_;
};

struct InstanceServices::Timer {
  std::uint64_t id = 0, period_ms = 0;
  oc_timer_fn fn = nullptr;
  void* user = nullptr;
  bool armed = true, queued = false;           // under InstanceServices::mutex
  std::unique_ptr<asio::steady_timer> waiter;  // the loop's
};
// On release: none fires any more.
void disarm_all(InstanceServices& services);

// Text of the C boundary; empty for a null pointer.
inline std::string_view view_of(oc_str s) {
  return s.ptr == nullptr ? "" : std::string_view(s.ptr, s.len);
}
inline std::string_view view_of(oc_bytes b) {
  return b.ptr == nullptr ? "" : std::string_view(reinterpret_cast<const char*>(b.ptr), b.len);
}
inline oc_str str_of(std::string_view s) {
  return {s.data(), s.size()};
}
inline oc_bytes bytes_of(std::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
inline oc_status status_of(Code code) {
  return static_cast<oc_status>(code);
}

// {"Name":"value"} or {"Name":["a","b"]}; empty text is no headers.
Result<net::HttpHeaders> parse_headers(std::string_view headers_json);

const oc_timer_v1& timer_table();
const oc_task_v1& task_table();
const oc_http_v1& http_table();
const oc_websocket_v1& websocket_table();
const oc_stream_v1& stream_table();
const oc_kv_v1& kv_table();
const oc_blob_v1& blob_table();
const oc_secrets_v1& secrets_table();
const oc_metrics_v1& metrics_table();

}  // namespace openclaw::plugin
