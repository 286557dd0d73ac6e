// Peer: who is at the other end of a connection, as far as addresses and headers tell. Pure.
// [any-thread]
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/auth_settings.h"

namespace openclaw::gateway {

struct Peer {
  std::string address;  // of the TCP peer
  std::string client;   // after trusted proxies; what limits and records use
  std::string host;     // the Host header
  std::string origin;   // the Origin header
  std::string user_agent;
  bool trusted_proxy = false;  // the TCP peer is a configured proxy
  bool forwarded = false;      // a forwarding header is present
  // On this machine for certain: the client address is loopback, the Host header names this
  // machine, and no forwarding header came from a stranger.
  bool local = false;
  // Headers that trusted-proxy auth looks at, for checks after the request itself is gone.
  std::vector<std::pair<std::string, std::string>> kept;
  std::string_view kept_header(std::string_view name) const;
};

// Answers "" for an absent header.
using HeaderLookup = std::function<std::string_view(std::string_view name)>;
Peer resolve_peer(std::string_view tcp_address, const HeaderLookup& header,
                  const AuthSettings& settings);

std::string lowered(std::string_view text);  // ASCII only
bool is_loopback_address(std::string_view address);
// `entry` is an address or CIDR. IPv4-mapped addresses count as IPv4.
bool address_matches(std::string_view address, std::string_view entry);
// "::ffff:127.0.0.1" -> "127.0.0.1"; a scope id is dropped. Empty when it is no address.
std::string normal_address(std::string_view address);
// IPv6 by /64: what one customer gets is one key.
std::string limiter_address(std::string_view address);

// "Host.Example:80" -> "host.example"; "[::1]:80" -> "::1". Empty when malformed.
std::string host_name(std::string_view host_header);
// localhost, 127.0.0.0/8, ::1.
bool is_loopback_name(std::string_view name);
// A name no stranger's DNS can point here: an address, localhost, a single label, *.ts.net, the
// machine's own name, or the host of an allowed origin. Anything else may be DNS rebinding.
bool is_expected_host(std::string_view host_header, const AuthSettings& settings);

}  // namespace openclaw::gateway
