// What the Gateway does when a connection has ended.
#include <utility>

#include "gateway.h"

namespace discord {
namespace {

using openclaw::Flow;
using openclaw::Nothing;
using Why = LinkEnd::Why;

constexpr std::uint64_t kHealthyMs = 60'000;
constexpr std::uint64_t kDrainPauseMs = 200;
constexpr std::uint64_t kShortestInvalidMs = 1'000;
constexpr std::uint64_t kLongestInvalidMs = 5'000;
constexpr int kReportedFailures = 2;  // one reset is no outage
constexpr int kMostFailedResumes = 3;

}  // namespace

Flow<Nothing> Gateway::pause_until_drained() {
  while (queue_.busy() && !stopping_ && !lost_) {
    Flow<Nothing> pause = s_.pauses.wait(kDrainPauseMs);
    co_await std::move(pause);
  }
  co_return Nothing{};
}

Flow<Gateway::Next> Gateway::after_end(LinkEnd end, bool resumed, std::uint64_t up_ms) {
  if (stopping_ || lost_ || end.why == Why::kStopped) co_return Next::kEnd;
  s_.plugin.log().info("the gateway connection ended: " + end.text);
  if (up_ms >= kHealthyMs) failures_ = 0;
  if (end.why == Why::kClosed && after_close(end.code) == AfterClose::kFatal) {
    const FatalClose fatal =
        explain_fatal(end.code, s_.settings.config_key, s_.settings.token_command());
    token_is_wrong_ = fatal.token;
    co_return give_up(fatal.token ? OC_UNAUTHENTICATED : OC_FAILED_PRECONDITION, fatal.reason,
                      fatal.message);
  }
  if (end.why == Why::kRefused && !resumed)
    co_return give_up(OC_FAILED_PRECONDITION, "refused",
                      s_.settings.config_key +
                          ": the host does not connect to the gateway that Discord named; if "
                          "apiRoot is set, set gatewayRoots to the addresses of its gateways");
  const bool unusable = end.why == Why::kRefused || (end.why == Why::kInvalid && !end.resumable) ||
                        (end.why == Why::kClosed && after_close(end.code) == AfterClose::kIdentify);
  if (resumed && !end.ready && end.greeted) ++failed_resumes_;
  if (unusable || failed_resumes_ >= kMostFailedResumes) {
    store_.forget();
    failed_resumes_ = 0;
  }
  if (end.why == Why::kBehind) {
    Flow<Nothing> draining = pause_until_drained();
    co_await std::move(draining);
  }
  if (end.why == Why::kInvalid) {
    std::uniform_int_distribution<std::uint64_t> spread(kShortestInvalidMs, kLongestInvalidMs);
    Flow<Nothing> pause = s_.pauses.wait(spread(random_));
    co_await std::move(pause);
  }
  const bool first_of_healthy = failures_ == 0 && end.ready;
  ++failures_;
  if (failures_ >= kReportedFailures) {
    report("connecting", "unreachable",
           "the connection to Discord does not hold: " + end.text + "; it is tried again");
  }
  // The gateway need not wait for Discord to come back.
  start_.settle(OC_OK, "");
  if (!first_of_healthy) {
    Flow<Nothing> waiting = back_off();
    co_await std::move(waiting);
  }
  co_return stopping_ || lost_ ? Next::kEnd : Next::kGoOn;
}

}  // namespace discord
