// DiscordPlugin: one bot account. Reads with a Gateway, writes with a Sender; this class joins them
// to the ABI and sees that nothing is left running when the account stops.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "downloads.h"
#include "flow.h"
#include "gateway.h"
#include "history.h"
#include "interactions.h"
#include "pauses.h"
#include "rest_api.h"
#include "sender.h"
#include "settings.h"

namespace discord {

class DiscordPlugin final : public openclaw::ChannelPlugin {
 public:
  explicit DiscordPlugin(const openclaw::Init& init);

  void start(openclaw::Completion done) override;
  void stop(openclaw::Completion done) override;
  void cancel(oc_op op) override;
  void send(openclaw::Completion done, std::string_view message_json) override;
  void edit(openclaw::Completion done, std::string_view edit_json) override;
  void remove(openclaw::Completion done, std::string_view ref_json) override;
  void react(openclaw::Completion done, std::string_view reaction_json) override;
  void presence(openclaw::Completion done, std::string_view presence_json) override;
  void fetch_media(openclaw::Completion done, std::string_view media_json) override;
  void probe(openclaw::Completion done) override;
  void read(openclaw::Completion done, std::string_view query_json) override;

 private:
  using Work = openclaw::Flow<openclaw::Nothing>;
  void spawn(Work work);
  Work counted(Work work);
  Work reading(Work work);
  Work run_probe(openclaw::Completion done);
  std::string why_not_to_start() const;
  // False, and `done` ended, while the account cannot be used.
  bool usable(openclaw::Completion& done);
  void end_stop();

  const Settings settings_;
  parts::Pauses pauses_;
  RestApi api_;
  Interactions interactions_;
  Gateway gateway_;
  Sender sender_;
  Downloads downloads_;
  History history_;
  std::size_t under_way_ = 0;
  std::map<oc_op, CallHold> probes_;
  std::optional<openclaw::Completion> stopping_;
  bool running_ = false;
};

}  // namespace discord
