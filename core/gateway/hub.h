// Hub: the accepted connections and what is broadcast to them. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "gateway/client.h"
#include "gateway/frame.h"

namespace openclaw::gateway {

// A connection as the hub sees it.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  virtual const Client& client() const = 0;
  // `payload` is serialized JSON. A broadcast carries the connection's own next seq, so that what a
  // client may not see leaves no gap. Droppable events are skipped when the client reads too
  // slowly; others close it.
  virtual void event(std::string_view name, std::string_view payload, bool droppable, bool with_seq,
                     const StateVersion* version) = 0;
  virtual void close(unsigned code, std::string reason) = 0;
};

class Hub {
 public:
  void add(Subscriber& subscriber) { subscribers_.push_back(&subscriber); }
  void remove(Subscriber& subscriber) { subscribers_.remove(&subscriber); }
  bool empty() const { return subscribers_.empty(); }
  std::size_t size() const { return subscribers_.size(); }

  enum class Delivery { kSure, kDroppable };
  // `scope` empty: everybody, else operators that hold it.
  void broadcast(std::string_view event, const json::value& payload, Delivery delivery,
                 std::string_view scope = {}, const StateVersion* version = nullptr);
  // To one connection, without seq.
  void send_to(std::string_view conn_id, std::string_view event, const json::value& payload);
  void for_each(const std::function<void(Subscriber&)>& visit);
  // Any connected client that holds the scope?
  bool anyone_holds(std::string_view scope) const;

 private:
  std::list<Subscriber*> subscribers_;
};

}  // namespace openclaw::gateway
