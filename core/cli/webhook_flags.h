// The flags of `channels add` for channels whose platform can bring its events by HTTP. Which keys
// they set is in the plugin's manifest.
#pragma once

#include <string>

#include "cli/channel_setup.h"

namespace CLI {
class App;
}

namespace openclaw::cli {

struct WebhookFlags {
  std::string url, secret, path, host, port;
};

// `flags` lives as long as the command.
void add_webhook_flags(CLI::App& command, WebhookFlags& flags);
// kInvalidArgument when the channel has no webhook, or a value is none.
Result<void> take_webhook_flags(const WebhookFlags& flags, const ChannelKind& kind,
                                AccountSetup& setup);

}  // namespace openclaw::cli
