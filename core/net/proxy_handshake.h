// ProxyHandshake: what is said to a proxy until it has connected us to a target: CONNECT of HTTP
// (RFC 9110) or of SOCKS5 (RFC 1928, 1929), where the proxy resolves the name. Bytes in, bytes out;
// it reads no byte of the target's. Hostile answers are expected. Pure; one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/proxy_address.h"

namespace openclaw::net {

class ProxyHandshake {
 public:
  ProxyHandshake(const ProxyAddress& proxy, const Url& target);

  // To be written before anything is read; empty when it is the proxy's turn.
  std::string take_output();
  bool done() const { return state_ == State::kDone; }
  // So many bytes at most may be read next.
  std::size_t wanted() const;
  // What was read. Of no use any more after an error.
  Result<void> feed(std::string_view bytes);

 private:
  // Named after what is waited for.
  enum class State { kHttpHead, kSocksMethod, kSocksVerdict, kSocksReply, kSocksAddress, kDone };

  void connect_by_http(const ProxyAddress& proxy);
  void greet_socks(const ProxyAddress& proxy);
  void connect_by_socks();
  void expect(State state, std::size_t bytes);
  Result<void> read_http_head();
  Result<void> read_socks();
  Result<void> read_socks_method();
  Result<void> read_socks_reply();
  Error failed(Code code, const std::string& what) const;

  const std::string proxy_;  // safe to show
  const Url target_;
  State state_ = State::kDone;
  std::string output_, input_;
  std::string socks_login_;  // empty: no credentials
  std::size_t needed_ = 0;   // bytes of input until the next step; SOCKS only
};

}  // namespace openclaw::net
