#include "plugin/config_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::plugin {
namespace {

using ::testing::HasSubstr;

class Secrets final : public SecretSource {
 public:
  std::optional<std::string> get(std::string_view name) const override {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
  void put_transient(std::string name, std::string value) override { values[name] = value; }
  Result<void> put(std::string, std::string) override { return {}; }
  std::map<std::string, std::string> values;
};

json::object object(std::string_view text) {
  return json::parse(json::string_view(text.data(), text.size())).as_object();
}

const json::object kSchema =
    object(R"({"type":"object","additionalProperties":false,"required":["token"],
    "properties":{"token":{"$ref":"openclaw:secret"},
                  "pollTimeoutMs":{"type":"integer","minimum":1,"default":30000},
                  "mode":{"enum":["a","b"]},
                  "accounts":{"type":"array","items":{"type":"object","properties":{"key":{"$ref":"openclaw:secret"}}}},
                  "named":{"type":"object","additionalProperties":{"$ref":"openclaw:secret"}},
                  "text":{"type":"string"}}})");

std::string config_refusal(std::string_view config) {
  auto checked = check_config(kSchema, object(config), "channels.x");
  return checked ? "" : checked.error().message;
}

TEST(ConfigCheck, ASecretMayBeTextOrAReference) {
  for (const char* config :
       {R"({"token":"t"})", R"({"token":{"$secret":"n"}})", R"({"token":{"$env":"V"}})"}) {
    EXPECT_EQ(config_refusal(config), "") << config;
  }
  EXPECT_THAT(config_refusal(R"({"token":7})"), HasSubstr("token"));
  EXPECT_THAT(config_refusal(R"({"token":{"$env":""}})"), HasSubstr("token"));
  EXPECT_THAT(config_refusal(R"({"token":{"$env":"V","more":1}})"), HasSubstr("token"));
}

TEST(ConfigCheck, RefusalsNameThePlaceAndTheSection) {
  EXPECT_THAT(config_refusal(R"({"token":"t","pollTimeoutMs":0})"),
              HasSubstr("channels.x: pollTimeoutMs"));
  EXPECT_THAT(config_refusal(R"({"token":"t","surplus":0})"), HasSubstr("surplus"));
  EXPECT_THAT(config_refusal(R"({})"), HasSubstr("token"));
  EXPECT_THAT(config_refusal(R"({"token":"t","mode":"c"})"), HasSubstr("mode"));
}

TEST(ConfigCheck, ASchemaThatCannotBeReadRefusesInsteadOfThrowing) {
  // The second leads to itself: a validator that follows it never comes back.
  EXPECT_TRUE(check_config(object(R"({"type":"object","$ref":"other:secret"})"), {}, "channels.x")
                  .has_error());
  EXPECT_TRUE(
      check_config(object(R"({"properties":{"a":{"$ref":"#"}}})"), object(R"({"a":{}})"), "x")
          .has_error());
  auto checked = check_config(object(R"({"$ref":"http://example.org/other"})"), {}, "channels.x");
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("configSchema cannot be used"));
}

class Prepare : public ::testing::Test {
 protected:
  Result<json::object> prepare(std::string_view config) {
    return prepare_config(kSchema, object(config),
                          {"x.default", secrets_, [](const std::string& name) {
                             return name == "SET" ? std::optional<std::string>("from env")
                                                  : std::nullopt;
                           }});
  }
  Secrets secrets_;
};

TEST_F(Prepare, PlainSecretsMoveToTheSourceWhereverTheyStand) {
  auto out = prepare(
      R"({"token":"t","accounts":[{"key":"k0"},{"key":"k1"}],"named":{"n":"v"},"text":"stays"})");
  ASSERT_TRUE(out);
  EXPECT_EQ(json::value(*out), json::parse(R"({"token":{"$secret":"x.default.token"},
      "accounts":[{"key":{"$secret":"x.default.accounts.0.key"}},{"key":{"$secret":"x.default.accounts.1.key"}}],
      "named":{"n":{"$secret":"x.default.named.n"}},"text":"stays","pollTimeoutMs":30000})"));
  EXPECT_EQ(secrets_.values["x.default.token"], "t");
  EXPECT_EQ(secrets_.values["x.default.accounts.1.key"], "k1");
  EXPECT_EQ(secrets_.values["x.default.named.n"], "v");
}

TEST_F(Prepare, ReferencesToStoredSecretsStay) {
  auto out = prepare(R"({"token":{"$secret":"mine"}})");
  EXPECT_EQ(out->at("token"), json::parse(R"({"$secret":"mine"})"));
  EXPECT_TRUE(secrets_.values.empty());
}

TEST_F(Prepare, EnvironmentReferencesAreResolvedOrRefusedByName) {
  auto out = prepare(R"({"token":{"$env":"SET"}})");
  EXPECT_EQ(out->at("token"), json::parse(R"({"$secret":"x.default.token"})"));
  EXPECT_EQ(secrets_.values["x.default.token"], "from env");
  EXPECT_THAT(prepare(R"({"token":{"$env":"UNSET"}})").error().message, HasSubstr("UNSET"));
}

}  // namespace
}  // namespace openclaw::plugin
