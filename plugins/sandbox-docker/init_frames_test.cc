#include "init_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::docker {
namespace {

using sandbox_init::Kind;
using Found = InitFrames::Found;

TEST(InitFrames, ComeWholeHoweverTheyAreCut) {
  std::string bytes = init_frame(Kind::kStdout, 7, "out") + init_frame(Kind::kStderr, 8, "") +
                      init_frame(Kind::kExit, 7, std::string(8, '\0'));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    InitFrames frames;
    std::string said;
    for (auto part : {bytes.substr(0, cut), bytes.substr(cut)}) {
      frames.append(part);
      InitFrames::Frame frame{};
      Found found;
      while ((found = frames.next(frame)) == Found::kFrame)
        said += std::to_string(static_cast<int>(frame.kind)) + ":" + std::to_string(frame.command) +
                ":" + std::to_string(frame.payload.size()) + " ";
      EXPECT_EQ(found, Found::kIncomplete);
    }
    EXPECT_EQ(said, "17:7:3 18:8:0 20:7:8 ") << cut;
  }
}

TEST(InitFrames, WhatIsNoneEndsTheReading) {
  for (const std::string& bytes :
       {init_frame(Kind::kReady, 1, std::string(16, 'x')), init_frame(Kind::kRun, 1, ""),
        init_frame(Kind::kPadding, 1, ""),
        init_frame(Kind::kStdout, 1, std::string(sandbox_init::kMaxPiece + 1, 'x')),
        init_frame(Kind::kExit, 1, "short"), init_frame(Kind::kInputTaken, 1, ""),
        std::string("what a shell might print")}) {
    InitFrames frames;
    frames.append(bytes);
    InitFrames::Frame frame{};
    EXPECT_EQ(frames.next(frame), Found::kBroken);
  }
}

TEST(InitFrames, AnAnswerIsFoundBehindWhatWasLeftUnread) {
  std::string mark = init_frame(Kind::kReady, 1, std::string(16, 'n'));
  InitFrames frames;
  frames.append("the end of something");
  EXPECT_FALSE(frames.skip_past(mark));
  frames.append(mark.substr(0, 5));
  EXPECT_FALSE(frames.skip_past(mark));
  frames.append(mark.substr(5) + init_frame(Kind::kStdout, 3, "x"));
  EXPECT_TRUE(frames.skip_past(mark));
  InitFrames::Frame frame{};
  ASSERT_EQ(frames.next(frame), Found::kFrame);
  EXPECT_EQ(frame.command, 3u);
}

}  // namespace
}  // namespace openclaw::docker
