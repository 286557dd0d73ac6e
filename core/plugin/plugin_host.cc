#include "plugin/plugin_host.h"

#include <algorithm>
#include <cstdlib>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <spdlog/spdlog.h>

#include "plugin/catalog.h"
#include "plugin/config_check.h"
#include "plugin/plugin_instance.h"
#include "storage/atomic_file.h"

namespace openclaw::plugin {
namespace {

constexpr std::chrono::seconds kLoadTime{30};
constexpr std::chrono::seconds kCreateTime{10};
constexpr std::size_t kMaxAccountBytes = 128;

// An account's name as one path component.
std::string folder_of(std::string_view account) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (char c : account) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '@' || (c == '.' && !out.empty());
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::optional<std::string> environment(const std::string& name) {
  const char* value =
      std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  return value ? std::optional<std::string>(value) : std::nullopt;
}

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Error about(const std::string& plugin_id, const Error& error) {
  Error out = error;
  out.message = "plugin " + plugin_id + ": " + error.message;
  return out;
}

class Host final : public PluginHost {
 public:
  Host(Runtime& runtime, HostOptions options, HostServices& services)
      : runtime_(runtime), options_(std::move(options)), services_(services) {}

  void scan() override { candidates_ = scan_plugins(options_); }
  std::vector<PluginInfo> list() const override;
  const PluginInfo* find(std::string_view plugin_id) const override;
  std::vector<config::ForeignSection> foreign_sections() const override;
  void set_channel_events(ChannelEvents* events) override { events_ = events; }
  Awaitable<Result<PluginInstance*>> create_instance(InstanceRequest request) override;
  Awaitable<Result<void>> start(PluginInstance& instance, Limits limits) override;
  Awaitable<Result<void>> reconfigure(PluginInstance& instance, json::object config,
                                      Limits limits) override;
  Awaitable<Result<void>> remove(PluginInstance& instance, Limits limits) override;
  std::vector<PluginInstance*> instances() const override;
  PluginInstance* find_instance(std::string_view interface_id,
                                std::string_view name) const override;
  Awaitable<> stop_all(Deadline deadline) override;

 private:
  const Candidate* candidate(std::string_view id) const;
  InstanceFace* own(const PluginInstance& instance) const;
  PluginInfo with_instances(PluginInfo info) const;
  Result<const Candidate*> usable(const InstanceRequest& request) const;
  Result<json::object> ready_config(const Candidate& plugin, const std::string& account,
                                    json::object config);
  Result<InstanceSpec> describe(const Candidate& plugin, const std::string& account,
                                json::object config) const;
  Awaitable<Result<LoadedLibrary>> load(Candidate plugin);
  Awaitable<Result<std::shared_ptr<InstanceCore>>> make_core(InstanceSpec spec);
  Awaitable<Result<void>> restart(InstanceFace& face, json::object config, Limits limits);
  void connect_events(InstanceFace& face);

  Runtime& runtime_;
  const HostOptions options_;
  HostServices& services_;
  ChannelEvents* events_ = nullptr;
  std::vector<Candidate> candidates_;
  mutable std::map<std::string, PluginInfo, std::less<>> found_;  // what find() points at
  std::vector<std::unique_ptr<InstanceFace>> faces_;
  bool stopping_ = false;
};

const Candidate* Host::candidate(std::string_view id) const {
  const Candidate* refused = nullptr;
  for (const auto& c : candidates_) {
    if (c.info.id != id) continue;
    if (c.info.state != State::kRefused) return &c;
    if (!refused) refused = &c;
  }
  return refused;
}

InstanceFace* Host::own(const PluginInstance& instance) const {
  for (const auto& face : faces_) {
    if (face.get() == &instance) return face.get();
  }
  return nullptr;
}

PluginInfo Host::with_instances(PluginInfo info) const {
  if (info.state == State::kRefused) return info;
  for (const auto& face : faces_) {
    if (face->manifest().id != info.id) continue;
    const bool worse = face->core()->lost();
    if (info.instances.empty() || worse) info.state = face->state();
    info.instances.push_back(face->id());
    info.reason.clear();
  }
  return info;
}

std::vector<PluginInfo> Host::list() const {
  std::vector<PluginInfo> all;
  for (const auto& c : candidates_) all.push_back(with_instances(c.info));
  return all;
}

const PluginInfo* Host::find(std::string_view plugin_id) const {
  const Candidate* c = candidate(plugin_id);
  if (!c) return nullptr;
  return &(found_[std::string(plugin_id)] = with_instances(c->info));
}

std::vector<config::ForeignSection> Host::foreign_sections() const {
  std::vector<config::ForeignSection> out;
  for (const auto& c : candidates_) {
    if (c.info.state == State::kRefused) continue;
    const json::object schema = validation_schema(c.file.manifest.config_schema);
    for (const auto& channel : c.file.manifest.channels)
      out.push_back({"channels." + channel, schema, c.info.id});
    out.push_back({"plugins.entries." + c.info.id + ".config", schema, c.info.id});
  }
  return out;
}

Result<const Candidate*> Host::usable(const InstanceRequest& request) const {
  if (stopping_) return make_error(Code::kUnavailable, "the gateway is shutting down");
  const Candidate* c = candidate(request.plugin_id);
  if (!c) {
    return make_error(Code::kNotFound, "there is no plugin \"" + request.plugin_id +
                                           "\"; see: openclaw plugins list");
  }
  if (!c->info.usable) {
    const Error error = make_error(Code::kPermissionDenied, c->info.reason);
    return about(c->info.id, error);
  }
  if (request.account.empty() || request.account.size() > kMaxAccountBytes) {
    return make_error(Code::kInvalidArgument, "an account's name has 1 to 128 bytes");
  }
  for (const auto& face : faces_) {
    if (face->manifest().id == request.plugin_id && face->account() == request.account) {
      return make_error(Code::kAlreadyExists, "plugin " + face->id() + " is loaded already");
    }
  }
  return c;
}

Result<json::object> Host::ready_config(const Candidate& plugin, const std::string& account,
                                        json::object config) {
  const auto& schema = plugin.file.manifest.config_schema;
  const std::string name = plugin.info.id + "." + account;
  if (auto checked =
          check_config(schema, config, "configuration of " + plugin.info.id + "/" + account);
      !checked) {
    return checked.error();
  }
  return prepare_config(schema, std::move(config), {name, services_.secrets(), environment});
}

Result<InstanceSpec> Host::describe(const Candidate& plugin, const std::string& account,
                                    json::object config) const {
  InstanceSpec spec;
  spec.plugin_id = plugin.info.id;
  spec.account = account;
  spec.permissions = plugin.file.permissions;
  spec.config = std::move(config);
  spec.provides = plugin.file.manifest.provides;
  if (spec.provides.empty()) {
    spec.provides = {OC_TOOL_V1, OC_CHANNEL_V1, OC_SANDBOX_BACKEND_V1, OC_BROWSER_BACKEND_V1,
                     OC_MODEL_PROVIDER_V1};
  }
  spec.offer_abi_minor = options_.offer_abi_minor;
  spec.watch = {options_.slow_call, options_.wedged_call};
  const auto dir = options_.state_dir / "plugin-data" / plugin.info.id / folder_of(account);
  if (auto made = storage::make_private_dir(dir); !made) return made.error();
  std::error_code failure;
  spec.state_dir = std::filesystem::absolute(dir, failure).string();
  return spec;
}

Awaitable<Result<LoadedLibrary>> Host::load(Candidate plugin) {
  const std::function<Result<LoadedLibrary>()> work =
      [plugin, state_dir = options_.state_dir,
       minor = options_.offer_abi_minor]() -> Result<LoadedLibrary> {
    auto file = verify(plugin, state_dir);
    if (!file) return file.error();
    auto library = load_library(*file, minor);
    if (!library) return library.error();
    if (!same_manifest(plugin.file.manifest.raw, library->manifest_json)) {
      return make_error(Code::kInvalidArgument,
                        "the manifest inside " + file->path.string() +
                            " differs from the one beside it; build and install both anew");
    }
    return library;
  };
  co_return co_await run_blocking<LoadedLibrary>(runtime_, Limits::within(kLoadTime), work);
}

Awaitable<Result<std::shared_ptr<InstanceCore>>> Host::make_core(InstanceSpec spec) {
  auto core = InstanceCore::create(runtime_, services_, std::move(spec));
  std::function<void(Completer<void>)> open = [core](Completer<void> done) {
    core->open_instance(std::move(done));
  };
  Limits limits = Limits::within(kCreateTime);
  auto opened = co_await suspend<void>(runtime_, limits, open);
  if (opened) co_return core;
  if (opened.error().code == Code::kDeadlineExceeded) {
    core->set_state(State::kWedged);
    core->leave_behind();
  } else if (!core->lost()) {
    // create may have used services before it failed.
    co_await services_.release(*core, Deadline::after(kCreateTime));
    std::function<void(Completer<void>)> close = [core](Completer<void> done) {
      core->close_instance(std::move(done));
    };
    limits = Limits::within(kCreateTime);
    (void)co_await suspend<void>(runtime_, limits, close);
  }
  co_return opened.error();
}

void Host::connect_events(InstanceFace& face) {
  face.core()->set_events({[this, &face](json::object event, std::function<void(Code)> ack) {
                             if (events_)
                               return events_->inbound(face, std::move(event), std::move(ack));
                             ack(Code::kUnavailable);
                           },
                           [this, &face](json::object state) {
                             if (events_) events_->link_state(face, std::move(state));
                           }});
}

Awaitable<Result<PluginInstance*>> Host::create_instance(InstanceRequest request) {
  auto plugin = usable(request);
  if (!plugin) co_return plugin.error();
  const Candidate chosen = **plugin;  // a scan may replace the list while we wait
  auto config = ready_config(chosen, request.account, std::move(request.config));
  if (!config) co_return about(chosen.info.id, config.error());
  auto spec = describe(chosen, request.account, std::move(*config));
  if (!spec) co_return about(chosen.info.id, spec.error());
  auto library = co_await load(chosen);
  if (!library) co_return about(chosen.info.id, library.error());
  spec->library = std::move(*library);
  auto core = co_await make_core(std::move(*spec));
  if (!core) co_return core.error();
  // Somebody may have been quicker, or the gateway may have begun to stop.
  auto again = usable(request);
  auto face = std::make_unique<InstanceFace>(std::make_shared<Manifest>(chosen.file.manifest),
                                             std::move(*core));
  if (!again) {
    co_await face->shut_down(services_, Limits::within(kCreateTime));
    co_return again.error();
  }
  connect_events(*face);
  faces_.push_back(std::move(face));
  co_return faces_.back().get();
}

Awaitable<Result<void>> Host::start(PluginInstance& instance, Limits limits) {
  auto* face = own(instance);
  if (!face) co_return make_error(Code::kNotFound, "this plugin instance is gone");
  co_return co_await face->start(std::move(limits));
}

Awaitable<Result<void>> Host::reconfigure(PluginInstance& instance, json::object config,
                                          Limits limits) {
  auto* face = own(instance);
  if (!face) co_return make_error(Code::kNotFound, "this plugin instance is gone");
  const Candidate* plugin = candidate(face->manifest().id);
  if (!plugin)
    co_return make_error(Code::kNotFound, "plugin " + face->manifest().id + " is no longer there");
  auto ready = ready_config(*plugin, face->account(), std::move(config));
  if (!ready) co_return ready.error();
  if (face->core()->lost() || !face->can_reconfigure()) {
    co_return co_await restart(*face, std::move(*ready), std::move(limits));
  }
  co_return co_await face->reconfigure(std::move(*ready), std::move(limits));
}

// For plugins that take a new configuration only at birth, and to get a lost one back.
Awaitable<Result<void>> Host::restart(InstanceFace& face, json::object config, Limits limits) {
  InstanceSpec spec = face.core()->spec();
  spec.config = std::move(config);
  const bool was_running =
      face.state() == State::kRunning || face.state() == State::kStarting || face.core()->lost();
  if (auto ended = co_await face.shut_down(services_, limits); !ended) {
    spdlog::warn("{}", ended.error().message);
  }
  auto core = co_await make_core(std::move(spec));
  if (!core) co_return core.error();
  face.replace_core(std::move(*core));
  connect_events(face);
  if (!was_running) co_return Result<void>();
  co_return co_await face.start(std::move(limits));
}

Awaitable<Result<void>> Host::remove(PluginInstance& instance, Limits limits) {
  const auto found = std::find_if(faces_.begin(), faces_.end(),
                                  [&](const auto& f) { return f.get() == &instance; });
  if (found == faces_.end()) co_return make_error(Code::kNotFound, "this plugin instance is gone");
  const std::unique_ptr<InstanceFace> face = std::move(*found);
  faces_.erase(found);
  co_return co_await face->shut_down(services_, std::move(limits));
}

std::vector<PluginInstance*> Host::instances() const {
  std::vector<PluginInstance*> all;
  for (const auto& face : faces_) all.push_back(face.get());
  return all;
}

PluginInstance* Host::find_instance(std::string_view interface_id, std::string_view name) const {
  for (const auto& face : faces_) {
    if (face->state() != State::kRunning || !face->provides(interface_id)) continue;
    const Manifest& m = face->manifest();
    if (name.empty() || lists(m.channels, name) || lists(m.model_apis, name) ||
        lists(m.backends, name)) {
      return face.get();
    }
  }
  return nullptr;
}

Awaitable<> shut_down_one(std::unique_ptr<InstanceFace> face, HostServices& services, Limits limits,
                          std::shared_ptr<std::size_t> left, std::shared_ptr<Event> idle) {
  if (auto ended = co_await face->shut_down(services, std::move(limits)); !ended) {
    spdlog::warn("{}", ended.error().message);
  }
  if (--*left == 0) idle->set();
}

Awaitable<> Host::stop_all(Deadline deadline) {
  stopping_ = true;
  auto faces = std::move(faces_);
  faces_.clear();
  if (faces.empty()) co_return;
  auto left = std::make_shared<std::size_t>(faces.size());
  auto idle = std::make_shared<Event>(runtime_);
  for (auto& face : faces) {
    asio::co_spawn(runtime_.loop(),
                   shut_down_one(std::move(face), services_, Limits{deadline, {}}, left, idle),
                   asio::detached);
  }
  // Each of them ends by itself: stop at the deadline, destroy some seconds later.
  co_await idle->wait(Deadline::never());
}

}  // namespace

std::string_view state_name(State state) noexcept {
  switch (state) {
    case State::kRefused:
      return "refused";
    case State::kDisabled:
      return "disabled";
    case State::kLoaded:
      return "loaded";
    case State::kStarting:
      return "starting";
    case State::kRunning:
      return "running";
    case State::kStopping:
      return "stopping";
    case State::kStopped:
      return "stopped";
    case State::kFaulted:
      return "faulted";
    case State::kWedged:
      return "wedged";
  }
  return "unknown";
}

std::unique_ptr<PluginHost> PluginHost::create(Runtime& runtime, HostOptions options,
                                               HostServices& services) {
  return std::make_unique<Host>(runtime, std::move(options), services);
}

}  // namespace openclaw::plugin
