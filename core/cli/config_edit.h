// What the commands that edit the configuration share: the file's own values, and what to tell the user after
// an edit.
#pragma once

#include <filesystem>
#include <vector>

#include "cli/cli.h"
#include "config/config.h"
#include "config/edit.h"

namespace openclaw::cli {

// The file as it is written, checked like the running configuration, but without what OPENCLAW_* variables
// put over it: `config get` after `config set` answers what was set.
Result<config::Snapshot> file_config(const Context& context, const std::vector<config::ForeignSection>& foreign);

// Writes all changes or none and answers true, or prints why not. Afterwards says, only when it is so, that a
// variable hides the new value or that the running gateway takes it at its next start.
bool write_config(Context& context, const std::vector<config::Change>& changes,
                  const std::vector<config::ForeignSection>& foreign);
void note_effects(Context& context, const std::vector<std::string>& paths);

}  // namespace openclaw::cli
