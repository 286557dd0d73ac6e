// Where sandbox images come from: for our own, the scripts that build them.
#pragma once

#include <string>

namespace openclaw::docker {

// The command that gets an image which is not there. Our scripts are named as they lie in a checkout,
// or by their path when openclaw is installed.
std::string how_to_get(const std::string& image);

}  // namespace openclaw::docker
