// Listener: one address and port. Takes connections, at most so many, and holds the routes that
// their sessions look up. Ends with the last lease.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

#include "webhook/listeners.h"

namespace openclaw::webhook {

class Session;

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(Runtime& runtime, TaskScope& tasks);
  ~Listener();
  Result<void> listen(const std::string& host, std::uint16_t port);
  std::uint16_t port() const { return port_; }
  // False after the last route is gone, though sessions may still be here.
  bool is_open() const { return acceptor_.is_open(); }

  bool add(Route route);  // false: the path is taken
  void remove(const std::string& path);
  std::shared_ptr<const Route> find(std::string_view path) const;

  Runtime& runtime() { return runtime_; }
  TaskScope& tasks() { return tasks_; }
  // For sessions: their place in the list, oldest first.
  std::list<Session*>& sessions() { return sessions_; }

 private:
  void accept();
  void accept_later();
  bool make_room();

  Runtime& runtime_;
  TaskScope& tasks_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::uint16_t port_ = 0;
  std::map<std::string, std::shared_ptr<const Route>, std::less<>> routes_;
  std::list<Session*> sessions_;
};

}  // namespace openclaw::webhook
