// Minors never refuse each other: older and newer plugins on older and newer hosts.
#include "plugin_fixture.h"

namespace openclaw::plugin {
namespace {

using std::chrono::milliseconds;

TEST_F(PluginFixture, APluginOfALaterMinorRunsOnThisHost) {
  install("newer");
  auto* plugin = load_and_start("newer");
  EXPECT_EQ(host().find("newer")->abi, "1.1");
  EXPECT_EQ(call(*plugin, "any").value().at("host"), "1.0");
}

TEST_F(PluginFixture, APluginOfThisMinorRunsOnALaterHost) {
  options_.offer_abi_minor = 1;
  install("chaos");
  auto* plugin = load_and_start("chaos");
  EXPECT_EQ(host().find("chaos")->abi, "1.0");
  EXPECT_EQ(call(*plugin, "state").value().at("hostMinor"), 1);
}

TEST_F(PluginFixture, APluginOfALaterMinorSeesALaterHost) {
  options_.offer_abi_minor = 1;
  install("newer");
  EXPECT_EQ(call(*load_and_start("newer"), "any").value().at("host"), "1.1");
}

}  // namespace
}  // namespace openclaw::plugin
