// ClientConnection: one WebSocket client: handshake, requests, events. Loop thread only; kept alive
// by its channel.
#pragma once

#include <memory>

#include "gateway/frame_channel.h"
#include "gateway/peer.h"

namespace openclaw::gateway {

struct ServerState;

class ClientConnection {
 public:
  static std::shared_ptr<FrameReceiver> make(ServerState& state, Peer peer);
};

}  // namespace openclaw::gateway
