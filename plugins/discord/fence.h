// FenceState: whether a line stands in a fenced block of code, read line by line. Pure.
#pragma once

#include <string>
#include <string_view>

namespace discord {

class FenceState {
 public:
  // Takes in the next line, without its end.
  void read(std::string_view line);
  bool open() const { return !mark_.empty(); }
  // The line that opened the fence, to open it anew elsewhere; and the line that closes it.
  const std::string& opening() const { return opening_; }
  std::string closing() const { return indent_ + mark_; }
  bool operator==(const FenceState&) const = default;

 private:
  std::string indent_, mark_, opening_;  // empty outside
};

}  // namespace discord
