// SessionWriter: brings what the session store has in memory to the disk. Lines are in the file
// soon after they were queued, so that the end of the process loses none; that they are on the disk
// itself is made sure when somebody waits for it, or a second later. Many lines, of many sessions,
// make one job. Loop thread only.
#pragma once

#include <memory>

#include "async/runtime.h"
#include "session/session_state.h"

namespace openclaw::session {

class SessionWriter {
 public:
  using AgentPtr = std::shared_ptr<Agent>;
  using TranscriptPtr = std::shared_ptr<Transcript>;

  explicit SessionWriter(Runtime& runtime) : runtime_(runtime) {}

  // Lines of `t` were queued: written when the handler that runs now has ended, together with what
  // it queues until then, and behind the index when that is urgent.
  void write_soon(const AgentPtr& agent, const TranscriptPtr& t);
  // A change of the index that a later write is enough for.
  void write_index_later(const AgentPtr& agent);
  // The first `upto` lines are on the disk, or why they are not.
  Awaitable<Result<void>> synced(AgentPtr agent, TranscriptPtr t, std::uint64_t upto);
  // Everything of the agent is, lines and index; an error says that the index is not.
  Awaitable<Result<void>> write_all(AgentPtr agent);

 private:
  Runtime& runtime_;
};

}  // namespace openclaw::session
