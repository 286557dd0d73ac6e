#include "config/config.h"

#include "config/edit.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/temp_dir_for_test.h"

namespace openclaw::config {
namespace {

using testing::HasSubstr;

Result<Snapshot> toml(std::string_view text) {
  return parse(text, "toml", "openclaw.toml", {});
}
Result<Snapshot> json5(std::string_view text) {
  return parse(text, "json5", "openclaw.json", {});
}

std::string why(const Result<Snapshot>& result) {
  return result.has_error() ? result.error().message : "it was accepted";
}

class ConfigFile : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_.path() / name) << text;
  }
  std::string read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(dir_.path() / name).rdbuf();
    return out.str();
  }
  Paths paths(const std::string& file) const {
    return {dir_.path(), dir_.path() / file, dir_.path()};
  }
  storage::TempDir dir_;
};

TEST(Toml, ValuesKnowWhereTheyWereWritten) {
  auto config = toml("[gateway]\nmode = \"local\"\nport = 19000\n").value();
  EXPECT_EQ(config->get_int("gateway.port", 0), 19000);
  EXPECT_EQ(config->origin("gateway.port").line, 3);
  EXPECT_THAT(config->origin("gateway.port").text(), HasSubstr("openclaw.toml:3"));
  EXPECT_EQ(config->origin("gateway.bind").text(), "default");
}

TEST(Toml, ASyntaxErrorNamesLineAndColumn) {
  EXPECT_THAT(why(toml("[gateway]\nport = = 3\n")), HasSubstr("openclaw.toml:2:"));
}

TEST(Toml, AKeyThatBeginsOddlyNamesLineAndColumn) {
  EXPECT_THAT(why(toml("[$gateway]\nport = 1\n")), HasSubstr("openclaw.toml:1:2"));
}

TEST(Toml, OnlyQuotedTextAndCommentsMayHaveOtherCharactersThanAscii) {
  EXPECT_EQ(toml("\xEF\xBB\xBF[gateway] # \xC3\xA9\nport = 1\n[messages]\nresponsePrefix = '\xC3\xA9'\n")
                .value()
                ->get_int("gateway.port", 0),
            1);
  EXPECT_THAT(why(toml("[gateway]\np\xC3\x80rt = 1\n")), HasSubstr("openclaw.toml:2:2"));
}

TEST(Toml, CharactersThatTheParserMistookForImpossible) {
  EXPECT_THAT(why(toml("[gateway]\nport = 1a\"\xEF\xB3\xBB\n")), HasSubstr("openclaw.toml:2:"));
  EXPECT_EQ(toml("messages = { responsePrefix = \"\xEF\xB8\x8F\" }\n[\"gateway\"]\n'port' = 1\n").value()
                ->get_int("gateway.port", 0),
            1);
}

TEST(Toml, ATextThatIsNoUtf8NamesLineAndColumn) {
  EXPECT_THAT(why(toml("[gateway]\nport = 1\n[chann\x9a\n")), HasSubstr("openclaw.toml:3:7"));
}

TEST(Schema, R195AnUnknownKeyIsAnErrorWithASuggestionAndAPosition) {
  auto message = why(toml("[agents.defaults.sandbox.docker]\nmemorySawp = \"2g\"\n"));
  EXPECT_THAT(message, HasSubstr("memorySwap"));
  EXPECT_THAT(message, HasSubstr("openclaw.toml:2:"));
}

TEST(Schema, R158OnlyTheThreeModes) {
  for (const char* mode : {"off", "non-main", "all"}) {
    EXPECT_TRUE(
        toml(std::string("[agents.defaults.sandbox]\nmode = \"") + mode + "\"\n").has_value())
        << mode;
  }
  EXPECT_TRUE(toml("[agents.defaults.sandbox]\nmode = \"some\"\n").has_error());
}

TEST(Schema, R164OnlyTheThreeKindsOfWorkspaceAccess) {
  for (const char* access : {"none", "ro", "rw"}) {
    EXPECT_TRUE(
        toml(std::string("[agents.defaults.sandbox]\nworkspaceAccess = \"") + access + "\"\n")
            .has_value());
  }
  EXPECT_TRUE(toml("[agents.defaults.sandbox]\nworkspaceAccess = \"all\"\n").has_error());
}

TEST(Schema, R145BindModesByName) {
  for (const char* mode : {"lan", "loopback", "custom", "tailnet", "auto"}) {
    EXPECT_TRUE(
        toml(std::string("[gateway]\ncustomBindHost = \"127.0.0.2\"\nbind = \"") + mode + "\"\n")
            .has_value())
        << mode;
  }
}

TEST(Schema, R146HostAliasesAreRefusedWithTheModeToUse) {
  EXPECT_THAT(why(toml("[gateway]\nbind = \"0.0.0.0\"\n")), HasSubstr("lan"));
  for (const char* alias : {"127.0.0.1", "localhost", "::1"}) {
    EXPECT_THAT(why(toml(std::string("[gateway]\nbind = \"") + alias + "\"\n")),
                HasSubstr("loopback"));
  }
}

TEST(Schema, R178HostNetworkIsRefusedEvenWithEveryBreakGlass) {
  EXPECT_TRUE(toml("[agents.defaults.sandbox.docker]\nnetwork = \" HOST \"\n"
                   "dangerouslyAllowContainerNamespaceJoin = true\n")
                  .has_error());
}

TEST(Schema, R179R180JoiningAContainerNeedsItsBreakGlass) {
  EXPECT_THAT(why(toml("[agents.defaults.sandbox.docker]\nnetwork = \"Container:abc\"\n")),
              HasSubstr("dangerouslyAllowContainerNamespaceJoin"));
  EXPECT_TRUE(toml("[agents.defaults.sandbox.docker]\nnetwork = \"container:abc\"\n"
                   "dangerouslyAllowContainerNamespaceJoin = true\n")
                  .has_value());
}

TEST(Schema, R191R192UnconfinedProfilesAreRefused) {
  EXPECT_TRUE(
      toml("[agents.defaults.sandbox.docker]\nseccompProfile = \"unconfined\"\n").has_error());
  EXPECT_TRUE(
      toml("[agents.defaults.sandbox.docker]\napparmorProfile = \"unconfined\"\n").has_error());
}

TEST(Schema, R197DangerousBindSourcesAreRefused) {
  for (const char* source :
       {"/etc", "/proc", "/sys/fs", "/var/run/docker.sock", "/", "/home/../etc"}) {
    auto text =
        std::string("[agents.defaults.sandbox.docker]\nbinds = [\"") + source + ":/x:ro\"]\n";
    EXPECT_TRUE(toml(text).has_error()) << source;
  }
}

TEST(Schema, R216AnEmptyAllowListIsExplainedAsAllTools) {
  auto config = toml("[tools]\nallow = []\n").value();
  ASSERT_FALSE(config->warnings().empty());
  EXPECT_THAT(config->warnings().front().path, HasSubstr("tools.allow"));
}

TEST(Schema, AMentionPatternThatIsNoExpressionIsNamedWithItsLine) {
  auto message = why(toml("[messages.groupChat]\nmentionPatterns = [\"claw\", \"(claw\"]\n"));
  EXPECT_THAT(message, HasSubstr("openclaw.toml:2:"));
  EXPECT_THAT(message, HasSubstr("messages.groupChat.mentionPatterns[1]"));
  EXPECT_THAT(message, HasSubstr("missing )"));
  EXPECT_THAT(why(toml("[[agents.list]]\nid = \"ops\"\ngroupChat = { mentionPatterns = [\"(?=x)\"] }\n")),
              HasSubstr("agents.list[0].groupChat.mentionPatterns[0]"));
  EXPECT_TRUE(toml("[messages.groupChat]\nmentionPatterns = [\"\\\\bclaw\\\\b\"]\n").has_value());
}

TEST(Json5, CommentsTrailingCommasAndBareKeysAreRead) {
  auto config = json5("{ // a note\n gateway: { mode: 'local', port: 0x4a38, }, }").value();
  EXPECT_EQ(config->get_int("gateway.port", 0), 0x4a38);
  EXPECT_EQ(config->origin("gateway.mode").line, 2);
}

TEST(Json5, HostileTextIsAnErrorNotACrash) {
  EXPECT_TRUE(json5(std::string(100000, '[')).has_error());
  EXPECT_TRUE(json5("{a:1,a:2}").has_error());
  EXPECT_TRUE(json5("{a:'").has_error());
  EXPECT_TRUE(json5("").has_error());
}

TEST_F(ConfigFile, SetChangesOneValueAndKeepsCommentsAndOrder) {
  write("openclaw.toml", "# mine\n[gateway]\nport = 18789 # the port\nmode = \"local\"\n");
  ASSERT_TRUE(set_value(paths("openclaw.toml"), "gateway.port", 19001, {}).has_value());
  EXPECT_EQ(read("openclaw.toml"),
            "# mine\n[gateway]\nport = 19001 # the port\nmode = \"local\"\n");
}

TEST_F(ConfigFile, SetAddsAKeyWhereItBelongsAndUnsetTakesItAway) {
  write("openclaw.toml", "[gateway]\nmode = \"local\"\n\n[logging]\nlevel = \"info\"\n");
  auto where = paths("openclaw.toml");
  ASSERT_TRUE(
      set_value(where, "gateway.auth.token", "0123456789abcdef0123456789abcdef", {}).has_value());
  ASSERT_TRUE(set_value(where, "agents.defaults.sandbox.mode", "all", {}).has_value());
  auto config = load(where, {}).value();
  EXPECT_EQ(config->get_string("gateway.auth.token"), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(config->get_string("agents.defaults.sandbox.mode"), "all");
  EXPECT_EQ(config->get_string("logging.level"), "info");
  ASSERT_TRUE(unset_value(where, "agents.defaults.sandbox.mode", {}).has_value());
  EXPECT_EQ(load(where, {}).value()->find("agents.defaults.sandbox.mode"), nullptr);
}

TEST_F(ConfigFile, AnInvalidSetChangesNothing) {
  write("openclaw.toml", "[gateway]\nport = 18789\n");
  auto refused = set_value(paths("openclaw.toml"), "gateway.port", "soon", {});
  ASSERT_TRUE(refused.has_error());
  EXPECT_THAT(refused.error().message, HasSubstr("Nothing was changed."));
  EXPECT_EQ(read("openclaw.toml"), "[gateway]\nport = 18789\n");
}

TEST_F(ConfigFile, SeveralChangesAreWrittenTogetherOrNotAtAll) {
  write("openclaw.toml", "# mine\n[gateway]\nport = 18789\n");
  auto where = paths("openclaw.toml");
  EXPECT_TRUE(set_values(where, {{"gateway.mode", "local"}, {"gateway.port", "soon"}}, {})
                  .has_error());
  EXPECT_EQ(read("openclaw.toml"), "# mine\n[gateway]\nport = 18789\n");
  ASSERT_TRUE(set_values(where,
                         {{"gateway.mode", "local"},
                          {"gateway.port", nullptr},
                          {"logging.level", nullptr}},
                         {})
                  .has_value());
  auto config = load(where, {}).value();
  EXPECT_EQ(config->get_string("gateway.mode"), "local");
  EXPECT_EQ(config->find("gateway.port"), nullptr);
  EXPECT_THAT(read("openclaw.toml"), HasSubstr("# mine"));
}

TEST_F(ConfigFile, AnEditOfABrokenFileSaysWhereItIsBroken) {
  write("openclaw.toml", "[gateway]\nport = = 1\n");
  auto done = set_value(paths("openclaw.toml"), "gateway.mode", "local", {});
  ASSERT_TRUE(done.has_error());
  EXPECT_THAT(done.error().message, HasSubstr("openclaw.toml:2:"));
  EXPECT_EQ(done.error().details.at("kind"), "config");
}

TEST_F(ConfigFile, TheFirstWriteConvertsAnImportedJson) {
  write("openclaw.json", "{gateway:{mode:'local'}}");
  ASSERT_TRUE(set_value(paths("openclaw.json"), "gateway.port", 19002, {}).has_value());
  auto config = load(paths("openclaw.toml"), {}).value();
  EXPECT_EQ(config->get_string("gateway.mode"), "local");
  EXPECT_EQ(config->get_int("gateway.port", 0), 19002);
  EXPECT_TRUE(std::filesystem::exists(dir_.path() / "openclaw.json.bak"));
}

TEST_F(ConfigFile, AnInvalidReloadChangesNothing) {
  write("openclaw.toml", "[gateway]\nport = 18789\n");
  ConfigStore store(paths("openclaw.toml"), {}, load(paths("openclaw.toml"), {}).value());
  write("openclaw.toml", "[gateway]\nprot = 1\n");
  EXPECT_TRUE(store.reload().has_error());
  EXPECT_EQ(store.current()->get_int("gateway.port", 0), 18789);
  write("openclaw.toml", "[gateway]\nport = 2000\n");
  int told = 0;
  store.subscribe([&](const Snapshot&, const Snapshot&) { ++told; });
  EXPECT_TRUE(store.reload().has_value());
  EXPECT_EQ(store.current()->get_int("gateway.port", 0), 2000);
  EXPECT_EQ(told, 1);
}

TEST(Redaction, SecretsDoNotLeave) {
  auto shown = redacted(from_json({{"gateway", {{"auth", {{"token", "s3cret"}}}}},
                                   {"models", {{"providers", {{"x", {{"apiKey", "k3y"}}}}}}}})
                            ->root());
  auto text = json::serialize(shown);
  EXPECT_THAT(text, testing::Not(HasSubstr("s3cret")));
  EXPECT_THAT(text, testing::Not(HasSubstr("k3y")));
}

}  // namespace
}  // namespace openclaw::config
