#include "logging/logging.h"

#include <sys/stat.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "logging/jsonl_sink.h"
#include "logging/redactor.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::logging {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Redactor, PatternsAndKnownValuesAreTakenOut) {
  Redactor redactor;
  redactor.add_secret("hunter2hunter2");
  redactor.add_secret("abc");  // too short to be replaced
  struct Case {
    const char* text;
    const char* secret;
  };
  const Case cases[] = {
      {"GET https://api.telegram.org/bot123456789:AAE-abcdefghijklmnopqrstuvwxyz012/getMe",
       "AAE-abcdefghijklmnop"},
      {"token is 987654321:AAFabcdefghijklmnopqrstuvwxyz01234 here", "AAFabc"},
      {"Authorization: Bearer eyJhbGciOi.J9.abc", "eyJhbGci"},
      {"authorization: bearer xyzxyzxyz", "xyzxyz"},
      {"{\"token\":\"0123456789abcdef\"}", "0123456789"},
      {"ws://host/#token=0123456789abcdef&x=1", "0123456789"},
      {"password = letmein123", "letmein"},
      {"key sk-"
       "live-"
       "abcdefghijklmnopqrst",
       "abcdefgh"},
      {"said hunter2hunter2!", "hunter2"},
  };
  for (const auto& c : cases) {
    auto out = redactor.redact(c.text);
    EXPECT_THAT(out, Not(HasSubstr(c.secret))) << out;
    EXPECT_THAT(out, HasSubstr("***"));
  }
  EXPECT_EQ(redactor.redact("abc tokens: 5, listening on 127.0.0.1:18789"),
            "abc tokens: 5, listening on 127.0.0.1:18789");
  EXPECT_THAT(redactor.redact("/bot123456789:AAE-abcdefghijklmnopqrstuvwxyz012/getMe"),
              HasSubstr("/bot***/getMe"));
}

TEST(JsonlSink, LinesHaveTheDocumentedShapeAndCarryNoSecret) {
  storage::TempDir dir;
  Redactor redactor;
  redactor.add_secret("top-secret-value");
  auto sink = std::make_shared<JsonlSink>(dir.path(), 1 << 20, 3, redactor);
  spdlog::logger logger("telegram", sink);
  logger.warn("line \"one\"\nwith top-secret-value and \xff bytes");
  auto text = slurp(sink->path());
  auto line = json::parse(text.substr(0, text.size() - 1)).as_object();
  EXPECT_EQ(line["0"].as_string(), "{\"subsystem\":\"telegram\"}");
  EXPECT_THAT(std::string(line["1"].as_string()), HasSubstr("with *** and \xEF\xBF\xBD bytes"));
  EXPECT_EQ(line["_meta"].as_object()["logLevelName"].as_string(), "WARN");
  EXPECT_EQ(line["time"].as_string(), line["_meta"].as_object()["date"].as_string());
  EXPECT_THAT(sink->path().filename().string(), testing::MatchesRegex("openclaw-[0-9-]{10}.log"));
  struct stat info {};
  ASSERT_EQ(::stat(sink->path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(JsonlSink, R9_AFloodStaysUnderTheCap) {
  storage::TempDir dir;
  Redactor redactor;
  constexpr std::uint64_t kCap = 20000;
  constexpr unsigned kFiles = 3;
  auto sink = std::make_shared<JsonlSink>(dir.path(), kCap, kFiles, redactor);
  spdlog::logger logger("flood", sink);
  for (int i = 0; i < 5000; ++i) logger.info("message number {} of a flood", i);
  std::uint64_t total = 0;
  unsigned files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    total += entry.file_size();
    ++files;
  }
  EXPECT_LE(total, kCap * kFiles);
  EXPECT_LE(files, kFiles);
  EXPECT_THAT(slurp(sink->path()), HasSubstr("message number 4999"));
}

TEST(Logging, SetupMakesTheFileThatLogsTailReads) {
  storage::TempDir dir;
  Options options;
  options.directory = dir.path() / "logs";
  options.console_level = "off";
  ASSERT_TRUE(setup(options).has_value());
  add_secret("another-secret-value");
  spdlog::info("hello another-secret-value");
  flush();
  EXPECT_EQ(current_file(), file_for_today(options.directory));
  EXPECT_THAT(slurp(current_file()), HasSubstr("hello ***"));
  EXPECT_EQ(redact("another-secret-value"), "***");
}

}  // namespace
}  // namespace openclaw::logging
