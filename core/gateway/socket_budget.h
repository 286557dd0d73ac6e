// SocketBudget: how many connections there may be, and how many of them may be strangers. Loop
// thread only.
//
// A stranger is a socket that has not shown a valid secret. When there are too many, the one that
// has been a stranger longest is closed: half-open sockets then cannot keep a client with the
// secret out.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

namespace openclaw::gateway {

class SocketBudget {
 public:
  SocketBudget(std::size_t max_strangers, std::size_t max_sockets)
      : max_strangers_(max_strangers), max_sockets_(max_sockets) {}

  // Held by the connection; its end frees the place.
  class Ticket {
   public:
    ~Ticket();
    // The secret was shown. Never undone.
    void proven();
    bool is_proven() const { return proven_; }
    // Another object has the connection now: an upgrade.
    void retarget(std::function<void()> evict) { evict_ = std::move(evict); }

   private:
    friend class SocketBudget;
    SocketBudget* budget_ = nullptr;
    std::function<void()> evict_;
    std::list<Ticket*>::iterator place_;
    bool proven_ = false;
  };

  // Null when even after eviction there is no room. `evict` closes the connection; it may end the
  // ticket.
  std::unique_ptr<Ticket> admit(std::function<void()> evict);
  std::size_t strangers() const { return strangers_.size(); }
  std::size_t sockets() const { return sockets_; }

 private:
  std::size_t max_strangers_, max_sockets_;
  std::size_t sockets_ = 0;
  std::list<Ticket*> strangers_;  // oldest first
};

}  // namespace openclaw::gateway
