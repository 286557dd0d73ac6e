#include "workspace/media_stage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "utf8.h"
#include "workspace/base64.h"
#include "workspace/media_name.h"
#include "workspace/scratch_for_test.h"

namespace openclaw::workspace {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::MatchesRegex;

class MediaStageTest : public testing::Test {
 protected:
  MediaStageTest() {
    view.host_workspace = scratch.root();
    view.workdir = scratch.root().string();
    before = Scratch::snapshot(scratch.outside());
  }
  ~MediaStageTest() override { EXPECT_EQ(Scratch::snapshot(scratch.outside()), before); }
  Result<StagedFile> stage(std::string_view name, std::string bytes = "BYTES",
                           std::string_view kind = "photo", std::string_view mime = "image/jpeg") {
    auto opened = MediaStage::open(view);
    if (!opened) return opened.error();
    return opened->add(name, kind, mime, source_of(std::move(bytes)));
  }
  struct stat look(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::lstat((scratch.root() / path).c_str(), &info), 0) << path;
    return info;
  }

  Scratch scratch;
  sandbox::View view;
  std::map<std::string, std::string> before;
};

TEST_F(MediaStageTest, R169FilesLandUnderMediaInbound) {
  auto staged = stage("a.jpg");
  ASSERT_TRUE(staged) << staged.error().message;
  EXPECT_EQ(staged->path, "media/inbound/a.jpg");
  EXPECT_EQ(staged->bytes, 5U);
  EXPECT_EQ(Scratch::get(scratch.root() / staged->path), "BYTES");
  EXPECT_EQ(look(staged->path).st_mode & 07777, 0600U);
}

TEST_F(MediaStageTest, NothingIsEverReplaced) {
  ASSERT_TRUE(stage("a.jpg", "first"));
  auto second = stage("a.jpg", "second");
  ASSERT_TRUE(second);
  EXPECT_THAT(second->path, MatchesRegex("media/inbound/a-[0-9a-f]{8}\\.jpg"));
  EXPECT_EQ(Scratch::get(scratch.root() / "media/inbound/a.jpg"), "first");
  EXPECT_EQ(Scratch::get(scratch.root() / second->path), "second");
}

TEST_F(MediaStageTest, R169A13LinksInThePlaceOfTheFoldersAreRefused) {
  for (const char* name : {"media", "media/inbound"}) {
    fs::remove_all(scratch.root() / "media");
    fs::create_directories((scratch.root() / name).parent_path());
    fs::create_directory_symlink(scratch.outside(), scratch.root() / name);
    auto staged = stage("a.jpg");
    ASSERT_FALSE(staged) << name;
    EXPECT_EQ(staged.error().code, Code::kPermissionDenied);
    EXPECT_THAT(staged.error().message, HasSubstr("ls -ld media media/inbound"));
  }
  // A link that stays inside is no folder either.
  fs::remove_all(scratch.root() / "media");
  fs::create_directories(scratch.root() / "elsewhere");
  fs::create_directory_symlink("elsewhere", scratch.root() / "media");
  EXPECT_EQ(stage("a.jpg").error().code, Code::kPermissionDenied);
  EXPECT_TRUE(fs::is_empty(scratch.root() / "elsewhere"));
  // A dangling one does not become a folder where it points.
  fs::remove_all(scratch.root() / "media");
  fs::create_directory_symlink(scratch.outside() / "new", scratch.root() / "media");
  EXPECT_EQ(stage("a.jpg").error().code, Code::kPermissionDenied);
}

TEST_F(MediaStageTest, A13FifosAndFilesInThePlaceOfTheFoldersAreRefusedWithoutHanging) {
  for (const char* name : {"media", "media/inbound"}) {
    for (const bool fifo : {true, false}) {
      fs::remove_all(scratch.root() / "media");
      fs::create_directories((scratch.root() / name).parent_path());
      if (fifo) {
        ASSERT_EQ(::mkfifo((scratch.root() / name).c_str(), 0600), 0);
      } else {
        Scratch::put(scratch.root() / name, "a file");
      }
      auto staged = stage("a.jpg");
      ASSERT_FALSE(staged) << name;
      EXPECT_THAT(staged.error().message, HasSubstr("must be real folders"));
    }
  }
}

TEST_F(MediaStageTest, A13WhatStandsUnderTheNameIsLeftAlone) {
  fs::create_directories(scratch.root() / "media/inbound");
  fs::create_symlink(scratch.outside() / "file.txt", scratch.root() / "media/inbound/link.jpg");
  fs::create_symlink(scratch.outside() / "new.txt", scratch.root() / "media/inbound/dangling.jpg");
  ASSERT_EQ(::mkfifo((scratch.root() / "media/inbound/fifo.jpg").c_str(), 0600), 0);
  fs::create_hard_link(scratch.outside() / "file.txt", scratch.root() / "media/inbound/hard.jpg");
  for (const char* name : {"link.jpg", "dangling.jpg", "fifo.jpg", "hard.jpg"}) {
    auto staged = stage(name);
    ASSERT_TRUE(staged) << staged.error().message;
    EXPECT_NE(staged->path, std::string("media/inbound/") + name);
    EXPECT_EQ(Scratch::get(scratch.root() / staged->path), "BYTES");
  }
}

TEST_F(MediaStageTest, LargeFilesAreRefusedAndHalfOnesRemoved) {
  auto stage_room = MediaStage::open(view);
  ASSERT_TRUE(stage_room);
  MediaSource said{kMaxMediaBytes + 1, {}};
  EXPECT_EQ(stage_room->add("big", "", "", said).error().code, Code::kResourceExhausted);
  EXPECT_FALSE(fs::exists(scratch.root() / "media"));
  // One that does not say how much it has.
  MediaSource endless;
  endless.read = [](std::uint64_t, std::uint64_t count) -> Result<std::string> {
    return std::string(static_cast<std::size_t>(count), 'x');
  };
  EXPECT_EQ(stage_room->add("endless", "", "", endless).error().code, Code::kResourceExhausted);
  MediaSource broken;
  broken.read = [](std::uint64_t offset, std::uint64_t) -> Result<std::string> {
    if (offset > 0) return Error(Code::kUnavailable, "gone");
    return std::string("half");
  };
  EXPECT_EQ(stage_room->add("broken", "", "", broken).error().message, "gone");
  EXPECT_TRUE(fs::is_empty(scratch.root() / "media/inbound"));
}

TEST_F(MediaStageTest, TheSandboxUserCanReadWhatIsStaged) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  view.sandboxed = true;
  view.workspace_access = "rw";
  view.workdir = "/workspace";
  view.spec = {{"user", "4242:4343"}, {"userFromOwner", false}};
  ASSERT_EQ(::chown(scratch.root().c_str(), 4242, 4343), 0);
  const mode_t old = ::umask(0077);
  auto staged = stage("a.jpg");
  ASSERT_TRUE(staged) << staged.error().message;
  for (const char* path : {"media", "media/inbound", "media/inbound/a.jpg"}) {
    EXPECT_EQ(look(path).st_uid, 4242U) << path;
    EXPECT_EQ(look(path).st_gid, 4343U) << path;
  }
  EXPECT_EQ(look("media/inbound/a.jpg").st_mode & 07777, 0600U);
  // Somebody whose number only the image knows.
  fs::remove_all(scratch.root() / "media");
  view.spec["user"] = "node";
  ASSERT_TRUE(stage("a.jpg"));
  ::umask(old);
  EXPECT_EQ(look("media/inbound").st_mode & 07777, 0755U);
  EXPECT_EQ(look("media/inbound/a.jpg").st_mode & 07777, 0644U);
}

TEST(MediaName, HostileNamesBecomeHarmless) {
  const auto name = [](std::string_view offered) { return harmless_name(offered, "photo", ""); };
  EXPECT_EQ(name("a.jpg"), "a.jpg");
  EXPECT_EQ(name("../../etc/passwd"), "passwd");
  EXPECT_EQ(name("..\\..\\boot.ini"), "boot.ini");
  EXPECT_EQ(name("/etc/"), "photo");
  EXPECT_EQ(name(".."), "photo");
  EXPECT_EQ(name(""), "photo");
  EXPECT_EQ(name(".bashrc"), "bashrc");
  EXPECT_EQ(name("-rf"), "rf");
  EXPECT_EQ(name("a\nb\x01\x7f.txt"), "a_b__.txt");
  EXPECT_EQ(name(std::string_view("a\0b.txt", 7)), "a_b.txt");
  EXPECT_EQ(name("my file.txt"), "my_file.txt");
  EXPECT_EQ(name("$(touch x)`y`;'\"&|<>*?[].sh"), "touch_x__y____________.sh");
  EXPECT_EQ(name("Grüße-写真.png"), "Grüße-写真.png");
  EXPECT_EQ(name("photo\u202Egpj.exe"), "photo_gpj.exe");
  EXPECT_EQ(name("a\u200B\u2028b"), "a__b");
  EXPECT_EQ(name("\xff\xfe.txt"), "txt");
  EXPECT_EQ(name("name..."), "name");
}

TEST(MediaName, LongNamesKeepTheirExtensionAndWholeCharacters) {
  std::string umlauts;
  while (umlauts.size() < 300) umlauts += "ü";
  const std::string name = harmless_name("x" + umlauts + ".jpeg", "", "");
  EXPECT_LE(name.size(), 100U);
  EXPECT_TRUE(name.ends_with("ü.jpeg"));
  EXPECT_EQ(valid_utf8(name), name);
  EXPECT_LE(harmless_name("x." + umlauts, "", "").size(), 100U);
  EXPECT_LE(harmless_name(std::string(100'000, 'x'), "", "").size(), 100U);
  EXPECT_LE(marked_name(name, "01234567").size(), 255U);
}

TEST(MediaName, WithoutANameKindAndTypeMakeOne) {
  EXPECT_EQ(harmless_name("", "photo", "image/jpeg"), "photo.jpg");
  EXPECT_EQ(harmless_name("", "voice", "audio/ogg; codecs=opus"), "voice.ogg");
  EXPECT_EQ(harmless_name("", "", "application/x-thing"), "file");
  EXPECT_EQ(harmless_name("", "../x", "image/png"), "x.png");
  EXPECT_EQ(harmless_mime("Image/JPEG"), "image/jpeg");
  EXPECT_EQ(harmless_mime("text/plain\n]"), "");
  EXPECT_EQ(harmless_mime(""), "");
}

TEST(Base64, RoundTripsAndRefusesWhatItIsNot) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"})
    EXPECT_EQ(from_base64(to_base64(text)).value(), text);
  EXPECT_EQ(from_base64("YWI").value(), "ab");
  for (const char* text : {"no base64!", "YW I=", "Y", "YW=I", "YWI_", " YWI=", "YWI=\n"})
    EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace openclaw::workspace
