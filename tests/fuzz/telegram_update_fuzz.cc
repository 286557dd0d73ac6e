// Telegram: any bytes as an update, and any bytes as Markdown. What comes out must be valid for its
// reader.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "markdown.h"
#include "styled_text.h"
#include "update_event.h"
#include "utf16.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void fuzz_update(std::string_view data) {
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = 32;
  const boost::json::value update = boost::json::parse(data, error, {}, options);
  if (error) return;
  const telegram::Bot bot{42, "lab_bot", false};
  const telegram::Parsed parsed = telegram::parse_update(update, bot, "default");
  check(parsed.event.contains("eventId"));
  check(parsed.kind == telegram::Parsed::Kind::kIgnored || parsed.event.contains("kind"));
}

void fuzz_markdown(std::string_view data) {
  constexpr std::size_t kLimit = 64;
  const telegram::StyledText whole = telegram::render_markdown(data.substr(0, 16384));
  for (const telegram::StyledText& piece : telegram::split(whole, kLimit)) {
    check(!piece.blank());
    check(parts::utf16_length(piece.text()) <= kLimit);
    check(parts::valid_utf8(piece.text()) == piece.text());
    const std::string html = piece.html();
    int depth = 0;
    for (std::size_t i = 0; i < html.size(); ++i) {
      if (html[i] == '<') depth += html[i + 1] == '/' ? -1 : 1;
      check(depth >= 0);
    }
    check(depth == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view data(reinterpret_cast<const char*>(bytes), size);
  fuzz_update(data);
  fuzz_markdown(data);
  return 0;
}
