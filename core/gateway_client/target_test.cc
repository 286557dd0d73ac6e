#include "gateway_client/target.h"

#include <stdlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::gateway_client {
namespace {

using testing::HasSubstr;

class TargetTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"OPENCLAW_GATEWAY_URL", "OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD",
                             "OPENCLAW_ALLOW_INSECURE_PRIVATE_WS"}) {
      unsetenv(name);
    }
  }
  config::Snapshot local_ = config::from_json(
      {{"gateway", {{"port", 19001}, {"auth", {{"token", "from-config"}}}}}});
};

TEST_F(TargetTest, TheConfigNamesPortAndToken) {
  auto target = resolve_target(*local_, {}).value();
  EXPECT_EQ(target.url, "ws://127.0.0.1:19001");
  EXPECT_EQ(target.token, "from-config");
  EXPECT_TRUE(target.loopback);
}

TEST_F(TargetTest, R153AnExplicitUrlOverridesTheTargetAndDemandsCredentials) {
  Overrides overrides{"ws://127.0.0.1:18789", "", ""};
  EXPECT_THAT(resolve_target(*local_, overrides).error().message, HasSubstr("--token"));
  overrides.token = "t";
  EXPECT_EQ(resolve_target(*local_, overrides).value().url_source, "--url");
}

TEST_F(TargetTest, R36PlainTextGoesOnlyToLoopbackUnlessAPrivateNetworkIsTrusted) {
  Overrides private_url{"ws://10.0.0.5:18789", "t", ""}, public_url{"ws://8.8.8.8", "t", ""};
  EXPECT_EQ(resolve_target(*local_, private_url).error().code, Code::kPermissionDenied);
  EXPECT_EQ(resolve_target(*local_, public_url).error().code, Code::kPermissionDenied);
  setenv("OPENCLAW_ALLOW_INSECURE_PRIVATE_WS", "1", 1);
  EXPECT_FALSE(resolve_target(*local_, private_url).value().loopback);
  EXPECT_EQ(resolve_target(*local_, public_url).error().code, Code::kPermissionDenied);
}

TEST_F(TargetTest, WhatIsNoWebSocketAddressIsRefusedWithItsSource) {
  auto error = resolve_target(*local_, {"http://127.0.0.1", "t", ""}).error();
  EXPECT_THAT(error.message, HasSubstr("--url"));
}

}  // namespace
}  // namespace openclaw::gateway_client
