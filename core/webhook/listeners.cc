#include "webhook/listeners.h"

#include "webhook/listener.h"

namespace openclaw::webhook {

Lease::~Lease() {
  door_->remove(path_);
}

std::uint16_t Lease::port() const {
  return door_->port();
}

Result<std::unique_ptr<Lease>> Listeners::open(Route route) {
  // No secret, no route.
  if (route.secret.empty() || route.secret_header.empty())
    return Error(Code::kInvalidArgument, "the path " + route.path + " has no secret");
  const std::string key = route.host + " " + std::to_string(route.port);
  const std::string path = route.path;
  std::shared_ptr<Listener> door = doors_[key].lock();
  if (!door || !door->is_open()) {
    door = std::make_shared<Listener>(runtime_, tasks_);
    if (auto listening = door->listen(route.host, route.port); listening.has_error())
      return listening.error();
    doors_[key] = door;
  }
  if (!door->add(std::move(route)))
    return Error(Code::kAlreadyExists, key + " has the path " + path + " already");
  return std::make_unique<Lease>(std::move(door), path);
}

Awaitable<> Listeners::stop(Deadline deadline) {
  doors_.clear();
  (void)co_await tasks_.stop(deadline);
}

}  // namespace openclaw::webhook
