#include "process/output_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "process/terminal_keys.h"
#include "utf8.h"

namespace openclaw::process {
namespace {

using ::testing::HasSubstr;

TEST(OutputBuffer, ShortOutputIsKeptWhole) {
  OutputBuffer buffer;
  buffer.append("one\n");
  buffer.append("two\n");
  EXPECT_EQ(buffer.text(), "one\ntwo\n");
}

TEST(OutputBuffer, LongOutputIsCutInTheMiddleAndSaysHowMuch) {
  OutputBuffer buffer(100);
  for (int i = 0; i < 1000; ++i) buffer.append("0123456789");
  std::string text = buffer.text();
  EXPECT_EQ(text.substr(0, 50), std::string("01234567890123456789012345678901234567890123456789"));
  EXPECT_TRUE(text.ends_with("0123456789"));
  EXPECT_THAT(text, HasSubstr("9900 bytes cut"));
  EXPECT_LT(text.size(), 150u);
}

TEST(OutputBuffer, NewOutputIsHandedOutOnce) {
  OutputBuffer buffer(100);
  buffer.append("a");
  EXPECT_EQ(buffer.take_new(), "a");
  EXPECT_FALSE(buffer.has_new());
  EXPECT_EQ(buffer.take_new(), "");
  buffer.append(std::string(1000, 'x'));
  EXPECT_THAT(buffer.take_new(), HasSubstr("900 bytes cut"));
}

TEST(OutputBuffer, TailDoesNotStartInsideACharacter) {
  OutputBuffer buffer;
  buffer.append("\xC3\xA4\xC3\xA4");
  EXPECT_EQ(buffer.tail(3), "\xC3\xA4");
}

TEST(OutputBuffer, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(valid_utf8("a\xFF"
                       "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(valid_utf8("\xE2\x82\xAC"), "\xE2\x82\xAC");
  EXPECT_EQ(valid_utf8("\xED\xA0\x80").size(), 9u) << "surrogates";
  EXPECT_EQ(valid_utf8("\xC0\x80").size(), 6u) << "overlong";
  EXPECT_EQ(valid_utf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "cut off";
}

TEST(TerminalKeys, NamesBecomeBytes) {
  EXPECT_EQ(key_sequence("Enter"), "\r");
  EXPECT_EQ(key_sequence("C-c"), "\x03");
  EXPECT_EQ(key_sequence("Up"), "\x1b[A");
  EXPECT_EQ(key_sequence("hello"), "hello");
}

}  // namespace
}  // namespace openclaw::process
