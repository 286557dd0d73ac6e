#include "markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace discord {
namespace {

TEST(Markdown, WhatTheServiceShowsStaysAsItIs) {
  const std::string text =
      "# Title\n- **bold** *it* ~~no~~ `code __x__`\n> quoted\n1. one\n[t](https://x.y)";
  EXPECT_EQ(render_markdown(text), text);
}

TEST(Markdown, StrongTextWithUnderscoresIsNotUnderlined) {
  EXPECT_EQ(render_markdown("__bold__ and snake__case__name"), "**bold** and snake__case__name");
  EXPECT_EQ(render_markdown("\\__no__ ``a __b__``"), "\\__no** ``a __b__``");
}

TEST(Markdown, TablesBecomeColumnsInAFence) {
  EXPECT_EQ(render_markdown("| Name | Größe |\n|---|--:|\n| a | 1 |\n| long name | 22 |\nend"),
            "```\n"
            "Name       Größe\n"
            "---------  -----\n"
            "a          1\n"
            "long name  22\n"
            "```\nend");
}

TEST(Markdown, DeepHeadingsRulesAndPictures) {
  EXPECT_EQ(render_markdown("#### Deep ##"), "**Deep**");
  EXPECT_EQ(render_markdown("a\n---\nb"), "a\n\nb");
  EXPECT_EQ(render_markdown("![alt](https://x.y/z.png)"), "[alt](https://x.y/z.png)");
}

TEST(Markdown, CodeIsNotTouched) {
  const std::string text = "```md\n| a | b |\n|---|---|\n#### x\n---\n__y__\n```";
  EXPECT_EQ(render_markdown(text), text);
}

TEST(Markdown, PlainTextIsEscaped) {
  EXPECT_EQ(escape_markdown("# a *b* _c_ `d` <@1> - e\n- f"),
            "\\# a \\*b\\* \\_c\\_ \\`d\\` \\<@1> - e\n\\- f");
}

}  // namespace
}  // namespace discord
