#include "webhook/listener.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

#include "webhook/session.h"

namespace openclaw::webhook {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{200};

}  // namespace

Listener::Listener(Runtime& runtime, TaskScope& tasks)
    : runtime_(runtime), tasks_(tasks), acceptor_(runtime.loop()), retry_(runtime.loop()) {}

Listener::~Listener() = default;

Result<void> Listener::listen(const std::string& host, std::uint16_t port) {
  error_code failed;
  const auto address = boost::asio::ip::make_address(host, failed);
  if (failed) return Error(Code::kInvalidArgument, "\"" + host + "\" is no IP address");
  const tcp::endpoint endpoint(address, port);
  acceptor_.open(endpoint.protocol(), failed);
  if (!failed) (void)::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
  if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) acceptor_.bind(endpoint, failed);
  if (!failed) acceptor_.listen(static_cast<int>(kMaxConnections), failed);
  if (failed) {
    const bool taken = failed == boost::asio::error::address_in_use;
    return Error(taken ? Code::kAlreadyExists : Code::kUnavailable,
                 host + " port " + std::to_string(port) + ": " + failed.message());
  }
  port_ = acceptor_.local_endpoint(failed).port();
  accept();
  return {};
}

bool Listener::add(Route route) {
  std::string path = route.path;
  return routes_.emplace(std::move(path), std::make_shared<const Route>(std::move(route))).second;
}

void Listener::remove(const std::string& path) {
  routes_.erase(path);
  if (!routes_.empty()) return;
  error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
  // Each may end and leave the list while this goes over it.
  std::vector<std::shared_ptr<Session>> all;
  for (Session* session : sessions_) all.push_back(session->shared_from_this());
  for (const auto& session : all) session->last_request();
}

std::shared_ptr<const Route> Listener::find(std::string_view path) const {
  const auto found = routes_.find(path);
  return found == routes_.end() ? nullptr : found->second;
}

void Listener::accept() {
  acceptor_.async_accept([weak = weak_from_this()](error_code failed, tcp::socket socket) {
    const auto self = weak.lock();
    if (!self || !self->acceptor_.is_open()) return;
    if (failed) return self->accept_later();
    if (self->make_room()) std::make_shared<Session>(self, std::move(socket))->start();
    self->accept();
  });
}

// Out of descriptors, most likely: an immediate retry would only spin.
void Listener::accept_later() {
  retry_.expires_after(kAcceptPause);
  retry_.async_wait([weak = weak_from_this()](error_code cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self && self->acceptor_.is_open()) self->accept();
  });
}

// Half-open connections cannot keep the platform out: the oldest that has no receiver at work goes.
bool Listener::make_room() {
  if (sessions_.size() < kMaxConnections) return true;
  const auto idle = std::find_if(sessions_.begin(), sessions_.end(),
                                 [](const Session* session) { return !session->is_serving(); });
  if (idle == sessions_.end()) return false;
  const auto leaving = (*idle)->shared_from_this();
  leaving->drop();
  return true;
}

}  // namespace openclaw::webhook
