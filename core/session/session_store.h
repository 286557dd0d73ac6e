// SessionStore: the index (sessions.json) and the transcripts (<sessionId>.jsonl) of every agent,
// under <state>/agents/<id>/sessions/, in the shapes that OpenClaw 2026.3.x reads. Unknown fields
// are kept.
//
// Loop thread only; disk work runs on the blocking pool, in order per agent. Transcript lines are
// appended with one write() each and synced; a torn last line of a crash is cut off when the file
// is next opened.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "config/config.h"
#include "result.h"

namespace openclaw::session {

// A transcript message: {"role","content":[...],"timestamp",...} exactly as stored under "message".
using Message = json::object;

class SessionStore {
 public:
  static std::unique_ptr<SessionStore> create(Runtime& runtime, config::ConfigStore& config);
  virtual ~SessionStore() = default;

  // Entry of the index; null when the session does not exist yet.
  virtual Awaitable<Result<json::value>> entry(std::string key) = 0;
  // Makes the session when missing (new sessionId, header line). Answers the entry.
  virtual Awaitable<Result<json::object>> ensure(std::string key) = 0;
  // Shallow merge; a null value removes the field; updatedAt is set. Answers the new entry.
  virtual Awaitable<Result<json::object>> update(std::string key, json::object changes) = 0;
  // {"key":..., entry fields...}, newest first. Empty agent: all agents.
  virtual Awaitable<Result<std::vector<json::object>>> list(std::string agent_id) = 0;
  // New sessionId; the old transcript is renamed *.reset.<time>.
  virtual Awaitable<Result<json::object>> reset(std::string key) = 0;
  // Answers the archived paths. The main session cannot be deleted.
  virtual Awaitable<Result<std::vector<std::string>>> remove(std::string key,
                                                             bool delete_transcript) = 0;

  // Durable when it returns. Answers the line's id. `type` "message" wraps the object; other types
  // ("compaction", "model_change", ...) take their fields from it.
  virtual Awaitable<Result<std::string>> append(std::string key, std::string type,
                                                json::object fields) = 0;
  // Messages since the last compaction (its summary first, role "user"), oldest first: what the
  // model gets.
  virtual Awaitable<Result<std::vector<Message>>> context(std::string key) = 0;
  // The last `limit` messages for people, oldest first.
  virtual Awaitable<Result<std::vector<Message>>> history(std::string key, std::size_t limit) = 0;
  virtual std::string sessions_dir(std::string_view agent_id) const = 0;
  virtual Awaitable<> flush() = 0;

  // What a turn uses, so that the disk works while the model does. Stores that do not override
  // these behave the same, only slower.
  //
  // As append(), but returns when the line is queued: context() and history() show it at once, it
  // is durable when a later append() or sync() of the session has returned.
  virtual Awaitable<Result<std::string>> append_queued(std::string key, std::string type,
                                                       json::object fields);
  // Everything queued for the session before this call is durable, or the error that kept it from
  // being so.
  virtual Awaitable<Result<void>> sync(std::string key);
  // As context(), without copies: the messages are shared with the cache. `id` is the transcript
  // line's id, empty for the summary of a compaction.
  struct ContextItem {
    std::string id;
    std::shared_ptr<const Message> message;
  };
  virtual Awaitable<Result<std::vector<ContextItem>>> shared_context(std::string key);
};

}  // namespace openclaw::session
