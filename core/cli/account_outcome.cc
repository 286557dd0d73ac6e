#include "cli/account_outcome.h"

#include <chrono>
#include <thread>

#include "json_fields.h"

namespace openclaw::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLongest{15'000};
constexpr milliseconds kBetween{200};
// A gateway that has not started the account anew by then saw no change that asks for it.
constexpr milliseconds kNoticed{2'000};

const json::object* find_account(const json::value& status, const std::string& channel,
                                 const std::string& account) {
  const json::value* of_channel = nullptr;
  if (const auto* all = status.is_object() ? status.get_object().if_contains("channelAccounts") : nullptr;
      all != nullptr && all->is_object()) {
    of_channel = all->get_object().if_contains(channel);
  }
  if (of_channel == nullptr || !of_channel->is_array()) return nullptr;
  for (const json::value& entry : of_channel->get_array()) {
    if (entry.is_object() && text_of(entry.get_object(), "accountId") == account) return &entry.get_object();
  }
  return nullptr;
}

std::int64_t started_at(const json::object& account) {
  const json::value* at = account.if_contains("lastStartAt");
  return at != nullptr && at->is_int64() ? at->get_int64() : 0;
}

}  // namespace

std::optional<AccountOutcome> await_account(Context& context, const std::string& channel,
                                            const std::string& account, std::int64_t since_ms) {
  const auto begun = steady_clock::now();
  for (;;) {
    auto status = context.call_gateway(gateway_client::ConnectAs::kLeast, "channels.status", json::object{});
    if (!status) return std::nullopt;
    const auto waited = steady_clock::now() - begun;
    const json::object* found = find_account(*status, channel, account);
    if (found != nullptr && (started_at(*found) >= since_ms || waited > kNoticed)) {
      AccountOutcome outcome;
      outcome.connected = flag_of(*found, "connected");
      outcome.error = text_of(*found, "lastError");
      if (outcome.connected || !outcome.error.empty()) return outcome;
    }
    if (waited > kLongest) return AccountOutcome{};
    std::this_thread::sleep_for(kBetween);
  }
}

}  // namespace openclaw::cli
