#include "channel/channel_status.h"

#include <algorithm>

#include "channel/access.h"

namespace openclaw::channel {
namespace {

void put_time(json::object& out, std::string_view key, std::int64_t ms) {
  if (ms != 0) out[key] = ms;
}

// That some group is to be read without mentions.
bool reads_without_mentions(const json::object& rules) {
  const auto off = [](const json::object& in) { return !bool_or(in, "requireMention", true); };
  if (off(rules)) return true;
  const json::value* groups = rules.if_contains("groups");
  if (groups == nullptr || !groups->is_object()) return false;
  return std::any_of(groups->get_object().begin(), groups->get_object().end(),
                     [&](const auto& group) {
                       return group.value().is_object() && off(group.value().get_object());
                     });
}

// What a probe found that does not keep the account from being connected.
void add_warnings_of(const json::value* probe, json::array& out) {
  const json::object* answer = probe == nullptr ? nullptr : probe->if_object();
  const json::value* list = answer == nullptr ? nullptr : answer->if_contains("warnings");
  if (list == nullptr || !list->is_array()) return;
  for (const json::value& warning : list->get_array()) {
    if (warning.is_string()) out.push_back(warning);
  }
}

// What works, but not as it was configured.
json::array warnings_about(const json::object& rules, const Account& account) {
  json::array out;
  const json::value* heard = account.link.if_contains("groupMessages");
  if (heard == nullptr || !heard->is_object()) return out;
  const json::object& groups = heard->get_object();
  if (bool_or(groups, "all", true) || !reads_without_mentions(rules)) return out;
  const std::string fix = string_or(groups, "fix", "");
  out.emplace_back(
      "requireMention is off, but the platform passes on only messages that mention "
      "the bot, except where it is an administrator" +
      (fix.empty() ? "" : ": " + fix));
  return out;
}

json::object account_json(const config::Config& config, const Account& account,
                          const json::value* probe) {
  const AccountPlan& plan = account.plan;
  const json::object rules = account_config(config, plan.channel, plan.account);
  json::object out{
      {"accountId", plan.account},        {"enabled", plan.enabled},
      {"configured", plan.configured},    {"running", account.started},
      {"connected", account.connected()}, {"reconnectAttempts", account.restarts},
      {"tokenSource", plan.token_source}, {"dmPolicy", direct_policy(rules, "pairing")},
      {"busy", account.active_runs > 0},  {"activeRuns", account.active_runs}};
  if (const std::string name = string_or(rules, "name", ""); !name.empty()) out["name"] = name;
  json::array allow;
  for (const std::string& id : direct_allow_from(rules, plan.channel)) allow.emplace_back(id);
  out["allowFrom"] = std::move(allow);
  const std::string error = !account.last_error.empty() ? account.last_error
                            : plan.enabled              ? plan.problem
                                                        : "";
  out["lastError"] = error.empty() ? json::value(nullptr) : json::value(error);
  if (const std::string state = account.link_name(); !state.empty()) out["linkState"] = state;
  if (const std::string reason = string_or(account.link, "reason", ""); !reason.empty())
    out["linkReason"] = reason;
  const json::value* who = account.link.if_contains("account");
  if (who != nullptr && who->is_object()) out["application"] = *who;
  if (const std::string mode = string_or(account.link, "mode", ""); !mode.empty())
    out["mode"] = mode;
  json::array warnings = warnings_about(rules, account);
  add_warnings_of(probe, warnings);
  if (!warnings.empty()) out["warnings"] = std::move(warnings);
  put_time(out, "lastStartAt", account.last_start_ms);
  put_time(out, "lastStopAt", account.last_stop_ms);
  put_time(out, "lastConnectedAt", account.last_connected_ms);
  put_time(out, "lastInboundAt", account.last_inbound_ms);
  put_time(out, "lastOutboundAt", account.last_outbound_ms);
  put_time(out, "lastProbeAt", account.last_probe_ms);
  if (json::value times = account.start_times.summary(); !times.is_null())
    out["startTimes"] = std::move(times);
  if (probe != nullptr) out["probe"] = *probe;
  return out;
}

}  // namespace

json::object status_json(const config::Config& config,
                         const std::vector<std::shared_ptr<Account>>& accounts,
                         const std::map<std::string, json::value>& probes) {
  json::array order, meta;
  json::object labels, details, images, channels, by_channel, defaults;
  for (const auto& account : accounts) {
    const AccountPlan& plan = account->plan;
    const auto probe = probes.find(plan.instance_id());
    json::object own =
        account_json(config, *account, probe == probes.end() ? nullptr : &probe->second);
    if (!by_channel.contains(plan.channel)) {
      order.emplace_back(plan.channel);
      labels[plan.channel] = plan.traits.label.empty() ? plan.channel : plan.traits.label;
      details[plan.channel] =
          plan.traits.detail_label.empty() ? plan.channel : plan.traits.detail_label;
      json::object described{{"id", plan.channel},
                             {"label", labels[plan.channel]},
                             {"detailLabel", details[plan.channel]}};
      if (!plan.traits.system_image.empty()) {
        images[plan.channel] = plan.traits.system_image;
        described["systemImage"] = plan.traits.system_image;
      }
      meta.push_back(std::move(described));
      by_channel[plan.channel] = json::array();
      defaults[plan.channel] = plan.account;
    }
    // The channel's own summary is its default account's, else its first's.
    if (!channels.contains(plan.channel) || plan.account == "default") {
      json::object summary = own;
      summary.erase("accountId");
      channels[plan.channel] = std::move(summary);
    }
    if (plan.account == "default") defaults[plan.channel] = "default";
    by_channel[plan.channel].get_array().push_back(std::move(own));
  }
  return {{"channelOrder", std::move(order)},
          {"channelLabels", std::move(labels)},
          {"channelDetailLabels", std::move(details)},
          {"channelSystemImages", std::move(images)},
          {"channelMeta", std::move(meta)},
          {"channels", std::move(channels)},
          {"channelAccounts", std::move(by_channel)},
          {"channelDefaultAccountId", std::move(defaults)}};
}

}  // namespace openclaw::channel
