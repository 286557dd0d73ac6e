#include "net/egress_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace openclaw::net {
namespace {

struct Range4 {
  std::uint32_t network;
  int bits;
  AddressClass kind;
};

constexpr std::uint32_t quad(unsigned a, unsigned b, unsigned c, unsigned d) {
  return (a << 24) | (b << 16) | (c << 8) | d;
}

// The special-purpose registry of IPv4; what is not listed is public.
constexpr Range4 kRanges4[] = {
    {quad(0, 0, 0, 0), 8, AddressClass::kForbidden},        // "this host": Linux makes it loopback
    {quad(10, 0, 0, 0), 8, AddressClass::kPrivate},         //
    {quad(100, 64, 0, 0), 10, AddressClass::kPrivate},      // carrier-grade NAT
    {quad(127, 0, 0, 0), 8, AddressClass::kLoopback},       //
    {quad(169, 254, 0, 0), 16, AddressClass::kForbidden},   // link-local, cloud metadata
    {quad(172, 16, 0, 0), 12, AddressClass::kPrivate},      //
    {quad(192, 0, 0, 0), 24, AddressClass::kForbidden},     // protocol assignments
    {quad(192, 0, 2, 0), 24, AddressClass::kForbidden},     // documentation
    {quad(192, 88, 99, 0), 24, AddressClass::kForbidden},   // 6to4 relay
    {quad(192, 168, 0, 0), 16, AddressClass::kPrivate},     //
    {quad(198, 18, 0, 0), 15, AddressClass::kForbidden},    // benchmarks
    {quad(198, 51, 100, 0), 24, AddressClass::kForbidden},  // documentation
    {quad(203, 0, 113, 0), 24, AddressClass::kForbidden},   // documentation
    {quad(224, 0, 0, 0), 4, AddressClass::kForbidden},      // multicast
    {quad(240, 0, 0, 0), 4, AddressClass::kForbidden},      // reserved, broadcast
};

AddressClass classify4(std::uint32_t host_order) {
  for (const auto& range : kRanges4) {
    auto mask = ~std::uint32_t{0} << (32 - range.bits);
    if ((host_order & mask) == range.network) return range.kind;
  }
  return AddressClass::kPublic;
}

using Bytes16 = std::array<std::uint8_t, 16>;

bool has_prefix(const Bytes16& address, std::initializer_list<std::uint8_t> prefix, int bits) {
  auto want = prefix.begin();
  for (std::size_t i = 0; bits > 0; ++i, ++want, bits -= 8) {
    auto mask = static_cast<std::uint8_t>(bits >= 8 ? 0xff : 0xff << (8 - bits));
    if ((address[i] & mask) != (*want & mask)) return false;
  }
  return true;
}

AddressClass classify6(const Bytes16& a) {
  Bytes16 loopback{};
  loopback[15] = 1;
  if (a == loopback) return AddressClass::kLoopback;
  if (has_prefix(a, {0xfc}, 7)) return AddressClass::kPrivate;
  // Global unicast is 2000::/3; all else (mapped, compatible, NAT64, link-local, multicast) is not.
  if (!has_prefix(a, {0x20}, 3)) return AddressClass::kForbidden;
  if (has_prefix(a, {0x20, 0x02}, 16)) return AddressClass::kForbidden;        // 6to4
  if (has_prefix(a, {0x20, 0x01, 0x00}, 23)) return AddressClass::kForbidden;  // Teredo, ORCHID
  if (has_prefix(a, {0x20, 0x01, 0x0d, 0xb8}, 32))
    return AddressClass::kForbidden;                                           // documentation
  if (has_prefix(a, {0x3f, 0xff, 0x00}, 20)) return AddressClass::kForbidden;  // documentation
  if (has_prefix(a, {0x3f, 0xfe}, 16)) return AddressClass::kForbidden;        // 6bone
  return AddressClass::kPublic;
}

std::string_view class_name(AddressClass kind) {
  switch (kind) {
    case AddressClass::kPublic:
      return "public";
    case AddressClass::kLoopback:
      return "a loopback address";
    case AddressClass::kPrivate:
      return "a private address";
    case AddressClass::kForbidden:
      return "a link-local, reserved or translated address";
  }
  return "unknown";
}

Result<void> judge(AddressClass kind, std::string_view shown, bool allow_private) {
  if (kind == AddressClass::kPublic) return {};
  if (allow_private && kind != AddressClass::kForbidden) return {};
  std::string message =
      "refused to connect to " + std::string(shown) + ": it is " + std::string(class_name(kind));
  if (kind != AddressClass::kForbidden) {
    message += "; to allow it, name the host in the plugin's configuration";
  }
  return Error(Code::kPermissionDenied, std::move(message));
}

const json::value* find_key(const json::object& config, std::string_view key) {
  if (const auto* direct = config.if_contains(key)) return direct;
  auto dot = key.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto* inner = config.if_contains(key.substr(0, dot));
  if (inner == nullptr || !inner->is_object()) return nullptr;
  return find_key(inner->get_object(), key.substr(dot + 1));
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (pattern == "*") return true;
  if (pattern.substr(0, 2) != "*.") return pattern == host;
  auto suffix = pattern.substr(1);
  return host.size() > suffix.size() && host.substr(host.size() - suffix.size()) == suffix &&
         !is_ip_literal(host);
}

}  // namespace

AddressClass classify(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return classify4(ntohl(v4.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    Bytes16 bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return classify6(bytes);
  }
  return AddressClass::kForbidden;
}

AddressClass classify(std::string_view ip) {
  std::string text(ip);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return classify4(ntohl(v4.s_addr));
  Bytes16 bytes;
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return classify6(bytes);
  return AddressClass::kForbidden;
}

Result<void> check_address(const sockaddr* address, bool allow_private) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  }
  return judge(classify(address), text.data(), allow_private);
}

Result<void> check_address(std::string_view ip, bool allow_private) {
  return judge(classify(ip), ip, allow_private);
}

EgressGuard::EgressGuard(const std::vector<std::string>& patterns, const json::object& config,
                         bool private_network)
    : private_network_(private_network) {
  for (const auto& pattern : patterns) {
    if (pattern.rfind("config:", 0) == 0) {
      add_config(std::string_view(pattern).substr(7), config);
    } else {
      add(pattern, false);
    }
  }
}

void EgressGuard::add_config(std::string_view key, const json::object& config) {
  const auto* value = find_key(config, key);
  if (value == nullptr) return;
  if (value->is_string()) {
    add(std::string_view(value->get_string()), true);
  } else if (value->is_array()) {
    for (const auto& entry : value->get_array()) {
      if (entry.is_string()) add(std::string_view(entry.get_string()), true);
    }
  }
}

void EgressGuard::add(std::string_view pattern, bool operator_chosen) {
  Grant grant;
  grant.operator_chosen = operator_chosen;
  std::string text(pattern);
  bool any_port = false;
  bool host_only = text.find("://") == std::string::npos && text.rfind("tcp:", 0) != 0 &&
                   text.rfind("unix:", 0) != 0;
  if (host_only) {
    any_port = text.find(':') == std::string::npos || text.back() == ']';
    text = "tcp:" + text + (any_port ? ":1" : "");
  } else if (text.size() > 2 && text.substr(text.size() - 2) == ":*") {
    any_port = true;
    text = text.substr(0, text.size() - 1) + "1";
  }
  // A wildcard label is checked as if it were a name.
  std::string wildcard;
  if (auto star = text.find('*'); star != std::string::npos) {
    auto host = text.find("//") != std::string::npos ? text.find("//") + 2 : text.find(':') + 1;
    if (star != host || text.find('*', star + 1) != std::string::npos) {
      problems_.push_back("\"" + std::string(pattern.substr(0, 200)) +
                          "\": '*' stands for a whole host, its first label or a port only");
      return;
    }
    wildcard = text.compare(star, 2, "*.") == 0 ? "*." : "*";
    text.replace(star, wildcard.size(), wildcard == "*" ? "any" : "");
  }
  auto url = parse_url(text);
  if (url.has_error()) {
    problems_.push_back("\"" + std::string(pattern.substr(0, 200)) + "\": " + url.error().message);
    return;
  }
  grant.host = wildcard == "*" ? "*" : wildcard + url->host;
  grant.port = any_port ? std::uint16_t{0} : url->port;
  grant.unix_path = url->unix_path;
  grant.raw = url->scheme == "tcp" && !host_only;
  grant.tls = grant.raw || host_only || url->is_tls();
  grant.plain = grant.raw || url->scheme == "http" || url->scheme == "ws";
  // The operator's own plain endpoint may be spoken to in any way: it is one place in the end.
  if (operator_chosen && grant.plain) grant.raw = true;
  bool local = url->host == "localhost" ||
               (is_ip_literal(url->host) && classify(url->host) != AddressClass::kPublic);
  if (local && wildcard.empty()) {
    grant.operator_chosen = true;
    if (host_only) grant.plain = true;
  }
  grants_.push_back(std::move(grant));
}

bool EgressGuard::matches(const Grant& grant, const Url& url) {
  if (url.is_unix() || !grant.unix_path.empty()) return grant.unix_path == url.unix_path;
  if (url.scheme == "tcp" && !grant.raw) return false;
  if (url.scheme != "tcp" && !(url.is_tls() ? grant.tls : grant.plain)) return false;
  return (grant.port == 0 || grant.port == url.port) && host_matches(grant.host, url.host);
}

Result<EgressGuard::Verdict> EgressGuard::check(const Url& url) const {
  bool found = false;
  Verdict verdict;
  for (const auto& grant : grants_) {
    if (!matches(grant, url)) continue;
    found = true;
    bool wild = !grant.host.empty() && grant.host[0] == '*';
    verdict.allow_private |= grant.operator_chosen || (private_network_ && !wild);
  }
  if (!found) {
    std::string shown =
        url.scheme + (url.is_unix() || url.scheme == "tcp" ? ":" : "://") + url.authority();
    return Error(Code::kPermissionDenied, "the plugin was not granted " + shown +
                                              "; its manifest must list it under permissions.net");
  }
  if (!url.is_unix() && is_ip_literal(url.host)) {
    auto address = check_address(url.host, verdict.allow_private);
    if (address.has_error()) return address.error();
  }
  return verdict;
}

}  // namespace openclaw::net
