#include "http_failure.h"

#include <gtest/gtest.h>

namespace openclaw::model {
namespace {

TEST(HttpFailure, StatusBecomesCode) {
  struct Row {
    int status;
    oc_status code;
  };
  for (auto row :
       {Row{400, OC_INVALID_ARGUMENT}, Row{401, OC_UNAUTHENTICATED}, Row{403, OC_UNAUTHENTICATED},
        Row{404, OC_NOT_FOUND}, Row{408, OC_UNAVAILABLE}, Row{429, OC_RESOURCE_EXHAUSTED},
        Row{500, OC_UNAVAILABLE}, Row{503, OC_UNAVAILABLE}, Row{529, OC_UNAVAILABLE}}) {
    EXPECT_EQ(http_failure(row.status, "{}", "", "http://h").code, row.code) << row.status;
  }
}

TEST(HttpFailure, RetryAfterIsKept) {
  auto seconds =
      http_failure(429, R"({"Retry-After":"2"})", R"({"error":{"message":"slow"}})", "x");
  EXPECT_EQ(seconds.retry_after_ms, 2000U);
  EXPECT_NE(seconds.message.find("slow"), std::string::npos);
  EXPECT_EQ(retry_after_ms(R"({"retry-after":"9","retry-after-ms":"15"})"), 15U);
  EXPECT_EQ(retry_after_ms(R"({"retry-after":"-3"})"), 0U);
  EXPECT_EQ(retry_after_ms("nonsense"), 0U);
}

TEST(HttpFailure, TooLongPromptIsMarked) {
  auto failure = http_failure(
      400, "{}",
      R"({"error":{"message":"This model's maximum context length is 8192 tokens","code":"x"}})",
      "h");
  EXPECT_EQ(failure.platform_code, "context_length");
  EXPECT_EQ(http_failure(400, "{}", R"({"error":{"message":"bad tool"}})", "h").platform_code, "");
  EXPECT_EQ(stream_failure("invalid_request_error", "prompt is too long: 9 > 8").platform_code,
            "context_length");
}

TEST(HttpFailure, BodyThatIsNoJsonIsQuotedInPart) {
  auto failure = http_failure(502, "", "<html>" + std::string(5000, 'x'), "http://h/v1");
  EXPECT_NE(failure.message.find("http://h/v1 answered 502"), std::string::npos);
  EXPECT_LT(failure.message.size(), 500U);
}

}  // namespace
}  // namespace openclaw::model
