// QR codes that people scan with their phones. Pure. [any-thread]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw {

class QrCode {
 public:
  // The smallest code that holds the text. kInvalidArgument: empty, or more than a code can hold
  // (2,331 bytes).
  static Result<QrCode> of(std::string_view text);

  int width() const { return width_; }  // in modules, without the quiet zone
  // False outside of the code: the quiet zone.
  bool dark(int row, int column) const;

  // For a terminal, two modules a character, with a quiet zone. `colours`: black on white by escape
  // sequences; without them light modules are drawn, which is right where the background is dark.
  std::string for_terminal(bool colours) const;
  // A data: address of an SVG picture.
  std::string as_data_url() const;

 private:
  int width_ = 0;
  std::vector<bool> modules_;
};

}  // namespace openclaw
