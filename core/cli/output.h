// Output: tables, JSON and colours for people at a terminal; plain text for everything else.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::cli {

enum class Colour { kNone, kRed, kGreen, kYellow, kDim, kBold };

class Output {
 public:
  // Colours only when standard output is a terminal and NO_COLOR is unset.
  Output();

  void line(std::string_view text = {});
  void error(std::string_view text);  // standard error, "Error: " in red
  void note(std::string_view text);   // standard error, dim: progress and hints, never with --json consumers' data
  // Pretty-printed with two spaces, as users of jq and diff like it.
  void print_json(const json::value& value);
  // Left-aligned columns, width by content.
  void table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);
  std::string paint(Colour colour, std::string_view text) const;
  bool is_terminal() const { return terminal_; }

 private:
  bool terminal_ = false, colours_ = false;
};

std::int64_t now_ms();  // wall clock
// "3m", "2h", "5d": for ages in tables.
std::string short_age(std::int64_t age_ms);
std::string pretty(const json::value& value);

}  // namespace openclaw::cli
