// A WebSocket server on 127.0.0.1, with TLS or without, and who listens to a client's events; for
// tests.
#pragma once

#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "async/run_for_test.h"
#include "net/websocket_client.h"

namespace openclaw::net {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using Plain = websocket::stream<tcp::socket>;
using Tls = websocket::stream<beast::ssl_stream<tcp::socket>>;

// A blocking Beast server: each connection runs `serve` on a thread of its own.
template <class Stream>
class Server {
 public:
  using Serve = std::function<void(Stream&)>;
  explicit Server(Serve serve, asio::ssl::context* tls = nullptr)
      : serve_(std::move(serve)), tls_(tls), acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
    thread_ = std::thread([this] { accept_all(); });
  }
  ~Server() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
    for (auto& worker : workers_) worker.join();
  }
  int port() { return acceptor_.local_endpoint().port(); }
  std::string seen_header;

 private:
  void accept_all() {
    for (;;) {
      tcp::socket socket(io_);
      boost::system::error_code failure;
      acceptor_.accept(socket, failure);
      if (failure) return;
      workers_.emplace_back([this, s = std::move(socket)]() mutable { run(std::move(s)); });
    }
  }
  void run(tcp::socket socket) {
    boost::system::error_code failure;
    auto start = [&](Stream& ws) {
      beast::flat_buffer buffer;
      beast::http::request<beast::http::string_body> request;
      beast::http::read(ws.next_layer(), buffer, request, failure);
      if (failure) return;
      seen_header = std::string(request["X-Test"]) + "|" + std::string(request["Host"]) + "|" +
                    std::string(request.target());
      ws.set_option(websocket::stream_base::decorator([&](websocket::response_type& response) {
        auto offered = request[beast::http::field::sec_websocket_protocol];
        if (!offered.empty()) response.set(beast::http::field::sec_websocket_protocol, offered);
      }));
      ws.accept(request, failure);
      if (!failure) serve_(ws);
    };
    if constexpr (std::is_same_v<Stream, Tls>) {
      Stream ws(std::move(socket), *tls_);
      ws.next_layer().handshake(asio::ssl::stream_base::server, failure);
      if (!failure) start(ws);
    } else {
      Stream ws(std::move(socket));
      start(ws);
    }
  }
  Serve serve_;
  asio::ssl::context* tls_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::vector<std::thread> workers_;
  std::thread thread_;
};

// Echoes until the peer closes.
template <class Stream>
void echo(Stream& ws) {
  boost::system::error_code failure;
  for (;;) {
    beast::flat_buffer buffer;
    ws.read(buffer, failure);
    if (failure) return;
    ws.text(ws.got_text());
    ws.write(buffer.cdata(), failure);
  }
}

struct Recorder {
  explicit Recorder(Runtime& runtime) : ended(runtime) {}
  WebSocketEvents events() {
    WebSocketEvents e;
    e.open = [this](std::string p) {
      opened = true;
      subprotocol = std::move(p);
    };
    e.message = [this](std::string data, bool text, Credit credit) {
      bytes += data.size();
      messages.push_back((text ? "t:" : "b:") + std::move(data));
      if (keep) kept.push_back(std::move(credit));
      if (on_message) on_message();
    };
    e.writable = [this] {
      ++writable;
      if (on_writable) on_writable();
    };
    e.close = [this](Code c, std::uint16_t n, std::string r) {
      ++closed;
      code = c;
      close_code = n;
      reason = std::move(r);
      ended.set();
    };
    return e;
  }
  std::vector<std::string> messages;
  std::vector<Credit> kept;
  std::function<void()> on_message, on_writable;
  std::string subprotocol, reason;
  std::size_t bytes = 0;
  bool opened = false, keep = false;
  int writable = 0, closed = 0;
  Code code = Code::kInternal;
  std::uint16_t close_code = 0;
  Event ended;
};

inline Awaitable<> until_end(Recorder* recorder) {
  EXPECT_TRUE(co_await recorder->ended.wait(Deadline::after(std::chrono::milliseconds(20'000))));
}

// A self-signed certificate for 127.0.0.1, its own authority.
struct Certificate {
  Certificate() : context(asio::ssl::context::tls_server) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    auto* name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(cert, name);
    for (auto [nid, value] : {std::pair{NID_subject_alt_name, "IP:127.0.0.1"},
                              std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
      X509_add_ext(cert, extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(cert, key, EVP_sha256());
    SSL_CTX_use_certificate(context.native_handle(), cert);
    SSL_CTX_use_PrivateKey(context.native_handle(), key);
    file = testing::TempDir() + "openclaw-ca-" + std::to_string(::getpid()) + ".pem";
    FILE* out = ::fopen(file.c_str(), "w");
    PEM_write_X509(out, cert);
    ::fclose(out);
    X509_free(cert);
    EVP_PKEY_free(key);
  }
  ~Certificate() { ::unlink(file.c_str()); }
  asio::ssl::context context;
  std::string file;
};

}  // namespace openclaw::net
