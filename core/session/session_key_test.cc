#include "session/session_key.h"

#include <gtest/gtest.h>

namespace openclaw::session {
namespace {

config::Snapshot with(std::string_view text) {
  return config::from_json(json::parse(json::string_view(text.data(), text.size())).as_object());
}

TEST(SessionKey, AliasesBecomeCanonical) {
  auto plain = with("{}");
  struct Row {
    const char *written, *canonical;
  };
  for (auto row : {Row{"", "agent:main:main"}, Row{"main", "agent:main:main"},
                   Row{" MAIN ", "agent:main:main"}, Row{"x", "agent:main:x"},
                   Row{"agent:Ops:Main", "agent:ops:main"},
                   Row{"agent:ops:telegram:group:-100", "agent:ops:telegram:group:-100"},
                   Row{"hook:Abc", "agent:main:hook:abc"}}) {
    EXPECT_EQ(canonical_key(row.written, *plain).value(), row.canonical) << row.written;
  }
  auto renamed = with(
      R"({"session":{"mainKey":"home"},"agents":{"list":[{"id":"a"},{"id":"b","default":true}]}})");
  EXPECT_EQ(canonical_key("main", *renamed).value(), "agent:b:home");
  EXPECT_EQ(canonical_key("home", *renamed).value(), "agent:b:home");
  EXPECT_EQ(canonical_key("agent:a:main", *renamed).value(), "agent:a:home");
  EXPECT_EQ(canonical_key("x", *renamed, "a").value(), "agent:a:x");
  auto global = with(R"({"session":{"scope":"global"}})");
  EXPECT_EQ(canonical_key("main", *global).value(), "global");
  EXPECT_EQ(canonical_key("agent:main:main", *global).value(), "global");
  EXPECT_EQ(canonical_key("global", *global).value(), "global");
}

TEST(SessionKey, HostileKeysAreRefused) {
  auto plain = with("{}");
  for (auto key : {"agent:", "agent:x", "agent::y", "agent:../..:x", "agent:a/b:x", "agent:-a:x",
                   "a\nb", "agent:main:"}) {
    EXPECT_EQ(canonical_key(key, *plain).error().code, Code::kInvalidArgument) << key;
  }
  EXPECT_TRUE(canonical_key(std::string(600, 'a'), *plain).has_error());
  EXPECT_TRUE(canonical_key(std::string_view("a\0b", 3), *plain).has_error());
  EXPECT_TRUE(parse_key("main", *plain).has_error());
}

TEST(SessionKey, AgentIdsAreMadeSafe) {
  EXPECT_EQ(normalise_agent_id("Ops Team"), "ops-team");
  EXPECT_EQ(normalise_agent_id("../../etc"), "etc");
  EXPECT_EQ(normalise_agent_id("  "), "main");
  EXPECT_EQ(normalise_agent_id("---"), "main");
  EXPECT_EQ(normalise_agent_id(std::string(100, 'x')).size(), 64U);
}

TEST(SessionKey, PartsAreFound) {
  auto plain = with("{}");
  auto group = parse_key("agent:main:telegram:group:-100:topic:7", *plain).value();
  EXPECT_EQ(group.channel, "telegram");
  EXPECT_EQ(group.group_id, "-100:topic:7");
  auto thread = parse_key("agent:main:discord:channel:5:thread:9", *plain).value();
  EXPECT_EQ(thread.group_id, "5");
  EXPECT_EQ(thread.thread_id, "9");
  auto nested = parse_key("agent:main:subagent:aa:subagent:bb", *plain).value();
  EXPECT_EQ(nested.subagent_depth, 2);
  EXPECT_FALSE(nested.is_main);
  EXPECT_TRUE(parse_key("agent:main:main", *plain).value().is_main);
  EXPECT_EQ(parse_key("agent:main:telegram:default:direct:5", *plain).value().channel, "telegram");
  EXPECT_EQ(parse_key("agent:main:direct:5", *plain).value().channel, "");
}

TEST(SessionKey, DirectMessagesFollowDmScope) {
  Conversation ada{"telegram", "ops", "direct", "123", "ada", "123", ""};
  auto key = [&](const char* scope) {
    auto text = std::string(R"({"session":{"dmScope":")") + scope +
                R"(","identityLinks":{"Ada":["telegram:123"]}}})";
    return conversation_key(*with(text), "main", ada);
  };
  EXPECT_EQ(key("main"), "agent:main:main");
  EXPECT_EQ(key("per-peer"), "agent:main:direct:ada");
  EXPECT_EQ(key("per-channel-peer"), "agent:main:telegram:direct:ada");
  EXPECT_EQ(key("per-account-channel-peer"), "agent:main:telegram:ops:direct:ada");
}

TEST(SessionKey, GroupsIgnoreDmScopeAndTopicsAreApart) {
  auto config = with(R"({"session":{"dmScope":"per-peer"}})");
  Conversation group{"telegram", "default", "group", "123", "", "-100", "7"};
  EXPECT_EQ(conversation_key(*config, "main", group), "agent:main:telegram:group:-100:topic:7");
  Conversation room{"discord", "default", "channel", "1", "", "C5", "T9"};
  EXPECT_EQ(conversation_key(*config, "main", room), "agent:main:discord:channel:c5:thread:t9");
}

}  // namespace
}  // namespace openclaw::session
