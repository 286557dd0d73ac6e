// Files that must not be loaded, each refused with its own message and with nothing executed: the
// plugin's static constructor would leave a file behind.
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "plugin_fixture.h"

namespace openclaw::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Refusal : public PluginFixture {
 protected:
  Refusal() : marker_(temp_.path() / "executed") {
    setenv("OPENCLAW_TEST_MARKER", marker_.c_str(),
           1);  // NOLINT(concurrency-mt-unsafe): before any thread
    dir_ = install("marker");
    library_ = dir_ / "libopenclaw-marker.so";
  }
  // Overwrites bytes of the entry in the file, `at` bytes after its magic number.
  void patch_entry(std::size_t at, std::string_view bytes) {
    std::fstream file(library_, std::ios::in | std::ios::out | std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto entry = text.find(std::string_view("OCL1\x01\0\0\0", 8));
    ASSERT_NE(entry, std::string::npos);
    file.clear();
    file.seekp(static_cast<std::streamoff>(entry + at));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  // The refusal's text; the instance must not come to be, and nothing of the plugin may have run.
  std::string refusal() {
    auto made = run(host().create_instance({"marker", "default", {}}));
    EXPECT_FALSE(made);
    EXPECT_FALSE(fs::exists(marker_)) << "the plugin's code was executed";
    return made ? "" : made.error().message;
  }
  fs::path marker_, dir_, library_;
};

TEST_F(Refusal, AnIntactPluginRunsAndLeavesItsMark) {
  ASSERT_NE(load_and_start("marker"), nullptr);
  EXPECT_TRUE(fs::exists(marker_));
}

TEST_F(Refusal, WrongMagic) {
  patch_entry(0, "XXXX");
  EXPECT_THAT(refusal(), HasSubstr("wrong magic number"));
}

TEST_F(Refusal, WrongMajorNamesBothNumbers) {
  patch_entry(4, std::string_view("\x02\0", 2));
  const std::string text = refusal();
  EXPECT_THAT(text, HasSubstr("built for plugin ABI 2.0"));
  EXPECT_THAT(text, HasSubstr("this host offers 1.0"));
}

TEST_F(Refusal, AHostOlderThanThePluginCanLiveWith) {
  patch_entry(12, std::string_view("\x03\0", 2));
  EXPECT_THAT(refusal(), HasSubstr("needs a host of plugin ABI 1.3 or later"));
}

TEST_F(Refusal, TruncatedElf) {
  fs::resize_file(library_, fs::file_size(library_) / 3);
  EXPECT_THAT(refusal(), HasSubstr("truncated"));
}

TEST_F(Refusal, SomethingThatIsNoElfFile) {
  std::ofstream(library_, std::ios::trunc) << "#!/bin/sh\ntouch /tmp/x\n" << std::string(100, '\n');
  EXPECT_THAT(refusal(), HasSubstr("does not begin as an ELF file"));
}

TEST_F(Refusal, WorldWritableFileFolderAndParent) {
  chmod(library_.c_str(), 0666);
  EXPECT_THAT(refusal(), HasSubstr("chmod go-w '" + library_.string()));
  chmod(library_.c_str(), 0644);
  chmod(dir_.c_str(), 0775);
  host().scan();
  EXPECT_THAT(refusal(), HasSubstr(dir_.string() + " is writable by group or others"));
  chmod(dir_.c_str(), 0755);
  // Even with the sticky bit: the plugin root itself must be ours alone.
  chmod((options_.state_dir / "plugins").c_str(), 01777);
  host().scan();
  EXPECT_THAT(refusal(), HasSubstr("plugins is writable by group or others"));
}

TEST_F(Refusal, SymlinkOutOfTheRoot) {
  const fs::path outside = temp_.path() / "outside.so";
  fs::copy_file(library_, outside);
  fs::remove(library_);
  fs::create_symlink(outside, library_);
  EXPECT_THAT(refusal(), HasSubstr("is a symbolic link"));
}

TEST_F(Refusal, SymlinkedFolder) {
  const fs::path outside = temp_.path() / "outside";
  fs::rename(dir_, outside);
  fs::create_directory_symlink(outside, dir_);
  EXPECT_THAT(refusal(), HasSubstr("is a symbolic link"));
}

TEST_F(Refusal, AnIdThatNobodyAllowed) {
  options_.allow = {"chaos"};
  EXPECT_THAT(refusal(), HasSubstr("plugins.allow does not name it"));
}

TEST_F(Refusal, AnIdThatIsDenied) {
  options_.deny = {"marker"};
  EXPECT_THAT(refusal(), HasSubstr("plugins.deny names it"));
}

TEST_F(Refusal, NoInstallRecord) {
  ASSERT_TRUE(erase_install_record(options_.state_dir, "marker"));
  EXPECT_THAT(refusal(), HasSubstr("no install record"));
}

TEST_F(Refusal, ALibraryOrManifestThatIsNotTheInstalledOne) {
  std::ofstream(library_, std::ios::app | std::ios::binary) << "x";
  EXPECT_THAT(refusal(), HasSubstr("is not the file that was installed"));
  install("marker");
  std::ofstream(dir_ / kManifestFile, std::ios::app) << "\n";
  EXPECT_THAT(refusal(), HasSubstr("openclaw.plugin.json is not the file that was installed"));
}

TEST_F(Refusal, AFileReplacedBetweenTheScanAndTheLoad) {
  host();
  std::ofstream(library_, std::ios::app | std::ios::binary) << "x";
  EXPECT_THAT(refusal(), HasSubstr("is not the file that was installed"));
}

TEST_F(Refusal, ANoteThatNamesAnotherPlugin) {
  std::ofstream(dir_ / kManifestFile, std::ios::trunc)
      << R"({"id":"chaos","native":{"library":"libopenclaw-marker.so"},"configSchema":{}})";
  auto made = run(host().create_instance({"chaos", "default", {}}));
  EXPECT_THAT(made.error().message, HasSubstr("its note says it is \"marker\""));
  EXPECT_FALSE(fs::exists(marker_));
}

TEST_F(Refusal, AnUnreadableManifest) {
  std::ofstream(dir_ / kManifestFile, std::ios::trunc) << "{";
  EXPECT_THAT(refusal(), HasSubstr("it is not JSON"));
}

TEST_F(Refusal, AProcessOfItsOwnIsNotOfferedYet) {
  std::ofstream(dir_ / kManifestFile, std::ios::trunc)
      << R"({"id":"marker","native":{"isolation":"process"},"configSchema":{}})";
  EXPECT_THAT(refusal(), HasSubstr("asks for a process of its own"));
}

TEST_F(Refusal, TheSecondPluginWithAnId) {
  const fs::path twin = options_.state_dir / "plugins" / "twin";
  fs::copy(dir_, twin, fs::copy_options::recursive);
  const auto all = host().list();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].state, State::kRefused);
  EXPECT_THAT(all[1].reason, HasSubstr("already"));
}

TEST_F(Refusal, APluginThatDoesNotExist) {
  EXPECT_EQ(run(host().create_instance({"nothing", "default", {}})).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace openclaw::plugin
