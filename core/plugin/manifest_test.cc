#include "plugin/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Manifest, ReadsWhatTheHostNeeds) {
  auto read = parse_manifest(
      R"({"id":"telegram","name":"Telegram","version":"1.2.0","channels":["telegram"],
      "modelApis":["openai-completions"],"backends":["docker"],
      "native":{"library":"libopenclaw-telegram.so","provides":["openclaw.channel/1"]},
      "permissions":{"services":["openclaw.http/1"],"net":["https://api.telegram.org:443"],"privateNetwork":true,
                     "secrets":[{"name":"telegram.*.botToken","to":["api.telegram.org"]},"telegram.*.other"]},
      "configSchema":{"type":"object"},"unknownKey":[1]})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->manifest.id, "telegram");
  EXPECT_EQ(read->manifest.version, "1.2.0");
  EXPECT_THAT(read->manifest.channels, ElementsAre("telegram"));
  EXPECT_THAT(read->manifest.model_apis, ElementsAre("openai-completions"));
  EXPECT_THAT(read->manifest.backends, ElementsAre("docker"));
  EXPECT_THAT(read->manifest.provides, ElementsAre("openclaw.channel/1"));
  EXPECT_EQ(read->library, "libopenclaw-telegram.so");
  EXPECT_EQ(read->isolation, "in-process");
  EXPECT_THAT(read->permissions.services, ElementsAre("openclaw.http/1"));
  EXPECT_TRUE(read->permissions.private_network);
  ASSERT_EQ(read->permissions.secrets.size(), 2u);
  EXPECT_THAT(read->permissions.secrets[0].hosts, ElementsAre("api.telegram.org"));
  EXPECT_EQ(read->permissions.secrets[1].name_pattern, "telegram.*.other");
}

TEST(Manifest, TheLibraryFollowsFromTheIdWhenItIsNotNamed) {
  EXPECT_EQ(parse_manifest(R"({"id":"echo","configSchema":{}})")->library, "libopenclaw-echo.so");
}

TEST(Manifest, WhatIsWrongIsNamedByItsKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "not a JSON object"},
      {"{", "not JSON"},
      {R"({"configSchema":{}})", "\"id\""},
      {R"({"id":"../x","configSchema":{}})", "\"id\""},
      {R"({"id":"-x","configSchema":{}})", "\"id\""},
      {R"({"id":"x"})", "\"configSchema\""},
      {R"({"id":"x","configSchema":[]})", "\"configSchema\""},
      {R"({"id":"x","configSchema":{},"channels":"x"})", "\"channels\""},
      {R"({"id":"x","configSchema":{},"channels":[1]})", "\"channels\""},
      {R"({"id":"x","configSchema":{},"native":{"library":"../x.so"}})", "\"native.library\""},
      {R"({"id":"x","configSchema":{},"native":{"library":".so"}})", "\"native.library\""},
      {R"({"id":"x","configSchema":{},"native":{"isolation":"magic"}})", "\"native.isolation\""},
      {R"({"id":"x","configSchema":{},"native":1})", "\"native\""},
      {R"({"id":"x","configSchema":{},"permissions":{"secrets":[1]}})", "\"permissions.secrets\""},
      {R"({"id":"x","configSchema":{},"permissions":{"privateNetwork":1}})",
       "\"permissions.privateNetwork\""},
  };
  for (const auto& [text, expected] : cases) {
    auto read = parse_manifest(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr(expected)) << text;
  }
  EXPECT_FALSE(parse_manifest(std::string(kMaxManifestBytes + 1, ' ')));
  EXPECT_FALSE(parse_manifest(std::string(1000, '[')));
}

TEST(Manifest, TheSameFactsAreTheSameManifest) {
  const auto read = parse_manifest(R"({"id":"x","configSchema":{}})");
  EXPECT_TRUE(same_manifest(read->manifest.raw, "{ \"configSchema\": {}, \"id\": \"x\" }"));
  EXPECT_FALSE(same_manifest(read->manifest.raw, R"({"id":"y","configSchema":{}})"));
  EXPECT_FALSE(same_manifest(read->manifest.raw, "{"));
}

}  // namespace
}  // namespace openclaw::plugin
