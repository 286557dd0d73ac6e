#include "plugin_fixture.h"

#include <boost/asio/detached.hpp>

#include <openclaw/services.h>

namespace openclaw::plugin {

namespace fs = std::filesystem;

std::optional<std::string> MapSecrets::get(std::string_view name) const {
  const auto found = values.find(std::string(name));
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

Result<void> MapSecrets::put(std::string name, std::string value) {
  values[name] = std::move(value);
  return {};
}

const void* NoServices::table(std::string_view id) const {
  static const oc_kv_v1 kKv{sizeof(oc_kv_v1), 0, nullptr, nullptr, nullptr, nullptr};
  static const oc_task_v1 kTask{sizeof(oc_task_v1), 0, nullptr, nullptr};
  static const oc_timer_v1 kTimer{sizeof(oc_timer_v1), 0, nullptr, nullptr};
  if (id == OC_TASK_V1) return &kTask;
  if (id == OC_TIMER_V1) return &kTimer;
  return id == OC_KV_V1 ? &kKv : nullptr;
}

Awaitable<> NoServices::release(InstanceContext&, Deadline) {
  ++released;
  co_return;
}

Awaitable<Result<std::string>> NoServices::read_blob(std::uint64_t, std::uint64_t) {
  co_return make_error(Code::kNotFound, "no blobs here");
}

Awaitable<Result<std::uint64_t>> NoServices::make_blob(std::string, std::string) {
  co_return make_error(Code::kUnimplemented, "no blobs here");
}

PluginFixture::PluginFixture() {
  options_.state_dir = temp_.path() / "state";
  options_.plugin_dirs = {options_.state_dir / "plugins"};
  options_.allow = {"chaos", "marker", "newer"};
  fs::create_directories(options_.state_dir / "plugins");
  fs::permissions(options_.state_dir, fs::perms::owner_all);
  fs::permissions(options_.state_dir / "plugins", fs::perms::owner_all);
}

Awaitable<> stop_host(PluginHost& host, bool* stopped) {
  co_await host.stop_all(Deadline::after(std::chrono::seconds(2)));
  *stopped = true;
}

PluginFixture::~PluginFixture() {
  if (!host_) return;
  bool stopped = false;
  asio::co_spawn(runtime_.loop(), stop_host(*host_, &stopped), asio::detached);
  run_until([&] { return stopped; });
}

void PluginFixture::run_until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  auto work = asio::make_work_guard(runtime_.loop());
  runtime_.loop().restart();
  while (!done()) {
    if (runtime_.loop().run_one_until(deadline) == 0) {
      ADD_FAILURE() << "the loop did not get there in time";
      std::abort();
    }
  }
}

fs::path PluginFixture::install(const std::string& name) {
  const fs::path from = fs::path(OPENCLAW_TEST_PLUGINS) / name;
  const fs::path to = options_.state_dir / "plugins" / name;
  fs::create_directories(to);
  fs::permissions(to, fs::perms(0755));
  for (const std::string& file : {"libopenclaw-" + name + ".so", std::string(kManifestFile)}) {
    fs::copy_file(from / file, to / file, fs::copy_options::overwrite_existing);
    fs::permissions(to / file, fs::perms(0644));
  }
  record(name);
  return to;
}

void PluginFixture::record(const std::string& name) {
  const fs::path root = options_.state_dir / "plugins";
  auto dir = open_trusted_dir(root, name, Scope::kWholePath);
  ASSERT_TRUE(dir) << dir.error().message;
  auto library = open_trusted_file(*dir, "libopenclaw-" + name + ".so");
  auto manifest = open_trusted_file(*dir, kManifestFile);
  ASSERT_TRUE(library && manifest);
  ASSERT_TRUE(write_install_record(options_.state_dir, name,
                                   {*sha256_of(*library), *sha256_of(*manifest), "1.0.0"}));
}

PluginHost& PluginFixture::host() {
  if (!host_) {
    host_ = PluginHost::create(runtime_, options_, services_);
    host_->scan();
  }
  return *host_;
}

PluginInstance* PluginFixture::load(const std::string& id, json::object config,
                                    const std::string& account) {
  auto made = run(host().create_instance({id, account, std::move(config)}));
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : nullptr;
}

PluginInstance* PluginFixture::load_and_start(const std::string& id, json::object config) {
  PluginInstance* instance = load(id, std::move(config));
  if (!instance) return nullptr;
  auto started = run(host().start(*instance, Limits::within(std::chrono::seconds(10))));
  EXPECT_TRUE(started) << started.error().message;
  return instance;
}

Result<json::value> PluginFixture::call(PluginInstance& instance, const std::string& tool,
                                        const std::string& args, std::chrono::milliseconds time) {
  return run(instance.call("tool.invoke", {tool, args, "{}"}, Limits::within(time)));
}

}  // namespace openclaw::plugin
