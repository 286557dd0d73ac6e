#include "gateway/server_state.h"

#include <spdlog/spdlog.h>

#include "gateway/client_connection.h"
#include "gateway/http_routes.h"
#include "storage/atomic_file.h"

namespace openclaw::gateway {
namespace {

// Control-plane writes: section 6 of the protocol.
constexpr int kConfigWrites = 3;
constexpr std::chrono::seconds kConfigWindow{60};
constexpr std::chrono::seconds kSaveTime{30};

Result<void> write_files(const std::vector<identity::DeviceStore::FileText>& files) {
  for (const auto& file : files) {
    if (auto made = storage::make_private_dir(file.path.parent_path()); made.has_error())
      return made;
    auto written = storage::write_file_atomically(file.path, file.text);
    if (written.has_error()) return written;
  }
  return {};
}

Awaitable<> save_quietly(ServerState& state) {
  auto saved = co_await state.save_devices();
  if (saved.has_error()) spdlog::error("devices are not saved: {}", saved.error().message);
}

}  // namespace

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

ServerState::ServerState(Services s, ServerOptions o, identity::DeviceIdentity own)
    : services(s),
      options(std::move(o)),
      identity(std::move(own)),
      devices(s.config.paths().state_dir),
      guard(limiter),
      presence(options.version),
      runs(s.runtime),
      chat(*this),
      config_writes(kConfigWrites, kConfigWindow),
      started(Deadline::Clock::now()),
      tasks(s.runtime) {}

const config::Snapshot& ServerState::snapshot_for_now() const {
  held_ = services.config.current();
  return held_;
}

const AuthSettings& ServerState::auth() {
  auto now = services.config.current();
  if (now != auth_for_) {
    auth_ = read_auth_settings(*now);
    auth_for_ = std::move(now);
    response_headers_ = fixed_headers();
    if (!auth_.hsts.empty() && auth_.hsts.find_first_of("\r\n") == std::string::npos) {
      response_headers_ += "Strict-Transport-Security: " + auth_.hsts + "\r\n";
    }
  }
  return auth_;
}

const std::string& ServerState::response_headers() {
  auth();
  return response_headers_;
}

std::int64_t ServerState::uptime_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - started)
      .count();
}

std::shared_ptr<FrameReceiver> ServerState::make_client(const Peer& peer) {
  if (stopping) return nullptr;
  return ClientConnection::make(*this, peer);
}

void ServerState::refresh_devices() {
  if (saving_) return;
  auto refreshed = devices.refresh();
  if (refreshed.has_error()) spdlog::error("{}", refreshed.error().message);
}

Awaitable<Result<void>> ServerState::save_devices() {
  // One writer at a time, else an older text could land over a newer one.
  while (saving_) {
    auto turn = std::make_shared<Event>(services.runtime);
    save_waiters_.push_back(turn);
    if (!co_await turn->wait(Deadline::after(kSaveTime))) {
      co_return Error(Code::kDeadlineExceeded, "the device files could not be written in time");
    }
  }
  saving_ = true;
  auto changes = devices.take_changes();
  Result<void> outcome;
  if (!changes.empty()) {
    std::function<Result<void>()> work = [changes = std::move(changes)] {
      return write_files(changes);
    };
    outcome = co_await run_blocking<void>(services.runtime, {}, std::move(work));
    if (outcome.has_value()) devices.note_written();
  }
  saving_ = false;
  auto waiters = std::move(save_waiters_);
  for (auto& waiter : waiters) waiter->set();
  co_return outcome;
}

void ServerState::save_devices_later() {
  tasks.spawn("save devices", save_quietly(*this));
}

void ServerState::broadcast_presence() {
  auto version = versions();
  hub.broadcast("presence", json::object{{"presence", presence.list(now_ms())}},
                Hub::Delivery::kDroppable, {}, &version);
}

}  // namespace openclaw::gateway
