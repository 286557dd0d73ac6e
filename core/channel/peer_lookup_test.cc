#include "channel/peer_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::channel {
namespace {

const std::vector<Peer> kMet{{false, "11", "Ada Lovelace", "ada", "", 9},
                             {false, "12", "ada", "mallory", "", 8},
                             {false, "13", "Grace", "", "", 7},
                             {false, "14", "Grace", "grace2", "", 6},
                             {true, "-100", "#general", "", "", 5}};

json::object found(std::string_view entry, std::string_view kind = "auto") {
  return resolve_entry(entry, kind, "fake", kMet);
}

TEST(PeerLookup, UsernamesAndTitlesBecomeIds) {
  EXPECT_EQ(found("@ADA").at("id"), "11");
  EXPECT_EQ(found("Ada Lovelace").at("id"), "11");
  EXPECT_EQ(found("#general"), (json::object{{"input", "#general"},
                                             {"resolved", true},
                                             {"id", "-100"},
                                             {"kind", "group"},
                                             {"name", "#general"}}));
  EXPECT_EQ(found("general").at("id"), "-100");
  EXPECT_EQ(found("fake:13").at("name"), "Grace");
}

TEST(PeerLookup, ANameThatSeveralBearIsNoAnswer) {
  // Somebody who calls himself like another one's username is not taken for him.
  EXPECT_EQ(found("@ada").at("id"), "11");
  const json::object plain = found("ada");
  EXPECT_EQ(plain.at("resolved"), false);
  EXPECT_EQ(plain.at("candidates").as_array().size(), 2U);
  EXPECT_EQ(found("@grace").at("candidates").as_array().size(), 2U);
}

TEST(PeerLookup, AnIdIsTakenAsItIs) {
  const json::object unknown = found("user:4711");
  EXPECT_EQ(unknown.at("id"), "4711");
  EXPECT_EQ(unknown.at("kind"), "user");
  EXPECT_THAT(std::string(unknown.at("note").as_string()), testing::HasSubstr("no message"));
  EXPECT_EQ(found("-100222").at("resolved"), true);
  EXPECT_FALSE(found("-100222").contains("kind"));
}

TEST(PeerLookup, TheKindNarrowsTheSearch) {
  EXPECT_EQ(found("general", "user").at("resolved"), false);
  EXPECT_EQ(found("#general", "user").at("resolved"), false);
  EXPECT_EQ(found("@ada", "group").at("resolved"), false);
  EXPECT_EQ(found("general", "group").at("resolved"), true);
  for (const char* nothing : {"", "@", "user:", "nobody"})
    EXPECT_EQ(found(nothing).at("resolved"), false) << nothing;
}

}  // namespace
}  // namespace openclaw::channel
