// MovedGroups: groups that became supergroups, which gives them a new id. What comes from there
// says the id that the group had, so that the host goes on with its rules and its session; what is
// sent to the old id goes to the new one. Kept over restarts. Strand only.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <openclaw/plugin.hpp>

#include "flow.h"

namespace telegram {

class MovedGroups {
 public:
  explicit MovedGroups(openclaw::Plugin& plugin) : plugin_(plugin) {}

  // What earlier lives of this bot noted; before the first update is read.
  openclaw::Flow<openclaw::Nothing> load(std::int64_t bot);
  // Counts at once; on disk a moment later, before what is stored after it.
  void note(const std::string& former, const std::string& now);
  // The group's id now; the same one when it has not moved.
  const std::string& now(const std::string& id) const;
  // The id it had; empty when it has not moved.
  std::string former(const std::string& id) const;

 private:
  openclaw::Plugin& plugin_;
  std::string key_;
  std::map<std::string, std::string> now_;     // by the former id
  std::map<std::string, std::string> former_;  // by the new id
};

}  // namespace telegram
