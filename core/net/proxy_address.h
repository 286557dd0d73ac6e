// ProxyAddress: a proxy as an operator writes it, "http://user:password@host:port". Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "net/url.h"
#include "result.h"

namespace openclaw::net {

struct ProxyAddress {
  enum class Kind { kHttp, kHttps, kSocks5 } kind = Kind::kHttp;
  Url at;                      // "tcp": where it listens
  std::string user, password;  // as they are, not percent-encoded; both empty: none
  bool has_credentials() const { return !user.empty() || !password.empty(); }
  // Safe to show.
  std::string authority() const { return at.authority(); }
};

// "http://", "https://", "socks5://" or "socks5h://", then [user[:password]@]host[:port]; without
// a port 443 for https and 1080 for the others, as curl has it. No error repeats the text, since it
// may hold a password.
Result<ProxyAddress> parse_proxy(std::string_view text);

}  // namespace openclaw::net
