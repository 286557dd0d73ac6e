// Several changes of the configuration file at once. Single ones: set_value and unset_value in config.h.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace openclaw::config {

struct Change {
  std::string path;
  json::value value;  // null removes the key; when it is not there that is no error
};
// All are written or none; otherwise like set_value.
Result<void> set_values(const Paths& paths, const std::vector<Change>& changes,
                        const std::vector<ForeignSection>& foreign);

}  // namespace openclaw::config
