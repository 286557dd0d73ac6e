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

template <class Stream>
class LayerOf : public AnyStream::Layer {
 public:
  template <class... Args>
  explicit LayerOf(Args&&... args) : stream_(std::forward<Args>(args)...) {}
  AnyStream::executor_type executor() override { return stream_.get_executor(); }
  void read_some(AnyStream::Buffers<asio::mutable_buffer> into, HandlerPtr done) override {
    stream_.async_read_some(into, completion(std::move(done)));
  }
  void write_some(AnyStream::Buffers<asio::const_buffer> from, HandlerPtr done) override {
    stream_.async_write_some(from, completion(std::move(done)));
  }

 protected:
  Stream stream_;
};

class TcpLayer final : public LayerOf<asio::ip::tcp::socket> {
 public:
  using LayerOf::LayerOf;
  void tear_down(boost::beast::role_type role, HandlerPtr done) override {
    websocket::async_teardown(role, stream_,
                              [done = std::move(done)](error_code) { (*done)({}, 0); });
  }
  asio::ip::tcp::socket& socket() override { return stream_; }
};

class TlsLayer final : public LayerOf<asio::ssl::stream<AnyStream>> {
 public:
  using LayerOf::LayerOf;
  void tear_down(boost::beast::role_type role, HandlerPtr done) override {
    stream_.async_shutdown([this, role, done = std::move(done)](error_code) mutable {
      stream_.next_layer().tear_down(role, std::move(done));
    });
  }
  asio::ip::tcp::socket& socket() override { return stream_.next_layer().socket(); }
  asio::ssl::stream<AnyStream>& tls() { return stream_; }
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
