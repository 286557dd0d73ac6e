// What the host asks to be said, read and checked. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "buttons.h"
#include "json_fields.h"

namespace discord {

namespace json = boost::json;

struct Target {
  std::string channel;   // a channel, thread or direct chat; empty when `user` is set
  std::string user;      // a person, whose direct chat has to be looked up
  bool certain = false;  // that it is a channel; a bare id may be a person's
};

struct OutgoingFile {
  std::uint64_t blob = 0, bytes = 0;
  std::string name, mime;
};

struct Outgoing {
  Target target;
  std::vector<std::string> pieces;
  std::vector<std::vector<OutgoingFile>> files;  // a message each; the first is the last piece's
  parts::ButtonRows buttons;                     // under the last piece, or the last files
  bool draft = false;                            // a reply that is still growing
  bool silent = false;
  std::string reply_to;
  std::string interaction;  // the slash command that it answers
  std::string message_id;   // to be edited; empty: a new one
  bool must_exist = false;  // an edit of a message that is gone fails; else it is sent anew
  std::string idempotency_key;
  // Of a send that was cut: messages that are out, the first one's id, and since when the next one
  // is being tried (wall clock; 0: unknown).
  std::size_t sent = 0;
  std::string first_id;
  std::int64_t trying_since_ms = 0;

  std::size_t messages() const;
  // Null: the message of this index is text alone.
  const std::vector<OutgoingFile>* files_of(std::size_t index) const;
};

// A text that says what is wrong instead.
struct Malformed {
  std::string message;
};

std::optional<Target> read_target(const json::object& payload);
// A message id; empty when there is none.
std::string read_message_id(const json::object& in, std::string_view key);
// `is_edit`: the payload of `edit`, else of `send`.
std::optional<Outgoing> read_outgoing(std::string_view payload, bool is_edit, std::size_t limit,
                                      Malformed& wrong);

// The service answers a second message with the nonce of an earlier one with that earlier one.
// Derived, so that a repeat after a crash has the same; from nothing when there is no key.
std::string nonce_of(std::string_view idempotency_key, std::size_t index);

}  // namespace discord
