#include "gateway/gateway_server.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include "gateway/http_server.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

constexpr std::chrono::seconds kTick{30};
constexpr std::chrono::seconds kStopSlice{2};

// The first address of Tailscale's range; empty when this machine has none.
std::string tailnet_address() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::string found;
  for (const auto* at = list; at && found.empty(); at = at->ifa_next) {
    if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = {};
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
    if (::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text) &&
        address_matches(text, "100.64.0.0/10"))
      found = text;
  }
  ::freeifaddrs(list);
  return found;
}

Result<std::vector<std::string>> addresses_for(const ServerOptions& options) {
  const auto& mode = options.bind_mode;
  if (mode.empty() || mode == "loopback" || mode == "auto")
    return std::vector<std::string>{"127.0.0.1", "::1"};
  if (mode == "lan") return std::vector<std::string>{"0.0.0.0", "::"};
  if (mode == "tailnet") {
    auto address = tailnet_address();
    if (address.empty()) {
      return Error(Code::kFailedPrecondition,
                   "gateway.bind is tailnet, but this machine has no Tailscale address; start "
                   "Tailscale, or type: "
                   "openclaw config set gateway.bind loopback");
    }
    // The CLI on this machine goes on using loopback.
    return std::vector<std::string>{address, "127.0.0.1"};
  }
  if (mode == "custom") {
    if (normal_address(options.custom_host).empty()) {
      return Error(Code::kInvalidArgument,
                   "gateway.bind is custom; gateway.customBindHost must be an address of this "
                   "machine, not \"" +
                       options.custom_host + "\"");
    }
    return std::vector<std::string>{options.custom_host};
  }
  // R146: an address or a name says less than a mode does.
  bool everywhere = mode == "0.0.0.0" || mode == "::";
  bool loopback = mode == "localhost" || is_loopback_address(mode);
  std::string use = everywhere ? "lan"
                    : loopback ? "loopback"
                               : "loopback, lan, tailnet, auto or custom";
  return Error(Code::kInvalidArgument, "gateway.bind \"" + mode + "\" is not a mode; use " + use +
                                           ", for instance: openclaw config set gateway.bind " +
                                           (everywhere ? "lan" : "loopback"));
}

class Server final : public GatewayServer {
 public:
  Server(Services services, ServerOptions options)
      : services_(services), options_(std::move(options)), tick_(services.runtime.loop()) {}

  Result<void> start() override {
    auto own = identity::load_or_create(services_.config.paths().state_dir);
    if (own.has_error()) return own.error();
    auto addresses = addresses_for(options_);
    if (addresses.has_error()) return addresses.error();
    state_ = std::make_unique<ServerState>(services_, options_, std::move(own.value()));
    bool beyond = false;
    for (const auto& address : addresses.value()) beyond |= !is_loopback_address(address);
    auto problem = refuse_to_start(state_->auth(), beyond);
    if (!problem.empty()) return Error(Code::kFailedPrecondition, problem);
    state_->refresh_devices();
    http_ = HttpServer::create(*state_);
    auto listening = http_->listen(addresses.value(), options_.port);
    if (listening.has_error()) return explained(listening.error());
    state_->port = http_->port();
    state_->chat.start();
    tick();
    return {};
  }

  std::uint16_t port() const override { return http_ ? http_->port() : 0; }
  std::vector<std::string> addresses() const override {
    std::vector<std::string> out;
    if (!http_) return out;
    for (const auto& address : http_->addresses()) {
      bool v6 = address.find(':') != std::string::npos;
      out.push_back("http://" + (v6 ? "[" + address + "]" : address) + ":" +
                    std::to_string(http_->port()));
    }
    return out;
  }

  Awaitable<> stop(std::string reason, Deadline deadline) override {
    if (!state_) co_return;
    state_->stopping = true;
    tick_.cancel();
    http_->stop_accepting();
    json::object payload{{"reason", reason}, {"restartExpectedMs", nullptr}};
    state_->hub.broadcast("shutdown", payload, Hub::Delivery::kSure);
    state_->hub.for_each([](Subscriber& subscriber) { subscriber.close(1012, "service restart"); });
    http_->close_idle();
    // Clients get a moment to answer the close; then their connections end anyway.
    auto slice = deadline.earlier(Deadline::after(kStopSlice));
    co_await http_->drained(slice);
    state_->chat.stop();
    auto left = co_await state_->tasks.stop(deadline);
    for (const auto& name : left) spdlog::warn("still running at shutdown: {}", name);
    http_->close_all();
    auto saved = co_await state_->save_devices();
    if (saved.has_error()) spdlog::error("devices are not saved: {}", saved.error().message);
  }

 private:
  Error explained(Error error) const {
    auto port = std::to_string(options_.port);
    if (error.code == Code::kAlreadyExists) {
      error.message = "Port " + port + " is taken (" + error.message +
                      "). Another gateway may hold it: see with `ss -ltnp 'sport = :" + port +
                      "'`, or choose another port: openclaw gateway run --port N";
    }
    return error;
  }

  // Runs always, costs one wake-up in 30 s; says nothing while nobody is connected.
  void tick() {
    tick_.expires_after(kTick);
    tick_.async_wait([this](const boost::system::error_code& cancelled) {
      if (cancelled) return;
      if (!state_->hub.empty()) {
        state_->hub.broadcast("tick", json::object{{"ts", now_ms()}}, Hub::Delivery::kDroppable);
        if (++ticks_ % 2 == 0) state_->health.refresh_later(*state_);
      }
      tick();
    });
  }

  Services services_;
  ServerOptions options_;
  boost::asio::steady_timer tick_;
  unsigned ticks_ = 0;
  std::unique_ptr<ServerState> state_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace

std::unique_ptr<GatewayServer> GatewayServer::create(Services services, ServerOptions options) {
  return std::make_unique<Server>(services, std::move(options));
}

}  // namespace openclaw::gateway
