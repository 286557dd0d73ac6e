#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace openclaw::cli {
namespace {

const char* code_of(Colour colour) {
  switch (colour) {
    case Colour::kRed: return "\x1b[31m";
    case Colour::kGreen: return "\x1b[32m";
    case Colour::kYellow: return "\x1b[33m";
    case Colour::kDim: return "\x1b[2m";
    case Colour::kBold: return "\x1b[1m";
    case Colour::kNone: break;
  }
  return "";
}

// Columns by code points: good enough for names and paths, and never cuts a character.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

void write_pretty(std::string& out, const json::value& value, std::size_t indent) {
  std::string pad(indent + 2, ' ');
  if (value.is_object() && !value.as_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [key, member] : value.as_object()) {
      if (!first) out += ",\n";
      first = false;
      out += pad + json::serialize(json::value(key)) + ": ";
      write_pretty(out, member, indent + 2);
    }
    out += "\n" + std::string(indent, ' ') + "}";
  } else if (value.is_array() && !value.as_array().empty()) {
    out += "[\n";
    bool first = true;
    for (const auto& member : value.as_array()) {
      if (!first) out += ",\n";
      first = false;
      out += pad;
      write_pretty(out, member, indent + 2);
    }
    out += "\n" + std::string(indent, ' ') + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

Output::Output() : terminal_(isatty(STDOUT_FILENO) == 1) {
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  colours_ = terminal_ && (no_color == nullptr || *no_color == '\0');
}

void Output::line(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

void Output::error(std::string_view text) {
  std::fflush(stdout);
  bool colour = colours_ && isatty(STDERR_FILENO) == 1;
  std::fprintf(stderr, "%sError:%s %.*s\n", colour ? "\x1b[31m" : "", colour ? "\x1b[0m" : "",
               static_cast<int>(text.size()), text.data());
}

void Output::note(std::string_view text) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

void Output::print_json(const json::value& value) { line(pretty(value)); }

void Output::table(const std::vector<std::string>& header,
                   const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& cell : header) widths.push_back(width(cell));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], width(row[i]));
    }
  }
  auto print = [&](const std::vector<std::string>& row, Colour colour) {
    std::string text;
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text += std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    line(paint(colour, text));
  };
  print(header, Colour::kBold);
  for (const auto& row : rows) print(row, Colour::kNone);
}

std::string Output::paint(Colour colour, std::string_view text) const {
  if (!colours_ || colour == Colour::kNone) return std::string(text);
  return code_of(colour) + std::string(text) + "\x1b[0m";
}

std::int64_t now_ms() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string short_age(std::int64_t age_ms) {
  std::int64_t seconds = std::max<std::int64_t>(age_ms / 1000, 0);
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 86400) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

std::string pretty(const json::value& value) {
  std::string out;
  write_pretty(out, value, 0);
  return out;
}

}  // namespace openclaw::cli
