#include "session/session_writer.h"

#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "session/session_files.h"

namespace openclaw::session {
namespace {

using std::chrono::milliseconds;
using AgentPtr = SessionWriter::AgentPtr;
using TranscriptPtr = SessionWriter::TranscriptPtr;

// The index is small news most of the time; many changes make one write.
constexpr milliseconds kIndexDelay{200};
constexpr milliseconds kSyncDelay{1000};

struct Part {
  TranscriptPtr transcript;
  std::string lines;
  std::uint64_t upto;
  bool sync;
  Result<void> outcome = {};
};

std::filesystem::path index_file(const Agent& agent) {
  return agent.dir / "sessions.json";
}

IndexText index_text(Agent& agent) {
  IndexText text;
  agent.index_dirty = agent.index_urgent = false;
  for (auto& [key, entry] : agent.index) {
    if (!entry.text) entry.text = std::make_shared<const std::string>(pretty_json(entry.value, 1));
    text.emplace_back(key, entry.text);
  }
  return text;
}

std::vector<Part> take_marked(Agent& agent) {
  std::vector<Part> parts;
  for (auto& t : std::exchange(agent.marked, {})) {
    t->marked = false;
    const bool sync = std::exchange(t->sync_due, false) || !t->waiters.empty();
    if (t->pending.empty() && (!sync || t->synced == t->queued)) continue;
    parts.push_back({t, std::exchange(t->pending, {}), t->queued, sync});
  }
  return parts;
}

void drop_broken(Agent& agent, const Part& part) {
  spdlog::error("{}", part.outcome.error().message);
  part.transcript->broken = true;
  for (auto it = agent.transcripts.begin(); it != agent.transcripts.end();) {
    if (it->second != part.transcript) {
      ++it;
      continue;
    }
    agent.failed.insert_or_assign(it->first, part.outcome.error());
    it = agent.transcripts.erase(it);
  }
}

void answer_waiters(const Part& part) {
  Transcript& t = *part.transcript;
  auto waiters = std::exchange(t.waiters, {});
  for (auto& [upto, waiter] : waiters) {
    // Later lines of a broken transcript name a parent that is not in the file.
    if (t.broken || upto <= t.synced) {
      waiter.now(part.outcome);
    } else {
      t.waiters.emplace_back(upto, waiter);
    }
  }
}

void mark(Agent& agent, const TranscriptPtr& t) {
  if (!std::exchange(t->marked, true)) agent.marked.push_back(t);
}

void queue_job(const AgentPtr& agent);

void sync_later(const AgentPtr& agent, const TranscriptPtr& t) {
  if (!std::exchange(t->unsynced, true)) agent->unsynced.push_back(t);
  if (std::exchange(agent->sync_scheduled, true)) return;
  agent->sync_timer.expires_after(kSyncDelay);
  agent->sync_timer.async_wait([agent](const boost::system::error_code& stopped) {
    agent->sync_scheduled = false;
    if (stopped) return;
    for (const auto& each : std::exchange(agent->unsynced, {})) {
      each->unsynced = false;
      if (each->broken || each->synced == each->queued) continue;
      each->sync_due = true;
      mark(*agent, each);
    }
    if (!agent->marked.empty()) queue_job(agent);
  });
}

void finish(const AgentPtr& agent, const Part& part) {
  Transcript& t = *part.transcript;
  if (part.outcome.has_error()) {
    drop_broken(*agent, part);
  } else if (part.sync) {
    t.synced = part.upto;
  } else {
    sync_later(agent, part.transcript);
  }
  answer_waiters(part);
}

// One job writes what every session of the agent has queued by the time the job starts.
void queue_job(const AgentPtr& agent) {
  if (std::exchange(agent->job_queued, true)) return;
  agent->lane->add([agent]() -> DiskLane::Work {
    agent->job_queued = false;
    auto parts = std::make_shared<std::vector<Part>>(take_marked(*agent));
    const bool urgent = agent->index_urgent;
    const bool index = std::exchange(agent->index_due, false) || urgent;
    IndexText text = index ? index_text(*agent) : IndexText();
    return [agent, parts, text = std::move(text), index, urgent,
            file = index_file(*agent)]() -> DiskLane::Then {
      const auto listed = index ? write_index(file, text) : Result<void>();
      for (Part& part : *parts) {
        // A session that the index does not know would be lost at the next start.
        part.outcome = listed.has_error() && urgent
                           ? listed
                           : append_lines(part.transcript->file, part.lines, part.sync);
      }
      return [agent, parts, listed, urgent] {
        if (listed.has_error()) {
          spdlog::error("{}", listed.error().message);
          agent->index_dirty = true;
          agent->index_urgent = agent->index_urgent || urgent;
        }
        for (const Part& part : *parts) finish(agent, part);
      };
    };
  });
}

}  // namespace

void SessionWriter::write_soon(const AgentPtr& agent, const TranscriptPtr& t) {
  mark(*agent, t);
  if (std::exchange(agent->write_posted, true)) return;
  runtime_.post([agent] {
    agent->write_posted = false;
    if (!agent->marked.empty()) queue_job(agent);
  });
}

void SessionWriter::write_index_later(const AgentPtr& agent) {
  if (std::exchange(agent->write_scheduled, true)) return;
  agent->write_timer.expires_after(kIndexDelay);
  agent->write_timer.async_wait([agent](const boost::system::error_code& stopped) {
    agent->write_scheduled = false;
    if (stopped || !agent->index_dirty) return;
    agent->index_due = true;
    queue_job(agent);
  });
}

Awaitable<Result<void>> SessionWriter::synced(AgentPtr agent, TranscriptPtr t, std::uint64_t upto) {
  if (t->broken) {
    co_return make_error(Code::kUnavailable, "the transcript " + t->file.string() +
                                                 " could not be written; the log says why");
  }
  if (t->synced >= upto) co_return Result<void>();
  // Closures are named before a wait: g++ 12 copies those that are temporaries of a co_await bit by
  // bit.
  std::function<void(Completer<void>)> start = [agent, t, upto](const Completer<void>& done) {
    t->waiters.emplace_back(upto, done);
    mark(*agent, t);
    queue_job(agent);
  };
  co_return co_await suspend<void>(runtime_, {}, std::move(start));
}

Awaitable<Result<void>> SessionWriter::write_all(AgentPtr agent) {
  for (auto& [id, t] : agent->transcripts) {
    if (t->synced == t->queued) continue;
    t->sync_due = true;
    mark(*agent, t);
  }
  if (agent->index_dirty) agent->index_urgent = true;
  if (!agent->marked.empty() || agent->index_urgent) queue_job(agent);
  if (agent->lane->idle()) co_return Result<void>();
  // The job behind all others: when it ends, they have ended.
  std::function<void(Completer<void>)> behind = [agent](const Completer<void>& done) {
    agent->lane->add([done]() -> DiskLane::Work {
      return [done]() -> DiskLane::Then { return [done] { done.now(Result<void>()); }; };
    });
  };
  co_await suspend<void>(runtime_, {}, std::move(behind));
  if (agent->index_dirty && agent->index_urgent) {
    co_return make_error(Code::kUnavailable,
                         "cannot write " + index_file(*agent).string() + "; the log says why");
  }
  co_return Result<void>();
}

}  // namespace openclaw::session
