// The images that the setup scripts make: each test runs the real script against the real engine
// and looks into what came out. scripts/test.sh begins these builds early, so that here they are
// mostly answered from the engine's layer cache.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::sandbox {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

struct Ran {
  int code = -1;
  std::string output;  // both streams
};

Ran run_shell(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen(("exec 2>&1; " + command).c_str(), "r");
  if (!pipe) return ran;
  std::array<char, 4096> buffer{};
  while (std::size_t n = ::fread(buffer.data(), 1, buffer.size(), pipe))
    ran.output.append(buffer.data(), n);
  int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

Ran run_script(const std::string& name) {
  return run_shell("timeout 800 '" OPENCLAW_SOURCE_DIR "/scripts/" + name + "'");
}

// `sh -lc command` in a container of the image, in place of what it would run by itself.
Ran in_image(const std::string& image, const std::string& command) {
  return run_shell("timeout 60 docker run --rm --network none --entrypoint sh " + image + " -lc '" +
                   command + "'");
}

TEST(Images, R228TheCommonImageHasTheBuildTools) {
  Ran built = run_script("sandbox-common-setup.sh");
  ASSERT_EQ(built.code, 0) << built.output;
  const std::string image = "openclaw-sandbox-common:bookworm-slim";
  Ran versions = in_image(image, "node -v && go version && rustc -V");
  EXPECT_EQ(versions.code, 0) << versions.output;
  EXPECT_THAT(versions.output, ContainsRegex("v[0-9]+\\.[0-9]+"));
  EXPECT_THAT(versions.output, HasSubstr("go version go1"));
  EXPECT_THAT(versions.output, HasSubstr("rustc 1."));
  Ran more = in_image(
      image,
      "gcc --version && make -v && npm -v && cargo -V && python3 -m venv -h && jq -V && id -un");
  EXPECT_EQ(more.code, 0) << more.output;
  EXPECT_THAT(more.output, HasSubstr("\nsandbox\n")) << "not root";
}

TEST(Images, R230R235TheBrowserImageHasABrowserAndNoDesktop) {
  Ran built = run_script("sandbox-browser-setup.sh");
  ASSERT_EQ(built.code, 0) << built.output;
  const std::string image = "openclaw-sandbox-browser:bookworm-slim";
  Ran system = in_image(image, ". /etc/os-release; echo $VERSION_ID; id -u; id -un");
  EXPECT_EQ(system.output, "12\n1000\nbrowser\n");
  Ran programs = in_image(
      image,
      "command -v chromium Xvfb x11vnc websockify socat openclaw-browser; chromium --version");
  EXPECT_EQ(programs.code, 0) << programs.output;
  EXPECT_THAT(programs.output, HasSubstr("\nChromium "));
  EXPECT_EQ(in_image(image, "test -f /usr/share/novnc/vnc.html").code, 0);
  Ran packages = in_image(image, "dpkg-query -W -f \"\\${Package}\\n\"");
  ASSERT_EQ(packages.code, 0) << packages.output;
  const std::regex desktop(
      "(^|\n)[^\n]*(gnome|kde-|plasma|xfce|lxde|lxqt|mate-|cinnamon|task-)[^\n]*");
  std::smatch found;
  EXPECT_FALSE(std::regex_search(packages.output, found, desktop)) << found.str();
  Ran inspected = run_shell(
      "timeout 20 docker image inspect -f '{{.Config.User}} {{json .Config.Entrypoint}}' " + image);
  EXPECT_EQ(inspected.output, "browser [\"/usr/local/bin/openclaw-browser\"]\n");
}

TEST(Images, TheBrowserStartsOnlyWithWhatItWasToldClearly) {
  ASSERT_EQ(run_script("sandbox-browser-setup.sh").code, 0);
  auto started = [](const std::string& settings) {
    return run_shell("timeout 60 docker run --rm --network none --tmpfs /tmp:mode=1777 " +
                     settings + " openclaw-sandbox-browser:bookworm-slim");
  };
  Ran unlocked =
      started("-e OPENCLAW_BROWSER_CDP_SOURCE_RANGE=10.0.0.1/32 -e OPENCLAW_BROWSER_NOVNC=1");
  EXPECT_EQ(unlocked.code, 64);
  EXPECT_THAT(unlocked.output, HasSubstr("needs a password: OPENCLAW_BROWSER_VNC_PASSWORD_FILE"));
  Ran anybody = started("");
  EXPECT_EQ(anybody.code, 64);
  EXPECT_THAT(anybody.output, HasSubstr("Set OPENCLAW_BROWSER_CDP_SOURCE_RANGE"));
  Ran smuggled = started("-e OPENCLAW_BROWSER_CDP_SOURCE_RANGE=10.0.0.1/32,bind=0.0.0.0");
  EXPECT_EQ(smuggled.code, 64);
  EXPECT_THAT(smuggled.output, HasSubstr("must be IPv4 ADDRESS/BITS"));
  EXPECT_EQ(started("-e OPENCLAW_BROWSER_CDP_PORT=9222x").code, 64);
  EXPECT_EQ(started("-e OPENCLAW_BROWSER_HEADLESS=perhaps").code, 64);
}

// A build that cannot work leaves no image behind under the name that was asked for.
TEST(Images, R227R230AFailedBuildSaysWhatToDoAndMakesNoImage) {
  std::string failing = ::testing::TempDir() + "/docker-that-cannot-build";
  Ran made =
      run_shell("printf '#!/bin/sh\\ncase $1 in build) exit 1 ;; esac\\nexec docker \"$@\"\\n' >" +
                failing + " && chmod +x " + failing);
  ASSERT_EQ(made.code, 0) << made.output;
  for (const char* script :
       {"sandbox-setup.sh", "sandbox-common-setup.sh", "sandbox-browser-setup.sh"}) {
    Ran built =
        run_shell("OPENCLAW_DOCKER=" + failing + " timeout 60 '" OPENCLAW_SOURCE_DIR "/scripts/" +
                  script + "' openclaw-test-unbuilt:1");
    EXPECT_EQ(built.code, 1) << script << built.output;
    EXPECT_THAT(built.output, HasSubstr("the build failed")) << script;
    EXPECT_NE(run_shell("timeout 20 docker image inspect openclaw-test-unbuilt:1").code, 0);
  }
}

}  // namespace
}  // namespace openclaw::sandbox
