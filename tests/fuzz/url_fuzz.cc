// What parse_url accepts stays what it is when it is written down and read again, and an address
// that is not public never passes the guard by its spelling.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/egress_guard.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace openclaw;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto url = net::parse_url(text);
  if (url.has_error()) return 0;
  if (!url->is_unix()) {
    auto again = net::parse_url(url->text());
    if (again.has_error() || again->host != url->host || again->port != url->port ||
        again->target != url->target) {
      std::abort();
    }
    static const net::EgressGuard any({"https://*:443", "http://*:80", "tcp:*:*"}, {}, false);
    bool passed = any.check(*url).has_value();
    if (passed && net::is_ip_literal(url->host) &&
        net::classify(url->host) != net::AddressClass::kPublic) {
      std::abort();
    }
  }
  return 0;
}
