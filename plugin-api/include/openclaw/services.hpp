// openclaw/services.hpp: the C++ face of the host services. Included by plugin.hpp, not by itself.
//
// A callback given here is called exactly once (event handlers: as often as the event happens), on
// the instance's strand. When the host refuses a request at once, the callback gets the refusal
// before the call returns, so nothing ever waits for an answer that does not come.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>

namespace openclaw {
namespace detail {

// No exception leaves this function; what was thrown is logged.
template <class F>
bool guarded(const oc_host* host, F&& body) noexcept {
  try {
    body();
    return true;
  } catch (const std::exception& e) {
    host->log(host->ctx, OC_LOG_ERROR, str(e.what()), oc_str{nullptr, 0});
  } catch (...) {
    host->log(host->ctx, OC_LOG_ERROR, str("something that is no std::exception was thrown"),
              oc_str{nullptr, 0});
  }
  return false;
}

// Handles that the plugin chooses: unique in the process, never 0.
inline std::uint64_t next_handle() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// What travels as `user` for a callback that comes once.
template <class Signature>
struct Once {
  const oc_host* host;
  Callback<Signature> fn;
};

inline void ack_trampoline(void* user, oc_status status) noexcept {
  const std::unique_ptr<Once<void(oc_status)>> once(static_cast<Once<void(oc_status)>*>(user));
  if (once->fn) guarded(once->host, [&] { once->fn(status); });
}
inline void value_trampoline(void* user, oc_status status, oc_bytes value) noexcept {
  using Box = Once<void(oc_status, std::string_view)>;
  const std::unique_ptr<Box> once(static_cast<Box*>(user));
  if (once->fn) guarded(once->host, [&] { once->fn(status, view(value)); });
}

template <class Table>
class Service {
 public:
  Service(const oc_host* host, const char* id) noexcept
      : host_(host), table_(static_cast<const Table*>(host->get_service(host->ctx, id))) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  // False when the manifest does not list the service under permissions.services, or the host lacks
  // it.
  bool available() const noexcept { return table_ != nullptr; }

 protected:
  template <class Signature>
  Once<Signature>* once(Callback<Signature> fn) const {
    return new Once<Signature>{host_, std::move(fn)};
  }
  template <class Signature, class... Args>
  void refuse(Callback<Signature>& fn, Args&&... args) const noexcept {
    if (fn) guarded(host_, [&] { fn(std::forward<Args>(args)...); });
  }
  const oc_host* const host_;
  const Table* const table_;
};

}  // namespace detail

using Ack = Callback<void(oc_status)>;
using Value = Callback<void(oc_status, std::string_view value)>;

// Fire and forget. `fields_json` is an object or empty. [any-thread]
class Log {
 public:
  explicit Log(const oc_host* host) noexcept : host_(host) {}
  void write(std::int32_t level, std::string_view message,
             std::string_view fields_json = {}) const noexcept {
    host_->log(host_->ctx, level, str(message), str(fields_json));
  }
  void trace(std::string_view m, std::string_view fields = {}) const noexcept {
    write(OC_LOG_TRACE, m, fields);
  }
  void debug(std::string_view m, std::string_view fields = {}) const noexcept {
    write(OC_LOG_DEBUG, m, fields);
  }
  void info(std::string_view m, std::string_view fields = {}) const noexcept {
    write(OC_LOG_INFO, m, fields);
  }
  void warn(std::string_view m, std::string_view fields = {}) const noexcept {
    write(OC_LOG_WARN, m, fields);
  }
  void error(std::string_view m, std::string_view fields = {}) const noexcept {
    write(OC_LOG_ERROR, m, fields);
  }

 private:
  const oc_host* host_;
};

// Timers. Use it on the strand only. What is still armed when the plugin is destroyed never fires.
class Timer : public detail::Service<oc_timer_v1> {
 public:
  explicit Timer(const oc_host* host) noexcept : Service(host, OC_TIMER_V1) {}
  // Calls `fn` once. Answers a handle for disarm, 0 when there is no timer service.
  std::uint64_t after(std::uint64_t delay_ms, std::function<void()> fn) {
    return arm(delay_ms, 0, std::move(fn));
  }
  // Calls `fn` after each period until disarmed.
  std::uint64_t every(std::uint64_t period_ms, std::function<void()> fn) {
    return arm(period_ms, period_ms, std::move(fn));
  }
  // No call after it returns. Unknown and fired handles are ignored.
  void disarm(std::uint64_t timer) {
    if (armed_.erase(timer) != 0) table_->disarm(host_->ctx, timer);
  }

 private:
  struct Entry {
    Timer* owner;
    std::function<void()> fn;
    bool periodic;
  };
  std::uint64_t arm(std::uint64_t delay_ms, std::uint64_t period_ms, std::function<void()> fn) {
    if (!table_) return 0;
    const std::uint64_t id = detail::next_handle();
    armed_.emplace(id, Entry{this, std::move(fn), period_ms != 0});
    table_->arm(host_->ctx, id, delay_ms, period_ms, &Timer::fired, this);
    return id;
  }
  static void fired(void* user, std::uint64_t id) noexcept {
    auto* self = static_cast<Timer*>(user);
    const auto found = self->armed_.find(id);
    if (found == self->armed_.end()) return;
    detail::guarded(self->host_, [&] {
      // A copy: the function may disarm itself, or arm others.
      const std::function<void()> fn = found->second.fn;
      if (!found->second.periodic) self->armed_.erase(found);
      fn();
    });
  }
  std::map<std::uint64_t, Entry> armed_;
};

// Work on the strand and off it.
class Task : public detail::Service<oc_task_v1> {
 public:
  explicit Task(const oc_host* host) noexcept : Service(host, OC_TASK_V1) {}
  ~Task() {
    for (Job* job : jobs_) delete job;  // posted, and dropped by the host because destroy had begun
  }
  // Runs `fn` on the strand, later. False when there is no task service. [any-thread]
  bool post(Callback<void()> fn) {
    if (!table_) return false;
    table_->post(host_->ctx, &Task::run_done, keep({}, std::move(fn)));
    return true;
  }
  // Runs `work` on a thread that may block [worker], then `done` on the strand. `work` must not
  // touch what the strand owns. [any-thread]
  oc_status run_blocking(Callback<void()> work, Callback<void()> done) {
    if (!table_) return OC_UNIMPLEMENTED;
    Job* job = keep(std::move(work), std::move(done));
    const oc_status status =
        table_->run_blocking(host_->ctx, &Task::run_work, &Task::run_done, job);
    if (status != OC_OK) forget(job);
    return status;
  }

 private:
  struct Job {
    Task* owner;
    Callback<void()> work, done;
  };
  Job* keep(Callback<void()> work, Callback<void()> done) {
    auto job = std::make_unique<Job>(Job{this, std::move(work), std::move(done)});
    const std::lock_guard lock(mutex_);
    jobs_.insert(job.get());
    return job.release();
  }
  std::unique_ptr<Job> forget(Job* job) noexcept {
    const std::lock_guard lock(mutex_);
    jobs_.erase(job);
    return std::unique_ptr<Job>(job);
  }
  static void run_work(void* user) noexcept {
    auto* job = static_cast<Job*>(user);
    if (job->work) detail::guarded(job->owner->host_, [&] { job->work(); });
  }
  static void run_done(void* user) noexcept {
    auto* raw = static_cast<Job*>(user);
    const std::unique_ptr<Job> job = raw->owner->forget(raw);
    if (job->done) detail::guarded(job->owner->host_, [&] { job->done(); });
  }
  std::mutex mutex_;
  std::set<Job*> jobs_;
};

struct HttpRequest {
  std::string_view method = "GET";
  std::string_view url = {};           // url, headers and body may hold {{secret:NAME}}
  std::string_view headers_json = {};  // {"Name":"value"} or empty
  std::string_view body = {};
  std::uint64_t body_blob = 0;   // used when body is empty
  std::uint32_t timeout_ms = 0;  // 0 = the host's default
  std::uint32_t max_response_bytes = 0;
  std::uint32_t flags = 0;  // OC_HTTP_*
};
// Valid until the callback returns.
struct HttpResponse {
  int status = 0;
  std::string_view headers_json = {};
  std::string_view body = {};   // empty when it was streamed or spilled
  std::uint64_t body_blob = 0;  // 0, or the blob it was spilled to
  bool unsent = false;          // failed before anything was written
};

class Http : public detail::Service<oc_http_v1> {
 public:
  using Done = Callback<void(oc_status, const HttpResponse&)>;
  using Chunk = std::function<void(std::string_view)>;
  explicit Http(const oc_host* host) noexcept : Service(host, OC_HTTP_V1) {}
  // `done` gets OC_OK for any HTTP status. With `on_chunk` the body arrives there, piece by piece.
  // Answers the handle for cancel, 0 when refused (`done` has then been called). [any-thread]
  std::uint64_t request(const HttpRequest& r, Done done, Chunk on_chunk = {}) {
    if (!table_) {
      refuse(done, OC_UNIMPLEMENTED, HttpResponse{});
      return 0;
    }
    const std::uint64_t id = detail::next_handle();
    auto box = std::make_unique<Box>(Box{host_, std::move(done), std::move(on_chunk)});
    const oc_http_request raw{
        sizeof(oc_http_request), r.flags,       id,          str(r.method), str(r.url),
        str(r.headers_json),     bytes(r.body), r.body_blob, r.timeout_ms,  r.max_response_bytes};
    Box* user = box.release();
    const oc_status status = table_->request(
        host_->ctx, &raw, user->on_chunk ? &Http::chunk : nullptr, &Http::finished, user);
    if (status == OC_OK) return id;
    finished(user, status, nullptr);
    return 0;
  }
  // `done` still comes, with OC_CANCELLED or the real answer.
  void cancel(std::uint64_t id) noexcept {
    if (table_ && id != 0) table_->cancel(host_->ctx, id);
  }

 private:
  struct Box {
    const oc_host* host;
    Done done;
    Chunk on_chunk;
  };
  static void chunk(void* user, oc_bytes data) noexcept {
    auto* box = static_cast<Box*>(user);
    detail::guarded(box->host, [&] { box->on_chunk(view(data)); });
  }
  static void finished(void* user, oc_status status, const oc_http_response* r) noexcept {
    const std::unique_ptr<Box> box(static_cast<Box*>(user));
    HttpResponse response;
    response.unsent = r == nullptr;
    if (r) {
      // An older host's response ends before `unsent`.
      const bool told = r->struct_size >= offsetof(oc_http_response, unsent) + sizeof r->unsent;
      response = {static_cast<int>(r->http_status), view(r->headers_json), view(r->body),
                  r->body_blob, told && r->unsent != 0};
    }
    if (box->done) detail::guarded(box->host, [&] { box->done(status, response); });
  }
};

struct WebSocketHandlers {
  std::function<void(std::string_view subprotocol)> on_open = {};
  std::function<void(std::string_view data, bool is_text)> on_message = {};
  std::function<void()> on_writable = {};  // after send said OC_WOULD_BLOCK
  std::function<void(oc_status, std::uint32_t code, std::string_view reason)> on_close =
      {};  // always last, once
};

class WebSocket : public detail::Service<oc_websocket_v1> {
 public:
  explicit WebSocket(const oc_host* host) noexcept : Service(host, OC_WEBSOCKET_V1) {}
  // Answers the handle of the connection, 0 when refused (on_close has then been called).
  std::uint64_t connect(std::string_view url, std::string_view headers_json,
                        WebSocketHandlers handlers) {
    static constexpr oc_ws_events kEvents{
        sizeof(oc_ws_events), 0, &opened, &message, &writable, &closed};
    auto box = std::make_unique<Box>(Box{host_, std::move(handlers)});
    const std::uint64_t id = detail::next_handle();
    Box* user = box.release();
    const oc_status status =
        table_ ? table_->connect(host_->ctx, id, str(url), str(headers_json), &kEvents, user)
               : OC_UNIMPLEMENTED;
    if (status == OC_OK) return id;
    closed(user, status, 0, str("the host refused the connection"));
    return 0;
  }
  // OC_WOULD_BLOCK: nothing taken, wait for on_writable.
  oc_status send(std::uint64_t id, std::string_view data, bool is_text = true) noexcept {
    return table_ ? table_->send(host_->ctx, id, bytes(data), is_text ? 1U : 0U) : OC_UNIMPLEMENTED;
  }
  void close(std::uint64_t id, std::uint32_t code = 1000, std::string_view reason = {}) noexcept {
    if (table_ && id != 0) table_->close(host_->ctx, id, code, str(reason));
  }

 private:
  struct Box {
    const oc_host* host;
    WebSocketHandlers on;
  };
  static void opened(void* user, oc_str subprotocol) noexcept {
    auto* b = static_cast<Box*>(user);
    if (b->on.on_open) detail::guarded(b->host, [&] { b->on.on_open(view(subprotocol)); });
  }
  static void message(void* user, oc_bytes data, std::uint32_t is_text) noexcept {
    auto* b = static_cast<Box*>(user);
    if (b->on.on_message)
      detail::guarded(b->host, [&] { b->on.on_message(view(data), is_text != 0); });
  }
  static void writable(void* user) noexcept {
    auto* b = static_cast<Box*>(user);
    if (b->on.on_writable) detail::guarded(b->host, [&] { b->on.on_writable(); });
  }
  static void closed(void* user, oc_status status, std::uint32_t code, oc_str reason) noexcept {
    const std::unique_ptr<Box> b(static_cast<Box*>(user));
    if (b->on.on_close)
      detail::guarded(b->host, [&] { b->on.on_close(status, code, view(reason)); });
  }
};

struct StreamHandlers {
  std::function<void()> on_open = {};
  std::function<void(std::string_view data)> on_data = {};
  std::function<void()> on_writable = {};  // after send said OC_WOULD_BLOCK
  std::function<void(oc_status, std::string_view reason)> on_close = {};  // always last, once
};

// A raw duplex byte stream to "unix:/path" or "tcp:host:port".
class Stream : public detail::Service<oc_stream_v1> {
 public:
  explicit Stream(const oc_host* host) noexcept : Service(host, OC_STREAM_V1) {}
  // Answers the handle of the connection, 0 when refused (on_close has then been called).
  std::uint64_t connect(std::string_view address, std::uint32_t connect_timeout_ms,
                        StreamHandlers handlers) {
    static constexpr oc_stream_events kEvents{
        sizeof(oc_stream_events), 0, &opened, &data, &writable, &closed};
    auto box = std::make_unique<Box>(Box{host_, std::move(handlers)});
    const std::uint64_t id = detail::next_handle();
    Box* user = box.release();
    const oc_status status =
        table_ ? table_->connect(host_->ctx, id, str(address), connect_timeout_ms, &kEvents, user)
               : OC_UNIMPLEMENTED;
    if (status == OC_OK) return id;
    closed(user, status, str("the host refused the connection"));
    return 0;
  }
  // OC_WOULD_BLOCK: nothing taken, wait for on_writable.
  oc_status send(std::uint64_t id, std::string_view data) noexcept {
    return table_ ? table_->send(host_->ctx, id, bytes(data)) : OC_UNIMPLEMENTED;
  }
  // Half close: this side sends no more.
  void shut_write(std::uint64_t id) noexcept {
    if (table_ && id != 0) table_->shut_write(host_->ctx, id);
  }
  // True stops on_data, false goes on.
  void pause(std::uint64_t id, bool paused) noexcept {
    if (table_ && id != 0) table_->pause(host_->ctx, id, paused ? 1U : 0U);
  }
  void close(std::uint64_t id) noexcept {
    if (table_ && id != 0) table_->close(host_->ctx, id);
  }

 private:
  struct Box {
    const oc_host* host;
    StreamHandlers on;
  };
  static void opened(void* user) noexcept {
    auto* b = static_cast<Box*>(user);
    if (b->on.on_open) detail::guarded(b->host, [&] { b->on.on_open(); });
  }
  static void data(void* user, oc_bytes piece) noexcept {
    auto* b = static_cast<Box*>(user);
    if (b->on.on_data) detail::guarded(b->host, [&] { b->on.on_data(view(piece)); });
  }
  static void writable(void* user) noexcept {
    auto* b = static_cast<Box*>(user);
    if (b->on.on_writable) detail::guarded(b->host, [&] { b->on.on_writable(); });
  }
  static void closed(void* user, oc_status status, oc_str reason) noexcept {
    const std::unique_ptr<Box> b(static_cast<Box*>(user));
    if (b->on.on_close) detail::guarded(b->host, [&] { b->on.on_close(status, view(reason)); });
  }
};

// Keys are scoped to the instance by the host. [any-thread]
class Kv : public detail::Service<oc_kv_v1> {
 public:
  explicit Kv(const oc_host* host) noexcept : Service(host, OC_KV_V1) {}
  // OC_NOT_FOUND when there is no such key.
  void get(std::string_view key, Value fn) {
    if (!table_) return refuse(fn, OC_UNIMPLEMENTED, std::string_view());
    table_->get(host_->ctx, str(key), &detail::value_trampoline, once(std::move(fn)));
  }
  void put(std::string_view key, std::string_view value, Ack fn = {}) {
    if (!table_) return refuse(fn, OC_UNIMPLEMENTED);
    table_->put(host_->ctx, str(key), bytes(value), &detail::ack_trampoline, once(std::move(fn)));
  }
  void erase(std::string_view key, Ack fn = {}) {
    if (!table_) return refuse(fn, OC_UNIMPLEMENTED);
    table_->erase(host_->ctx, str(key), &detail::ack_trampoline, once(std::move(fn)));
  }
  // The value is a JSON array of keys.
  void scan(std::string_view prefix, Value fn) {
    if (!table_) return refuse(fn, OC_UNIMPLEMENTED, std::string_view());
    table_->scan(host_->ctx, str(prefix), &detail::value_trampoline, once(std::move(fn)));
  }
};

// Attachments and other big things, by handle. [any-thread]
class Blob : public detail::Service<oc_blob_v1> {
 public:
  explicit Blob(const oc_host* host) noexcept : Service(host, OC_BLOB_V1) {}
  void create(std::string_view mime, Callback<void(oc_status, std::uint64_t blob)> fn) {
    if (!table_) return refuse(fn, OC_UNIMPLEMENTED, std::uint64_t{0});
    table_->create(host_->ctx, str(mime), &Blob::created, once(std::move(fn)));
  }
  oc_status append(std::uint64_t blob, std::string_view data) noexcept {
    return table_ ? table_->append(host_->ctx, blob, bytes(data)) : OC_UNIMPLEMENTED;
  }
  void seal(std::uint64_t blob, Ack fn) {
    if (!table_) return refuse(fn, OC_UNIMPLEMENTED);
    table_->seal(host_->ctx, blob, &detail::ack_trampoline, once(std::move(fn)));
  }
  // An empty value is the end.
  void read(std::uint64_t blob, std::uint64_t offset, std::uint32_t length, Value fn) {
    if (!table_) return refuse(fn, OC_UNIMPLEMENTED, std::string_view());
    table_->read(host_->ctx, blob, offset, length, &detail::value_trampoline, once(std::move(fn)));
  }
  void drop(std::uint64_t blob) noexcept {
    if (table_) table_->drop(host_->ctx, blob);
  }

 private:
  static void created(void* user, oc_status status, oc_bytes value) noexcept {
    using Box = detail::Once<void(oc_status, std::uint64_t)>;
    const std::unique_ptr<Box> box(static_cast<Box*>(user));
    std::uint64_t blob = 0;
    if (value.len == sizeof blob) __builtin_memcpy(&blob, value.ptr, sizeof blob);
    if (box->fn) detail::guarded(box->host, [&] { box->fn(status, blob); });
  }
};

// Prefer {{secret:NAME}} in requests; this is for signing and key exchange. The value is wiped
// after `fn`.
class Secrets : public detail::Service<oc_secrets_v1> {
 public:
  explicit Secrets(const oc_host* host) noexcept : Service(host, OC_SECRETS_V1) {}
  void get(std::string_view name, Value fn) {
    if (!table_) return refuse(fn, OC_UNIMPLEMENTED, std::string_view());
    table_->get(host_->ctx, str(name), &detail::value_trampoline, once(std::move(fn)));
  }
};

// `labels_json` is an object of strings or empty. [any-thread]
class Metrics : public detail::Service<oc_metrics_v1> {
 public:
  explicit Metrics(const oc_host* host) noexcept : Service(host, OC_METRICS_V1) {}
  void add(std::string_view counter, double delta = 1, std::string_view labels_json = {}) noexcept {
    if (table_) table_->add(host_->ctx, str(counter), str(labels_json), delta);
  }
  void set(std::string_view gauge, double value, std::string_view labels_json = {}) noexcept {
    if (table_) table_->set(host_->ctx, str(gauge), str(labels_json), value);
  }
  void observe(std::string_view histogram, double value,
               std::string_view labels_json = {}) noexcept {
    if (table_) table_->observe(host_->ctx, str(histogram), str(labels_json), value);
  }
};

// What a channel plugin reports. [any-thread]
class ChannelHost : public detail::Service<oc_channel_host_v1> {
 public:
  explicit ChannelHost(const oc_host* host) noexcept : Service(host, OC_CHANNEL_HOST_V1) {}
  // `ack` with OC_OK says the event is durable or a duplicate; only then advance the platform's
  // cursor. OC_RESOURCE_EXHAUSTED: too many events without an ack, offer this one again later.
  oc_status inbound(std::string_view event_json, Ack ack) {
    if (!table_) {
      refuse(ack, OC_UNIMPLEMENTED);
      return OC_UNIMPLEMENTED;
    }
    auto* box = once(std::move(ack));
    const oc_status status =
        table_->inbound(host_->ctx, str(event_json), &detail::ack_trampoline, box);
    if (status != OC_OK) detail::ack_trampoline(box, status);
    return status;
  }
  // {"state":"connecting"|"online"|"pairing"|"loggedOut",...}
  void link_state(std::string_view state_json) noexcept {
    if (table_) table_->link_state(host_->ctx, str(state_json));
  }
};

// One of each; a member of every Plugin.
struct Services {
  explicit Services(const oc_host* h) noexcept
      : host(h),
        log(h),
        timer(h),
        task(h),
        http(h),
        websocket(h),
        stream(h),
        kv(h),
        blob(h),
        secrets(h),
        metrics(h),
        channel_host(h) {}
  const oc_host* host;
  Log log;
  Timer timer;
  Task task;
  Http http;
  WebSocket websocket;
  Stream stream;
  Kv kv;
  Blob blob;
  Secrets secrets;
  Metrics metrics;
  ChannelHost channel_host;
};

}  // namespace openclaw
