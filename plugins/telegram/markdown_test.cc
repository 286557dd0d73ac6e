#include "markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "utf16.h"

namespace telegram {
namespace {

struct Case {
  std::string_view name, markdown, html;
};

class MarkdownTable : public testing::TestWithParam<Case> {};

TEST_P(MarkdownTable, RendersAsTelegramShowsIt) {
  EXPECT_EQ(render_markdown(GetParam().markdown).html(), GetParam().html);
}

constexpr Case kCases[] = {
    {"Bold", "**x** and __y__", "<b>x</b> and <b>y</b>"},
    {"Italic", "*x* and _y_", "<i>x</i> and <i>y</i>"},
    {"SnakeCaseStays", "use snake_case_name here", "use snake_case_name here"},
    {"Strike", "~~x~~", "<s>x</s>"},
    {"Code", "run `a < b && c`", "run <code>a &lt; b &amp;&amp; c</code>"},
    {"CodeBreaksOutOfBold", "**a `b` c**", "<b>a </b><code>b</code><b> c</b>"},
    {"Fence", "```\nx < y\n```", "<pre>x &lt; y</pre>"},
    {"FenceWithLanguage", "```c++\nint x;\n```",
     "<pre><code class=\"language-c++\">int x;</code></pre>"},
    {"HostileLanguage", "```\"><b\nx\n```", "<pre>x</pre>"},
    {"UnclosedFence", "```py\nprint(1)", "<pre><code class=\"language-py\">print(1)</code></pre>"},
    {"Heading", "# Title\n\ntext", "<b>Title</b>\n\ntext"},
    {"List", "- a\n- b\n  - c\n- d", "• a\n• b\n  • c\n• d"},
    {"OrderedList", "3. a\n4. b", "3. a\n4. b"},
    {"Tasks", "- [ ] a\n- [x] b", "☐ a\n☑ b"},
    {"ListThenText", "- a\n\nafter", "• a\n\nafter"},
    {"FenceInList", "- a\n  ```\n  x\n  ```\n- b", "• a\n<pre>x</pre>\n• b"},
    {"Quote", "> a\n> b\n\nc", "<blockquote>a\nb</blockquote>\n\nc"},
    {"NestedQuotesJoin", "> a\n>> b", "<blockquote>a\n\nb</blockquote>"},
    {"Link", "[t](https://x.org/?a=1&b=\"2)", "<a href=\"https://x.org/?a=1&amp;b=&quot;2\">t</a>"},
    {"LinkOfOtherScheme", "[t](javascript:alert(1))", "t (javascript:alert(1))"},
    {"LinkWithoutADomain", "[t](http://localhost:80/a.b)", "t (http://localhost:80/a.b)"},
    {"LinkOfCode", "[`f.cc`](https://x.org/f)", "<code>f.cc</code> (https://x.org/f)"},
    {"LinkPartlyCode", "[see `f`](https://x.org/f)",
     "<a href=\"https://x.org/f\">see </a><code>f</code>"},
    {"LinkInTable", "| a |\n|---|\n| [t](https://x.org) |",
     "<pre>a\n-----------------\nt (https://x.org)</pre>"},
    {"LinkThatShowsItself", "<https://x.org/>", "<a href=\"https://x.org/\">https://x.org/</a>"},
    {"Mail", "<me@x.org>", "me@x.org"},
    {"BoldLink", "**[t](https://x.org)**", "<a href=\"https://x.org\"><b>t</b></a>"},
    {"Image", "![alt](https://x.org/a.png)", "<a href=\"https://x.org/a.png\">alt</a>"},
    {"Rule", "a\n\n---\n\nb", "a\n\n──────\n\nb"},
    {"RawHtmlIsText", "<script>x</script> <b>y</b>",
     "&lt;script&gt;x&lt;/script&gt; &lt;b&gt;y&lt;/b&gt;"},
    {"LooseSigns", "a < b & c > d", "a &lt; b &amp; c &gt; d"},
    {"Entities", "&lt;x&gt; &copy; &#65;", "&lt;x&gt; &amp;copy; A"},
    {"SoftBreakStaysALine", "a\nb", "a\nb"},
    {"Table", "| a | bb |\n|---|---|\n| ccc | d |", "<pre>a   | bb\n----+---\nccc | d</pre>"},
    {"Empty", "", ""},
};

INSTANTIATE_TEST_SUITE_P(Section6, MarkdownTable, testing::ValuesIn(kCases),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(Markdown, BrokenUtf8BecomesReplacementCharacters) {
  EXPECT_EQ(render_markdown("a\xff\xc3(b").html(), "a\xEF\xBF\xBD\xEF\xBF\xBD(b");
}

TEST(Markdown, PlainTextKeepsLinkTargets) {
  EXPECT_EQ(render_markdown("see [docs](https://x.org) **now**").plain(),
            "see docs (https://x.org) now");
}

TEST(Split, PrefersParagraphsAndEveryPieceFits) {
  const std::string paragraph(60, 'a');
  const auto whole = render_markdown(paragraph + "\n\n" + paragraph + "\n\n" + paragraph);
  const auto pieces = split(whole, 130);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].text(), paragraph + "\n\n" + paragraph);
  EXPECT_EQ(pieces[1].text(), paragraph);
}

TEST(Split, AFenceThatIsCutIsAFenceInEachPiece) {
  std::string source = "```py\n";
  for (int i = 0; i < 40; ++i) source += "print(" + std::to_string(i) + ")\n";
  const auto pieces = split(render_markdown(source + "```"), 120);
  ASSERT_GT(pieces.size(), 2U);
  for (const auto& piece : pieces) {
    EXPECT_TRUE(piece.html().starts_with("<pre><code class=\"language-py\">print("));
    EXPECT_TRUE(piece.html().ends_with(")</code></pre>"));
    EXPECT_LE(parts::utf16_length(piece.text()), 120U);
  }
}

TEST(Split, AFenceThatWouldFitMovesWhole) {
  const std::string lines = "11111\n22222\n33333\n44444";
  const auto pieces = split(render_markdown("words before it\n\n```\n" + lines + "\n```"), 30);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[1].html(), "<pre>" + lines + "</pre>");
}

TEST(Split, NeverTearsSurrogatesOrJoinedEmoji) {
  std::string source;
  for (int i = 0; i < 100; ++i) source += "👩‍💻";  // 5 UTF-16 units each
  for (const auto& piece : split(render_markdown(source), 16)) {
    EXPECT_EQ(parts::utf16_length(piece.text()) % 5, 0U) << piece.text();
  }
}

TEST(Split, BoldOverTheCutIsClosedAndOpened) {
  const auto pieces =
      split(render_markdown("**" + std::string(30, 'a') + " " + std::string(30, 'b') + "**"), 40);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].html(), "<b>" + std::string(30, 'a') + "</b>");
  EXPECT_EQ(pieces[1].html(), "<b>" + std::string(30, 'b') + "</b>");
}

TEST(Split, LosesNoCharacterThatShows) {
  std::string source = "# T\n\n";
  for (int i = 0; i < 200; ++i) source += "word" + std::to_string(i) + (i % 7 == 0 ? ".\n\n" : " ");
  const auto whole = render_markdown(source);
  const auto strip = [](std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
  };
  std::string joined;
  for (const auto& piece : split(whole, 100)) joined += piece.text();
  EXPECT_EQ(strip(joined), strip(whole.text()));
}

TEST(Utf16, OffsetsInsideAPairAnswerItsStart) {
  EXPECT_EQ(parts::byte_offset("a😀b", 1), 1U);
  EXPECT_EQ(parts::byte_offset("a😀b", 2), 1U);
  EXPECT_EQ(parts::byte_offset("a😀b", 3), 5U);
  EXPECT_EQ(parts::utf16_length("a😀b"), 4U);
}

}  // namespace
}  // namespace telegram
