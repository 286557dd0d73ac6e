// Markdown as models write it -> StyledText. Never fails: what is not understood stays text.
#pragma once

#include <string_view>

#include "styled_text.h"

namespace telegram {

StyledText render_markdown(std::string_view markdown);

}  // namespace telegram
