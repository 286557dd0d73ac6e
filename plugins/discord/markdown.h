// Markdown as models write it -> Markdown as the service shows it: tables become fences, since it
// has none; strong text written with underscores would be underlined; deep headings and rules would
// be shown as they are typed. Never fails; what is in code stays as it is.
#pragma once

#include <string>
#include <string_view>

namespace discord {

std::string render_markdown(std::string_view markdown);
// A text that is to be shown as it is: what the service would read as markup is escaped.
std::string escape_markdown(std::string_view text);

}  // namespace discord
