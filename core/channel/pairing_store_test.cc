#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channel/channel_service.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::channel {
namespace {

class PairingStoreTest : public testing::Test {
 protected:
  std::string text(const std::string& name) const {
    std::ifstream in(dir_.path() / "credentials" / name);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories(dir_.path() / "credentials");
    std::ofstream(dir_.path() / "credentials" / name) << content;
  }
  storage::TempDir dir_;
  PairingStore store_{dir_.path()};
};

TEST_F(PairingStoreTest, ACodeHasEightClearCharactersAndTheSameSenderKeepsIt) {
  const auto first = store_.request("telegram", "default", "9", {{"username", "ada"}});
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_THAT(first.value().code, testing::MatchesRegex("[A-HJ-NP-Z2-9]{8}"));
  EXPECT_EQ(store_.request("telegram", "default", "9", {}).value().code, first.value().code);
  EXPECT_EQ(store_.list("telegram").value().size(), 1U);
  struct stat info {};
  ASSERT_EQ(::stat((dir_.path() / "credentials/telegram-pairing.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const json::object file = json::parse(text("telegram-pairing.json")).get_object();
  EXPECT_EQ(file.at("version"), 1);
  EXPECT_EQ(file.at("requests").at(0).at("meta").at("accountId").get_string(), "default");
}

TEST_F(PairingStoreTest, AFourthRequestIsRefused) {
  for (const char* id : {"1", "2", "3"})
    ASSERT_TRUE(store_.request("telegram", "default", id, {}).has_value());
  EXPECT_EQ(store_.request("telegram", "default", "4", {}).error().code, Code::kResourceExhausted);
}

TEST_F(PairingStoreTest, ApprovingMovesTheRequestToTheAllowList) {
  const std::string code = store_.request("telegram", "ops", "9", {}).value().code;
  std::string typed = " " + code;
  for (char& c : typed) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  EXPECT_EQ(store_.approve("telegram", typed).value(), "9");
  EXPECT_TRUE(store_.list("telegram").value().empty());
  EXPECT_THAT(store_.allowed("telegram", "ops").value(), testing::ElementsAre("9"));
  EXPECT_TRUE(store_.allowed("telegram", "default").value().empty());
  EXPECT_EQ(json::parse(text("telegram-ops-allowFrom.json")),
            json::parse(R"({"version":1,"allowFrom":["9"]})"));
  EXPECT_EQ(store_.approve("telegram", code).error().code, Code::kNotFound);
}

TEST_F(PairingStoreTest, OldFilesAreReadAndWildcardsInThemIgnored) {
  write("telegram-allowFrom.json", R"({"version":1,"allowFrom":["5","*"]})");
  EXPECT_THAT(store_.allowed("telegram", "default").value(), testing::ElementsAre("5"));
}

TEST_F(PairingStoreTest, CodesExpireAfterAnHour) {
  write(
      "telegram-pairing.json",
      R"({"version":1,"requests":[{"id":"9","code":"ABCDEFGH","createdAt":"2020-01-01T00:00:00.000Z","lastSeenAt":"x","meta":{}}]})");
  EXPECT_TRUE(store_.list("telegram").value().empty());
  EXPECT_EQ(store_.approve("telegram", "ABCDEFGH").error().code, Code::kNotFound);
}

TEST_F(PairingStoreTest, AFileThatCannotBeReadIsNotOverwritten) {
  write("telegram-pairing.json", "{ broken");
  EXPECT_EQ(store_.request("telegram", "default", "9", {}).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(text("telegram-pairing.json"), "{ broken");
}

TEST_F(PairingStoreTest, A14HostileIdsMakeNoFiles) {
  for (const char* hostile : {"../x", "a/b", "", ".", "..", "a\nb", "x y"}) {
    EXPECT_EQ(store_.request(hostile, "default", "9", {}).error().code, Code::kInvalidArgument)
        << hostile;
    EXPECT_EQ(store_.allowed("telegram", hostile).error().code, Code::kInvalidArgument) << hostile;
  }
  EXPECT_FALSE(std::filesystem::exists(dir_.path() / "credentials"));
}

}  // namespace
}  // namespace openclaw::channel
