// Event streams of models: any bytes, in any pieces, through the parser and both vendors' decoders.
// The first byte chooses the size of the pieces. The same bytes in one piece must give the same
// answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "anthropic_chat.h"
#include "openai_chat.h"

namespace {

template <class Vendor>
std::string answer(std::string_view bytes, std::size_t piece) {
  openclaw::model::Reply reply([](std::string_view) {});
  Vendor decoder;
  openclaw::model::SseParser parser(
      [&](std::string_view name, std::string_view data) { decoder.event(name, data, reply); },
      1U << 16);
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(piece < bytes.size() ? piece : bytes.size());
  }
  parser.finish();
  return boost::json::serialize(reply.completion());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 60000) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::size_t piece = data[0] % 64U + 1U;
  if (answer<openclaw::model::OpenAiDecoder>(bytes, piece) !=
      answer<openclaw::model::OpenAiDecoder>(bytes, size)) {
    std::abort();
  }
  if (answer<openclaw::model::AnthropicDecoder>(bytes, piece) !=
      answer<openclaw::model::AnthropicDecoder>(bytes, size)) {
    std::abort();
  }
  return 0;
}
