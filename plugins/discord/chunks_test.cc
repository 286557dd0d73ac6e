#include "chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "utf16.h"

namespace discord {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::size_t kLimit = 200;

std::string words(std::size_t count, const std::string& word = "word") {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : " ") + word;
  return out;
}

TEST(Chunks, AShortTextIsOnePieceAndBlanksAreNone) {
  EXPECT_THAT(split("hello", kLimit), ElementsAre("hello"));
  EXPECT_THAT(split("", kLimit), IsEmpty());
  EXPECT_THAT(split(" \n\n ", kLimit), IsEmpty());
}

TEST(Chunks, ParagraphsGoBeforeLinesAndLinesBeforeSpaces) {
  const std::string a = words(25), b = words(25);
  EXPECT_THAT(split(a + "\n\n" + b, kLimit), ElementsAre(a, b));
  EXPECT_THAT(split(a + "\n" + b, kLimit), ElementsAre(a, b));
  for (const std::string& piece : split(words(200), kLimit)) {
    EXPECT_LE(piece.size(), kLimit);
    EXPECT_THAT(piece, StartsWith("word"));
    EXPECT_THAT(piece, EndsWith("word"));
  }
}

TEST(Chunks, LengthIsMeasuredInUtf16AndNoCharacterIsTorn) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "👩‍🚀";
  std::string joined;
  for (const std::string& piece : split(text, kLimit)) {
    EXPECT_LE(parts::utf16_length(piece), kLimit);
    EXPECT_EQ(parts::valid_utf8(piece), piece);
    EXPECT_THAT(piece, StartsWith("👩‍🚀"));
    joined += piece;
  }
  EXPECT_EQ(joined, text);
}

TEST(Chunks, AFenceThatIsCutIsClosedAndOpenedAgainInItsLanguage) {
  std::string code = "  ````py\n";
  for (int i = 0; i < 30; ++i) code += "  x" + std::to_string(i) + " = `1`\n";
  code += "  ````\nafter";
  const std::vector<std::string> pieces = split("before\n" + code, kLimit);
  ASSERT_GE(pieces.size(), 3u);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_LE(pieces[i].size(), kLimit);
    if (i > 0 && i + 1 < pieces.size()) {
      EXPECT_THAT(pieces[i], StartsWith("  ````py\n  x")) << i;
    }
    if (i + 1 < pieces.size()) {
      EXPECT_THAT(pieces[i], EndsWith("\n  ````")) << i;
    }
  }
  EXPECT_THAT(pieces.back(), EndsWith("after"));
}

TEST(Chunks, NoPieceIsAnEmptyFence) {
  for (std::size_t filler = 100; filler < 210; ++filler) {
    const std::string text = std::string(filler, 'a') + "\n```c\n" + std::string(50, 'b') + "\n```";
    for (const std::string& piece : split(text, kLimit)) {
      EXPECT_LE(piece.size(), kLimit);
      EXPECT_THAT(piece, testing::Not(EndsWith("```c\n```"))) << filler;
      EXPECT_NE(piece, "```c\n```") << filler;
    }
  }
}

TEST(Chunks, AnOpenFenceIsClosedAtTheEnd) {
  EXPECT_THAT(split("```\nx =", kLimit), ElementsAre("```\nx =\n```"));
}

TEST(Chunks, AQuotationOfTheRestGoesOnInTheNextPiece) {
  const std::vector<std::string> pieces = split(">>> " + words(100), kLimit);
  for (const std::string& piece : pieces) EXPECT_THAT(piece, StartsWith(">>> "));
}

TEST(Chunks, MentionsAndLinksStayWhole) {
  const std::string link = "[a link with words](https://example.com/a/path)";
  const std::vector<std::string> links = split(words(34) + " " + link + " " + words(20), kLimit);
  EXPECT_THAT(links, testing::Contains(StartsWith(link)));
  const std::string mention = "<@910000000000000001>";
  std::string text = words(37) + " x";
  for (int i = 0; i < 12; ++i) text += mention;
  for (const std::string& piece : split(text, kLimit)) {
    EXPECT_EQ(std::count(piece.begin(), piece.end(), '<'),
              std::count(piece.begin(), piece.end(), '>'));
  }
}

}  // namespace
}  // namespace discord
