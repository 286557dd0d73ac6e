// openclaw/plugin.hpp: header-only C++20 face of the C ABI. Nothing here crosses the boundary.
#pragma once
#include <openclaw/tool.h>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace openclaw {

inline std::string_view view(oc_str s) noexcept { return {s.ptr, s.len}; }
inline oc_str str(std::string_view s) noexcept { return {s.data(), s.size()}; }

// The right, and the duty, to finish one operation. Finishing twice is impossible; forgetting
// finishes it as OC_INTERNAL.
class Completion {
 public:
  Completion(const oc_host* host, oc_op op) noexcept : host_(host), op_(op) {}
  Completion(Completion&& o) noexcept : host_(std::exchange(o.host_, nullptr)), op_(o.op_) {}
  Completion& operator=(Completion&&) = delete;
  ~Completion() { finish(OC_INTERNAL, R"({"message":"operation dropped by the plugin"})"); }
  void ok(std::string_view json) noexcept { finish(OC_OK, json); }
  void fail(oc_status code, std::string_view json) noexcept { finish(code, json); }
  void release() noexcept { host_ = nullptr; }

 private:
  void finish(oc_status code, std::string_view json) noexcept {
    if (auto* h = std::exchange(host_, nullptr)) h->complete(h->ctx, op_, code, str(json));
  }
  const oc_host* host_;
  oc_op op_;
};

class Plugin {
 public:
  virtual ~Plugin() = default;
  virtual const void* interface(std::string_view) noexcept { return nullptr; }
  virtual void start(Completion done) { done.ok("{}"); }
  virtual void stop(Completion done) { done.ok("{}"); }
  virtual void cancel(oc_op) {}
  const oc_host* host() const noexcept { return host_; }

 private:
  template <class P> friend struct Glue;
  const oc_host* host_ = nullptr;
};

class ToolPlugin : public Plugin {
 public:
  virtual void list(Completion done) = 0;
  virtual void invoke(Completion done, std::string_view tool, std::string_view args,
                      std::string_view context) = 0;
  const void* interface(std::string_view id) noexcept override;
};

// No exception leaves this function.
template <class F> oc_status guarded(const oc_host* host, F&& body) noexcept {
  try {
    body();
    return OC_OK;
  } catch (const std::exception& e) {
    host->log(host->ctx, OC_LOG_ERROR, str(e.what()), {});
  } catch (...) {
    host->log(host->ctx, OC_LOG_ERROR, str("unknown exception"), {});
  }
  return OC_INTERNAL;
}
// An operation is accepted once its Completion exists: a throw finishes it through the
// Completion's destructor, so the slot still answers OC_OK and the host hears of it once.
template <class F> oc_status accepted(const oc_host* host, F&& body) noexcept {
  guarded(host, std::forward<F>(body));
  return OC_OK;
}

inline Plugin* self(oc_instance* i) noexcept { return reinterpret_cast<Plugin*>(i); }

inline const void* ToolPlugin::interface(std::string_view id) noexcept {
  static constexpr oc_tool_v1 table{
      sizeof(oc_tool_v1), 0,
      [](oc_instance* i, const oc_call* c) noexcept -> oc_status {
        auto* p = static_cast<ToolPlugin*>(self(i));
        return accepted(p->host(), [&] { p->list({p->host(), c->op}); });
      },
      [](oc_instance* i, const oc_call* c, oc_str t, oc_str a, oc_str x) noexcept -> oc_status {
        auto* p = static_cast<ToolPlugin*>(self(i));
        return accepted(p->host(), [&] { p->invoke({p->host(), c->op}, view(t), view(a), view(x)); });
      }};
  return id == OC_TOOL_V1 ? &table : nullptr;
}

template <class P> struct Glue {
  static oc_status create(const oc_host* h, const oc_create_args* a, oc_instance** out,
                          oc_error* err) noexcept {
    oc_status s = guarded(h, [&] {
      auto p = std::make_unique<P>(view(a->config_json));
      p->host_ = h;
      *out = reinterpret_cast<oc_instance*>(static_cast<Plugin*>(p.release()));
    });
    err->code = s;
    return s;
  }
  static void destroy(oc_instance* i) noexcept { delete self(i); }
  static const void* get(oc_instance* i, const char* id) noexcept { return self(i)->interface(id); }
  static oc_status start(oc_instance* i, const oc_call* c) noexcept {
    return accepted(self(i)->host(), [&] { self(i)->start({self(i)->host(), c->op}); });
  }
  static oc_status stop(oc_instance* i, const oc_call* c) noexcept {
    return accepted(self(i)->host(), [&] { self(i)->stop({self(i)->host(), c->op}); });
  }
  static void cancel(oc_instance* i, oc_op op) noexcept { self(i)->cancel(op); }
};

}  // namespace openclaw

#define OPENCLAW_PLUGIN(Class, id, manifest)                                                    \
  OC_PLUGIN_NOTE(id);                                                                           \
  extern "C" OC_EXPORT constinit const oc_plugin_entry openclaw_plugin_v1{                      \
      OC_ABI_MAGIC, OC_ABI_MAJOR, OC_ABI_MINOR, sizeof(oc_plugin_entry), 0, 0,                  \
      {manifest, sizeof(manifest) - 1},                                                         \
      openclaw::Glue<Class>::create, openclaw::Glue<Class>::destroy, openclaw::Glue<Class>::get,\
      openclaw::Glue<Class>::start, openclaw::Glue<Class>::stop, openclaw::Glue<Class>::cancel, \
      nullptr, nullptr}
