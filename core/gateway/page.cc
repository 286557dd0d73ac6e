#include "gateway/page.h"

#include <iterator>

// Generated from core/gateway/page by cmake/EmbedFiles.cmake.
#include "page_bytes.inc"

namespace openclaw::gateway {
namespace {

template <std::size_t N>
constexpr std::string_view view(const char (&bytes)[N]) {
  return {bytes, N};
}

const PageFile kPageFiles[] = {
    {"index.html", "text/html; charset=utf-8", view(index_html)},
    {"app.js", "text/javascript; charset=utf-8", view(app_js)},
    {"style.css", "text/css; charset=utf-8", view(style_css)},
};

}  // namespace

const PageFile* page_file(std::string_view name) {
  for (const auto& file : kPageFiles) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace openclaw::gateway
