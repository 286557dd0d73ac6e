// A server on 127.0.0.1 or a unix socket that runs a function per connection, for tests.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace openclaw::net {

class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  // What came up to and with `mark`; what came after it stays for the next call. Empty at the end.
  std::string read_until(std::string_view mark) {
    for (;;) {
      if (auto at = kept_.find(mark); at != std::string::npos) return take(at + mark.size());
      if (!fill()) return {};
    }
  }
  std::string read_bytes(std::size_t count) {
    while (kept_.size() < count && fill()) continue;
    return take(std::min(count, kept_.size()));
  }
  // Blocks until the peer closes its side; everything that came.
  std::string read_all() {
    while (fill()) continue;
    return take(kept_.size());
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  int fd() const { return fd_; }

 private:
  std::string take(std::size_t count) {
    std::string out = kept_.substr(0, count);
    kept_.erase(0, count);
    return out;
  }
  bool fill() {
    char buffer[65536];
    auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    kept_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  std::string kept_;
};

class LoopbackServer {
 public:
  using Handler = std::function<void(Peer&)>;

  explicit LoopbackServer(Handler handler, std::string unix_path = {})
      : handler_(std::move(handler)) {
    if (unix_path.empty()) {
      listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      listen_on(reinterpret_cast<sockaddr*>(&address), sizeof address);
      socklen_t size = sizeof address;
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
      port_ = ntohs(address.sin_port);
    } else {
      listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
      listen_on(reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~LoopbackServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      std::lock_guard lock(mutex_);
      for (int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& worker : workers_) worker.join();
    ::close(listener_);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void listen_on(const sockaddr* address, socklen_t size) {
    if (::bind(listener_, address, size) != 0 || ::listen(listener_, 64) != 0) std::abort();
  }
  void accept_all() {
    for (;;) {
      int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++connections_;
      std::lock_guard lock(mutex_);
      open_.push_back(fd);
      workers_.emplace_back([this, fd] {
        Peer peer(fd);
        handler_(peer);
        std::lock_guard inner(mutex_);
        std::erase(open_, fd);
        ::close(fd);
      });
    }
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> workers_;
  std::thread acceptor_;
};

// Answers every request of a keep-alive connection with `answer(request head)`.
inline LoopbackServer::Handler http_handler(std::function<std::string(const std::string&)> answer) {
  return [answer = std::move(answer)](Peer& peer) {
    for (;;) {
      auto head = peer.read_until("\r\n\r\n");
      if (head.empty() || !peer.write(answer(head))) return;
    }
  };
}

inline std::string http_answer(std::string_view body, std::string_view extra_headers = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(extra_headers) + "\r\n" + std::string(body);
}

}  // namespace openclaw::net
