// StartAnswer: the host's call of `start`, which is answered once, when it is known whether the
// account runs. Strand only.
#pragma once

#include <optional>
#include <string>

#include <openclaw/plugin.hpp>

namespace parts {

class StartAnswer {
 public:
  // None: the account was started before, and nobody waits.
  void expect(std::optional<openclaw::Completion> started) { started_ = std::move(started); }
  // OC_OK, or why not. What comes after the first answer is not heard.
  void settle(oc_status status, const std::string& message);
  // The host does not wait any more for the operation `op`, if that is the one.
  void cancel(oc_op op);

 private:
  std::optional<openclaw::Completion> started_;
};

}  // namespace parts
