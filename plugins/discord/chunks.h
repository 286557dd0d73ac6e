// A text cut into messages. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace discord {

// Pieces of at most `limit` UTF-16 units (200 or more): cut at a paragraph, else a line, else a
// sentence, else a space, else between characters; never within a mention or a link that fits. A
// fence that is cut is closed and opened anew; so is a quotation of the rest (">>> "). Blank pieces
// are left out.
std::vector<std::string> split(std::string_view text, std::size_t limit);

}  // namespace discord
