// A proxy's answers: any bytes, in any pieces. Of what comes behind the answer nothing is taken,
// and a handshake that is over asks for no more. Also any bytes as a proxy's address.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/proxy_handshake.h"

namespace {

using namespace openclaw;

void check(bool holds) {
  if (!holds) std::abort();
}

void fuzz_answers(const char* proxy, std::string_view answers) {
  net::ProxyHandshake handshake(net::parse_proxy(proxy).value(),
                                net::parse_url("wss://gateway.example/").value());
  while (!answers.empty() && !handshake.done()) {
    check(handshake.take_output().size() < 1024);
    check(handshake.wanted() > 0);
    const std::size_t piece =
        std::min({std::size_t(1 + static_cast<unsigned char>(answers[0]) % 32), answers.size(),
                  handshake.wanted()});
    if (handshake.feed(answers.substr(0, piece)).has_error()) {
      check(!handshake.done());
      return;
    }
    answers.remove_prefix(piece);
  }
  if (handshake.done()) check(handshake.wanted() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view data(reinterpret_cast<const char*>(bytes), size);
  fuzz_answers("http://ada:pw@p:1", data);
  fuzz_answers("socks5://p:1", data);
  fuzz_answers("socks5://ada:pw@p:1", data);
  if (const auto proxy = net::parse_proxy(data); proxy.has_value()) {
    check(proxy->at.port != 0 && !proxy->at.host.empty());
    check(proxy->user.size() <= 255 && proxy->password.size() <= 255);
  }
  return 0;
}
