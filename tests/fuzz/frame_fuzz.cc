// What a stranger's bytes pass through before anybody is known: the frame parser, the check of
// connect's params, the host and origin rules. Nothing may crash, and what parses must print.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/connect_params.h"
#include "gateway/frame.h"
#include "gateway/origin.h"
#include "gateway/params.h"
#include "identity/device_identity.h"

namespace gw = openclaw::gateway;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto frame = gw::parse_request(text);
  if (frame.request.has_value() == frame.problem.has_value()) std::abort();
  if (frame.request) {
    auto problem = gw::check_params("connect", gw::connect_table(), frame.request->params);
    if (problem.size() > 100000) std::abort();
    gw::WireError error;
    error.code = gw::kInvalidRequest;
    error.message = problem;
    auto answer = gw::error_frame(frame.request->id, error);
    boost::system::error_code bad;
    boost::json::parse(answer, bad);
    if (bad) std::abort();
  }
  gw::AuthSettings settings;
  settings.trusted_proxies = {"10.0.0.0/8", "::1"};
  settings.allowed_origins = {"https://allowed.example"};
  auto half = text.substr(0, size / 2);
  auto rest = text.substr(size / 2);
  auto peer = gw::resolve_peer(
      "10.0.0.1",
      [&](std::string_view name) {
        return name == "Host" ? half : name == "User-Agent" ? text : rest;
      },
      settings);
  gw::origin_refusal(peer, settings);
  gw::is_expected_host(half, settings);
  openclaw::identity::normalise_public_key(text);
  openclaw::identity::verify(half, text, rest);
  return 0;
}
