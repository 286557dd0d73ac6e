#include "gateway/peer.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace openclaw::gateway {
namespace {

namespace ip = boost::asio::ip;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<ip::address> parsed(std::string_view text) {
  boost::system::error_code bad;
  auto address = ip::make_address(std::string(text), bad);
  if (bad) return std::nullopt;
  if (address.is_v6()) {
    auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) return ip::address(ip::make_address_v4(ip::v4_mapped, v6));
    v6.scope_id(0);
    return ip::address(v6);
  }
  return address;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() > end.size() && text.substr(text.size() - end.size()) == end;
}

const std::string& own_name() {
  static const std::string name = [] {
    char text[256] = {};
    return ::gethostname(text, sizeof text - 1) == 0 ? lowered(text) : std::string();
  }();
  return name;
}

bool in_list(std::string_view address, const std::vector<std::string>& entries) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const std::string& entry) { return address_matches(address, entry); });
}

// The nearest hop that is not one of our proxies; what lies further left is hearsay.
std::string forwarded_client(std::string_view chain, const std::vector<std::string>& proxies) {
  while (!chain.empty()) {
    auto comma = chain.rfind(',');
    auto hop = trimmed(comma == std::string_view::npos ? chain : chain.substr(comma + 1));
    chain = comma == std::string_view::npos ? std::string_view() : chain.substr(0, comma);
    auto address = normal_address(host_name(hop));
    if (address.empty()) return {};
    if (!in_list(address, proxies)) return address;
  }
  return {};
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string normal_address(std::string_view address) {
  auto value = parsed(trimmed(address));
  return value ? value->to_string() : std::string();
}

bool is_loopback_address(std::string_view address) {
  auto value = parsed(address);
  return value && value->is_loopback();
}

bool address_matches(std::string_view address, std::string_view entry) {
  auto value = parsed(address);
  if (!value) return false;
  entry = trimmed(entry);
  auto slash = entry.find('/');
  if (slash == std::string_view::npos) return parsed(entry) == value;
  auto base = parsed(entry.substr(0, slash));
  auto digits = entry.substr(slash + 1);
  unsigned short bits = 0;
  auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!base || bad != std::errc() || end != digits.data() + digits.size()) return false;
  if (base->is_v4() != value->is_v4() || bits > (base->is_v4() ? 32 : 128)) return false;
  if (base->is_v4()) {
    return ip::network_v4(base->to_v4(), bits).canonical() ==
           ip::network_v4(value->to_v4(), bits).canonical();
  }
  return ip::network_v6(base->to_v6(), bits).canonical() ==
         ip::network_v6(value->to_v6(), bits).canonical();
}

std::string limiter_address(std::string_view address) {
  auto value = parsed(address);
  if (!value || value->is_v4()) return value ? value->to_string() : std::string(address);
  return ip::network_v6(value->to_v6(), 64).canonical().to_string();
}

std::string host_name(std::string_view host) {
  host = trimmed(host);
  if (host.empty() || host.size() > 255) return {};
  if (host.front() == '[') {
    auto end = host.find(']');
    if (end == std::string_view::npos) return {};
    auto rest = host.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return {};
    return normal_address(host.substr(1, end - 1));
  }
  auto colon = host.find(':');
  if (colon != std::string_view::npos && host.find(':', colon + 1) != std::string_view::npos) {
    return normal_address(host);  // a bare IPv6 address
  }
  auto name = lowered(host.substr(0, colon));
  bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
  if (!plain) return {};
  // "localhost." is the same name.
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  return name;
}

bool is_loopback_name(std::string_view name) {
  return name == "localhost" || ends_with(name, ".localhost") || is_loopback_address(name);
}

bool is_expected_host(std::string_view host_header, const AuthSettings& settings) {
  auto name = host_name(host_header);
  if (name.empty()) return false;
  if (parsed(name) || is_loopback_name(name) || name.find('.') == std::string::npos) return true;
  if (ends_with(name, ".ts.net") || name == own_name()) return true;
  return std::any_of(settings.allowed_origins.begin(), settings.allowed_origins.end(),
                     [&](const std::string& origin) {
                       auto scheme = origin.find("://");
                       return scheme != std::string::npos &&
                              host_name(origin.substr(scheme + 3)) == name;
                     });
}

std::string_view Peer::kept_header(std::string_view name) const {
  for (const auto& [key, value] : kept) {
    if (key == name) return value;
  }
  return {};
}

Peer resolve_peer(std::string_view tcp_address, const HeaderLookup& header,
                  const AuthSettings& settings) {
  Peer peer;
  peer.address = normal_address(tcp_address);
  peer.client = peer.address;
  peer.host = std::string(header("Host"));
  peer.origin = std::string(trimmed(header("Origin")));
  peer.user_agent = std::string(header("User-Agent").substr(0, 256));
  auto chain = header("X-Forwarded-For");
  auto real = header("X-Real-IP");
  peer.forwarded = !chain.empty() || !real.empty() || !header("X-Forwarded-Host").empty() ||
                   !header("Forwarded").empty();
  peer.trusted_proxy =
      !settings.trusted_proxies.empty() && in_list(peer.address, settings.trusted_proxies);
  if (peer.trusted_proxy) {
    auto client = forwarded_client(chain, settings.trusted_proxies);
    if (client.empty()) client = normal_address(real);
    if (!client.empty()) peer.client = client;
  }
  if (settings.mode == AuthSettings::Mode::kTrustedProxy) {
    peer.kept.emplace_back(settings.trusted_proxy.user_header,
                           header(settings.trusted_proxy.user_header));
    for (const auto& required : settings.trusted_proxy.required_headers) {
      peer.kept.emplace_back(required, header(required));
    }
  }
  auto name = host_name(peer.host);
  peer.local = is_loopback_address(peer.client) &&
               (is_loopback_name(name) || ends_with(name, ".ts.net")) &&
               (!peer.forwarded || peer.trusted_proxy);
  return peer;
}

}  // namespace openclaw::gateway
