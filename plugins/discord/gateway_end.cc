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
constexpr std::uint64_t kBetweenLooksMs = 60'000;
constexpr std::uint32_t kLookMs = 15'000;

}  // namespace

Flow<Nothing> Gateway::pause_until_drained() {
  while (queue_.busy() && !stopping_ && !lost_) {
    Flow<Nothing> pause = s_.pauses.wait(kDrainPauseMs);
    co_await std::move(pause);
  }
  co_return Nothing{};
}

Flow<Gateway::Next> Gateway::after_fatal(std::uint32_t code) {
  if (code == kIntentsRefused && s_.settings.message_content) {
    Flow<Next> waiting = wait_for_intents();
    co_return co_await std::move(waiting);
  }
  const FatalClose fatal = explain_fatal(code, s_.settings.config_key, s_.settings.token_command());
  token_is_wrong_ = fatal.token;
  co_return give_up(fatal.token ? OC_UNAUTHENTICATED : OC_FAILED_PRECONDITION, fatal.reason,
                    fatal.message);
}

// The switch in the portal is thrown there and not here, so it is looked for, in a way that costs
// none of the day's sessions.
Flow<Gateway::Next> Gateway::wait_for_intents() {
  const FatalClose refusal =
      explain_fatal(kIntentsRefused, s_.settings.config_key, s_.settings.token_command());
  s_.plugin.log().error(refusal.message);
  report("connecting", refusal.reason, refusal.message);
  start_.settle(OC_OK, "");
  while (!stopping_ && !lost_) {
    Flow<Nothing> pause = s_.pauses.wait(kBetweenLooksMs, &intents_pause_);
    co_await std::move(pause);
    if (stopping_ || lost_) break;
    Call call;
    call.path = "/applications/@me";
    call.route = {"GET /applications/@me", ""};
    RestApi::Options options;
    options.timeout_ms = kLookMs;
    Flow<Reply> asking = s_.api.call(std::move(call), options);
    const Reply reply = co_await std::move(asking);
    if (reply.token_refused()) co_return give_up_token(reply.text);
    const json::object* application = reply.result.if_object();
    if (reply.ok() && application != nullptr && content_intent(*application) != "disabled")
      co_return stopping_ || lost_ ? Next::kEnd : Next::kGoOn;
  }
  co_return Next::kEnd;
}

Flow<Gateway::Next> Gateway::after_end(LinkEnd end, bool resumed, std::uint64_t up_ms) {
  if (stopping_ || lost_ || end.why == Why::kStopped) co_return Next::kEnd;
  s_.plugin.log().info("the gateway connection ended: " + end.text);
  if (up_ms >= kHealthyMs) failures_ = 0;
  // Whether it is the token, and not the session of an earlier one, shows when a session is begun.
  const bool resume_refused =
      end.why == Why::kClosed && end.code == kTokenRefused && resumed && !end.ready;
  if (end.why == Why::kClosed && after_close(end.code) == AfterClose::kFatal && !resume_refused) {
    Flow<Next> ending = after_fatal(end.code);
    co_return co_await std::move(ending);
  }
  if (end.why == Why::kRefused && !resumed)
    co_return give_up(OC_FAILED_PRECONDITION, "refused",
                      s_.settings.config_key +
                          ": the host does not connect to the gateway that Discord named; if "
                          "apiRoot is set, set gatewayRoots to the addresses of its gateways");
  const bool unusable = resume_refused || end.why == Why::kRefused ||
                        (end.why == Why::kInvalid && !end.resumable) ||
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
