// The page that is built into the program. Pure. [any-thread]
#pragma once

#include <string_view>

namespace openclaw::gateway {

struct PageFile {
  std::string_view name;  // "index.html"
  std::string_view type;  // content type
  std::string_view bytes;
};
// Null when there is no such file.
const PageFile* page_file(std::string_view name);

}  // namespace openclaw::gateway
