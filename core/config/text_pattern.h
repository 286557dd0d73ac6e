// TextPattern: a regular expression that somebody wrote into the configuration. RE2, so a search
// takes time linear in the text whatever the expression is; look-around and back references are
// refused. Case does not count. Copies share one compiled expression. [any-thread]
#pragma once

#include <memory>
#include <string_view>

#include "result.h"

namespace re2 {
class RE2;
}

namespace openclaw::config {

class TextPattern {
 public:
  // kInvalidArgument says what is wrong with the expression, or that it is too large.
  static Result<TextPattern> compile(std::string_view expression);
  // Anywhere in the text.
  bool found_in(std::string_view text) const;

 private:
  explicit TextPattern(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace openclaw::config
