#include "channel/routing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::channel {
namespace {

config::Snapshot with_bindings(std::string_view bindings) {
  return config::from_json(
      json::parse(
          R"({"agents":{"list":[{"id":"main","default":true},{"id":"ops"},{"id":"home"},{"id":"deep"}]},"bindings":)" +
          std::string(bindings) + "}")
          .get_object());
}

RoutedPeer peer(std::string kind, std::string id, std::string account = "default",
                std::string thread = "") {
  return {"telegram", std::move(account), std::move(kind), std::move(id), std::move(thread)};
}

TEST(Routing, TheMostSpecificBindingWins) {
  const auto config = with_bindings(R"([
    {"agentId":"home","match":{"channel":"telegram"}},
    {"agentId":"ops","match":{"channel":"telegram","peer":{"kind":"group","id":"-100"}}},
    {"agentId":"deep","match":{"channel":"telegram","peer":{"kind":"group","id":"-100:topic:7"}}}])");
  EXPECT_EQ(route_agent(*config, peer("direct", "1")), "home");
  EXPECT_EQ(route_agent(*config, peer("group", "-100")), "ops");
  EXPECT_EQ(route_agent(*config, peer("group", "-100", "default", "7")), "deep");
  EXPECT_EQ(route_agent(*config, peer("group", "-100", "default", "8")), "ops");
}

TEST(Routing, AccountsAreToldApart) {
  const auto config = with_bindings(R"([
    {"agentId":"ops","match":{"channel":"telegram","accountId":"work"}},
    {"agentId":"home","match":{"channel":"telegram","accountId":"*"}}])");
  EXPECT_EQ(route_agent(*config, peer("direct", "1", "work")), "ops");
  EXPECT_EQ(route_agent(*config, peer("direct", "1")), "home");
}

TEST(Routing, ASpacesBindingHoldsInItsRoomsUntilARoomHasItsOwn) {
  const auto config = with_bindings(R"([
    {"agentId":"server","match":{"channel":"telegram","guildId":"5"}},
    {"agentId":"staff","match":{"channel":"telegram","guildId":"5","roles":["77"]}},
    {"agentId":"room","match":{"channel":"telegram","peer":{"kind":"channel","id":"500"}}}])");
  RoutedPeer there = peer("channel", "501");
  EXPECT_EQ(route_agent(*config, there), "main");
  there.space_id = "5";
  EXPECT_EQ(route_agent(*config, there), "server");
  there.roles = {"76", "77"};
  EXPECT_EQ(route_agent(*config, there), "staff");
  there.parent_id = "500";  // a thread goes with its room
  EXPECT_EQ(route_agent(*config, there), "room");
}

TEST(Routing, NothingMatchingIsTheDefaultAgent) {
  const auto config = with_bindings(R"([{"agentId":"ops","match":{"channel":"discord"}},
                                       {"agentId":"ops","match":{"channel":"telegram","guildId":"5"}}])");
  EXPECT_EQ(route_agent(*config, peer("direct", "1")), "main");
  EXPECT_EQ(route_agent(*config::from_json({}), peer("direct", "1")), "main");
}

}  // namespace
}  // namespace openclaw::channel
