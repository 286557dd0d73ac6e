// TelegramPlugin: one bot account. Reads with a Poller or a Webhook, writes with a Sender; this
// class joins them to the ABI and sees that nothing is left running when the account stops.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "connection.h"
#include "downloads.h"
#include "flow.h"
#include "moved_groups.h"
#include "pauses.h"
#include "poller.h"
#include "sender.h"
#include "settings.h"
#include "update_intake.h"
#include "webhook.h"

namespace telegram {

class TelegramPlugin final : public openclaw::ChannelPlugin {
 public:
  explicit TelegramPlugin(const openclaw::Init& init);

  void start(openclaw::Completion done) override;
  void stop(openclaw::Completion done) override;
  void cancel(oc_op op) override;
  void send(openclaw::Completion done, std::string_view message_json) override;
  void edit(openclaw::Completion done, std::string_view edit_json) override;
  void remove(openclaw::Completion done, std::string_view ref_json) override;
  void react(openclaw::Completion done, std::string_view reaction_json) override;
  void presence(openclaw::Completion done, std::string_view presence_json) override;
  void fetch_media(openclaw::Completion done, std::string_view media_json) override;
  void webhook(openclaw::Completion done, std::string_view request_json,
               std::string_view body) override;
  void probe(openclaw::Completion done) override;

 private:
  using Work = openclaw::Flow<openclaw::Nothing>;
  void spawn(Work work);
  Work counted(Work work);
  Work receiving();
  Work guarded(Work work);
  Work run_probe(openclaw::Completion done);
  std::string why_not_to_start() const;
  std::string why_no_webhook() const;
  // False, and `done` ended, while the account cannot be used.
  bool usable(openclaw::Completion& done);
  void end_stop();

  const Settings settings_;
  BotApi api_;
  parts::Pauses pauses_;
  Connection connection_;
  MovedGroups moved_;
  UpdateIntake intake_;
  Poller poller_;
  Webhook webhook_;
  Sender sender_;
  Downloads downloads_;
  std::size_t under_way_ = 0;
  std::map<oc_op, std::uint64_t> probes_;  // their HTTP calls
  std::optional<openclaw::Completion> stopping_;
  bool running_ = false;
};

}  // namespace telegram
