#include "cli/agent_bindings.h"
#include "cli/cli_fixture_for_test.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

json::array list(const char* text) {
  return json::parse(text).as_array();
}

TEST(AgentBindings, AccountsAreAddedOnceAndMakeAChannelPrecise) {
  auto once = add_bindings({}, "work", {{"telegram", ""}});
  EXPECT_EQ(once.bindings, list(R"([{"agentId":"work","match":{"channel":"telegram"}}])"));
  EXPECT_THAT(add_bindings(once.bindings, "work", {{"telegram", ""}}).skipped,
              ElementsAre("telegram"));
  EXPECT_FALSE(add_bindings(once.bindings, "work", {{"telegram", "default"}}).changed());
  auto precise = add_bindings(once.bindings, "work", {{"telegram", "biz"}});
  EXPECT_THAT(precise.updated, ElementsAre("telegram accountId=biz"));
  EXPECT_EQ(precise.bindings,
            list(R"([{"agentId":"work","match":{"channel":"telegram","accountId":"biz"}}])"));
  auto second = add_bindings(precise.bindings, "work", {{"telegram", "*"}});
  EXPECT_THAT(second.added, ElementsAre("telegram accountId=*"));
}

TEST(AgentBindings, WhatAnotherAgentHasStaysThere) {
  auto home = list(R"([{"agentId":"Home","match":{"channel":"telegram"}}])");
  auto taken = add_bindings(home, "work", {{"telegram", ""}, {"telegram", "biz"}});
  EXPECT_THAT(taken.conflicts, ElementsAre("telegram (agent home)"));
  EXPECT_THAT(taken.added, ElementsAre("telegram accountId=biz"));
  EXPECT_EQ(taken.bindings.at(0), home.at(0));
  auto kept = remove_bindings(home, "work", {{"telegram", ""}, {"discord", ""}});
  EXPECT_THAT(kept.conflicts, ElementsAre("telegram (agent home)"));
  EXPECT_THAT(kept.missing, ElementsAre("discord"));
  EXPECT_FALSE(kept.changed());
}

TEST(AgentBindings, PeersAreNeitherFoundNorRemovedUnlessAllAre) {
  auto mixed = list(R"([
    {"agentId":"work","match":{"channel":"telegram","peer":{"kind":"group","id":"-5"}}},
    {"agentId":"work","match":{"channel":"telegram"}},
    {"agentId":"home","match":{"channel":"discord"}}])");
  auto one = remove_bindings(mixed, "work", {{"telegram", ""}});
  EXPECT_THAT(one.removed, ElementsAre("telegram"));
  EXPECT_EQ(one.bindings.size(), 2u);
  auto all = remove_all_bindings(mixed, "work");
  EXPECT_THAT(all.removed, ElementsAre("telegram peer=group:-5", "telegram"));
  EXPECT_EQ(all.bindings.size(), 1u);
}

TEST(AgentBindings, WhatIsNoBindingIsToldSo) {
  for (const char* text : {"", ":", "telegram:", "tele gram", ":work", "telegram:a b", "a:b:c"})
    EXPECT_TRUE(parse_binding(text).has_error()) << text;
  EXPECT_EQ(parse_binding("Telegram:Work")->channel, "telegram");
  EXPECT_EQ(parse_binding("Telegram:Work")->account, "Work");
}

class AgentsCommand : public Cli {};

TEST_F(AgentsCommand, AddBindListAndUnbind) {
  auto made = run_cli({"agents", "add", "Work", "--bind", "parrot:biz", "--json"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(text_at(made.value(), "/added/0"), "parrot accountId=biz");
  auto agents = run_cli({"agents", "list", "--json"}).value();
  EXPECT_EQ(text_at(agents, "/0/id"), "main");  // as before: a second agent is not the default one
  EXPECT_EQ(*find_at(agents, "/0/isDefault"), json::value(true));
  EXPECT_EQ(text_at(agents, "/1/id"), "work");
  EXPECT_EQ(*find_at(agents, "/1/bindings"), json::value(1));

  EXPECT_EQ(run_cli({"agents", "bind", "--bind", "parrot"}).code, 0);
  auto all = run_cli({"agents", "bindings", "--json"}).value();
  EXPECT_EQ(all.as_array().size(), 2u);
  EXPECT_EQ(run_cli({"agents", "bindings", "--agent", "work", "--json"}).value().as_array().size(),
            1u);
  auto taken = run_cli({"agents", "bind", "--agent", "work", "--bind", "parrot"});
  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.err, HasSubstr("parrot (agent main) has it"));
  auto gone = run_cli({"agents", "unbind", "--agent", "work", "--all", "--json"});
  EXPECT_EQ(text_at(gone.value(), "/removed/0"), "parrot accountId=biz");
  EXPECT_EQ(run_cli({"agents", "unbind", "--bind", "parrot"}).code, 0);
  EXPECT_THAT(run_cli({"agents", "bindings"}).out, HasSubstr("default agent, main"));
}

TEST_F(AgentsCommand, MistakesAreToldWithTheNextCommand) {
  auto nobody = run_cli({"agents", "bind", "--agent", "nobody", "--bind", "parrot"});
  EXPECT_EQ(nobody.code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("openclaw agents add nobody"));
  EXPECT_EQ(run_cli({"agents", "bind", "--agent", "main"}).code, 2);
  auto foreign = run_cli({"agents", "bind", "--bind", "pigeon"});
  EXPECT_EQ(foreign.code, 1);
  EXPECT_THAT(foreign.err, HasSubstr("parrot"));
  auto again = run_cli({"agents", "add", "main"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("already"));
}

}  // namespace
}  // namespace openclaw::cli
