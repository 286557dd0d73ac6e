// SendQueue: what waits to be written to a connection, bounded by bytes. Callers on any thread
// push; the loop pops. One piece is taken whatever its size when nothing waits.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "result.h"

namespace openclaw::net {

class SendQueue {
 public:
  struct Piece {
    std::string data;
    bool is_text = false;
  };
  explicit SendQueue(std::size_t limit) : limit_(limit) {}

  // kOk, kWouldBlock (nothing taken, take_room() will say when) or kNotFound after close().
  // [any-thread]
  Code push(Piece piece) {
    std::lock_guard lock(mutex_);
    if (closed_) return Code::kNotFound;
    if (bytes_ > 0 && bytes_ + piece.data.size() > limit_) {
      wanted_ = true;
      return Code::kWouldBlock;
    }
    bytes_ += piece.data.size();
    pieces_.push_back(std::move(piece));
    return Code::kOk;
  }
  std::optional<Piece> pop() {
    std::lock_guard lock(mutex_);
    if (pieces_.empty()) return std::nullopt;
    auto piece = std::move(pieces_.front());
    pieces_.pop_front();
    return piece;
  }
  // After a piece was written: true when a refused caller should be told.
  bool take_room(std::size_t written) {
    std::lock_guard lock(mutex_);
    bytes_ -= written;
    return bytes_ <= limit_ / 2 && std::exchange(wanted_, false);
  }
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::deque<Piece> pieces_;
  std::size_t bytes_ = 0;  // waiting and being written
  bool wanted_ = false, closed_ = false;
};

}  // namespace openclaw::net
