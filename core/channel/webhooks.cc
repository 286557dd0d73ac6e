#include "channel/webhooks.h"

#include <algorithm>
#include <cstdlib>

#include <spdlog/spdlog.h>

#include "channel/access.h"
#include "identity/device_identity.h"

namespace openclaw::channel {
namespace {

constexpr std::chrono::milliseconds kSecretTime{5'000};
constexpr std::chrono::seconds kRetryAfter{2};
constexpr std::chrono::seconds kLongestRetryAfter{3600};
constexpr std::size_t kMaxSecret = 256;
constexpr std::size_t kFingerprint = 12;  // of 64 digits: tells values apart, gives none away

Result<std::string> read_secret(plugin::HostServices& services, const AccountPlan& plan) {
  const json::value& given = plan.webhook->secret;
  const auto fail = [&](const std::string& why) {
    return Error(Code::kFailedPrecondition,
                 plan.webhook->secret_key + " of " + plan.instance_id() + " " + why);
  };
  std::string text;
  if (given.is_string()) text = std::string(given.get_string());
  if (const json::object* reference = given.if_object()) {
    const std::string variable = string_or(*reference, "$env", "");
    const std::string name = string_or(*reference, "$secret", "");
    if (!variable.empty()) {
      const char* value = ::secure_getenv(variable.c_str());
      if (value == nullptr) return fail("is the variable " + variable + ", which is not set");
      text = value;
    } else {
      const auto value = services.secrets().get(name);
      if (!value) return fail("is the secret " + name + ", which there is not");
      text = *value;
    }
  }
  const bool sendable = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) < 0x7f;
  });
  if (text.empty() || text.size() > kMaxSecret || !sendable)
    return fail("must have 1 to 256 characters and no blanks");
  return text;
}

}  // namespace

webhook::Answer answer_to(const Result<json::value>& result) {
  webhook::Answer out;
  if (result.has_value()) return out;
  const Error& error = result.error();
  if (error.code == Code::kInvalidArgument) {
    out.status = 400;
    return out;
  }
  out.status = 503;
  out.retry_after = kRetryAfter;
  if (error.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*error.retry_after);
    out.retry_after = std::clamp(seconds, std::chrono::seconds(1), kLongestRetryAfter);
  }
  return out;
}

Webhooks::Webhooks(Runtime& runtime, plugin::HostServices& services)
    : runtime_(runtime), services_(services), listeners_(runtime) {}

Awaitable<Result<std::string>> Webhooks::secret(AccountPlan plan) {
  std::function<Result<std::string>()> work = [this, plan = std::move(plan)] {
    return read_secret(services_, plan);
  };
  Limits limits = Limits::within(kSecretTime);
  co_return co_await run_blocking<std::string>(runtime_, std::move(limits), std::move(work));
}

void Webhooks::refer_to_secret(const AccountPlan& plan, const std::string& secret,
                               json::object& config) {
  const std::string name = plan.plugin_id + "." + plan.account + "." + plan.webhook->secret_key +
                           "." + identity::sha256_hex(secret).substr(0, kFingerprint);
  services_.secrets().put_transient(name, secret);
  config[plan.webhook->secret_key] = json::object{{"$secret", name}};
}

Result<std::unique_ptr<webhook::Lease>> Webhooks::open(const AccountPlan& plan, std::string secret,
                                                       Call call) {
  const WebhookPlan& hook = *plan.webhook;
  webhook::Route route;
  route.host = hook.host;
  route.port = hook.port;
  route.path = hook.path;
  route.secret_header = hook.secret_header;
  route.secret = std::move(secret);
  route.receiver = [call = std::move(call)](webhook::Request request,
                                            Limits limits) -> Awaitable<webhook::Answer> {
    // The secret stays here; the plugin has no use for it.
    std::string described = json::serialize(json::object{{"method", "POST"},
                                                         {"path", request.path},
                                                         {"query", request.query},
                                                         {"contentType", request.content_type}});
    auto calling = call(std::move(described), std::move(request.body), std::move(limits));
    const Result<json::value> result = co_await std::move(calling);
    co_return answer_to(result);
  };
  auto opened = listeners_.open(std::move(route));
  if (opened.has_error()) {
    // It is tried again: what has the port may end.
    return Error(Code::kUnavailable,
                 hook.port_key + ": cannot listen on " + opened.error().message +
                     ". End the program that uses it, or choose another port, here and where the "
                     "platform's requests are passed on; type: openclaw config set " +
                     hook.port_key + " <port>");
  }
  spdlog::info("channel {}: webhook on {} port {}{}", plan.instance_id(), hook.host,
               opened.value()->port(), hook.path);
  return opened;
}

}  // namespace openclaw::channel
