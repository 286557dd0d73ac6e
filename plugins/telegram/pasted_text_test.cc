#include "pasted_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telegram {
namespace {

namespace json = boost::json;

class Pasted : public testing::Test {
 protected:
  // The group of a message; empty: it stands alone.
  std::string group(int id, std::size_t length, int second, const std::string& sender = "9",
                    json::object more = {}) {
    json::object event{{"kind", "message"},
                       {"conversation", {{"id", "-1"}}},
                       {"sender", {{"id", sender}}},
                       {"messageId", std::to_string(id)},
                       {"text", std::string(length, 'a')},
                       {"timestampMs", second * 1000}};
    for (auto& member : more) event[member.key()] = member.value();
    pasted_.mark(event);
    return event.contains("groupId") ? std::string(event.at("groupId").as_string()) : "";
  }
  PastedText pasted_;
};

TEST_F(Pasted, PiecesOfOneTextHaveOneGroup) {
  EXPECT_EQ(group(5, 4096, 10), "text:5");
  EXPECT_EQ(group(6, 3500, 10), "text:5");
  EXPECT_EQ(group(8, 40, 11), "text:5");
  EXPECT_EQ(group(9, 40, 11), "") << "the short one was its end";
}

TEST_F(Pasted, OtherMessagesStandAlone) {
  EXPECT_EQ(group(1, 2000, 10), "");
  EXPECT_EQ(group(2, 4096, 10), "text:2");
  EXPECT_EQ(group(3, 40, 10, "10"), "") << "somebody else's";
  EXPECT_EQ(group(4, 40, 20), "") << "written later";
  EXPECT_EQ(group(5, 4096, 30), "text:5");
  EXPECT_EQ(group(6, 40, 30, "9", {{"kind", "edit"}}), "");
  EXPECT_EQ(group(7, 40, 30), "");
  EXPECT_EQ(group(8, 4096, 40, "9", {{"attachments", json::array{1}}}), "");
  EXPECT_EQ(group(9, 4096, 50, "9", {{"text", "/tool x " + std::string(4000, 'a')}}), "");
  EXPECT_EQ(group(10, 4096, 60, "9", {{"groupId", "77"}}), "77") << "an album";
}

}  // namespace
}  // namespace telegram
