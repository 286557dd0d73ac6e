// Discord: any bytes as a gateway payload, as a compressed stream, and as Markdown. What comes out
// must be valid for its reader.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "chunks.h"
#include "gateway_payload.h"
#include "inflate_stream.h"
#include "markdown.h"
#include "message_event.h"
#include "rate_limits.h"
#include "utf16.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void fuzz_payload(std::string_view data) {
  const auto payload = discord::read_payload(data);
  if (!payload) return;
  check(payload->seq >= 0);
  (void)discord::read_hello(payload->data);
  if (const auto ready = discord::read_ready(payload->data))
    (void)discord::connection_url(ready->session.resume_url);
  discord::Directory directory("900");
  directory.learn("GUILD_CREATE", payload->data);
  directory.learn(payload->type, payload->data);
  (void)discord::unknown_in(payload->data, directory);
  for (const char* type : {"MESSAGE_CREATE", "MESSAGE_UPDATE"}) {
    const discord::Parsed parsed =
        discord::parse_message(type, payload->data, directory, "default", "s:1");
    check(parsed.event.contains("eventId"));
    if (parsed.kind != discord::Parsed::Kind::kEvent) continue;
    const auto& conversation = parsed.event.at("conversation").as_object();
    // A room is never taken for a direct chat.
    if (conversation.at("type") == "direct") check(!conversation.contains("spaceId"));
    const std::string_view text = parsed.event.at("text").as_string();
    check(parts::valid_utf8(text) == text);
  }
}

// The same bytes as a reaction: ids and names are all that comes of them.
void fuzz_reaction(std::string_view data) {
  const auto payload = discord::read_payload(data);
  if (!payload) return;
  const discord::Directory directory("900");
  const discord::Parsed parsed =
      discord::parse_reaction(payload->data, directory, "default", "s:1");
  if (parsed.kind != discord::Parsed::Kind::kEvent) return;
  check(parsed.event.at("sender").at("id") != "900");
  check(parsed.event.at("eventId").as_string().size() <= 512);
  for (const char* key : {"emoji", "messageId"}) {
    const std::string_view text = parsed.event.at(key).as_string();
    check(!text.empty() && parts::valid_utf8(text) == text);
  }
}

void fuzz_stream(std::string_view data) {
  discord::InflateStream stream(1 << 16);
  while (!data.empty() && !stream.failed()) {
    const std::size_t take = 1 + static_cast<unsigned char>(data[0]) % 64;
    if (const auto message = stream.feed(data.substr(0, take))) check(message->size() <= 1 << 16);
    data.remove_prefix(take < data.size() ? take : data.size());
  }
}

void fuzz_text(std::string_view data) {
  constexpr std::size_t kLimit = 200;
  data = data.substr(0, 16384);
  for (const std::string& whole :
       {discord::render_markdown(data), discord::escape_markdown(data)}) {
    for (const std::string& piece : discord::split(whole, kLimit)) {
      check(!piece.empty());
      check(parts::utf16_length(piece) <= kLimit);
      check(parts::valid_utf8(piece) == piece);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view data(reinterpret_cast<const char*>(bytes), size);
  fuzz_payload(data);
  fuzz_reaction(data);
  fuzz_stream(data);
  fuzz_text(data);
  (void)discord::read_rate_headers(data);
  return 0;
}
