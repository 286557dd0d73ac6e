// EgressGuard: may this instance connect there? Names are checked against what the manifest was
// granted, addresses against what a name may lead to.
//
// Two steps, both needed: check() on the parsed Url before anything is resolved, check_address() on
// the very address a socket is opened for, so that a name that resolves differently the second time
// gains nothing. Immutable after construction; any thread.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/url.h"
#include "result.h"

namespace openclaw::net {

enum class AddressClass {
  kPublic,
  kLoopback,   // 127/8, ::1
  kPrivate,    // RFC 1918, carrier-grade NAT, ULA
  kForbidden,  // never, whatever was granted: link-local (cloud metadata), multicast, reserved,
               // unspecified, and IPv4 inside IPv6 (mapped, compatible, 6to4, NAT64, Teredo)
};

AddressClass classify(const sockaddr* address);
// Text as inet_ntop writes it; kForbidden when it is not an address.
AddressClass classify(std::string_view ip);

// kPermissionDenied with the address and why.
Result<void> check_address(const sockaddr* address, bool allow_private);
Result<void> check_address(std::string_view ip, bool allow_private);

class EgressGuard {
 public:
  struct Verdict {
    bool allow_private = false;  // loopback and private addresses are fine for this name
  };

  // Patterns:
  //   https://host:443     this origin; ws and wss count as http and https. "*.host" = names below
  //   it unix:/path           this socket tcp:host:port        raw bytes, hence any protocol there;
  //   port may be "*" host or host:port    for lists of hosts: TLS only config:<key>         the
  //   origin in `config` under this key ("a.b" looks inside objects); the
  //                        operator wrote it, so it may be loopback or private
  // A pattern whose host is a loopback or private address in digits, or "localhost", grants just
  // that. What cannot be understood grants nothing and is listed by problems().
  EgressGuard(const std::vector<std::string>& patterns, const json::object& config,
              bool private_network);

  Result<Verdict> check(const Url& url) const;
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  struct Grant {
    std::string host;        // "*.x" for names below x, "*" for any; empty for unix
    std::uint16_t port = 0;  // 0 = any
    std::string unix_path;
    bool plain = false, tls = false, raw = false;
    bool operator_chosen = false;
  };
  void add(std::string_view pattern, bool operator_chosen);
  void add_config(std::string_view key, const json::object& config);
  static bool matches(const Grant& grant, const Url& url);

  bool private_network_;
  std::vector<Grant> grants_;
  std::vector<std::string> problems_;
};

}  // namespace openclaw::net
