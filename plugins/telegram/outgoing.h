// What the host asks to be said, read and checked. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "buttons.h"
#include "json_fields.h"
#include "styled_text.h"

namespace telegram {

namespace json = boost::json;

struct Target {
  std::string chat;            // "-100123", "@name"
  std::int64_t thread_id = 0;  // 0: none
  json::value chat_id() const;
};

struct OutgoingFile {
  std::uint64_t blob = 0, bytes = 0;
  std::string kind, name, mime;
};

struct Outgoing {
  Target target;
  std::vector<StyledText> pieces;
  std::vector<OutgoingFile> files;  // after the pieces
  bool captioned = false;           // the one piece is the caption of the file, or of the album
  bool albums = true;               // files that may be one album are one
  parts::ButtonRows buttons;        // under the last piece, or the last file without any
  bool draft = false;               // a reply that is still growing
  bool silent = false;
  std::int64_t reply_to = 0;
  std::int64_t message_id = 0;               // to be edited; 0: a new one
  std::optional<std::uint64_t> max_wait_ms;  // for the pace, before anything of it is out
  bool must_exist = false;  // an edit of a message that is gone fails; else it is sent anew
  // Of a send that was cut: pieces and files that are out, and the first one's id.
  std::size_t sent = 0;
  std::int64_t first_id = 0;

  // Messages of text, and all messages.
  std::size_t texts() const { return captioned ? 0 : pieces.size(); }
  std::size_t parts() const { return texts() + files.size(); }
};

// A text that says what is wrong instead.
struct Malformed {
  std::string message;
};

std::optional<Target> read_target(const json::object& payload);
// "12" -> 12; 0 when it is no message id.
std::int64_t read_message_id(const json::object& in, std::string_view key);
// `is_edit`: the payload of `edit`, else of `send`.
std::optional<Outgoing> read_outgoing(std::string_view payload, bool is_edit, std::size_t limit,
                                      Malformed& wrong);

}  // namespace telegram
