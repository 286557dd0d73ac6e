// openclaw/plugin.hpp: header-only C++20 face of the C ABI. Nothing here crosses the boundary, so
// it may change with each release without touching the ABI; it depends on the C headers and the
// standard library.
//
// A plugin derives from one of the kinds (ToolPlugin, ChannelPlugin, SandboxBackendPlugin,
// BrowserBackendPlugin, ModelProviderPlugin), inherits its constructor and ends its file with
// OPENCLAW_PLUGIN(Class, OPENCLAW_PLUGIN_ID, openclaw_manifest_json).
//
// Threads: every virtual and every callback given to a service runs on the instance's strand, one
// at a time, except where a comment says [any-thread] or [worker]. Exceptions stop in this header
// and are logged. Views passed to a virtual or a callback are valid until it returns.
#pragma once

#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <openclaw/abi.h>
#include <openclaw/browser.h>
#include <openclaw/channel.h>
#include <openclaw/model.h>
#include <openclaw/plugin.h>
#include <openclaw/sandbox.h>
#include <openclaw/services.h>
#include <openclaw/tool.h>

namespace openclaw {

inline std::string_view view(oc_str s) noexcept {
  return s.len ? std::string_view(s.ptr, s.len) : std::string_view();
}
inline std::string_view view(oc_bytes b) noexcept {
  return b.len ? std::string_view(reinterpret_cast<const char*>(b.ptr), b.len) : std::string_view();
}
inline oc_str str(std::string_view s) noexcept {
  return {s.data(), s.size()};
}
inline oc_bytes bytes(std::string_view s) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

// CLOCK_MONOTONIC, the clock of oc_call.deadline_ns.
inline std::uint64_t monotonic_now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// `text` as a JSON string with its quotes. Enough for messages; a plugin brings its own JSON
// library for more.
inline std::string json_string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

// A function that is called at most once per owner and may own what cannot be copied (a
// Completion). std::move_only_function of C++23, as far as it is needed here.
template <class Signature>
class Callback;
template <class... Args>
class Callback<void(Args...)> {
 public:
  Callback() = default;
  Callback(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Callback> &&
           std::is_invocable_v<std::decay_t<F>&, Args...>)
      Callback(F&& function) {  // NOLINT(google-explicit-constructor)
    if constexpr (std::is_same_v<std::decay_t<F>, std::function<void(Args...)>>) {
      if (!function) return;
    }
    holder_ = std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(function));
  }
  explicit operator bool() const noexcept { return holder_ != nullptr; }
  void operator()(Args... args) { holder_->call(std::forward<Args>(args)...); }

 private:
  struct Base {
    Base() = default;
    Base(const Base&) = delete;
    Base& operator=(const Base&) = delete;
    virtual ~Base() = default;
    virtual void call(Args... args) = 0;
  };
  template <class F>
  struct Holder final : Base {
    explicit Holder(F f) : function(std::move(f)) {}
    void call(Args... args) override { function(std::forward<Args>(args)...); }
    F function;
  };
  std::unique_ptr<Base> holder_;
};

// The right, and the duty, to finish one operation. Finishing twice is impossible; forgetting
// finishes it as OC_INTERNAL. [any-thread], but not from two at once.
class Completion {
 public:
  Completion(const oc_host* host, const oc_call* call) noexcept
      : host_(host), op_(call->op), deadline_ns_(call->deadline_ns) {}
  Completion(Completion&& o) noexcept
      : host_(std::exchange(o.host_, nullptr)), op_(o.op_), deadline_ns_(o.deadline_ns_) {}
  Completion& operator=(Completion&& o) noexcept {
    if (this != &o) {
      drop();
      host_ = std::exchange(o.host_, nullptr);
      op_ = o.op_;
      deadline_ns_ = o.deadline_ns_;
    }
    return *this;
  }
  ~Completion() { drop(); }

  // The number that cancel() and resume() will name.
  oc_op op() const noexcept { return op_; }
  // CLOCK_MONOTONIC nanoseconds; 0 = none. The host enforces it as well.
  std::uint64_t deadline_ns() const noexcept { return deadline_ns_; }
  // Milliseconds left: 0 when past, `when_none` when the operation has no deadline.
  std::uint64_t remaining_ms(std::uint64_t when_none) const noexcept {
    if (deadline_ns_ == 0) return when_none;
    const std::uint64_t now = monotonic_now_ns();
    return now >= deadline_ns_ ? 0 : (deadline_ns_ - now) / 1'000'000U;
  }
  bool pending() const noexcept { return host_ != nullptr; }

  void ok(std::string_view json = "{}") noexcept { finish(OC_OK, json); }
  // `json` is {"message", "retryAfterMs"?, "platformCode"?} or empty.
  void fail(oc_status code, std::string_view json) noexcept { finish(code, json); }
  // The same from plain text.
  void error(oc_status code, std::string_view message, std::uint64_t retry_after_ms = 0,
             std::string_view platform_code = {}) noexcept {
    try {
      std::string out = "{\"message\":" + json_string(message);
      if (retry_after_ms != 0) out += ",\"retryAfterMs\":" + std::to_string(retry_after_ms);
      if (!platform_code.empty()) out += ",\"platformCode\":" + json_string(platform_code);
      finish(code, out += '}');
    } catch (...) {
      finish(code, "{}");
    }
  }
  // Streams a piece of the result. OC_WOULD_BLOCK: nothing taken, pause until resume(op()).
  // OC_NOT_FOUND: nobody listens any more.
  oc_status progress(std::uint32_t stream, std::string_view data) noexcept {
    return host_ ? host_->progress(host_->ctx, op_, stream, bytes(data)) : OC_NOT_FOUND;
  }
  // Gives the duty away: whoever took op() finishes it through the host table.
  void release() noexcept { host_ = nullptr; }

 private:
  void drop() noexcept { finish(OC_INTERNAL, R"({"message":"the plugin dropped the operation"})"); }
  void finish(oc_status code, std::string_view json) noexcept {
    if (const auto* h = std::exchange(host_, nullptr)) h->complete(h->ctx, op_, code, str(json));
  }
  const oc_host* host_;
  oc_op op_;
  std::uint64_t deadline_ns_;
};

// What `create` was given. The views live as long as the plugin's constructor runs; Plugin keeps
// copies.
struct Init {
  const oc_host* host = nullptr;
  std::string_view instance_id;  // "telegram/default"
  std::string_view config_json;  // validated against configSchema; secrets are {"$secret":name}
  std::string_view state_dir;    // private directory, absolute
};

}  // namespace openclaw

#include <openclaw/services.hpp>

namespace openclaw {

// One configured account. The host serialises all calls. `start` connects, the constructor only
// builds; a constructor that throws makes create fail with the exception's text.
class Plugin {
 public:
  explicit Plugin(const Init& init)
      : services_(init.host),
        instance_id_(init.instance_id),
        config_json_(init.config_json),
        state_dir_(init.state_dir) {}
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  // The C table for an interface id; the kinds below implement it.
  virtual const void* interface(std::string_view) noexcept { return nullptr; }
  virtual void start(Completion done) { done.ok(); }
  // Finishes every open operation, then this one.
  virtual void stop(Completion done) { done.ok(); }
  // Advisory: the operation is still to be completed, with OC_CANCELLED or its real result.
  virtual void cancel(oc_op) {}
  // After progress() answered OC_WOULD_BLOCK.
  virtual void resume(oc_op) {}
  // Offered to the host only when a public override exists; without one the host stops, destroys,
  // creates and starts again. An override calls set_config() when it has taken the new one.
  virtual void reconfigure(Completion done, std::string_view config_json) {
    (void)config_json;
    done.error(OC_UNIMPLEMENTED, "this plugin takes a new configuration only by a restart");
  }

  const oc_host* host() const noexcept { return services_.host; }
  const std::string& instance_id() const noexcept { return instance_id_; }
  const std::string& config_json() const noexcept { return config_json_; }
  const std::string& state_dir() const noexcept { return state_dir_; }
  void set_config(std::string_view config_json) { config_json_ = config_json; }

  // Host services. One whose id is not in permissions.services is absent: available() is false and
  // its calls answer OC_UNIMPLEMENTED.
  const Log& log() const noexcept { return services_.log; }
  Timer& timer() noexcept { return services_.timer; }
  Task& task() noexcept { return services_.task; }
  Http& http() noexcept { return services_.http; }
  WebSocket& websocket() noexcept { return services_.websocket; }
  Stream& stream() noexcept { return services_.stream; }
  Kv& kv() noexcept { return services_.kv; }
  Blob& blob() noexcept { return services_.blob; }
  Secrets& secrets() noexcept { return services_.secrets; }
  Metrics& metrics() noexcept { return services_.metrics; }
  ChannelHost& channel_host() noexcept { return services_.channel_host; }
  // Completion::progress for an operation whose Completion is elsewhere. [any-thread]
  oc_status progress(oc_op op, std::uint32_t kind, std::string_view data) noexcept {
    return host()->progress(host()->ctx, op, kind, bytes(data));
  }

 private:
  Services services_;
  std::string instance_id_, config_json_, state_dir_;
};

namespace detail {

inline Plugin* self(oc_instance* i) noexcept {
  return reinterpret_cast<Plugin*>(i);
}

// An operation is accepted once its Completion exists: a throw finishes it through the Completion's
// destructor, so the slot still answers OC_OK and the host hears of it once.
template <class Kind, class Body>
oc_status accept(oc_instance* i, const oc_call* call, Body&& body) noexcept {
  auto* kind = static_cast<Kind*>(self(i));
  guarded(kind->host(), [&] { body(*kind, Completion(kind->host(), call)); });
  return OC_OK;
}

// The C slot for a virtual whose arguments after the Completion are N texts.
template <class Kind, auto Method>
struct Slot;
template <class Kind, void (Kind::*Method)(Completion)>
struct Slot<Kind, Method> {
  static oc_status call(oc_instance* i, const oc_call* c) noexcept {
    return accept<Kind>(i, c, [](Kind& k, Completion done) { (k.*Method)(std::move(done)); });
  }
};
template <class Kind, void (Kind::*Method)(Completion, std::string_view)>
struct Slot<Kind, Method> {
  static oc_status call(oc_instance* i, const oc_call* c, oc_str a) noexcept {
    return accept<Kind>(i, c,
                        [&](Kind& k, Completion done) { (k.*Method)(std::move(done), view(a)); });
  }
};
template <class Kind, void (Kind::*Method)(Completion, std::string_view, std::string_view)>
struct Slot<Kind, Method> {
  static oc_status call(oc_instance* i, const oc_call* c, oc_str a, oc_str b) noexcept {
    return accept<Kind>(
        i, c, [&](Kind& k, Completion done) { (k.*Method)(std::move(done), view(a), view(b)); });
  }
};
template <class Kind,
          void (Kind::*Method)(Completion, std::string_view, std::string_view, std::string_view)>
struct Slot<Kind, Method> {
  static oc_status call(oc_instance* i, const oc_call* c, oc_str a, oc_str b, oc_str d) noexcept {
    return accept<Kind>(i, c, [&](Kind& k, Completion done) {
      (k.*Method)(std::move(done), view(a), view(b), view(d));
    });
  }
};

inline void unimplemented(Completion& done) noexcept {
  done.error(OC_UNIMPLEMENTED, "this plugin does not implement the operation");
}

}  // namespace detail

class ToolPlugin : public Plugin {
 public:
  using Plugin::Plugin;
  // -> {"tools":[{"name",...}]}, a subset of the manifest's.
  virtual void list(Completion done) = 0;
  // -> {"content":[{"type":"text","text"}],"isError"}. A tool that ran and failed is a result with
  // isError.
  virtual void invoke(Completion done, std::string_view tool, std::string_view args_json,
                      std::string_view context_json) = 0;

  const void* interface(std::string_view id) noexcept override {
    using K = ToolPlugin;
    static constexpr oc_tool_v1 kTable{sizeof(oc_tool_v1), 0, detail::Slot<K, &K::list>::call,
                                       detail::Slot<K, &K::invoke>::call};
    return id == OC_TOOL_V1 ? &kTable : nullptr;
  }
};

class ChannelPlugin : public Plugin {
 public:
  using Plugin::Plugin;
  // {"conversation","text","format","replyTo","attachments","idempotencyKey"} -> {"messageId"}
  virtual void send(Completion done, std::string_view message_json) = 0;
  virtual void edit(Completion done, std::string_view edit_json) {
    (void)edit_json;
    detail::unimplemented(done);
  }
  virtual void remove(Completion done, std::string_view ref_json) {
    (void)ref_json;
    detail::unimplemented(done);
  }
  virtual void react(Completion done, std::string_view reaction_json) {
    (void)reaction_json;
    detail::unimplemented(done);
  }
  virtual void presence(Completion done, std::string_view presence_json) {
    (void)presence_json;
    detail::unimplemented(done);
  }
  virtual void fetch_media(Completion done, std::string_view media_json) {
    (void)media_json;
    detail::unimplemented(done);
  }
  virtual void webhook(Completion done, std::string_view request_json, std::string_view body) {
    (void)request_json;
    (void)body;
    detail::unimplemented(done);
  }
  // -> health object
  virtual void probe(Completion done) { detail::unimplemented(done); }
  // {"conversation","limit"} -> {"messages"}, the oldest first
  virtual void read(Completion done, std::string_view query_json) {
    (void)query_json;
    detail::unimplemented(done);
  }

  const void* interface(std::string_view id) noexcept override {
    using K = ChannelPlugin;
    static constexpr oc_channel_v1 kTable{
        sizeof(oc_channel_v1),
        0,
        detail::Slot<K, &K::send>::call,
        detail::Slot<K, &K::edit>::call,
        detail::Slot<K, &K::remove>::call,
        detail::Slot<K, &K::react>::call,
        detail::Slot<K, &K::presence>::call,
        detail::Slot<K, &K::fetch_media>::call,
        [](oc_instance* i, const oc_call* c, oc_str request, oc_bytes body) noexcept -> oc_status {
          return detail::accept<K>(i, c, [&](K& k, Completion done) {
            k.webhook(std::move(done), view(request), view(body));
          });
        },
        detail::Slot<K, &K::probe>::call,
        detail::Slot<K, &K::read>::call};
    return id == OC_CHANNEL_V1 ? &kTable : nullptr;
  }
};

class SandboxBackendPlugin : public Plugin {
 public:
  using Plugin::Plugin;
  // -> {"runtimeId","workdir"}
  virtual void ensure(Completion done, std::string_view spec_json) = 0;
  // Streams OC_STREAM_STDOUT and OC_STREAM_STDERR -> {"exitCode"}. done.op() names it for the two
  // below.
  virtual void exec(Completion done, std::string_view runtime_id, std::string_view exec_json) = 0;
  // Bytes for the standard input of a running exec; one at a time per command.
  virtual void exec_input(Completion done, oc_op exec_op, std::string_view data, bool eof) {
    (void)exec_op;
    (void)data;
    (void)eof;
    detail::unimplemented(done);
  }
  virtual void exec_signal(oc_op exec_op, int signo) {
    (void)exec_op;
    (void)signo;
  }
  virtual void describe(Completion done, std::string_view runtime_id) = 0;
  virtual void remove(Completion done, std::string_view runtime_id) = 0;
  virtual void list(Completion done) = 0;
  virtual void read_file(Completion done, std::string_view runtime_id, std::string_view path) {
    (void)runtime_id;
    (void)path;
    detail::unimplemented(done);
  }
  virtual void write_file(Completion done, std::string_view runtime_id, std::string_view path,
                          std::uint64_t blob) {
    (void)runtime_id;
    (void)path;
    (void)blob;
    detail::unimplemented(done);
  }
  // What would keep ensure() of this spec from working; makes nothing.
  // -> {"findings":[{"ok","detail","fix"?}]}
  virtual void probe(Completion done, std::string_view spec_json) {
    (void)spec_json;
    detail::unimplemented(done);
  }

  const void* interface(std::string_view id) noexcept override {
    using K = SandboxBackendPlugin;
    static constexpr oc_sandbox_backend_v1 kTable{
        sizeof(oc_sandbox_backend_v1),
        0,
        detail::Slot<K, &K::ensure>::call,
        detail::Slot<K, &K::exec>::call,
        [](oc_instance* i, const oc_call* c, oc_op op, oc_bytes data,
           std::uint32_t eof) noexcept -> oc_status {
          return detail::accept<K>(i, c, [&](K& k, Completion done) {
            k.exec_input(std::move(done), op, view(data), eof != 0);
          });
        },
        [](oc_instance* i, oc_op op, std::int32_t signo) noexcept {
          auto* k = static_cast<K*>(detail::self(i));
          detail::guarded(k->host(), [&] { k->exec_signal(op, signo); });
        },
        detail::Slot<K, &K::describe>::call,
        detail::Slot<K, &K::remove>::call,
        detail::Slot<K, &K::list>::call,
        detail::Slot<K, &K::read_file>::call,
        [](oc_instance* i, const oc_call* c, oc_str rt, oc_str path,
           std::uint64_t blob) noexcept -> oc_status {
          return detail::accept<K>(i, c, [&](K& k, Completion done) {
            k.write_file(std::move(done), view(rt), view(path), blob);
          });
        },
        detail::Slot<K, &K::probe>::call};
    return id == OC_SANDBOX_BACKEND_V1 ? &kTable : nullptr;
  }
};

class BrowserBackendPlugin : public Plugin {
 public:
  using Plugin::Plugin;
  virtual void open(Completion done, std::string_view spec_json) = 0;
  virtual void command(Completion done, std::string_view browser_id,
                       std::string_view command_json) = 0;
  virtual void watch(Completion done, std::string_view browser_id,
                     std::string_view filter_json) = 0;
  virtual void screenshot(Completion done, std::string_view browser_id,
                          std::string_view options_json) = 0;
  virtual void viewer(Completion done, std::string_view browser_id) = 0;
  virtual void close(Completion done, std::string_view browser_id) = 0;

  const void* interface(std::string_view id) noexcept override {
    using K = BrowserBackendPlugin;
    static constexpr oc_browser_backend_v1 kTable{
        sizeof(oc_browser_backend_v1),     0,
        detail::Slot<K, &K::open>::call,   detail::Slot<K, &K::command>::call,
        detail::Slot<K, &K::watch>::call,  detail::Slot<K, &K::screenshot>::call,
        detail::Slot<K, &K::viewer>::call, detail::Slot<K, &K::close>::call};
    return id == OC_BROWSER_BACKEND_V1 ? &kTable : nullptr;
  }
};

class ModelProviderPlugin : public Plugin {
 public:
  using Plugin::Plugin;
  virtual void list_models(Completion done) = 0;
  // Streams one JSON delta per progress(OC_STREAM_JSON), completes with usage and finish reason.
  virtual void chat(Completion done, std::string_view request_json) = 0;
  virtual void embed(Completion done, std::string_view request_json) {
    (void)request_json;
    detail::unimplemented(done);
  }
  virtual void count_tokens(Completion done, std::string_view request_json) {
    (void)request_json;
    detail::unimplemented(done);
  }

  const void* interface(std::string_view id) noexcept override {
    using K = ModelProviderPlugin;
    static constexpr oc_model_provider_v1 kTable{
        sizeof(oc_model_provider_v1),           0,
        detail::Slot<K, &K::list_models>::call, detail::Slot<K, &K::chat>::call,
        detail::Slot<K, &K::embed>::call,       detail::Slot<K, &K::count_tokens>::call};
    return id == OC_MODEL_PROVIDER_V1 ? &kTable : nullptr;
  }
};

namespace detail {

// The lifecycle functions of the entry for plugin class P.
template <class P>
struct Glue {
  static oc_status create(const oc_host* h, const oc_create_args* a, oc_instance** out,
                          oc_error* err) noexcept {
    try {
      Plugin* plugin =
          new P(Init{h, view(a->instance_id), view(a->config_json), view(a->state_dir)});
      *out = reinterpret_cast<oc_instance*>(plugin);
      return OC_OK;
    } catch (const std::invalid_argument& e) {
      return failed(err, OC_INVALID_ARGUMENT, e.what());
    } catch (const std::exception& e) {
      return failed(err, OC_INTERNAL, e.what());
    } catch (...) {
      return failed(err, OC_INTERNAL, "the constructor threw something that is no std::exception");
    }
  }
  static void destroy(oc_instance* i) noexcept { delete self(i); }
  static const void* get_interface(oc_instance* i, const char* id) noexcept {
    return self(i)->interface(id);
  }
  static oc_status start(oc_instance* i, const oc_call* c) noexcept {
    return accept<Plugin>(i, c, [](Plugin& p, Completion done) { p.start(std::move(done)); });
  }
  static oc_status stop(oc_instance* i, const oc_call* c) noexcept {
    return accept<Plugin>(i, c, [](Plugin& p, Completion done) { p.stop(std::move(done)); });
  }
  static void cancel(oc_instance* i, oc_op op) noexcept {
    guarded(self(i)->host(), [&] { self(i)->cancel(op); });
  }
  static void resume(oc_instance* i, oc_op op) noexcept {
    guarded(self(i)->host(), [&] { self(i)->resume(op); });
  }
  static oc_status reconfigure(oc_instance* i, const oc_call* c, oc_str config) noexcept {
    return accept<Plugin>(
        i, c, [&](Plugin& p, Completion done) { p.reconfigure(std::move(done), view(config)); });
  }
  // A slot that is not overridden is left out, so that the host can see it.
  static constexpr auto resume_slot() noexcept -> void (*)(oc_instance*, oc_op) {
    if constexpr (std::is_same_v<decltype(&P::resume), void (Plugin::*)(oc_op)>) return nullptr;
    return &resume;
  }
  static constexpr auto reconfigure_slot() noexcept
      -> oc_status (*)(oc_instance*, const oc_call*, oc_str) {
    if constexpr (std::is_same_v<decltype(&P::reconfigure),
                                 void (Plugin::*)(Completion, std::string_view)>) {
      return nullptr;
    }
    return &reconfigure;
  }

 private:
  static oc_status failed(oc_error* err, oc_status code, std::string_view text) noexcept {
    std::size_t n = text.size() < sizeof err->message - 1 ? text.size() : sizeof err->message - 1;
    // Cut at a character, never inside one.
    if (n < text.size()) {
      while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0U) == 0x80U) --n;
    }
    text.copy(err->message, n);
    err->message[n] = '\0';
    err->code = code;
    return code;
  }
};

}  // namespace detail
}  // namespace openclaw

// Once per plugin, at namespace scope. `id` is a string literal, `manifest` a char array with a NUL
// at its end; openclaw_add_plugin() makes both from the manifest file: #include
// "openclaw_manifest.h".
#define OPENCLAW_PLUGIN(Class, id, manifest)              \
  OC_PLUGIN_NOTE(id);                                     \
  extern "C" {                                            \
  constinit const oc_plugin_entry openclaw_plugin_v1 = {  \
      OC_ABI_MAGIC,                                       \
      OC_ABI_MAJOR,                                       \
      OC_ABI_MINOR,                                       \
      sizeof(oc_plugin_entry),                            \
      0,                                                  \
      0,                                                  \
      {manifest, sizeof(manifest) - 1},                   \
      openclaw::detail::Glue<Class>::create,              \
      openclaw::detail::Glue<Class>::destroy,             \
      openclaw::detail::Glue<Class>::get_interface,       \
      openclaw::detail::Glue<Class>::start,               \
      openclaw::detail::Glue<Class>::stop,                \
      openclaw::detail::Glue<Class>::cancel,              \
      openclaw::detail::Glue<Class>::resume_slot(),       \
      openclaw::detail::Glue<Class>::reconfigure_slot()}; \
  }                                                       \
  static_assert(true, "takes the semicolon")
