#include "net/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace openclaw::net {
namespace {

constexpr std::size_t kMaxUrlBytes = 16 * 1024;

Error invalid(std::string message) {
  return Error(Code::kInvalidArgument, std::move(message));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool has_odd_byte(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7f || c == '\\';
  });
}

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value == 0 || value > 65535) {
    return invalid("the port of the address is not a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(value);
}

// A last label that a resolver might read as a number makes the whole name an address in disguise.
bool last_label_is_numeric(std::string_view host) {
  auto dot = host.rfind('.');
  auto label = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (label.empty()) return false;
  if (label.size() >= 2 && label[0] == '0' && label[1] == 'x') return true;
  return std::all_of(label.begin(), label.end(), is_digit);
}

bool is_canonical_ipv4(std::string_view host) {
  in_addr address{};
  std::string text(host);
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return false;
  std::array<char, INET_ADDRSTRLEN> back{};
  ::inet_ntop(AF_INET, &address, back.data(), back.size());
  return text == back.data();
}

Result<Url> parse_unix(std::string_view rest) {
  Url url;
  url.scheme = "unix";
  if (rest.substr(0, 3) == "///") rest.remove_prefix(2);
  auto colon = rest.find(':');
  url.unix_path = std::string(rest.substr(0, colon));
  if (url.unix_path.empty() || url.unix_path[0] != '/') {
    return invalid("a unix address needs an absolute path: unix:/run/name.sock");
  }
  if (url.unix_path.size() >= 108) return invalid("the path of the unix socket is too long");
  auto dots = "/" + url.unix_path + "/";
  if (dots.find("/../") != std::string::npos || dots.find("/./") != std::string::npos) {
    return invalid("the path of the unix socket holds '.' or '..'");
  }
  if (colon == std::string_view::npos) return url;
  url.target = std::string(rest.substr(colon + 1));
  if (auto hash = url.target.find('#'); hash != std::string::npos) url.target.resize(hash);
  if (url.target.empty() || url.target[0] != '/') {
    return invalid("after unix:/path.sock: comes a path that begins with '/'");
  }
  return url;
}

// host[:port], host perhaps in brackets.
Result<void> parse_authority(std::string_view text, Url* url) {
  std::string_view host = text;
  std::string_view port;
  if (!text.empty() && text[0] == '[') {
    auto close = text.find(']');
    if (close == std::string_view::npos) return invalid("the address lacks a ']'");
    host = text.substr(0, close + 1);
    auto after = text.substr(close + 1);
    if (!after.empty() && after[0] != ':') return invalid("unexpected text after ']'");
    port = after.empty() ? after : after.substr(1);
    if (!after.empty() && port.empty()) return invalid("the port of the address is empty");
  } else if (auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return invalid("the port of the address is empty");
  }
  auto canonical = canonical_host(host);
  if (canonical.has_error()) return canonical.error();
  url->host = *canonical;
  if (port.empty()) return {};
  auto number = parse_port(port);
  if (number.has_error()) return number.error();
  url->port = *number;
  return {};
}

std::uint16_t default_port(std::string_view scheme) {
  if (scheme == "https" || scheme == "wss") return 443;
  if (scheme == "http" || scheme == "ws") return 80;
  return 0;
}

}  // namespace

bool is_ip_literal(std::string_view host) {
  return host.find(':') != std::string_view::npos || is_canonical_ipv4(host);
}

Result<std::string> canonical_host(std::string_view host) {
  if (host.empty() || host.size() > 255)
    return invalid("the host of the address is empty or too long");
  if (host[0] == '[') {
    if (host.size() < 3 || host.back() != ']') return invalid("the address lacks a ']'");
    std::string inner(host.substr(1, host.size() - 2));
    in6_addr address{};
    // Zone ids (%eth0) fail here, as they should.
    if (::inet_pton(AF_INET6, inner.c_str(), &address) != 1) {
      return invalid("the host in brackets is not an IPv6 address");
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, &address, text.data(), text.size());
    return std::string(text.data());
  }
  std::string out(host);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  if (out.back() == '.') return invalid("the host ends in a dot; write it without");
  char before = '.';
  for (char c : out) {
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '.' && c != '_') {
      return invalid("the host holds a character that host names do not have");
    }
    if (c == '.' && before == '.') return invalid("the host has an empty label");
    before = c;
  }
  if (last_label_is_numeric(out) && !is_canonical_ipv4(out)) {
    return invalid("the host is an address in an odd spelling; write it as four decimal numbers");
  }
  return out;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return invalid("the address is longer than 16384 bytes");
  if (has_odd_byte(text)) {
    return invalid("the address holds a blank, a control character, a backslash or non-ASCII text");
  }
  auto colon = text.find(':');
  if (colon == std::string_view::npos) return invalid("the address lacks a scheme such as https:");
  Url url;
  url.scheme = std::string(text.substr(0, colon));
  std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(), lower);
  auto rest = text.substr(colon + 1);
  if (url.scheme == "unix") return parse_unix(rest);
  bool raw = url.scheme == "tcp";
  if (!raw && default_port(url.scheme) == 0) {
    return invalid("the scheme of the address is not one of http, https, ws, wss, tcp, unix");
  }
  if (rest.substr(0, 2) == "//") {
    rest.remove_prefix(2);
  } else if (!raw) {
    return invalid("the address lacks '//' after the scheme");
  }
  auto end = rest.find_first_of("/?#");
  auto authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    return invalid("the address holds a user name; credentials go into a header");
  }
  auto parsed = parse_authority(authority, &url);
  if (parsed.has_error()) return parsed.error();
  if (raw) {
    if (end != std::string_view::npos) return invalid("a tcp address has no path");
    if (url.port == 0) return invalid("a tcp address needs a port: tcp:host:port");
    return url;
  }
  if (url.port == 0) url.port = default_port(url.scheme);
  auto tail = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  tail = tail.substr(0, tail.find('#'));
  url.target = (tail.empty() || tail[0] != '/' ? "/" : "") + std::string(tail);
  return url;
}

std::string Url::authority() const {
  if (is_unix()) return unix_path;
  bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::text() const {
  if (is_unix()) return "http://localhost" + (target.empty() ? "/" : target);
  if (scheme == "tcp") return "tcp:" + authority();
  return scheme + "://" + authority() + target;
}

}  // namespace openclaw::net
