// Redactor: takes secrets out of text before it reaches a log. [any-thread]
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace openclaw::logging {

class Redactor {
 public:
  // From now on `value` is replaced wherever it stands. Values under 6 characters are ignored:
  // replacing them would eat ordinary words.
  void add_secret(std::string_view value);
  // Known values, then patterns: bearer tokens, /bot<digits>:<token>, sk-... keys, token and
  // password fields.
  std::string redact(std::string_view text) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> secrets_;  // longest first, so that a part never uncovers the rest
};

}  // namespace openclaw::logging
