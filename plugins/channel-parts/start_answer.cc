#include "start_answer.h"

#include <utility>

namespace parts {

void StartAnswer::settle(oc_status status, const std::string& message) {
  if (!started_) return;
  openclaw::Completion done = std::move(*started_);
  started_.reset();
  if (status == OC_OK) {
    done.ok();
  } else {
    done.error(status, message);
  }
}

void StartAnswer::cancel(oc_op op) {
  if (started_ && started_->op() == op) settle(OC_CANCELLED, "the start was cancelled");
}

}  // namespace parts
