#include "gateway/websocket_session.h"

#include <deque>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "gateway/http_server.h"

namespace openclaw::gateway {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMaxReason = 120;
// A peer that does not answer a close frame is dropped after this.
constexpr std::chrono::seconds kCloseTime{5};
// Small frames waiting together leave in one write of at most this size.
constexpr std::size_t kReadPiece = 4096;

class Session final : public WebSocketSession, public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, UpgradeRequest request, std::unique_ptr<SocketBudget::Ticket> ticket,
          std::shared_ptr<FrameReceiver> receiver, std::function<void()> ended)
      : stream_(std::move(socket)),
        closing_timer_(stream_.get_executor()),
        request_(std::move(request)),
        ticket_(std::move(ticket)),
        receiver_(std::move(receiver)),
        ended_(std::move(ended)) {}

  void run() {
    stream_.next_layer().set_option(tcp::no_delay(true));
    stream_.read_message_max(kPreAuthFrame);
    stream_.auto_fragment(false);
    stream_.text(true);
    stream_.async_accept(request_, [self = shared_from_this()](error_code failed) {
      self->request_ = {};
      if (failed || self->dropped_) return self->finish();
      self->open_ = true;
      self->receiver_->on_open(self);
      self->read();
      self->write();
    });
  }

  void send(std::string frame) override {
    if (closing_ || finished_) return;
    buffered_ += frame.size();
    queue_.push_back(std::move(frame));
    write();
  }

  std::size_t buffered() const override { return buffered_; }

  void close(unsigned code, std::string reason) override {
    if (closing_ || finished_) return;
    closing_ = true;
    if (reason.size() > kMaxReason) {
      reason.resize(kMaxReason);
      // Not in the middle of a character: a close reason has to be UTF-8.
      while (!reason.empty() && (static_cast<unsigned char>(reason.back()) & 0xc0) == 0x80)
        reason.pop_back();
      if (!reason.empty() && (static_cast<unsigned char>(reason.back()) & 0x80)) reason.pop_back();
    }
    close_code_ = static_cast<std::uint16_t>(code);
    close_reason_ = std::move(reason);
    closing_timer_.expires_after(kCloseTime);
    closing_timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->drop();
    });
    if (!writing_) send_close();
  }

  void proven(std::size_t max_frame) override {
    stream_.read_message_max(max_frame);
    if (ticket_) ticket_->proven();
  }

  void drop() override {
    dropped_ = true;
    error_code ignored;
    stream_.next_layer().close(ignored);
    // Before the accept ended there is no reader that would notice.
    if (!open_) finish();
  }

 private:
  void read() {
    stream_.async_read(input_, [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->finish();
      auto data = self->input_.cdata();
      if (!self->closing_ && self->stream_.got_text()) {
        self->receiver_->on_frame({static_cast<const char*>(data.data()), data.size()});
      }
      // A rare huge frame must not keep its memory for the life of the connection.
      if (self->input_.capacity() > 16 * kReadPiece) {
        self->input_ = beast::flat_buffer();
      } else {
        self->input_.consume(data.size());
      }
      self->read();
    });
  }

  void write() {
    if (!open_ || writing_ || queue_.empty() || finished_) return;
    writing_ = true;
    current_ = std::move(queue_.front());
    queue_.pop_front();
    stream_.async_write(boost::asio::buffer(current_),
                        [self = shared_from_this()](error_code failed, std::size_t) {
                          self->writing_ = false;
                          self->buffered_ -= self->current_.size();
                          if (failed) return self->drop();
                          if (!self->queue_.empty()) return self->write();
                          if (self->closing_) self->send_close();
                        });
  }

  void send_close() {
    if (!queue_.empty() && open_) return write();
    websocket::close_reason why;
    why.code = close_code_;
    why.reason.assign(close_reason_.data(), close_reason_.size());
    stream_.async_close(why, [self = shared_from_this()](error_code) { self->drop(); });
  }

  void finish() {
    if (finished_) return;
    finished_ = true;
    closing_timer_.cancel();
    error_code ignored;
    stream_.next_layer().close(ignored);
    queue_.clear();
    ticket_.reset();
    auto receiver = std::move(receiver_);
    auto ended = std::move(ended_);
    if (receiver) receiver->on_closed();
    if (ended) ended();
  }

  // No compression: it costs memory per connection and invites decompression bombs.
  websocket::stream<tcp::socket, false> stream_;
  boost::asio::steady_timer closing_timer_;
  UpgradeRequest request_;
  std::unique_ptr<SocketBudget::Ticket> ticket_;
  std::shared_ptr<FrameReceiver> receiver_;
  std::function<void()> ended_;
  beast::flat_buffer input_;
  std::deque<std::string> queue_;
  std::string current_;
  std::size_t buffered_ = 0;
  std::uint16_t close_code_ = 1000;
  std::string close_reason_;
  bool open_ = false, writing_ = false, closing_ = false, dropped_ = false, finished_ = false;
};

}  // namespace

std::shared_ptr<WebSocketSession> WebSocketSession::start(
    tcp::socket socket, UpgradeRequest request, std::unique_ptr<SocketBudget::Ticket> ticket,
    std::shared_ptr<FrameReceiver> receiver, std::function<void()> ended) {
  auto session = std::make_shared<Session>(std::move(socket), std::move(request), std::move(ticket),
                                           std::move(receiver), std::move(ended));
  session->run();
  return session;
}

}  // namespace openclaw::gateway
