#include "frame_reader.h"

#include <string>

#include <gtest/gtest.h>

#include "mount_map.h"

namespace openclaw::docker {
namespace {

std::string frame(char kind, const std::string& payload) {
  std::string out = {kind, 0, 0, 0};
  auto size = static_cast<std::uint32_t>(payload.size());
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(size >> shift & 0xFF);
  return out + payload;
}

TEST(FrameReader, SplitsStdoutAndStderrHoweverTheStreamIsCut) {
  std::string stream =
      frame(1, "out") + frame(2, "error") + frame(1, "") + frame(1, std::string(300, 'x'));
  for (std::size_t step = 1; step < 12; ++step) {
    FrameReader reader;
    std::string out, err;
    FrameReader::Sink sink = [&](bool is_stderr, std::string_view piece) {
      (is_stderr ? err : out) += piece;
    };
    for (std::size_t at = 0; at < stream.size(); at += step) {
      ASSERT_TRUE(reader.feed(std::string_view(stream).substr(at, step), sink));
    }
    EXPECT_EQ(out, "out" + std::string(300, 'x')) << step;
    EXPECT_EQ(err, "error") << step;
  }
}

TEST(FrameReader, WhatIsNoFrameStopsIt) {
  FrameReader reader;
  FrameReader::Sink sink = [](bool, std::string_view) { FAIL(); };
  EXPECT_FALSE(reader.feed("HTTP/1.1 200 OK", sink));
  EXPECT_FALSE(reader.feed(frame(1, "late"), sink));
}

TEST(MountMap, D11SourcesBecomeTheHostsOwnPaths) {
  json::array own = json::parse(R"([{"Destination":"/home/claw/.openclaw","Source":"/srv/claw"},
      {"Destination":"/home/claw/.openclaw/workspace","Source":"/data/ws"}])")
                        .as_array();
  json::array mounts = json::parse(R"([{"Source":"/home/claw/.openclaw/sandboxes/a"},
      {"Source":"/home/claw/.openclaw/workspace"}])")
                           .as_array();
  ASSERT_TRUE(mapped_sources(own, mounts).has_value());
  EXPECT_EQ(mounts[0].at("Source"), "/srv/claw/sandboxes/a");
  EXPECT_EQ(mounts[1].at("Source"), "/data/ws");
  json::array lost = json::parse(R"([{"Source":"/home/claw/.openclaw-other"}])").as_array();
  auto refused = mapped_sources(own, lost);
  ASSERT_TRUE(refused.has_error());
  EXPECT_NE(refused.error().message.find("/home/claw/.openclaw-other"), std::string::npos);
}

TEST(MountMap, D11ThisContainerIsFoundWhateverItsHostName) {
  const std::string id(64, 'a');
  const std::string docker =
      "95 90 0:38 / / rw,relatime - overlay overlay rw\n"
      "113 95 254:0 /var/lib/docker/containers/" +
      id + "/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw\n";
  EXPECT_EQ(own_container(docker), id);
  const std::string podman = "700 695 0:26 /containers/overlay-containers/" + id +
                             "/userdata/hosts /etc/hosts rw,nosuid - tmpfs tmpfs rw\n";
  EXPECT_EQ(own_container(podman), id);
  EXPECT_EQ(own_container("30 1 254:0 / / rw - ext4 /dev/vda rw\n"), "");
  // A folder that somebody mounted is not where the engine keeps its own.
  EXPECT_EQ(own_container("31 30 254:0 /containers/" + id + "/x /srv rw - ext4 /dev/vda rw\n"), "");
}

}  // namespace
}  // namespace openclaw::docker
