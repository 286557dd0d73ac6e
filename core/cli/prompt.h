// Prompt: questions to the person at the terminal. Asks on standard error, so that standard output stays
// the command's answer; secrets are read without echo and Ctrl-C leaves the terminal as it was.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::cli {

class Prompt {
 public:
  // Somebody is there: standard input and standard error are a terminal.
  static bool possible();

  // The line typed, or `otherwise` for an empty one. kCancelled: Ctrl-C or end of input.
  Result<std::string> text(std::string_view question, std::string_view otherwise = {});
  Result<std::string> secret(std::string_view question);
  Result<bool> confirm(std::string_view question, bool otherwise);
  struct Choice {
    std::string value, label;
  };
  // One of the values, asked for by its number or its value.
  Result<std::string> choose(std::string_view question, const std::vector<Choice>& choices,
                             std::string_view otherwise);
};

// One line of standard input for `--token -`; kInvalidArgument when there is none.
Result<std::string> line_of_stdin();

}  // namespace openclaw::cli
