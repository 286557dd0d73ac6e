// Outcome<T>: a value, or why there is none, in the words that the operator will read.
#pragma once

#include "rule_outcome.h"

namespace openclaw::docker {

namespace json = boost::json;
using sandbox_rules::Failure;
using sandbox_rules::failure;
using sandbox_rules::Outcome;

}  // namespace openclaw::docker
