// Flags of `channels add` for the secrets that channels declare in their manifests: "signingSecret" is given by
// --signing-secret, and the first secret of a channel by --token as well.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/channel_setup.h"

namespace openclaw::cli {

// By flag, "--signing-secret".
using SecretFlags = std::map<std::string, std::string>;

// The flag that gives a secret of the channel: --token for the first.
std::string secret_flag(const ChannelKind& kind, const std::string& key);
// One flag for each name of a secret; a name that the command has a flag for already gets no second one.
void add_secret_flags(CLI::App& command, const std::vector<ChannelKind>& kinds, SecretFlags& flags);
// What was given, as secrets of the account; "-" reads it from standard input. kInvalidArgument for what the channel
// has no use for and for what is no secret.
Result<void> take_secret_flags(const SecretFlags& flags, const ChannelKind& kind, AccountSetup& setup);

}  // namespace openclaw::cli
