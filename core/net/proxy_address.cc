#include "net/proxy_address.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace openclaw::net {
namespace {

using Kind = ProxyAddress::Kind;

constexpr std::size_t kMaxProxyText = 1024;
constexpr std::size_t kMaxCredential = 255;  // what SOCKS5 has room for (RFC 1929)

constexpr std::array<std::pair<std::string_view, Kind>, 4> kProxySchemes{
    {{"http://", Kind::kHttp},
     {"https://", Kind::kHttps},
     {"socks5://", Kind::kSocks5},
     {"socks5h://", Kind::kSocks5}}};

Error bad_proxy(std::string_view why) {
  return Error(Code::kInvalidArgument,
               "the proxy must be written http://, https://, socks5:// or socks5h:// HOST:PORT" +
                   std::string(why));
}

// Nothing when a percent sign is followed by anything but two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || failure != std::errc() || end != digits.data() + 2)
      return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

bool has_port(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t from = bracket == std::string_view::npos ? 0 : bracket;
  return authority.find(':', from) != std::string_view::npos;
}

Result<void> read_credentials(std::string_view text, ProxyAddress& out) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  auto user = percent_decoded(text.substr(0, colon));
  auto password =
      percent_decoded(colon < text.size() ? text.substr(colon + 1) : std::string_view());
  if (!user || !password)
    return bad_proxy(
        "; a percent sign in its user or password is written %25, and other signs in the same way");
  if (user->empty() || user->size() > kMaxCredential || password->size() > kMaxCredential)
    return bad_proxy("; its user and password have at most 255 bytes each");
  out.user = std::move(*user);
  out.password = std::move(*password);
  return {};
}

}  // namespace

Result<ProxyAddress> parse_proxy(std::string_view text) {
  if (text.size() > kMaxProxyText) return bad_proxy("; it is longer than 1024 bytes");
  const bool odd = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
  if (odd) return bad_proxy("; it holds a blank or a control character");
  const auto* scheme = std::find_if(kProxySchemes.begin(), kProxySchemes.end(),
                                    [&](const auto& each) { return text.starts_with(each.first); });
  if (scheme == kProxySchemes.end()) return bad_proxy("");
  ProxyAddress out;
  out.kind = scheme->second;
  std::string_view rest = text.substr(scheme->first.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    auto read = read_credentials(rest.substr(0, at), out);
    if (read.has_error()) return read.error();
    rest.remove_prefix(at + 1);
  }
  std::string authority(rest);
  if (!has_port(rest)) authority += out.kind == Kind::kHttps ? ":443" : ":1080";
  // Its errors name no part of the text.
  auto url = parse_url("tcp:" + authority);
  if (url.has_error()) return bad_proxy("; " + url.error().message);
  out.at = std::move(*url);
  return out;
}

}  // namespace openclaw::net
