// WebSocketSession: the FrameChannel over a Beast stream. Included by http_server.cc and its own
// .cc only.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "gateway/frame_channel.h"
#include "gateway/socket_budget.h"

namespace openclaw::gateway {

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

// Keeps itself alive until the connection has ended.
class WebSocketSession : public FrameChannel {
 public:
  // Answers the upgrade, then runs. `ended` is called last. The ticket's evict function should call
  // the drop() of the returned session.
  static std::shared_ptr<WebSocketSession> start(boost::asio::ip::tcp::socket socket,
                                                 UpgradeRequest request,
                                                 std::unique_ptr<SocketBudget::Ticket> ticket,
                                                 std::shared_ptr<FrameReceiver> receiver,
                                                 std::function<void()> ended);
  // Without a close frame, at once.
  virtual void drop() = 0;
};

}  // namespace openclaw::gateway
