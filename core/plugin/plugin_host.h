// PluginHost: finds, checks, loads and owns the plugins; PluginInstance: one configured account of one plugin.
//
// Each instance has a thread of its own on which the host calls into it, so calls into one instance never
// overlap and a wedged plugin stalls only itself. All methods here are for the loop thread; results arrive on
// the loop. The C tables are seen by this room alone; others use the faces below.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "config/config.h"
#include "plugin/host_services.h"
#include "result.h"

namespace openclaw::plugin {

// Pieces an operation streams (oc_host.progress). Kinds are OC_STREAM_*. Return false to make the plugin
// pause until the sink calls resume (PluginInstance::resume). [loop thread]
enum class Stream { kJson = 0, kStdout = 1, kStderr = 2, kBinary = 3 };
using ProgressSink = std::function<bool(Stream stream, std::string_view data)>;

struct Manifest {
  std::string id, name, version, description;
  std::vector<std::string> provides;     // "openclaw.tool/1" ...
  std::vector<std::string> channels;     // channel ids it serves
  std::vector<std::string> model_apis;   // "openai-completions", "anthropic-messages"
  std::vector<std::string> backends;     // sandbox backend ids: "docker"
  json::object config_schema;
  json::object raw;                      // the whole manifest
};

enum class State { kRefused, kDisabled, kLoaded, kStarting, kRunning, kStopping, kStopped, kFaulted, kWedged };
std::string_view state_name(State state) noexcept;

// Numbers of operations, so that a plugin that misbehaves can be seen. Values since load.
struct OperationCounts {
  std::uint64_t accepted = 0, completed = 0, late = 0, doubled = 0, overrun = 0, cancelled = 0;
};

class PluginInstance {
 public:
  virtual ~PluginInstance() = default;
  virtual const std::string& id() const = 0;      // "telegram/default"
  virtual const std::string& account() const = 0; // "default"
  virtual const Manifest& manifest() const = 0;
  virtual State state() const = 0;
  virtual OperationCounts counts() const = 0;
  // True when the plugin returned a table for this id ("openclaw.channel/1").
  virtual bool provides(std::string_view interface_id) const = 0;
  virtual Runtime& runtime() = 0;

  // One host-to-plugin operation. `slot` is "<kind>.<name>" ("tool.invoke", "channel.send",
  // "sandbox.exec", "model.chat"); `texts` are the slot's oc_str arguments in order. Answers the completion's
  // JSON; a failed completion's "message", "retryAfterMs", "platformCode" become the Error. On abort or
  // deadline the plugin is told to cancel and the caller is answered at once.
  // kUnimplemented: the plugin's table has no such slot.
  virtual Awaitable<Result<json::value>> call(std::string slot, std::vector<std::string> texts,
                                              Limits limits, ProgressSink progress = {},
                                              std::function<void(std::uint64_t op)> on_accepted = {}) = 0;
  // Slots with other arguments.
  virtual Awaitable<Result<json::value>> exec_input(std::uint64_t exec_op, std::string data, bool eof,
                                                    Limits limits) = 0;
  virtual void exec_signal(std::uint64_t exec_op, int signo) = 0;
  virtual Awaitable<Result<json::value>> write_file(std::string runtime_id, std::string path,
                                                    std::uint64_t blob, Limits limits) = 0;
  virtual Awaitable<Result<json::value>> webhook(std::string request_json, std::string body, Limits limits) = 0;
  // After the progress sink answered false.
  virtual void resume(std::uint64_t op) = 0;
};

// What a channel plugin reports. Implemented by the channel room, set before instances start.
class ChannelEvents {
 public:
  virtual ~ChannelEvents() = default;
  // Durable or duplicate: ack(kOk), and only then does the plugin move the platform's cursor.
  virtual void inbound(PluginInstance& from, json::object event, std::function<void(Code)> ack) = 0;
  virtual void link_state(PluginInstance& from, json::object state) = 0;
};

// For `plugins list` and `plugins inspect`; refusals carry the reason.
struct PluginInfo {
  std::string id;
  std::filesystem::path library;
  std::string origin;   // "bundled", "installed", "path"
  std::string version, abi;
  State state = State::kDisabled;
  bool usable = false;  // may be loaded: neither refused nor forbidden by plugins.allow and plugins.deny
  std::string reason;   // why refused or disabled, with the next command to type
  Manifest manifest;
  std::vector<std::string> instances;
};

// One account to create: decided by the gateway from config (a channel account, a provider, a backend).
struct InstanceRequest {
  std::string plugin_id;
  std::string account = "default";
  json::object config;  // already validated against the manifest's schema, secrets as {"$secret":name}
};

struct HostOptions {
  std::filesystem::path state_dir;
  std::vector<std::filesystem::path> bundled_dirs;  // shipped with the program; ids there need no plugins.allow
  std::vector<std::filesystem::path> plugin_dirs;   // <state>/plugins and plugins.paths
  std::vector<std::string> allow;                   // plugins.allow
  std::vector<std::string> deny;                    // plugins.deny
  std::vector<std::string> off;                     // plugins.entries.<id>.enabled is false
  bool only_bundled = false;                        // plugins.enabled is false
  int offer_abi_minor = 0;                          // tests run a host that offers minor 0 only
  std::chrono::milliseconds slow_call{50};          // a call into a plugin that takes longer is logged
  std::chrono::milliseconds wedged_call{5000};      // and after this the instance is given up
};

class PluginHost {
 public:
  // `services` outlives the host.
  static std::unique_ptr<PluginHost> create(Runtime& runtime, HostOptions options, HostServices& services);
  virtual ~PluginHost() = default;

  // Reads manifests and ELF notes; runs no plugin code. Cheap; called before config validation.
  virtual void scan() = 0;
  virtual std::vector<PluginInfo> list() const = 0;
  virtual const PluginInfo* find(std::string_view plugin_id) const = 0;
  // configSchema of each channel, provider api, backend and plugin entry, for config::load.
  virtual std::vector<config::ForeignSection> foreign_sections() const = 0;

  virtual void set_channel_events(ChannelEvents* events) = 0;
  // Trust checks, dlopen, create, get_interface. Does not start.
  virtual Awaitable<Result<PluginInstance*>> create_instance(InstanceRequest request) = 0;
  virtual Awaitable<Result<void>> start(PluginInstance& instance, Limits limits) = 0;
  virtual Awaitable<Result<void>> reconfigure(PluginInstance& instance, json::object config, Limits limits) = 0;
  // Stops and destroys; `instance` is gone afterwards.
  virtual Awaitable<Result<void>> remove(PluginInstance& instance, Limits limits) = 0;
  virtual std::vector<PluginInstance*> instances() const = 0;
  // First running instance that provides the interface and, when given, whose manifest lists `name` under
  // channels, model_apis or backends.
  virtual PluginInstance* find_instance(std::string_view interface_id, std::string_view name = {}) const = 0;
  virtual Awaitable<> stop_all(Deadline deadline) = 0;
};

}  // namespace openclaw::plugin
