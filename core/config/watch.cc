#include "config/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <spdlog/spdlog.h>

namespace openclaw::config {

struct ConfigWatch::State {
  State(Runtime& rt, ConfigStore& st, Options opt)
      : store(st), options(std::move(opt)), events(rt.loop()), timer(rt.loop()) {}

  // Any name with the stem of the file counts: a conversion changes openclaw.json to openclaw.toml.
  bool concerns(std::string_view name) const {
    std::string stem = store.paths().config_file.stem().string();
    return name.rfind(stem + ".", 0) == 0;
  }

  // True when one of the events in the buffer is about the file.
  bool relevant(const char* data, std::size_t size) const {
    std::size_t at = 0;
    while (at + sizeof(inotify_event) <= size) {
      inotify_event event{};
      std::memcpy(&event, data + at, sizeof event);
      const char* name = data + at + sizeof event;
      if ((event.mask & IN_Q_OVERFLOW) != 0) return true;
      if (event.len > 0 && concerns(std::string_view(name, strnlen(name, event.len)))) return true;
      at += sizeof event + event.len;
    }
    return false;
  }

  void arm() {
    timer.expires_after(options.debounce);
    timer.async_wait([self = weak.lock()](boost::system::error_code error) {
      if (!error && self && !self->stopped) self->reload();
    });
  }

  void reload() {
    std::string before = store.current()->hash();
    auto result = store.reload();
    if (!result) {
      spdlog::error("configuration not reloaded, the running one stays: {}",
                    result.error().message);
    } else if (store.current()->hash() != before) {
      spdlog::info("configuration reloaded from {}", store.current()->file().string());
    }
    if (options.on_result) options.on_result(result);
  }

  ConfigStore& store;
  Options options;
  asio::posix::stream_descriptor events;
  asio::steady_timer timer;
  std::weak_ptr<State> weak;
  bool stopped = false;
};

ConfigWatch::ConfigWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}

ConfigWatch::~ConfigWatch() {
  stop();
}

void ConfigWatch::stop() {
  if (state_->stopped) return;
  state_->stopped = true;
  boost::system::error_code ignored;
  state_->timer.cancel();
  state_->events.close(ignored);
}

Awaitable<> ConfigWatch::run(std::shared_ptr<State> state) {
  alignas(inotify_event) std::array<char, 4096> buffer;
  while (!state->stopped) {
    auto [error, size] = co_await state->events.async_read_some(
        asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    if (state->relevant(buffer.data(), size)) state->arm();
  }
}

Result<std::unique_ptr<ConfigWatch>> ConfigWatch::start(Runtime& runtime, ConfigStore& store,
                                                        TaskScope& scope, Options options) {
  auto state = std::make_shared<State>(runtime, store, std::move(options));
  state->weak = state;
  std::filesystem::path folder = store.paths().config_file.parent_path();
  if (folder.empty()) folder = ".";
  int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  int watch = fd < 0 ? -1
                     : ::inotify_add_watch(
                           fd, folder.c_str(),
                           IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
  if (watch < 0) {
    std::string why = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
    if (fd >= 0) ::close(fd);
    return Error(Code::kUnavailable, "cannot watch " + folder.string() + " for changes: " + why +
                                         "; changes of the configuration need a restart");
  }
  state->events.assign(fd);
  scope.spawn("config watch", run(state));
  return std::unique_ptr<ConfigWatch>(new ConfigWatch(state));
}

}  // namespace openclaw::config
