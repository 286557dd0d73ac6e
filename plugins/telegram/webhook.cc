#include "webhook.h"

#include <algorithm>
#include <ctime>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "certificate_file.h"
#include "kept_value.h"

namespace telegram {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::uint32_t kWebhookCallMs = 15'000;
constexpr std::uint64_t kWatchMs = 60'000;
constexpr std::int64_t kMaxConnections = 40;  // the service's own default
constexpr std::uint64_t kFirstRefusedMs = 2'000;
constexpr std::uint64_t kLongestRefusedMs = 60'000;
constexpr std::uint64_t kAgainMs = 1'000;
constexpr std::int64_t kRecentTroubleS = 600;

std::string told_key(const Bot& bot) {
  return "webhook:" + std::to_string(bot.id);
}

std::set<std::string> names_in(const json::array* list) {
  std::set<std::string> out;
  if (list == nullptr) return out;
  for (const json::value& item : *list) {
    if (item.is_string()) out.emplace(item.get_string());
  }
  return out;
}

}  // namespace

json::object webhook_status(const json::object& info) {
  json::object out{{"url", parts::text_in(info, "url")},
                   {"pendingUpdates", parts::int_in(info, "pending_update_count", 0)}};
  const std::string_view error = parts::text_in(info, "last_error_message");
  if (!error.empty()) {
    out["lastError"] = shown(error);
    out["lastErrorAt"] = parts::int_in(info, "last_error_date", 0) * 1000;
  }
  return out;
}

std::string webhook_trouble(const json::object& info, std::int64_t now_s) {
  const std::string_view error = parts::text_in(info, "last_error_message");
  if (error.empty()) return {};
  const std::int64_t age = now_s - parts::int_in(info, "last_error_date", 0);
  const std::int64_t waiting = parts::int_in(info, "pending_update_count", 0);
  if (waiting == 0 && age > kRecentTroubleS) return {};
  return "Telegram could not deliver to the webhook " +
         std::to_string(std::max<std::int64_t>(age, 0)) + " s ago: " + shown(error) + "; " +
         std::to_string(waiting) + " updates wait";
}

json::object Webhook::params() const {
  return {{"url", s_.settings.webhook_url},
          {"max_connections", kMaxConnections},
          {"allowed_updates", UpdateIntake::allowed_updates(s_.settings)},
          {"drop_pending_updates", false}};
}

Flow<Nothing> Webhook::run() {
  if (!s_.settings.webhook_certificate_path.empty()) {
    CertificateFile file = read_certificate(s_.settings.webhook_certificate_path);
    if (!file.problem.empty()) {
      s_.connection.refused("certificate", s_.settings.config_key + ".webhookCertPath: the file " +
                                               s_.settings.webhook_certificate_path + " " +
                                               file.problem + "; type: openclaw config set " +
                                               s_.settings.config_key + ".webhookCertPath <path>");
      co_return Nothing{};
    }
    certificate_ = std::move(file.pem);
  }
  // The secret's name changes with its value, so the text differs when the secret does.
  json::object all = params();
  all["secret"] = s_.settings.webhook_secret;
  all["certificate"] = std::to_string(std::hash<std::string>{}(certificate_));
  wanted_ = json::serialize(all);
  Flow<parts::KeptValue> reading = parts::read_kept(s_.plugin, told_key(s_.connection.bot()));
  const parts::KeptValue kept = co_await std::move(reading);
  told_ = kept.value;
  while (!s_.connection.over()) {
    Flow<Next> seeing = see_to_it();
    if (co_await std::move(seeing) == Next::kEnd) break;
  }
  co_return Nothing{};
}

// One look at what the service knows, and the wait until the next.
Flow<Webhook::Next> Webhook::see_to_it() {
  BotApi::Options options;
  options.timeout_ms = kWebhookCallMs;
  Flow<Reply> asking = s_.api.call("getWebhookInfo", {}, options);
  Reply info = co_await std::move(asking);
  if (s_.connection.over()) co_return Next::kEnd;
  if (!info.ok()) {
    Flow<Next> failing = s_.connection.after_failure(std::move(info));
    co_return co_await std::move(failing);
  }
  if (!is_set(info.result)) {
    Flow<Reply> setting = set();
    Reply reply = co_await std::move(setting);
    if (s_.connection.over()) co_return Next::kEnd;
    if (!reply.ok()) {
      Flow<Next> failing = set_failed(std::move(reply));
      co_return co_await std::move(failing);
    }
  }
  note_trouble(info.result);
  s_.connection.worked();
  s_.connection.report("online");
  s_.connection.settle_start(OC_OK, "");
  Flow<Nothing> waiting = s_.pauses.wait(kWatchMs);
  co_await std::move(waiting);
  co_return s_.connection.over() ? Next::kEnd : Next::kGoOn;
}

bool Webhook::is_set(const json::value& info) const {
  const json::object* known = info.if_object();
  if (known == nullptr || told_ != wanted_) return false;
  // The door refused what came: somebody told the service another secret.
  if (parts::text_in(*known, "last_error_message").find(" 401") != std::string_view::npos &&
      parts::int_in(*known, "pending_update_count", 0) > 0)
    return false;
  const json::object wanted = params();
  return parts::text_in(*known, "url") == s_.settings.webhook_url &&
         parts::int_in(*known, "max_connections", kMaxConnections) == kMaxConnections &&
         parts::bool_in(*known, "has_custom_certificate", false) == !certificate_.empty() &&
         names_in(parts::array_in(*known, "allowed_updates")) ==
             names_in(parts::array_in(wanted, "allowed_updates"));
}

Flow<Reply> Webhook::set() {
  BotApi::Options options;
  options.timeout_ms = kWebhookCallMs;
  json::object sent = params();
  Reply reply;
  if (certificate_.empty()) {
    options.secrets_in_body = true;
    sent["secret_token"] = s_.settings.webhook_secret;
    Flow<Reply> setting = s_.api.call("setWebhook", std::move(sent), options);
    reply = co_await std::move(setting);
  } else {
    // The host puts secrets into addresses and JSON, not into forms.
    parts::FormFile file;
    file.field = "certificate";
    file.name = "certificate.pem";
    file.mime = "application/x-pem-file";
    file.text = certificate_;
    std::vector<parts::FormFile> files{std::move(file)};
    Flow<Reply> setting = s_.api.upload("setWebhook?secret_token=" + s_.settings.webhook_secret,
                                        std::move(sent), std::move(files), options);
    reply = co_await std::move(setting);
  }
  if (!reply.ok()) co_return reply;
  told_ = wanted_;
  Flow<oc_status> keeping = parts::keep(s_.plugin, told_key(s_.connection.bot()), told_);
  (void)co_await std::move(keeping);  // else it is set once more after the next start
  co_return reply;
}

Flow<Webhook::Next> Webhook::set_failed(Reply reply) {
  if (!reply.refused(400)) {
    Flow<Next> failing = s_.connection.after_failure(std::move(reply));
    co_return co_await std::move(failing);
  }
  // A name that is not known yet may be known soon, so this is tried again.
  s_.connection.count_failure();
  const bool about_secret = reply.says("secret");
  const std::string key =
      s_.settings.config_key + (about_secret ? ".webhookSecret" : ".webhookUrl");
  s_.connection.report(
      "connecting", "webhook",
      "Telegram does not take the webhook of " + key + " (" + reply.text + "); type: " +
          (about_secret
               ? "openclaw config set " + key + " \"$(openssl rand -hex 32)\""
               : "openclaw config set " + key +
                     " https://HOST/PATH (port 443, 80, 88 or 8443), or to poll: openclaw config "
                     "unset " +
                     key));
  s_.connection.settle_start(OC_OK, "");
  Flow<Next> waiting =
      s_.connection.back_off(kFirstRefusedMs, kLongestRefusedMs, reply.retry_after_ms);
  co_return co_await std::move(waiting);
}

// Once for each time that it happens.
void Webhook::note_trouble(const json::value& info) {
  const json::object* known = info.if_object();
  if (known == nullptr) return;
  const std::int64_t at = parts::int_in(*known, "last_error_date", 0);
  const std::string trouble = webhook_trouble(*known, std::time(nullptr));
  if (trouble.empty() || at == trouble_at_) return;
  trouble_at_ = at;
  s_.plugin.log().warn(trouble);
}

Flow<Nothing> Webhook::take(Completion done, std::string body) {
  const json::value update = parts::parsed(body);
  if (update_id_of(update) <= 0) {
    done.error(OC_INVALID_ARGUMENT, "the request is no update");
    co_return Nothing{};
  }
  const json::array one{update};
  UpdateIntake::Batch batch = s_.intake.read(one);
  Flow<oc_status> handing = s_.intake.hand_over_once(std::move(batch.offers));
  const oc_status status = co_await std::move(handing);
  if (status == OC_OK) {
    done.ok();
  } else {
    done.error(status == OC_INVALID_ARGUMENT ? OC_INTERNAL : status,
               "the update could not be stored", kAgainMs);
  }
  co_return Nothing{};
}

}  // namespace telegram
