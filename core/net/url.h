// Url: the addresses that http, websocket and stream accept, parsed strictly and once.
//
// What is checked is what is connected to: clients build their requests from these parts, never
// from the text that came in. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::net {

struct Url {
  // "http", "https", "ws", "wss", "tcp" or "unix".
  std::string scheme;
  // Lower case; an IPv6 address without brackets; empty for unix.
  std::string host;
  std::uint16_t port = 0;
  // For unix: the socket. The HTTP target, if any, is in `target`.
  std::string unix_path;
  // Path and query, at least "/"; no fragment. Empty for tcp and for a plain unix socket.
  std::string target;

  bool is_unix() const { return !unix_path.empty(); }
  bool is_tls() const { return scheme == "https" || scheme == "wss"; }
  // "host:port" with brackets where needed, or the socket's path: safe to show, never holds a
  // secret.
  std::string authority() const;
  // What a proxy-less HTTP client is given: "http://localhost/..." for unix.
  std::string text() const;
};

// "https://host[:port]/...", "http:", "ws:", "wss:", "tcp:host:port", "tcp://host:port",
// "unix:/path/to.sock" and "unix:/path/to.sock:/http/target". Refuses user names, odd spellings of
// addresses (decimal, octal, hex, short forms), trailing dots, percent signs and non-ASCII in the
// host, and blanks or control characters anywhere. Messages never repeat the path or the query.
Result<Url> parse_url(std::string_view text);

// Lower case and checked as above; brackets removed. kInvalidArgument says what is odd.
Result<std::string> canonical_host(std::string_view host);

// True for a dotted quad or an IPv6 address as canonical_host() gives them.
bool is_ip_literal(std::string_view canonical_host);

}  // namespace openclaw::net
