#include "channel/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::channel {
namespace {

using Verdict = Access::Verdict;

AccessRules rules(std::string_view config) {
  AccessRules out;
  out.config = json::parse(config).get_object();
  return out;
}

AccessFacts direct(std::string id) {
  AccessFacts f;
  f.channel = "telegram";
  f.chat_type = "direct";
  f.chat_id = id;
  f.sender_id = std::move(id);
  return f;
}

AccessFacts group(std::string id, bool mentioned) {
  AccessFacts f = direct(std::move(id));
  f.chat_type = "group";
  f.chat_id = "-100";
  f.mentioned = mentioned;
  return f;
}

Verdict verdict(std::string_view config, const AccessFacts& facts,
                const std::vector<std::string>& paired = {}) {
  return decide_access(rules(config), facts, paired).verdict;
}

// A25: kind x policy x id.
TEST(Access, DirectMessagesFollowDmPolicy) {
  const auto stranger = direct("9");
  const auto listed = direct("1");
  EXPECT_EQ(verdict("{}", stranger), Verdict::kPair);
  EXPECT_EQ(verdict("{}", stranger, {"9"}), Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"allowFrom":[1]})", listed), Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"dmPolicy":"allowlist","allowFrom":["tg:1"]})", listed), Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"dmPolicy":"allowlist","allowFrom":["1"]})", stranger), Verdict::kDeny);
  // Who was paired once is not on the list.
  EXPECT_EQ(verdict(R"({"dmPolicy":"allowlist","allowFrom":["1"]})", stranger, {"9"}),
            Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"dmPolicy":"open"})", stranger), Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"allowFrom":["*"]})", stranger), Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"dmPolicy":"disabled","allowFrom":["1"]})", listed, {"1"}), Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"dmPolicy":"nonsense"})", stranger), Verdict::kDeny);
}

TEST(Access, NamesAndAnonymousSendersNeverMatch) {
  AccessFacts f = direct("9");
  EXPECT_EQ(verdict(R"({"dmPolicy":"allowlist","allowFrom":["@ada","ada"]})", f), Verdict::kDeny);
  f.anonymous = true;
  EXPECT_EQ(verdict(R"({"dmPolicy":"open"})", f), Verdict::kDeny);
  f = direct("");
  EXPECT_EQ(verdict(R"({"dmPolicy":"open"})", f), Verdict::kDeny);
}

TEST(Access, A25PairingOpensNoRooms) {
  EXPECT_EQ(verdict("{}", group("9", true), {"9"}), Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"allowFrom":["9"]})", group("9", true)), Verdict::kAllow);
}

TEST(Access, GroupPolicyAndTheGroupsTable) {
  EXPECT_EQ(verdict(R"({"groupPolicy":"open"})", group("9", true)), Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"groupPolicy":"disabled","allowFrom":["9"]})", group("9", true)),
            Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"groupAllowFrom":["9"],"allowFrom":["1"]})", group("1", true)),
            Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"groupPolicy":"open","groups":{"-200":{}}})", group("9", true)),
            Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"groupPolicy":"open","groups":{"*":{}}})", group("9", true)),
            Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"groupPolicy":"open","groups":{"-100":{"enabled":false},"*":{}}})",
                    group("9", true)),
            Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"groups":{"-100":{"groupPolicy":"open"}}})", group("9", true)),
            Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"groups":{"-100":{"allowFrom":["9"]}}})", group("9", true)),
            Verdict::kAllow);
}

TEST(Access, RequireMentionGatesFromTheNarrowestSetting) {
  EXPECT_EQ(verdict(R"({"groupPolicy":"open"})", group("9", false)), Verdict::kIgnore);
  EXPECT_EQ(verdict(R"({"groupPolicy":"open","requireMention":false})", group("9", false)),
            Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"groupPolicy":"open","groups":{"*":{"requireMention":false}}})",
                    group("9", false)),
            Verdict::kAllow);
  EXPECT_EQ(
      verdict(
          R"({"groupPolicy":"open","groups":{"-100":{"requireMention":true},"*":{"requireMention":false}}})",
          group("9", false)),
      Verdict::kIgnore);
  AccessFacts topic = group("9", false);
  topic.thread_id = "7";
  EXPECT_EQ(
      verdict(
          R"({"groupPolicy":"open","groups":{"-100":{"topics":{"7":{"requireMention":false}}}}})",
          topic),
      Verdict::kAllow);
}

TEST(Access, CommandsOfListedSendersNeedNoMention) {
  AccessFacts f = group("9", false);
  f.is_command = true;
  EXPECT_EQ(verdict(R"({"allowFrom":["9"]})", f), Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"groupPolicy":"open"})", f), Verdict::kIgnore);
  f.for_other = true;
  EXPECT_EQ(verdict(R"({"allowFrom":["9"]})", f), Verdict::kIgnore);
}

TEST(Access, OwnersAreNamedByIdAndNeverByWildcard) {
  EXPECT_TRUE(decide_access(rules(R"({"allowFrom":["1"]})"), direct("1"), {}).is_owner);
  EXPECT_FALSE(decide_access(rules(R"({"allowFrom":["*"]})"), direct("1"), {}).is_owner);
  EXPECT_FALSE(decide_access(rules("{}"), direct("1"), {"1"}).is_owner);
  AccessRules named = rules(R"({"allowFrom":["1"]})");
  named.owner_allow_from = {"telegram:5"};
  EXPECT_FALSE(decide_access(named, direct("1"), {}).is_owner);
  EXPECT_FALSE(decide_access(rules(R"({"groupPolicy":"open"})"), group("9", true), {}).may_command);
}

// A room of a space, as a channel plugin with "spaces":{"key":"guilds","rooms":"channels"} tells
// it.
class SpaceAccess : public testing::Test {
 protected:
  Verdict verdict_of(std::string_view config) { return decide(config).verdict; }
  Access decide(std::string_view config, const std::vector<std::string>& paired = {}) {
    AccessRules all = rules(config);
    all.keys = {"guilds", "channels"};
    return decide_access(all, facts_, paired);
  }
  AccessFacts room() {
    AccessFacts f = direct("9");
    f.chat_type = "channel";
    f.chat_id = "500";
    f.space_id = "5";
    f.mentioned = true;
    return f;
  }
  AccessFacts facts_ = room();
};

TEST_F(SpaceAccess, A25TheSpaceMustBeListedUnlessAllAreOpen) {
  EXPECT_EQ(verdict_of("{}"), Verdict::kDeny);
  EXPECT_EQ(decide(R"({"dmPolicy":"open","allowFrom":["9"]})", {"9"}).verdict, Verdict::kDeny);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{}}})"), Verdict::kAllow);
  EXPECT_EQ(verdict_of(R"({"guilds":{"*":{}}})"), Verdict::kAllow);
  EXPECT_EQ(verdict_of(R"({"guilds":{"6":{}}})"), Verdict::kDeny);
  EXPECT_EQ(verdict_of(R"({"groupPolicy":"open"})"), Verdict::kAllow);
  EXPECT_EQ(verdict_of(R"({"groupPolicy":"open","guilds":{"6":{}}})"), Verdict::kDeny);
  EXPECT_EQ(verdict_of(R"({"groupPolicy":"disabled","guilds":{"5":{}}})"), Verdict::kDeny);
  EXPECT_EQ(verdict_of(R"({"groupPolicy":"nonsense","guilds":{"5":{}}})"), Verdict::kDeny);
}

TEST_F(SpaceAccess, A25ATableOfRoomsLeavesTheOthersOutAndAThreadGoesWithItsRoom) {
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"channels":{"500":{"allow":true}}}}})"), Verdict::kAllow);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"channels":{"500":{"allow":false}}}}})"), Verdict::kDeny);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"channels":{"501":{}}}}})"), Verdict::kDeny);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"channels":{"501":{},"*":{}}}}})"), Verdict::kAllow);
  facts_.chat_id = "777";
  facts_.parent_id = "500";
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"channels":{"500":{}}}}})"), Verdict::kAllow);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"channels":{"500":{},"777":{"enabled":false}}}}})"),
            Verdict::kDeny);
}

TEST_F(SpaceAccess, A25UsersAndRolesAreIdsAndTheRoomsOwnListCounts) {
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"users":["8"]}}})"), Verdict::kDeny);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"users":["8",9]}}})"), Verdict::kAllow);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"users":["ada"],"roles":["70"]}}})"), Verdict::kDeny);
  facts_.sender_roles = {"70"};
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"users":["8"],"roles":["70"]}}})"), Verdict::kAllow);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"users":["9"],"channels":{"500":{"users":["8"]}}}}})"),
            Verdict::kDeny);
  facts_.sender_id = "";
  EXPECT_EQ(verdict_of(R"({"groupPolicy":"open","guilds":{"5":{}}})"), Verdict::kDeny);
}

TEST_F(SpaceAccess, MentionsAreAskedForUnlessTheNarrowestSettingSaysNo) {
  facts_.mentioned = false;
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{}}})"), Verdict::kIgnore);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"requireMention":false}}})"), Verdict::kAllow);
  EXPECT_EQ(
      verdict_of(
          R"({"guilds":{"5":{"requireMention":false,"channels":{"500":{"requireMention":true}}}}})"),
      Verdict::kIgnore);
  facts_.is_command = true;
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{}}})"), Verdict::kIgnore);
  EXPECT_EQ(verdict_of(R"({"guilds":{"5":{"users":["9"]}}})"), Verdict::kAllow);
  EXPECT_TRUE(decide(R"({"guilds":{"5":{"users":["9"]}}})").may_command);
  EXPECT_FALSE(decide(R"({"guilds":{"5":{"users":["*"]}}})").may_command);
}

TEST_F(SpaceAccess, A25WhatDoesNotDescribeSpacesHasNone) {
  AccessRules all = rules(R"({"groupPolicy":"open","guilds":{"5":{}}})");
  EXPECT_EQ(decide_access(all, facts_, {}).verdict, Verdict::kDeny);
  facts_.chat_type = "direct";
  EXPECT_EQ(verdict_of(R"({"dmPolicy":"open"})"), Verdict::kDeny);
}

TEST(Access, DirectMessagesCanBeSetInDmToo) {
  EXPECT_EQ(verdict(R"({"dm":{"policy":"open"}})", direct("9")), Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"dm":{"policy":"allowlist","allowFrom":["9"]}})", direct("9")),
            Verdict::kAllow);
  EXPECT_EQ(verdict(R"({"dm":{"enabled":false,"policy":"open"}})", direct("9")), Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"dmPolicy":"allowlist","dm":{"policy":"open"}})", direct("9")),
            Verdict::kDeny);
}

TEST(Access, UnknownKindsOfChatAreDenied) {
  AccessFacts f = direct("1");
  f.chat_type = "secret";
  EXPECT_EQ(verdict(R"({"dmPolicy":"open","groupPolicy":"open","allowFrom":["*"]})", f),
            Verdict::kDeny);
  f.chat_type = "";
  EXPECT_EQ(verdict(R"({"dmPolicy":"open"})", f), Verdict::kDeny);
}

TEST(Access, BroadcastChannelsMustBeNamedAndOpened) {
  AccessFacts f = group("", true);
  f.chat_type = "channel";
  EXPECT_EQ(verdict(R"({"groupPolicy":"open"})", f), Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"groups":{"-100":{}}})", f), Verdict::kDeny);
  EXPECT_EQ(verdict(R"({"groups":{"-100":{"groupPolicy":"open"}}})", f), Verdict::kAllow);
}

}  // namespace
}  // namespace openclaw::channel
