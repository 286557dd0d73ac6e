#include "gateway/run_table.h"

namespace openclaw::gateway {
namespace {

constexpr std::int64_t kKeptMs = 5 * 60 * 1000;
constexpr std::size_t kMaxRuns = 1000;

std::string key_of(std::string_view method, std::string_view idempotency_key) {
  return std::string(method) + ":" + std::string(idempotency_key);
}

}  // namespace

std::shared_ptr<Run> RunTable::find(std::string_view method, std::string_view idempotency_key) {
  auto found = by_key_.find(key_of(method, idempotency_key));
  return found == by_key_.end() ? nullptr : found->second;
}

std::shared_ptr<Run> RunTable::find_run(std::string_view run_id) {
  for (const auto* method : {"chat.send", "agent"}) {
    if (auto run = find(method, run_id)) return run;
  }
  return nullptr;
}

std::shared_ptr<Run> RunTable::begin(std::string_view method, std::string_view idempotency_key,
                                     std::int64_t now) {
  forget(now);
  auto run = std::make_shared<Run>();
  run->key = key_of(method, idempotency_key);
  run->run_id = idempotency_key;
  run->started_at = now;
  run->done = std::make_shared<Event>(runtime_);
  by_key_[run->key] = run;
  order_.push_back(run->key);
  return run;
}

void RunTable::finish(Run& run, Reply reply, std::string status, std::string error,
                      std::int64_t now) {
  run.reply = std::move(reply);
  run.status = std::move(status);
  run.error = std::move(error);
  run.ended_at = now;
  run.done->set();
}

// Oldest first; what still runs is kept, so that it is never started twice.
void RunTable::forget(std::int64_t now) {
  for (auto it = order_.begin(); it != order_.end();) {
    auto found = by_key_.find(*it);
    bool over = found == by_key_.end() || !found->second->status.empty();
    bool old = over && (by_key_.size() >= kMaxRuns || found == by_key_.end() ||
                        found->second->ended_at + kKeptMs < now);
    if (old) {
      if (found != by_key_.end()) by_key_.erase(found);
      it = order_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace openclaw::gateway
