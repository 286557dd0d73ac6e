#include "net/any_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include "net/url.h"

namespace openclaw::net {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using HandlerPtr = AnyStream::HandlerPtr;

auto completion(HandlerPtr done) {
  return
      [done = std::move(done)](error_code failure, std::size_t bytes) { (*done)(failure, bytes); };
}

class TcpLayer final : public AnyStream::Layer {
 public:
  explicit TcpLayer(const AnyStream::executor_type& loop) : socket_(loop) {}
  AnyStream::executor_type executor() override { return socket_.get_executor(); }
  void read_some(AnyStream::Buffers<asio::mutable_buffer> into, HandlerPtr done) override {
    socket_.async_read_some(into, completion(std::move(done)));
  }
  void write_some(AnyStream::Buffers<asio::const_buffer> from, HandlerPtr done) override {
    socket_.async_write_some(from, completion(std::move(done)));
  }
  void tear_down(boost::beast::role_type role, HandlerPtr done) override {
    websocket::async_teardown(role, socket_,
                              [done = std::move(done)](error_code) { (*done)({}, 0); });
  }
  asio::ip::tcp::socket& socket() override { return socket_; }

 private:
  asio::ip::tcp::socket socket_;
};

class TlsLayer final : public AnyStream::Layer {
 public:
  TlsLayer(AnyStream below, asio::ssl::context& context) : tls_(std::move(below), context) {}
  AnyStream::executor_type executor() override { return tls_.get_executor(); }
  void read_some(AnyStream::Buffers<asio::mutable_buffer> into, HandlerPtr done) override {
    tls_.async_read_some(into, completion(std::move(done)));
  }
  void write_some(AnyStream::Buffers<asio::const_buffer> from, HandlerPtr done) override {
    tls_.async_write_some(from, completion(std::move(done)));
  }
  void tear_down(boost::beast::role_type role, HandlerPtr done) override {
    tls_.async_shutdown([this, role, done = std::move(done)](error_code) mutable {
      tls_.next_layer().tear_down(role, std::move(done));
    });
  }
  asio::ip::tcp::socket& socket() override { return tls_.next_layer().socket(); }
  asio::ssl::stream<AnyStream>& tls() { return tls_; }

 private:
  asio::ssl::stream<AnyStream> tls_;
};

}  // namespace

AnyStream::AnyStream(const executor_type& loop) : layer_(std::make_shared<TcpLayer>(loop)) {}

void AnyStream::close() {
  error_code ignored;
  socket().close(ignored);
}

Awaitable<error_code> AnyStream::secure(asio::ssl::context& context, std::string host) {
  auto layer = std::make_shared<TlsLayer>(*this, context);
  auto& tls = layer->tls();
  if (!is_ip_literal(host)) {
    // What SSL_set_tlsext_host_name() is, without the macro's C cast.
    SSL_ctrl(tls.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             host.data());
  }
  tls.set_verify_callback(asio::ssl::host_name_verification(host));
  auto [failure] = co_await tls.async_handshake(asio::ssl::stream_base::client,
                                                asio::as_tuple(asio::use_awaitable));
  if (!failure) layer_ = std::move(layer);
  co_return failure;
}

void beast_close_socket(AnyStream& stream) {
  stream.close();
}

}  // namespace openclaw::net
