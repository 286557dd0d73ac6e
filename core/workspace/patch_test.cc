#include "workspace/patch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::workspace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string update(std::string_view text, const std::string& hunks) {
  auto files = parse_patch("*** Begin Patch\n*** Update File: f\n" + hunks + "*** End Patch\n");
  if (!files) return "parse: " + files.error().message;
  auto out = apply_hunks(text, files->at(0).hunks);
  return out ? *out : "apply: " + out.error().message;
}

TEST(Patch, ParsesEveryKindOfFile) {
  auto files = parse_patch(
      "*** Begin Patch\r\n*** Add File: a/b.txt\n+one\n+\n+two\n\n*** Delete File: c\n*** Update "
      "File: d\n"
      "*** Move to: e\n@@ class X\n@@ def f\n keep\n-old\n+new\n*** End of File\n*** End Patch\n");
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 3u);
  EXPECT_EQ(files->at(0).content, "one\n\ntwo\n");
  EXPECT_EQ(files->at(1).kind, PatchFile::Kind::kDelete);
  EXPECT_EQ(files->at(2).move_to, "e");
  const PatchHunk& hunk = files->at(2).hunks.at(0);
  EXPECT_THAT(hunk.context, ElementsAre("class X", "def f"));
  EXPECT_THAT(hunk.old_lines, ElementsAre("keep", "old"));
  EXPECT_THAT(hunk.new_lines, ElementsAre("keep", "new"));
  EXPECT_TRUE(hunk.at_end);
}

TEST(Patch, ErrorsNameTheLine) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& c : {
           Case{"", "line 1 of the patch: expected \"*** Begin Patch\""},
           Case{"*** Begin Patch\n", "line 2 of the patch: the patch ends without"},
           Case{"*** Begin Patch\n*** End Patch", "line 3 of the patch: the patch names no file"},
           Case{"*** Begin Patch\nfoo\n*** End Patch",
                "line 2 of the patch: expected \"*** Add File:\""},
           Case{"*** Begin Patch\n*** Add File:\n*** End Patch",
                "line 2 of the patch: the path is missing"},
           Case{"*** Begin Patch\n*** Add File: x\n+a\nb\n*** End Patch",
                "line 4 of the patch: lines of a new file"},
           Case{"*** Begin Patch\n*** Update File: x\n*** End Patch",
                "line 2 of the patch: the update of x is empty"},
           Case{"*** Begin Patch\n*** Update File: x\n@@\n*bad\n*** End Patch",
                "line 4 of the patch: lines of a hunk"},
           Case{"*** Begin Patch\n*** Update File: x\n@@\n*** End Patch",
                "line 3 of the patch: the hunk has no lines"},
           Case{"*** Begin Patch\n*** Delete File: x\n*** End Patch\nmore",
                "line 4 of the patch: text after"},
       }) {
    auto files = parse_patch(c.text);
    ASSERT_FALSE(files) << c.text;
    EXPECT_EQ(files.error().code, Code::kInvalidArgument);
    EXPECT_THAT(files.error().message, HasSubstr(c.message));
  }
}

TEST(Patch, ReplacesInsertsAndRemoves) {
  EXPECT_EQ(update("a\nb\nc\n", "@@\n a\n-b\n+B\n c\n"), "a\nB\nc\n");
  EXPECT_EQ(update("a\nb\n", "@@\n-a\n"), "b\n");
  EXPECT_EQ(update("a\nb\n", "@@\n a\n+x\n"), "a\nx\nb\n");
  EXPECT_EQ(update("a\nb\n", "@@\n+end\n"), "a\nb\nend\n") << "without a place: at the end";
  EXPECT_EQ(update("a\nb\n", "@@ a\n+x\n"), "a\nx\nb\n") << "after its context";
  EXPECT_EQ(update("", "@@\n+x\n"), "x\n");
}

TEST(Patch, SeveralHunksGoDownTheFile) {
  EXPECT_EQ(update("x\na\nx\nb\nx\n", "@@\n-x\n+1\n a\n@@\n-x\n+2\n b\n"), "1\na\n2\nb\nx\n");
  EXPECT_EQ(update("f\nx\ng\nx\n", "@@ g\n-x\n+y\n"), "f\nx\ng\ny\n");
  EXPECT_EQ(update("x\na\nx\n", "@@\n-x\n+y\n*** End of File\n"), "x\na\ny\n");
}

TEST(Patch, BlanksMayDifferWhenNothingFitsExactly) {
  EXPECT_EQ(update("a  \n\tb\n", "@@\n a\n-b\n+c\n"), "a\nc\n");
  EXPECT_EQ(update("  x\nx\n", "@@\n-x\n+y\n"), "  x\ny\n") << "exact first";
}

TEST(Patch, LineEndsAndTheMissingLastOneStay) {
  EXPECT_EQ(update("a\r\nb\r\nc\r\n", "@@\n-b\n+B\n+BB\n"), "a\r\nB\r\nBB\r\nc\r\n");
  EXPECT_EQ(update("a\nb", "@@\n-b\n+c\n"), "a\nc");
  EXPECT_EQ(update("a\r\nb", "@@\n-b\n+c\n"), "a\r\nc");
  EXPECT_EQ(update("keep\r\nthis\nb\n", "@@\n-b\n+c\n"), "keep\r\nthis\nc\r\n")
      << "other lines are not touched";
}

TEST(Patch, AHunkThatDoesNotFitSaysWhatItLookedFor) {
  EXPECT_THAT(update("a\n", "@@\n-nope\n+x\n"),
              HasSubstr("apply: the hunk at line 3 of the patch does not fit: the file has no such "
                        "lines\n  nope"));
  EXPECT_THAT(update("a\n", "@@ def f\n-a\n"), HasSubstr("no line \"def f\""));
}

}  // namespace
}  // namespace openclaw::workspace
