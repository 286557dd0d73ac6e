// Ends the login of an account: what is stored of its token is taken off the disk, everything else
// of its configuration stays. A token that the environment or a file of the user's gives is not
// ours to delete: it is named, and the account is switched off where the variable would bring it
// back.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "channel/account_plan.h"
#include "config/edit.h"

namespace openclaw::channel {

struct Logout {
  std::vector<config::Change> changes;   // of the configuration file
  std::vector<std::string> secrets;      // names in secrets.json that nothing else refers to
  std::vector<std::string> environment;  // variables that still hold a token
  std::vector<std::string> files;        // files that still hold one
  std::vector<std::string> texts;        // the tokens that stood in the file: never shown
  bool cleared() const;                  // something stored goes
};

// kNotFound: there is no such account. kFailedPrecondition: it has no token, or its channel knows
// none. Pure.
Result<Logout> plan_logout(const config::Config& config, const std::string& channel,
                           const std::string& account, const ChannelTraits& traits,
                           const Environment& environment);

// Carries it out: the file, then <state>/secrets.json. Adds to `files` a copy of the configuration
// that still holds a token. Blocks.
Result<void> carry_out(Logout& logout, const config::Paths& paths,
                       const std::vector<config::ForeignSection>& foreign);

// {"channel","accountId","cleared","loggedOut","envToken","environment","files"} of a logout that
// was carried out.
json::object logout_json(const Logout& logout, const std::string& channel,
                         const std::string& account);

}  // namespace openclaw::channel
