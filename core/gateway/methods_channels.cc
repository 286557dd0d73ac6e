// channels.resolve, channels.logout, web.login.start and .wait: names of people and groups, the
// begin and the end of an account's login.
#include "gateway/channel_choice.h"
#include "qr_code/qr_code.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

constexpr std::size_t kMostEntries = 100;
constexpr std::size_t kMostEntryBytes = 256;
constexpr std::chrono::seconds kCodeTime{30};
constexpr std::chrono::minutes kScanTime{2};

Awaitable<Reply> channels_resolve(ServerState& state, MethodCall call) {
  channel::ResolveRequest request;
  request.entries = strings_param(call.params, "entries");
  if (request.entries.empty()) co_return Reply::invalid("say whom: entries is empty");
  if (request.entries.size() > kMostEntries)
    co_return Reply::invalid("at most " + std::to_string(kMostEntries) + " entries at once");
  for (const std::string& entry : request.entries) {
    if (entry.size() > kMostEntryBytes)
      co_return Reply::invalid("an entry is longer than " + std::to_string(kMostEntryBytes) +
                               " bytes");
  }
  auto channel = co_await known_channel(state, text_param(call.params, "channel"));
  if (channel.has_error()) co_return Reply::failed(channel.error());
  request.channel = *channel;
  request.account = text_param(call.params, "accountId");
  request.kind = text_param(call.params, "kind", request.kind);
  auto resolved = co_await state.services.channels.resolve(std::move(request));
  if (resolved.has_error()) co_return Reply::failed(resolved.error());
  json::object out = std::move(resolved.value());
  out["channel"] = *channel;
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> channels_logout(ServerState& state, MethodCall call) {
  std::string account = text_param(call.params, "accountId");
  if (account.empty()) account = "default";
  auto done = co_await state.services.channels.logout(text_param(call.params, "channel"),
                                                      std::move(account));
  if (done.has_error()) co_return Reply::failed(done.error());
  co_return Reply::ok(std::move(done.value()));
}

// What a page shows of a step: the code as a picture too.
Reply told(json::object step, std::string message) {
  if (const auto* qr = step.if_contains("qr"); qr && qr->is_string()) {
    auto code = QrCode::of(qr->get_string());
    if (code.has_error()) return Reply::failed(code.error());
    step["qrDataUrl"] = code->as_data_url();
  }
  const auto* error = step.if_contains("error");
  if (error && error->is_string()) message = error->get_string();
  const auto* connected = step.if_contains("connected");
  if (connected && *connected == json::value(true)) message = "It is linked.";
  step["message"] = std::move(message);
  return Reply::ok(std::move(step));
}

Awaitable<Result<channel::LinkRequest>> link_request(ServerState& state, json::object params) {
  channel::LinkRequest request;
  auto channel = co_await known_channel(state, text_param(params, "channel"));
  if (channel.has_error()) co_return channel.error();
  request.channel = *channel;
  request.account = text_param(params, "accountId", request.account);
  request.seen = text_param(params, "seen");
  co_return request;
}

Deadline step_time(const MethodCall& call, std::chrono::milliseconds otherwise) {
  return Deadline::after(
      std::chrono::milliseconds(int_param(call.params, "timeoutMs", otherwise.count())));
}

// The code to link an account by, or that it is linked already.
Awaitable<Reply> login_start(ServerState& state, MethodCall call) {
  auto request = co_await link_request(state, call.params);
  if (request.has_error()) co_return Reply::failed(request.error());
  request->seen.clear();
  auto step =
      co_await state.services.channels.link(std::move(*request), step_time(call, kCodeTime));
  if (step.has_error()) co_return Reply::failed(step.error());
  std::string message = step->contains("qr") || step->contains("code")
                            ? text_param(*step, "prompt")
                            : "There is no code yet; ask again.";
  co_return told(std::move(*step), std::move(message));
}

// Waits until the account is linked. Who says which code it shows is told of the next one too.
Awaitable<Reply> login_wait(ServerState& state, MethodCall call) {
  auto request = co_await link_request(state, call.params);
  if (request.has_error()) co_return Reply::failed(request.error());
  const bool shows_codes = !request->seen.empty();
  const Deadline deadline = step_time(call, kScanTime);
  for (;;) {
    auto step = co_await state.services.channels.link(*request, deadline);
    if (step.has_error()) co_return Reply::failed(step.error());
    std::string code = text_param(*step, "qr");
    if (code.empty()) code = text_param(*step, "code");
    const bool only_a_code = !code.empty() && code != request->seen;
    if (!only_a_code || shows_codes || deadline.expired())
      co_return told(std::move(*step), "It is not linked yet.");
    request->seen = std::move(code);
  }
}

const ParamTable kLoginStart{{{"channel", Kind::kString, false, 0, 64},
                              {"accountId", Kind::kString, false, 0, 128},
                              {"force", Kind::kBoolean},
                              {"verbose", Kind::kBoolean},
                              {"timeoutMs", Kind::kInteger, false, 0, 600'000}}};
const ParamTable kLoginWait{{{"channel", Kind::kString, false, 0, 64},
                             {"accountId", Kind::kString, false, 0, 128},
                             {"seen", Kind::kString, false, 0, 4096},
                             {"timeoutMs", Kind::kInteger, false, 0, 600'000}}};
const ParamTable kChannelsResolve{
    {{"entries", Kind::kTexts, true},
     {"channel", Kind::kString},
     {"accountId", Kind::kString, false, 0, 128},
     {.name = "kind", .kind = Kind::kText, .choices = {"auto", "user", "group"}}}};
const ParamTable kChannelsLogout{
    {{"channel", Kind::kText, true, 0, 64}, {"accountId", Kind::kString, false, 0, 128}}};

}  // namespace

void add_channel_methods(std::vector<Method>& out) {
  out.push_back({"channels.resolve", "operator.read", &kChannelsResolve, channels_resolve});
  out.push_back({"channels.logout", "operator.admin", &kChannelsLogout, channels_logout});
  out.push_back({"web.login.start", "operator.admin", &kLoginStart, login_start, false});
  out.push_back({"web.login.wait", "operator.admin", &kLoginWait, login_wait, false});
}

}  // namespace openclaw::gateway
