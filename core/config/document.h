// Document: a configuration text as a tree plus the place of every key in it. Made by the TOML and
// JSON5 readers, used by validation and by Config::origin().
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/config.h"

namespace openclaw::config {

// Largest text and deepest nesting that a reader takes.
inline constexpr std::size_t kMaxTextBytes = 4 * 1024 * 1024;
inline constexpr int kMaxDepth = 64;

struct Position {
  int line = 0;  // 1-based; 0: unknown
  int column = 0;
};

// Where a key stands and where its value begins.
struct Place {
  Position key;
  Position value;
};

struct Document {
  json::object root;
  std::map<std::string, Place, std::less<>> places;  // by canonical path

  // Of the path itself or of its nearest ancestor that has one.
  Place place(std::string_view path) const;
};

struct SyntaxError {
  Position at;
  std::string message;
};

// False: `error` is filled. Never throws.
bool read_toml(std::string_view text, Document& out, SyntaxError& error);
bool read_json5(std::string_view text, Document& out, SyntaxError& error);

}  // namespace openclaw::config
