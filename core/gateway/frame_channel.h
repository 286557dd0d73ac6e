// The two faces of a WebSocket connection: FrameChannel carries frames, FrameReceiver gives them a
// meaning. They know of sockets and of the protocol respectively, and meet only here. Loop thread
// only.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace openclaw::gateway {

class FrameChannel {
 public:
  virtual ~FrameChannel() = default;
  virtual void send(std::string frame) = 0;
  // Bytes accepted by send() and not yet taken by the kernel.
  virtual std::size_t buffered() const = 0;
  // Sends what is queued, then the close frame. Later calls do nothing. `reason` is cut to 120
  // bytes.
  virtual void close(unsigned code, std::string reason) = 0;
  // The client is known now: larger frames, and no longer counted among the strangers.
  virtual void proven(std::size_t max_frame) = 0;
};

class FrameReceiver {
 public:
  virtual ~FrameReceiver() = default;
  virtual void on_open(std::shared_ptr<FrameChannel> channel) = 0;
  virtual void on_frame(std::string_view text) = 0;
  // Exactly once, last. No call on the channel does anything afterwards.
  virtual void on_closed() = 0;
};

}  // namespace openclaw::gateway
