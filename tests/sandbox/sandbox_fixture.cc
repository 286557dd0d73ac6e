#include "sandbox_fixture.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "sandbox/resolve.h"
#include "sandbox/sandbox_browsers.h"

namespace openclaw::sandbox {

namespace {

using namespace std::chrono_literals;

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return out;
  std::array<char, 4096> buffer{};
  while (std::size_t n = ::fread(buffer.data(), 1, buffer.size(), pipe))
    out.append(buffer.data(), n);
  ::pclose(pipe);
  return out;
}

Awaitable<Ran> drive(SandboxManager& manager, View view, ExecRequest request, std::string input,
                     Limits limits) {
  auto ran = std::make_shared<Ran>();
  OutputSink sink = [ran](bool is_stderr, std::string_view data) {
    (is_stderr ? ran->err : ran->out) += data;
  };
  auto started =
      co_await manager.exec(std::move(view), std::move(request), std::move(sink), limits);
  if (started.has_error()) {
    ran->end = started.error();
    co_return *ran;
  }
  std::unique_ptr<Exec> exec = std::move(*started);
  if (!input.empty()) {
    auto sent = co_await exec->write(input, true, limits);
    EXPECT_TRUE(sent.has_value()) << sent.error().message;
  }
  ran->end = co_await exec->wait(limits);
  exec = nullptr;
  co_return *ran;
}

Awaitable<> drive_into(SandboxManager& manager, View view, ExecRequest request, Limits limits,
                       std::vector<Ran>& all) {
  Ran ran = co_await drive(manager, std::move(view), std::move(request), "", limits);
  all.push_back(std::move(ran));
}

Awaitable<> shut_down(SandboxManager& manager, plugin::PluginHost& plugins,
                      plugin::HostServices& services) {
  Deadline deadline = Deadline::after(20s);
  co_await manager.stop(deadline);
  co_await plugins.stop_all(deadline);
  co_await services.stop(deadline);
}

Awaitable<> remove_all(SandboxManager& manager) {
  Limits limits = Limits::within(60s);
  auto removed = co_await manager.recreate("", "", true, limits);
  static_cast<void>(removed);
  if (auto* browsers = manager.browsers()) {
    auto gone = co_await browsers->recreate("", "", limits);
    static_cast<void>(gone);
  }
}

}  // namespace

SandboxFixture::SandboxFixture() {
  paths_.home = temp_.path();
  paths_.state_dir = temp_.path() / "state";
  paths_.config_file = paths_.state_dir / "openclaw.json";
  std::filesystem::create_directories(paths_.state_dir);
  auto now = std::chrono::system_clock::now().time_since_epoch();
  now_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

SandboxFixture::~SandboxFixture() {
  close();
  runtime_.stop_blocking();
  // What a failed test may have left; nothing that another gateway owns has this label.
  docker("ps -aq --filter label=openclaw.gatewayId=" + gateway_id(paths_) +
         " | xargs -r docker rm -f -v");
}

void SandboxFixture::run(Awaitable<> task) {
  bool done = false;
  asio::co_spawn(runtime_.loop(), std::move(task), [&](const std::exception_ptr& e) {
    if (e) std::rethrow_exception(e);
    done = true;
  });
  run_until([&] { return done; });
}

// A loop that ran out of work stays stopped until it is told otherwise.
void SandboxFixture::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (runtime_.loop().stopped()) runtime_.loop().restart();
    runtime_.loop().run_one();
  }
}

void SandboxFixture::close() {
  if (manager_) run(remove_all(*manager_));
  shut_down_gateway();
}

void SandboxFixture::restart() {
  shut_down_gateway();
  std::ifstream file(paths_.config_file);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  configure_whole(text);
}

void SandboxFixture::shut_down_gateway() {
  if (manager_) run(shut_down(*manager_, *plugins_, *services_));
  manager_ = nullptr;
  store_ = nullptr;
  plugins_ = nullptr;
  services_ = nullptr;
}

void SandboxFixture::open_plugins() {
  services_ = plugin::HostServices::create(runtime_, paths_.state_dir);
  plugin::HostOptions options;
  options.state_dir = paths_.state_dir;
  options.bundled_dirs = {OPENCLAW_BUNDLED_PLUGINS};
  plugins_ = plugin::PluginHost::create(runtime_, options, *services_);
  plugins_->scan();
}

void SandboxFixture::configure_unchecked(json::object root) {
  open_plugins();
  store_ = std::make_unique<config::ConfigStore>(paths_, plugins_->foreign_sections(),
                                                 config::from_json(std::move(root)));
  manager_ = SandboxManager::create(runtime_, *plugins_, *store_, [this] { return now_ms_; });
}

void SandboxFixture::configure(const std::string& sandbox, const std::string& docker) {
  json::object section = json::parse(sandbox).as_object();
  json::object inner = json::parse(docker).as_object();
  if (!inner.contains("image")) inner["image"] = "debian:bookworm-slim";
  // The same tests, with the engine's exec in place of our init.
  if (std::getenv("OPENCLAW_TEST_ENGINE_EXEC")) inner["execHelper"] = false;
  section["docker"] = inner;
  if (!section.contains("mode")) section["mode"] = "all";
  json::object root = {{"agents", {{"defaults", {{"sandbox", section}}}}}};
  configure_whole(json::serialize(root));
}

void SandboxFixture::configure_whole(const std::string& text) {
  std::ofstream(paths_.config_file) << text;
  std::filesystem::permissions(
      paths_.config_file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  if (store_) {
    auto reloaded = store_->reload();
    ASSERT_TRUE(reloaded.has_value()) << reloaded.error().message;
    return;
  }
  open_plugins();
  auto foreign = plugins_->foreign_sections();
  auto snapshot = config::load(paths_, foreign);
  ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message;
  store_ = std::make_unique<config::ConfigStore>(paths_, foreign, *snapshot);
  manager_ = SandboxManager::create(runtime_, *plugins_, *store_, [this] { return now_ms_; });
}

Ran SandboxFixture::sh(const std::string& command, const std::string& session, Limits limits) {
  ExecRequest request;
  request.argv = {"sh", "-lc", command};
  return exec(std::move(request), session, limits);
}

Ran SandboxFixture::exec(ExecRequest request, const std::string& session, Limits limits,
                         const std::string& input) {
  View view = manager_->resolve("", session);
  return run(drive(*manager_, std::move(view), std::move(request), input, limits));
}

std::vector<Ran> SandboxFixture::sh_many(const std::string& command, std::size_t count) {
  std::vector<Ran> all;
  for (std::size_t i = 0; i < count; ++i) {
    ExecRequest request;
    request.argv = {"sh", "-lc", command};
    Limits limits = Limits::within(100s);
    asio::co_spawn(runtime_.loop(),
                   drive_into(*manager_, manager_->resolve("", "agent:main:x"), std::move(request),
                              limits, all),
                   [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  }
  run_until([&] { return all.size() >= count; });
  return all;
}

std::string SandboxFixture::name_of(const std::string& session) {
  return std::string(manager_->resolve("", session).spec.at("name").as_string());
}

json::value SandboxFixture::inspect(const std::string& name) {
  boost::system::error_code failure;
  json::value all =
      json::parse(output_of("timeout 20 docker inspect " + name + " 2>/dev/null"), failure);
  if (failure || !all.is_array() || all.get_array().empty()) return nullptr;
  return all.get_array()[0];
}

std::string SandboxFixture::container_id(const std::string& session) {
  json::value container = inspect(name_of(session));
  return container.is_object() ? std::string(container.at("Id").as_string()) : std::string();
}

int SandboxFixture::docker(const std::string& arguments) {
  return std::system(("timeout 60 docker " + arguments + " >/dev/null 2>&1").c_str());
}

}  // namespace openclaw::sandbox
