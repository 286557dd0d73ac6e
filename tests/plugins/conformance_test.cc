// The suite of `plugins check` against a good plugin and against one that breaks its rules.
#include "plugin/conformance.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/inspect.h"

namespace openclaw::plugin {
namespace {

namespace fs = std::filesystem;

fs::path library(const std::string& name) {
  return fs::path(OPENCLAW_TEST_PLUGINS) / name / ("libopenclaw-" + name + ".so");
}

TEST(Conformance, AGoodPluginPassesEveryCheck) {
  auto report = check_conformance(library("marker"));
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->at("ok").as_bool()) << json::serialize(*report);
  EXPECT_GE(report->at("checks").as_array().size(), 12u);
}

TEST(Conformance, APluginOfALaterMinorPasses) {
  auto report = check_conformance(library("newer"));
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->at("ok").as_bool()) << json::serialize(*report);
}

TEST(Conformance, AnInterfaceThatIsPromisedAndMissingFails) {
  auto report = check_conformance(library("chaos"));
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->at("ok").as_bool());
  EXPECT_THAT(json::serialize(*report), ::testing::HasSubstr("missing: openclaw.nonsense/1"));
}

TEST(Conformance, ACreateThatThrowsFails) {
  auto report = check_conformance(library("chaos"), {{{"throwCreate", true}}});
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->at("ok").as_bool());
}

TEST(Conformance, AMissingFileIsAnError) {
  EXPECT_EQ(check_conformance("/nonexistent/x.so").error().code, Code::kNotFound);
}

TEST(Inspect, ShowsNoteEntryManifestAndSymbolsWithoutLoading) {
  auto report = inspect(library("newer"));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->at("note").at("id"), "newer");
  EXPECT_EQ(report->at("note").at("abi"), "1.1");
  EXPECT_EQ(report->at("entry").at("abi"), "1.1");
  EXPECT_EQ(report->at("exports"), json::parse(R"(["openclaw_plugin_v1"])"));
  EXPECT_EQ(report->at("manifest").at("id"), "newer");
  EXPECT_EQ(report->at("sha256").at("library").as_string().size(), 64u);
}

TEST(Inspect, AMissingFileIsAnError) {
  EXPECT_EQ(inspect("/nonexistent").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace openclaw::plugin
