// AnyStream: a TCP connection, and TLS over another AnyStream, as one type. What is built upon a
// stream (Beast's WebSocket takes minutes to compile for each) is compiled once, and layers may be
// stacked while the connection is made: TLS to a proxy, and TLS to the target inside of it.
//
// An AsyncStream as Asio and Beast understand it, with the completions on the loop. One reader and
// one writer at a time. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/container/static_vector.hpp>

#include "async/awaitable.h"

namespace openclaw::net {

class AnyStream {
 public:
  using executor_type = boost::asio::any_io_executor;
  template <class Buffer>
  using Buffers = boost::container::static_vector<Buffer, 8>;  // what is left over comes next time

  // What waits for an operation to end; called once.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void operator()(boost::system::error_code failure, std::size_t bytes) = 0;
  };
  using HandlerPtr = std::unique_ptr<Handler>;

  class Layer {
   public:
    virtual ~Layer() = default;
    virtual executor_type executor() = 0;
    virtual void read_some(Buffers<boost::asio::mutable_buffer> into, HandlerPtr done) = 0;
    virtual void write_some(Buffers<boost::asio::const_buffer> from, HandlerPtr done) = 0;
    // The orderly end, once the protocol above has said farewell. Never fails: many peers just hang
    // up then.
    virtual void tear_down(boost::beast::role_type role, HandlerPtr done) = 0;
    virtual boost::asio::ip::tcp::socket& socket() = 0;
  };

  // Not connected; socket() is there to be connected.
  explicit AnyStream(const executor_type& loop);

  executor_type get_executor() { return layer_->executor(); }
  boost::asio::ip::tcp::socket& socket() { return layer_->socket(); }
  using lowest_layer_type = boost::asio::ip::tcp::socket;  // as Asio's TLS stream calls it
  lowest_layer_type& lowest_layer() { return socket(); }
  void close();

  // A TLS client over this stream, as which the stream then goes on. `host`: the name, or the
  // address, that the certificate must be for. After an error only close() is of use.
  Awaitable<boost::system::error_code> secure(boost::asio::ssl::context& context, std::string host);

  template <class Sequence, class Token>
  auto async_read_some(const Sequence& buffers, Token&& token) {
    return initiate(std::forward<Token>(token),
                    [layer = layer_, into = some<boost::asio::mutable_buffer>(buffers)](
                        HandlerPtr done) { layer->read_some(into, std::move(done)); });
  }
  template <class Sequence, class Token>
  auto async_write_some(const Sequence& buffers, Token&& token) {
    return initiate(std::forward<Token>(token),
                    [layer = layer_, from = some<boost::asio::const_buffer>(buffers)](
                        HandlerPtr done) { layer->write_some(from, std::move(done)); });
  }
  void tear_down(boost::beast::role_type role, HandlerPtr done) {
    layer_->tear_down(role, std::move(done));
  }

  template <class Function>
  static HandlerPtr handler_of(Function function) {
    class Of final : public Handler {
     public:
      explicit Of(Function function) : function_(std::move(function)) {}
      void operator()(boost::system::error_code failure, std::size_t bytes) override {
        function_(failure, bytes);
      }

     private:
      Function function_;
    };
    return std::make_unique<Of>(std::move(function));
  }

 private:
  template <class Buffer, class Sequence>
  static Buffers<Buffer> some(const Sequence& buffers) {
    Buffers<Buffer> out;
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != end && out.size() < out.capacity(); ++it) {
      const Buffer buffer = *it;
      if (buffer.size() > 0) out.push_back(buffer);
    }
    return out;
  }
  template <class Token, class Start>
  static auto initiate(Token&& token, Start start) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [start = std::move(start)](auto waiting) mutable { start(handler_of(std::move(waiting))); },
        token);
  }

  std::shared_ptr<Layer> layer_;
};

// What Beast's WebSocket asks of the stream below it, found by argument-dependent lookup.
template <class Function>
void async_teardown(boost::beast::role_type role, AnyStream& stream, Function&& done) {
  stream.tear_down(
      role, AnyStream::handler_of([done = std::forward<Function>(done)](
                                      boost::system::error_code failure, std::size_t) mutable {
        std::move(done)(failure);
      }));
}
void beast_close_socket(AnyStream& stream);

}  // namespace openclaw::net
