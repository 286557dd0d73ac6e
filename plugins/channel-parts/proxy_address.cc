#include "proxy_address.h"

#include <algorithm>
#include <array>

namespace parts {

std::string why_no_proxy(std::string_view proxy, const std::string& key) {
  constexpr std::array<std::string_view, 4> kSchemes{"http://", "https://", "socks5://",
                                                     "socks5h://"};
  const bool known = std::any_of(kSchemes.begin(), kSchemes.end(), [&](std::string_view scheme) {
    return proxy.starts_with(scheme) && proxy.size() > scheme.size();
  });
  const bool odd = std::any_of(proxy.begin(), proxy.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
  if (known && !odd) return {};
  return key +
         " must be written http://, https://, socks5:// or socks5h:// HOST:PORT; the account stays "
         "off rather than going around it. Type: openclaw config set " +
         key + " http://HOST:PORT";
}

}  // namespace parts
