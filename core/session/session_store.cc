#include "session/session_store.h"

#include <algorithm>
#include <system_error>

#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include "json_fields.h"
#include "session/session_files.h"
#include "session/session_key.h"
#include "session/session_state.h"
#include "session/session_writer.h"

namespace openclaw::session {
namespace {

namespace fs = std::filesystem;

// Messages kept for people beside those the model sees.
constexpr std::size_t kHistoryKept = 1000;
constexpr std::size_t kCachedTranscripts = 128;
constexpr std::size_t kCachedBytes = 8U << 20;

std::shared_ptr<const json::object> summary_message(const std::string& text, std::int64_t ms) {
  json::object message{
      {"role", "user"},
      {"content", json::array{json::object{{"type", "text"},
                                           {"text",
                                            "The conversation before this point was compacted "
                                            "into this summary:\n\n<summary>\n" +
                                                text + "\n</summary>"}}}},
      {"timestamp", ms}};
  return std::make_shared<const json::object>(std::move(message));
}

// "<uuid>.jsonl" or, for topics of older stores, "<uuid>-topic-<n>.jsonl"; anything else is not
// followed.
std::string transcript_name(const json::object& entry) {
  auto id = text_of(entry, "sessionId");
  if (!is_uuid(id)) return {};
  auto given = fs::path(text_of(entry, "sessionFile")).filename().string();
  constexpr std::string_view kEnd = ".jsonl";
  if (given.starts_with(id + "-topic-") && given.ends_with(kEnd)) {
    auto topic = std::string_view(given).substr(id.size() + 7);
    topic.remove_suffix(kEnd.size());
    auto plain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '_' || c == '-';
    };
    if (!topic.empty() && topic.size() <= 64 && std::ranges::all_of(topic, plain)) return given;
  }
  return id + std::string(kEnd);
}

void trim_history(Transcript& t) {
  if (t.items.size() <= 2 * kHistoryKept) return;
  auto drop = std::min(t.context_start, t.items.size() - kHistoryKept);
  if (drop < kHistoryKept) return;  // rarely, in large steps
  for (std::size_t i = 0; i < drop; ++i) t.bytes -= std::min(t.bytes, t.items[i].bytes);
  t.items.erase(t.items.begin(), t.items.begin() + static_cast<std::ptrdiff_t>(drop));
  t.context_start -= drop;
}

Result<std::vector<std::string>> agent_dirs(const fs::path& root) {
  std::vector<std::string> found;
  std::error_code failure;
  for (fs::directory_iterator it(root, failure), end; !failure && it != end;
       it.increment(failure)) {
    auto name = it->path().filename().string();
    if (name == normalise_agent_id(name)) found.push_back(name);
  }
  return found;
}

class SessionStoreImpl final : public SessionStore {
 public:
  SessionStoreImpl(Runtime& runtime, config::ConfigStore& config)
      : runtime_(runtime), config_(config), writer_(runtime) {}

  ~SessionStoreImpl() override {
    for (auto& [id, agent] : agents_) {
      agent->write_timer.cancel();
      agent->sync_timer.cancel();
    }
  }

  Awaitable<Result<json::value>> entry(std::string key) override;
  Awaitable<Result<json::object>> ensure(std::string key) override;
  Awaitable<Result<json::object>> update(std::string key, json::object changes) override;
  Awaitable<Result<std::vector<json::object>>> list(std::string agent_id) override;
  Awaitable<Result<json::object>> reset(std::string key) override;
  Awaitable<Result<std::vector<std::string>>> remove(std::string key,
                                                     bool delete_transcript) override;
  Awaitable<Result<std::string>> append(std::string key, std::string type,
                                        json::object fields) override;
  Awaitable<Result<std::vector<Message>>> context(std::string key) override;
  Awaitable<Result<std::vector<Message>>> history(std::string key, std::size_t limit) override;
  std::string sessions_dir(std::string_view agent_id) const override;
  Awaitable<> flush() override;
  Awaitable<Result<std::string>> append_queued(std::string key, std::string type,
                                               json::object fields) override;
  Awaitable<Result<void>> sync(std::string key) override;
  Awaitable<Result<std::vector<ContextItem>>> shared_context(std::string key) override;

 private:
  using AgentPtr = std::shared_ptr<Agent>;
  using TranscriptPtr = std::shared_ptr<Transcript>;

  Result<AgentPtr> agent_of(const std::string& key);
  AgentPtr agent_named(const std::string& id);
  Awaitable<Result<void>> loaded(AgentPtr agent);
  void start_load(const AgentPtr& agent, const Completer<void>& done);
  void start_open(const AgentPtr& agent, const std::string& id, const fs::path& file,
                  const Completer<TranscriptPtr>& done);
  Awaitable<Result<TranscriptPtr>> opened(AgentPtr agent, json::object entry);
  Awaitable<Result<TranscriptPtr>> existing_transcript(std::string key);
  json::object fresh_entry(Agent& agent, const std::string& key);
  std::string header_line(const Agent& agent, const std::string& session_id) const;
  std::string workspace(const std::string& agent_id) const;
  std::string queue_line(const AgentPtr& agent, const TranscriptPtr& t, const std::string& type,
                         json::object fields);
  void touch(Transcript& t) { t.last_used = ++clock_; }
  void evict();
  Awaitable<Result<std::string>> archive(AgentPtr agent, fs::path file, std::string kind);

  Runtime& runtime_;
  config::ConfigStore& config_;
  SessionWriter writer_;
  std::map<std::string, AgentPtr> agents_;
  std::uint64_t clock_ = 0;
};

std::string SessionStoreImpl::sessions_dir(std::string_view agent_id) const {
  return (config_.paths().state_dir / "agents" / normalise_agent_id(agent_id) / "sessions")
      .string();
}

SessionStoreImpl::AgentPtr SessionStoreImpl::agent_named(const std::string& id) {
  auto& agent = agents_[id];
  if (!agent) agent = std::make_shared<Agent>(runtime_, id, sessions_dir(id));
  return agent;
}

Result<SessionStoreImpl::AgentPtr> SessionStoreImpl::agent_of(const std::string& key) {
  auto parts = parse_key(key, *config_.current());
  if (parts.has_error()) return parts.error();
  return agent_named(parts.value().agent_id);
}

// Reads sessions.json once; callers that come meanwhile wait for the same read.
void SessionStoreImpl::start_load(const AgentPtr& agent, const Completer<void>& done) {
  agent->load_waiters.push_back(done);
  if (agent->load_waiters.size() > 1) return;
  agent->lane->add([agent]() -> DiskLane::Work {
    return [agent, file = agent->dir / "sessions.json"]() -> DiskLane::Then {
      auto result = std::make_shared<Result<LoadedIndex>>(load_index(file));
      return [agent, result] {
        Result<void> outcome;
        if (result->has_error()) {
          outcome = result->error();
        } else {
          auto& found = result->value();
          if (!found.set_aside.empty()) {
            spdlog::error("the session index was unreadable; it is kept as {}", found.set_aside);
          }
          for (auto& [key, value] : found.entries) agent->index[key] = {std::move(value), {}};
          agent->loaded = true;
        }
        auto waiters = std::exchange(agent->load_waiters, {});
        for (auto& waiter : waiters) waiter.now(outcome);
      };
    };
  });
}

Awaitable<Result<void>> SessionStoreImpl::loaded(AgentPtr agent) {
  if (agent->loaded) co_return Result<void>();
  // Closures are named before a wait: g++ 12 copies those that are temporaries of a co_await bit by
  // bit.
  std::function<void(Completer<void>)> start = [this, agent](const Completer<void>& done) {
    start_load(agent, done);
  };
  co_return co_await suspend<void>(runtime_, {}, std::move(start));
}

Awaitable<Result<json::value>> SessionStoreImpl::entry(std::string key) {
  auto agent = agent_of(key);
  if (agent.has_error()) co_return agent.error();
  auto ready = co_await loaded(agent.value());
  if (ready.has_error()) co_return ready.error();
  auto found = agent.value()->index.find(key);
  if (found == agent.value()->index.end()) co_return json::value();
  co_return found->second.value;
}

std::string SessionStoreImpl::workspace(const std::string& agent_id) const {
  auto config = config_.current();
  if (const auto* list = config->find("agents.list"); list != nullptr && list->is_array()) {
    for (const auto& agent : list->get_array()) {
      if (!agent.is_object() || normalise_agent_id(text_of(agent.get_object(), "id")) != agent_id) {
        continue;
      }
      auto path = text_of(agent.get_object(), "workspace");
      if (!path.empty()) return path;
    }
  }
  auto path = config->get_string("agents.defaults.workspace");
  if (!path.empty()) return path;
  auto name = agent_id == "main" ? std::string("workspace") : "workspace-" + agent_id;
  return (config_.paths().state_dir / name).string();
}

std::string SessionStoreImpl::header_line(const Agent& agent, const std::string& session_id) const {
  json::object header{{"type", "session"},
                      {"version", 3},
                      {"id", session_id},
                      {"timestamp", iso_time(now_ms())},
                      {"cwd", workspace(agent.id)}};
  return json::serialize(header) + "\n";
}

json::object SessionStoreImpl::fresh_entry(Agent& agent, const std::string& key) {
  json::object entry{{"sessionId", new_uuid()},
                     {"updatedAt", now_ms()},
                     {"systemSent", false},
                     {"abortedLastRun", false}};
  agent.index[key] = {entry, {}};
  agent.index_dirty = true;
  return entry;
}

Awaitable<Result<json::object>> SessionStoreImpl::ensure(std::string key) {
  auto found = agent_of(key);
  if (found.has_error()) co_return found.error();
  auto agent = found.value();
  auto ready = co_await loaded(agent);
  if (ready.has_error()) co_return ready.error();
  if (auto it = agent->index.find(key); it != agent->index.end() && it->second.value.is_object()) {
    if (!transcript_name(it->second.value.get_object()).empty()) {
      co_return it->second.value.get_object();
    }
    spdlog::error("session {} has no valid sessionId in {}; it starts anew", key,
                  (agent->dir / "sessions.json").string());
  }
  auto entry = fresh_entry(*agent, key);
  // One-shot sessions of the HTTP endpoint are not worth an index write each.
  bool one_shot =
      key.find(":openai:") != std::string::npos || key.find(":openresponses:") != std::string::npos;
  if (!one_shot) agent->index_urgent = true;
  writer_.write_index_later(agent);
  auto id = text_of(entry, "sessionId");
  auto t = std::make_shared<Transcript>();
  t->file = agent->dir / transcript_name(entry);
  t->pending = header_line(*agent, id);
  ++t->queued;
  touch(*t);
  agent->transcripts[id] = t;
  writer_.write_soon(agent, t);
  evict();
  co_return entry;
}

Awaitable<Result<json::object>> SessionStoreImpl::update(std::string key, json::object changes) {
  auto ensured = co_await ensure(key);
  if (ensured.has_error()) co_return ensured.error();
  auto agent = agent_of(key).value();
  auto& slot = agent->index[key];
  auto& entry = slot.value.get_object();
  for (auto& [name, value] : changes) {
    if (value.is_null()) {
      entry.erase(name);
    } else if (name != "sessionId") {  // only reset() gives a new one
      entry[name] = std::move(value);
    }
  }
  entry["updatedAt"] = now_ms();
  slot.text.reset();
  agent->index_dirty = true;
  writer_.write_index_later(agent);
  co_return entry;
}

void SessionStoreImpl::start_open(const AgentPtr& agent, const std::string& id,
                                  const fs::path& file, const Completer<TranscriptPtr>& done) {
  auto header = header_line(*agent, id);
  auto& waiters = agent->opening[id];
  waiters.push_back(done);
  if (waiters.size() > 1) return;
  agent->lane->add([this, agent, id, file, header]() -> DiskLane::Work {
    return [this, agent, id, file, header]() -> DiskLane::Then {
      auto result = std::make_shared<Result<LoadedTranscript>>(load_transcript(file));
      return [this, agent, id, file, header, result] {
        Result<TranscriptPtr> outcome = TranscriptPtr();
        if (result->has_error()) {
          outcome = result->error();
        } else {
          auto& found = result->value();
          if (!found.set_aside.empty()) {
            spdlog::error("transcript {} was unreadable; it is kept as {}", file.string(),
                          found.set_aside);
          }
          if (found.cut_bytes > 0) {
            spdlog::warn("transcript {}: cut a torn last line of {} bytes", file.string(),
                         found.cut_bytes);
          }
          if (found.skipped_lines > 0) {
            spdlog::warn("transcript {}: {} lines are not JSON and are passed over", file.string(),
                         found.skipped_lines);
          }
          auto t = std::make_shared<Transcript>();
          t->file = file;
          t->leaf = std::move(found.leaf);
          t->items = std::move(found.items);
          t->context_start = found.context_start;
          for (auto& item : t->items) t->bytes += item.bytes;
          if (!found.summary.empty()) t->summary = summary_message(found.summary, 0);
          trim_history(*t);
          agent->transcripts[id] = t;
          outcome = t;
          if (!found.exists) {
            t->pending = header;
            ++t->queued;
            writer_.write_soon(agent, t);
          }
        }
        auto waiting = agent->opening.extract(id);
        if (waiting.empty()) return;
        for (auto& waiter : waiting.mapped()) waiter.now(outcome);
      };
    };
  });
}

Awaitable<Result<SessionStoreImpl::TranscriptPtr>> SessionStoreImpl::opened(AgentPtr agent,
                                                                            json::object entry) {
  auto id = text_of(entry, "sessionId");
  if (auto it = agent->transcripts.find(id); it != agent->transcripts.end()) {
    touch(*it->second);
    co_return it->second;
  }
  auto file = agent->dir / transcript_name(entry);
  std::function<void(Completer<TranscriptPtr>)> start =
      [this, agent, id, file](const Completer<TranscriptPtr>& done) {
        start_open(agent, id, file, done);
      };
  auto loaded = co_await suspend<TranscriptPtr>(runtime_, {}, std::move(start));
  if (loaded.has_error()) co_return loaded.error();
  if (!agent->transcripts.contains(id)) {
    co_return make_error(Code::kUnavailable, "the session was reset while it was being opened");
  }
  touch(*loaded.value());
  evict();
  co_return loaded;
}

// Least recently used first; never one that somebody holds (a second copy of it would be read, and
// the two would part), nor one with lines on their way to the disk.
void SessionStoreImpl::evict() {
  struct Candidate {
    Agent* agent;
    std::string id;
    std::uint64_t last_used;
    std::size_t bytes;
  };
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (auto& [name, agent] : agents_) {
    for (auto& [id, t] : agent->transcripts) {
      ++count;
      bytes += t->bytes;
    }
  }
  if (count <= kCachedTranscripts && bytes <= kCachedBytes) return;
  std::vector<Candidate> candidates;
  for (auto& [name, agent] : agents_) {
    for (auto& [id, t] : agent->transcripts) {
      if (t.use_count() > 1 || t->synced != t->queued) continue;
      candidates.push_back({agent.get(), id, t->last_used, t->bytes});
    }
  }
  std::ranges::sort(candidates, {}, &Candidate::last_used);
  for (auto& candidate : candidates) {
    if (count <= kCachedTranscripts && bytes <= kCachedBytes) return;
    candidate.agent->transcripts.erase(candidate.id);
    --count;
    bytes -= candidate.bytes;
  }
}

std::string SessionStoreImpl::queue_line(const AgentPtr& agent, const TranscriptPtr& t,
                                         const std::string& type, json::object fields) {
  auto id = new_line_id();
  auto ms = now_ms();
  json::object line{{"type", type},
                    {"id", id},
                    {"parentId", t->leaf.empty() ? json::value() : json::value(t->leaf)},
                    {"timestamp", iso_time(ms)}};
  std::shared_ptr<const json::object> message;
  if (type == "message") {
    if (!fields.contains("timestamp")) fields["timestamp"] = ms;
    message = std::make_shared<const json::object>(std::move(fields));
    // Serialised apart, so that the message is not copied into the line.
    auto text = json::serialize(line);
    text.pop_back();
    text += ",\"message\":" + json::serialize(*message) + "}\n";
    t->bytes += text.size();
    t->items.push_back({id, message, text.size()});
    t->pending += text;
  } else {
    if (type == "compaction") {
      t->summary = summary_message(text_of(fields, "summary"), ms);
      auto kept = text_of(fields, "firstKeptEntryId");
      auto first = std::ranges::find(t->items, kept, &TranscriptItem::id);
      t->context_start = static_cast<std::size_t>(first - t->items.begin());
    }
    for (auto& [name, value] : fields) {
      if (!line.contains(name)) line[name] = std::move(value);
    }
    t->pending += json::serialize(line) + "\n";
  }
  trim_history(*t);
  t->leaf = id;
  ++t->queued;
  writer_.write_soon(agent, t);
  return id;
}

Awaitable<Result<std::string>> SessionStoreImpl::append_queued(std::string key, std::string type,
                                                               json::object fields) {
  auto entry = co_await ensure(key);
  if (entry.has_error()) co_return entry.error();
  auto agent = agent_of(key).value();
  auto t = co_await opened(agent, std::move(entry.value()));
  if (t.has_error()) co_return t.error();
  auto id = queue_line(agent, t.value(), type, std::move(fields));
  if (auto it = agent->index.find(key); it != agent->index.end() && it->second.value.is_object()) {
    it->second.value.get_object()["updatedAt"] = now_ms();
    it->second.text.reset();
    agent->index_dirty = true;
    writer_.write_index_later(agent);
  }
  co_return id;
}

Awaitable<Result<std::string>> SessionStoreImpl::append(std::string key, std::string type,
                                                        json::object fields) {
  auto id = co_await append_queued(key, std::move(type), std::move(fields));
  if (id.has_error()) co_return id;
  auto durable = co_await sync(key);
  if (durable.has_error()) co_return durable.error();
  co_return id;
}

Awaitable<Result<SessionStoreImpl::TranscriptPtr>> SessionStoreImpl::existing_transcript(
    std::string key) {
  auto found = co_await entry(key);
  if (found.has_error()) co_return found.error();
  if (!found.value().is_object() || transcript_name(found.value().get_object()).empty()) {
    co_return TranscriptPtr();
  }
  co_return co_await opened(agent_of(key).value(), std::move(found.value().get_object()));
}

Awaitable<Result<void>> SessionStoreImpl::sync(std::string key) {
  auto t = co_await existing_transcript(key);
  if (t.has_error()) co_return t.error();
  if (!t.value()) co_return Result<void>();
  auto upto = t.value()->queued;
  auto agent = agent_of(key).value();
  auto durable = co_await writer_.synced(agent, t.value(), upto);
  auto found = co_await entry(key);
  if (found.has_error()) co_return found.error();
  if (found.value().is_object()) {
    auto failed = agent->failed.extract(text_of(found.value().get_object(), "sessionId"));
    if (!failed.empty() && durable.has_value()) durable = failed.mapped();
  }
  co_return durable;
}

Awaitable<Result<std::vector<SessionStore::ContextItem>>> SessionStoreImpl::shared_context(
    std::string key) {
  std::vector<ContextItem> out;
  auto t = co_await existing_transcript(key);
  if (t.has_error()) co_return t.error();
  if (!t.value()) co_return out;
  const auto& items = t.value()->items;
  auto start = t.value()->context_start;
  out.reserve(items.size() - start + 1);
  if (t.value()->summary) out.push_back({{}, t.value()->summary});
  for (auto i = start; i < items.size(); ++i) out.push_back({items[i].id, items[i].message});
  co_return out;
}

Awaitable<Result<std::vector<Message>>> SessionStoreImpl::context(std::string key) {
  auto shared = co_await shared_context(std::move(key));
  if (shared.has_error()) co_return shared.error();
  std::vector<Message> out;
  out.reserve(shared.value().size());
  for (const auto& item : shared.value()) out.push_back(*item.message);
  co_return out;
}

Awaitable<Result<std::vector<Message>>> SessionStoreImpl::history(std::string key,
                                                                  std::size_t limit) {
  std::vector<Message> out;
  auto t = co_await existing_transcript(key);
  if (t.has_error()) co_return t.error();
  if (!t.value()) co_return out;
  const auto& items = t.value()->items;
  for (auto i = items.size() - std::min(limit, items.size()); i < items.size(); ++i) {
    out.push_back(*items[i].message);
  }
  co_return out;
}

Awaitable<Result<std::vector<json::object>>> SessionStoreImpl::list(std::string agent_id) {
  std::vector<std::string> ids;
  if (!agent_id.empty()) {
    ids.push_back(normalise_agent_id(agent_id));
  } else {
    auto root = config_.paths().state_dir / "agents";
    std::function<Result<std::vector<std::string>>()> read = [root] { return agent_dirs(root); };
    auto names = co_await run_blocking<std::vector<std::string>>(runtime_, {}, std::move(read));
    if (names.has_error()) co_return names.error();
    ids = std::move(names.value());
    for (auto& [id, agent] : agents_) {
      if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    }
  }
  std::vector<json::object> out;
  for (const auto& id : ids) {
    auto agent = agent_named(id);
    auto ready = co_await loaded(agent);
    if (ready.has_error()) co_return ready.error();
    for (const auto& [key, entry] : agent->index) {
      if (!entry.value.is_object()) continue;
      json::object row{{"key", key}};
      for (const auto& [name, value] : entry.value.get_object()) row[name] = value;
      out.push_back(std::move(row));
    }
  }
  std::ranges::stable_sort(out, [](const json::object& a, const json::object& b) {
    return number_of(a, "updatedAt") > number_of(b, "updatedAt");
  });
  co_return out;
}

// Behind everything queued for the agent, so the last lines are in the file before it moves.
Awaitable<Result<std::string>> SessionStoreImpl::archive(AgentPtr agent, fs::path file,
                                                         std::string kind) {
  std::function<void(Completer<std::string>)> start = [agent, file,
                                                       kind](const Completer<std::string>& done) {
    agent->lane->add([file, kind, done]() -> DiskLane::Work {
      return [file, kind, done]() -> DiskLane::Then {
        auto result = std::make_shared<Result<std::string>>(archive_file(file, kind));
        return [result, done] { done.now(*result); };
      };
    });
  };
  co_return co_await suspend<std::string>(runtime_, {}, std::move(start));
}

Awaitable<Result<json::object>> SessionStoreImpl::reset(std::string key) {
  auto before = co_await ensure(key);
  if (before.has_error()) co_return before.error();
  auto agent = agent_of(key).value();
  auto old_name = transcript_name(before.value());
  auto old_id = text_of(before.value(), "sessionId");
  if (auto t = agent->transcripts.find(old_id); t != agent->transcripts.end()) {
    auto durable = co_await writer_.synced(agent, t->second, t->second->queued);
    if (durable.has_error()) co_return durable.error();
  }
  auto archived = co_await archive(agent, agent->dir / old_name, "reset");
  if (archived.has_error()) co_return archived.error();
  agent->transcripts.erase(old_id);
  auto now = agent->index[key].value.is_object() ? agent->index[key].value.get_object()
                                                 : std::move(before.value());
  for (auto name :
       {"sessionFile", "inputTokens", "outputTokens", "totalTokens", "totalTokensFresh",
        "cacheRead", "cacheWrite", "compactionCount", "systemPromptReport", "skillsSnapshot"}) {
    now.erase(name);
  }
  agent->index.erase(key);
  auto fresh = co_await ensure(key);
  if (fresh.has_error()) co_return fresh.error();
  now["systemSent"] = false;
  now["abortedLastRun"] = false;
  now.erase("sessionId");
  co_return co_await update(key, std::move(now));
}

Awaitable<Result<std::vector<std::string>>> SessionStoreImpl::remove(std::string key,
                                                                     bool delete_transcript) {
  auto parts = parse_key(key, *config_.current());
  if (parts.has_error()) co_return parts.error();
  if (parts.value().is_main) {
    co_return make_error(Code::kFailedPrecondition,
                         "Cannot delete the main session (" + key + ").");
  }
  auto found = co_await entry(key);
  if (found.has_error()) co_return found.error();
  std::vector<std::string> archived;
  if (found.value().is_null()) co_return archived;
  auto agent = agent_of(key).value();
  agent->index.erase(key);
  agent->index_dirty = true;
  if (found.value().is_object()) {
    const auto& old = found.value().get_object();
    auto name = transcript_name(old);
    auto id = text_of(old, "sessionId");
    if (auto t = agent->transcripts.find(id); t != agent->transcripts.end()) {
      co_await writer_.synced(agent, t->second, t->second->queued);
      agent->transcripts.erase(id);
    }
    if (delete_transcript && !name.empty()) {
      auto moved = co_await archive(agent, agent->dir / name, "deleted");
      if (moved.has_error()) co_return moved.error();
      if (!moved.value().empty()) archived.push_back(moved.value());
    }
  }
  auto written = co_await writer_.write_all(agent);
  if (written.has_error()) co_return written.error();
  co_return archived;
}

Awaitable<> SessionStoreImpl::flush() {
  auto agents = agents_;
  for (auto& [id, agent] : agents) {
    if (!agent->loaded) continue;
    co_await writer_.write_all(agent);
  }
}

}  // namespace

std::unique_ptr<SessionStore> SessionStore::create(Runtime& runtime, config::ConfigStore& config) {
  return std::make_unique<SessionStoreImpl>(runtime, config);
}

Awaitable<Result<std::string>> SessionStore::append_queued(std::string key, std::string type,
                                                           json::object fields) {
  co_return co_await append(std::move(key), std::move(type), std::move(fields));
}

Awaitable<Result<void>> SessionStore::sync(std::string key) {
  static_cast<void>(key);
  co_return Result<void>();
}

Awaitable<Result<std::vector<SessionStore::ContextItem>>> SessionStore::shared_context(
    std::string key) {
  auto plain = co_await context(std::move(key));
  if (plain.has_error()) co_return plain.error();
  std::vector<ContextItem> out;
  for (auto& message : plain.value()) {
    out.push_back({{}, std::make_shared<const Message>(std::move(message))});
  }
  co_return out;
}

}  // namespace openclaw::session
