#include "qr_code/qr_code.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(QrCodes, HaveTheirThreeFindersAndTheDarkModule) {
  const auto code = QrCode::of("2@abc,def,ghi");
  ASSERT_TRUE(code.has_value());
  const int last = code->width() - 7;
  EXPECT_EQ(code->width(), 21);  // version 1
  for (const auto& [row, column] : {std::pair{0, 0}, {0, last}, {last, 0}}) {
    for (int i = 0; i < 7; ++i) {
      EXPECT_TRUE(code->dark(row, column + i) && code->dark(row + 6, column + i));
      EXPECT_TRUE(code->dark(row + i, column) && code->dark(row + i, column + 6));
    }
    EXPECT_FALSE(code->dark(row + 1, column + 1));
    EXPECT_TRUE(code->dark(row + 3, column + 3));
  }
  EXPECT_TRUE(code->dark(code->width() - 8, 8));
  EXPECT_FALSE(code->dark(-1, 0));
  EXPECT_FALSE(code->dark(0, code->width()));
}

TEST(QrCodes, ATerminalShowsTwoModulesACharacterWithinAQuietZone) {
  const auto code = QrCode::of("x");
  ASSERT_TRUE(code.has_value());
  const std::string plain = code->for_terminal(false), coloured = code->for_terminal(true);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), '\n'), (21 + 8 + 1) / 2);
  EXPECT_THAT(plain, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(plain, StartsWith("█████"));  // light
  EXPECT_THAT(coloured, StartsWith("\x1b[30;107m     "));
}

TEST(QrCodes, WhatFitsInNoneIsRefused) {
  EXPECT_EQ(QrCode::of("").error().code, Code::kInvalidArgument);
  EXPECT_TRUE(QrCode::of(std::string(2331, 'x')).has_value());
  EXPECT_EQ(QrCode::of(std::string(2332, 'x')).error().code, Code::kInvalidArgument);
}

TEST(QrCodes, APageShowsItAsAPicture) {
  EXPECT_THAT(QrCode::of("x")->as_data_url(), StartsWith("data:image/svg+xml;utf8,<svg "));
}

}  // namespace
}  // namespace openclaw
