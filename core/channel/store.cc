#include "channel/store.h"

#include <sqlite3.h>

#include "channel/store_record.h"

namespace openclaw::channel {
namespace {

// Ended rows stay this long: a platform may offer an event again for a day, people look up dead
// letters.
constexpr std::int64_t kKeepEndedMs = 7LL * 24 * 60 * 60 * 1000;

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS inbox(
  id INTEGER PRIMARY KEY, instance TEXT NOT NULL, event_id TEXT NOT NULL, lane TEXT NOT NULL,
  state INTEGER NOT NULL, event TEXT NOT NULL, run_id TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0, effects INTEGER NOT NULL DEFAULT 0, draft TEXT NOT NULL DEFAULT '',
  outcome TEXT NOT NULL DEFAULT '', received_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0,
  UNIQUE(instance, event_id));
CREATE INDEX IF NOT EXISTS inbox_open ON inbox(state, id) WHERE state < 2;
CREATE TABLE IF NOT EXISTS outbox(
  id INTEGER PRIMARY KEY, instance TEXT NOT NULL, lane TEXT NOT NULL, idempotency_key TEXT NOT NULL UNIQUE,
  state INTEGER NOT NULL, message TEXT NOT NULL, progress TEXT NOT NULL DEFAULT '{}',
  attempts INTEGER NOT NULL DEFAULT 0, ambiguous INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL, not_before_ms INTEGER NOT NULL DEFAULT 0, expires_ms INTEGER NOT NULL,
  message_id TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', ended_ms INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS outbox_open ON outbox(state, id) WHERE state < 2;
CREATE INDEX IF NOT EXISTS outbox_lane ON outbox(lane, id);
CREATE TABLE IF NOT EXISTS heard(
  id INTEGER PRIMARY KEY, instance TEXT NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL,
  message_id TEXT NOT NULL, sender_id TEXT NOT NULL, sender_name TEXT NOT NULL, text TEXT NOT NULL,
  at_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS heard_chat ON heard(instance, chat, id);
CREATE TABLE IF NOT EXISTS peers(
  instance TEXT NOT NULL, kind INTEGER NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
  username TEXT NOT NULL, chat TEXT NOT NULL, seen_ms INTEGER NOT NULL,
  PRIMARY KEY(instance, kind, id)) WITHOUT ROWID;
PRAGMA user_version=1;
)";

constexpr const char* kInboxColumns =
    "SELECT id,instance,event_id,lane,state,event,run_id,attempts,effects,draft,received_ms FROM "
    "inbox "
    "WHERE state < 2 ORDER BY id";
constexpr const char* kOutboxOpen =
    "SELECT id,instance,lane,idempotency_key,state,message,progress,attempts,ambiguous,created_ms,"
    "not_before_ms,expires_ms,message_id,error FROM outbox WHERE state < 2 ORDER BY id";
constexpr const char* kOutboxById =
    "SELECT id,instance,lane,idempotency_key,state,message,progress,attempts,ambiguous,created_ms,"
    "not_before_ms,expires_ms,message_id,error FROM outbox WHERE id=?1";
constexpr const char* kOutboxUnsent =
    "SELECT id,instance,lane,idempotency_key,state,message,progress,attempts,ambiguous,created_ms,"
    "not_before_ms,expires_ms,message_id,error FROM outbox WHERE state IN (0,1,3,4) "
    "AND id<?1 ORDER BY id DESC LIMIT ?2";
constexpr const char* kOutboxByKey =
    "SELECT id,instance,lane,idempotency_key,state,message,progress,attempts,ambiguous,created_ms,"
    "not_before_ms,expires_ms,message_id,error FROM outbox WHERE idempotency_key=?1";

json::object object_from(const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  return !error && value.is_object() ? std::move(value.get_object()) : json::object();
}

InboxRow read_inbox(sqlite3_stmt* s) {
  InboxRow row;
  row.id = column_int(s, 0);
  row.instance = column_text(s, 1);
  row.event_id = column_text(s, 2);
  row.lane = column_text(s, 3);
  row.state = static_cast<InboxState>(column_int(s, 4));
  row.event = object_from(column_text(s, 5));
  row.run_id = column_text(s, 6);
  row.attempts = column_int(s, 7);
  row.effects = column_int(s, 8) != 0;
  row.draft = column_text(s, 9);
  row.received_ms = column_int(s, 10);
  return row;
}

OutboxRow read_outbox(sqlite3_stmt* s) {
  OutboxRow row;
  row.id = column_int(s, 0);
  row.instance = column_text(s, 1);
  row.lane = column_text(s, 2);
  row.idempotency_key = column_text(s, 3);
  row.state = static_cast<OutboxState>(column_int(s, 4));
  row.message = object_from(column_text(s, 5));
  row.progress = object_from(column_text(s, 6));
  row.attempts = column_int(s, 7);
  row.ambiguous = column_int(s, 8);
  row.created_ms = column_int(s, 9);
  row.not_before_ms = column_int(s, 10);
  row.expires_ms = column_int(s, 11);
  row.message_id = column_text(s, 12);
  row.error = column_text(s, 13);
  return row;
}

Result<OutboxRow> insert_outbox(Connection& db, const OutboxRow& row, std::int64_t now) {
  auto inserted = db.run(
      "INSERT OR IGNORE INTO "
      "outbox(instance,lane,idempotency_key,state,attempts,message,created_ms,expires_ms,"
      "ambiguous) VALUES(?1,?2,?3,?4,?4,?5,?6,?7,?8)",
      {row.instance, row.lane, row.idempotency_key, std::int64_t{row.begun ? 1 : 0},
       json::serialize(row.message), now,
       row.expires_ms != 0 ? row.expires_ms : now + kEntryLifetimeMs, row.ambiguous});
  if (inserted.has_error()) return inserted.error();
  const bool is_new = db.changes() > 0;
  OutboxRow stored;
  auto read = db.run(kOutboxByKey, {row.idempotency_key},
                     [&](sqlite3_stmt* s) { stored = read_outbox(s); });
  if (read.has_error()) return read.error();
  stored.begun = row.begun && is_new;
  return stored;
}

}  // namespace

Result<void> Store::open(const std::filesystem::path& path, std::string& set_aside) {
  return database_.open(path, kSchema, set_aside);
}

Awaitable<Result<bool>> Store::change(const char* sql, std::vector<Connection::Value> values) {
  std::function<Result<bool>(Connection&)> job =
      [sql, values = std::move(values)](Connection& db) -> Result<bool> {
    if (auto done = db.run(sql, values); done.has_error()) return done.error();
    return db.changes() > 0;
  };
  co_return co_await database_.run<bool>(std::move(job));
}

Awaitable<Result<Added>> Store::add_inbound(InboxRow row) {
  std::function<Result<Added>(Connection&)> job = [row = std::move(row),
                                                   now = now()](Connection& db) -> Result<Added> {
    const bool done = row.state == InboxState::kDone;
    // Nobody has looked yet who wrote it, so nothing that needs no turn keeps its text; but what
    // could not be read is kept whole, to be looked at.
    const json::value* kind = row.event.if_contains("kind");
    const bool keep = !done || (kind != nullptr && *kind == "unparsed");
    const InboxState state = row.begun ? InboxState::kRunning : row.state;
    auto inserted = db.run(
        "INSERT OR IGNORE INTO inbox(instance,event_id,lane,state,event,received_ms,ended_ms,"
        "run_id,attempts) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
        {row.instance, row.event_id, row.lane, static_cast<std::int64_t>(state),
         keep ? json::serialize(row.event) : std::string("{}"), now, done ? now : std::int64_t{0},
         row.run_id, std::int64_t{row.begun ? 1 : 0}});
    if (inserted.has_error()) return inserted.error();
    if (db.changes() == 0) return Added{0, true};
    return Added{db.last_id(), false};
  };
  co_return co_await database_.run<Added>(std::move(job));
}

Awaitable<Result<std::vector<InboxRow>>> Store::unfinished() {
  std::function<Result<std::vector<InboxRow>>(Connection&)> job =
      [](Connection& db) -> Result<std::vector<InboxRow>> {
    std::vector<InboxRow> rows;
    auto read = db.run(kInboxColumns, {}, [&](sqlite3_stmt* s) { rows.push_back(read_inbox(s)); });
    if (read.has_error()) return read.error();
    return rows;
  };
  co_return co_await database_.run<std::vector<InboxRow>>(std::move(job));
}

Awaitable<Result<bool>> Store::mark_effects(std::int64_t id) {
  return change("UPDATE inbox SET effects=1 WHERE id=?1", {id});
}

Awaitable<Result<bool>> Store::set_draft(std::int64_t id, std::string message_id) {
  return change("UPDATE inbox SET draft=?2 WHERE id=?1", {id, std::move(message_id)});
}

Awaitable<Result<bool>> Store::replace_event(std::int64_t id, json::object event) {
  return change("UPDATE inbox SET event=?2 WHERE id=?1 AND state=0", {id, json::serialize(event)});
}

Awaitable<Result<std::vector<OutboxRow>>> Store::finish_inbox(std::int64_t id, std::string outcome,
                                                              std::vector<OutboxRow> replies) {
  std::function<Result<std::vector<OutboxRow>>(Connection&)> job =
      [id, outcome = std::move(outcome), replies = std::move(replies),
       now = now()](Connection& db) -> Result<std::vector<OutboxRow>> {
    // The text is not needed any more; the row stays to recognise the event.
    auto done = db.run(
        "UPDATE inbox SET state=2, outcome=?2, ended_ms=?3, event='{}' WHERE id=?1 AND state<2",
        {id, outcome, now});
    if (done.has_error()) return done.error();
    std::vector<OutboxRow> stored;
    if (db.changes() == 0) return stored;  // finished before: its replies exist
    for (const OutboxRow& reply : replies) {
      auto row = insert_outbox(db, reply, now);
      if (row.has_error()) return row.error();
      stored.push_back(std::move(row.value()));
    }
    return stored;
  };
  co_return co_await database_.run<std::vector<OutboxRow>>(std::move(job));
}

Awaitable<Result<OutboxRow>> Store::add_outbox(OutboxRow row) {
  std::function<Result<OutboxRow>(Connection&)> job =
      [row = std::move(row), now = now()](Connection& db) { return insert_outbox(db, row, now); };
  co_return co_await database_.run<OutboxRow>(std::move(job));
}

Awaitable<Result<std::vector<OutboxRow>>> Store::undelivered() {
  std::function<Result<std::vector<OutboxRow>>(Connection&)> job =
      [](Connection& db) -> Result<std::vector<OutboxRow>> {
    std::vector<OutboxRow> rows;
    auto read = db.run(kOutboxOpen, {}, [&](sqlite3_stmt* s) { rows.push_back(read_outbox(s)); });
    if (read.has_error()) return read.error();
    return rows;
  };
  co_return co_await database_.run<std::vector<OutboxRow>>(std::move(job));
}

Awaitable<Result<OutboxRow>> Store::outbox_row(std::int64_t id) {
  std::function<Result<OutboxRow>(Connection&)> job = [id](Connection& db) -> Result<OutboxRow> {
    OutboxRow row;
    auto read = db.run(kOutboxById, {id}, [&](sqlite3_stmt* s) { row = read_outbox(s); });
    if (read.has_error()) return read.error();
    if (row.id == 0)
      return Error(Code::kNotFound, "no message " + std::to_string(id) + " in the outbox");
    return row;
  };
  co_return co_await database_.run<OutboxRow>(std::move(job));
}

Awaitable<Result<std::vector<OutboxRow>>> Store::unsent(std::int64_t before_id, std::int64_t most) {
  std::function<Result<std::vector<OutboxRow>>(Connection&)> job =
      [before_id, most](Connection& db) -> Result<std::vector<OutboxRow>> {
    std::vector<OutboxRow> rows;
    auto read = db.run(kOutboxUnsent, {before_id, most},
                       [&](sqlite3_stmt* s) { rows.push_back(read_outbox(s)); });
    if (read.has_error()) return read.error();
    return rows;
  };
  co_return co_await database_.run<std::vector<OutboxRow>>(std::move(job));
}

Awaitable<Result<bool>> Store::set_again(std::int64_t id) {
  return change(
      "UPDATE outbox SET state=0, not_before_ms=0, ended_ms=0, expires_ms=?2, "
      "ambiguous=(ambiguous>0 OR state=3) WHERE id=?1 AND state IN (3,4)",
      {id, now() + kEntryLifetimeMs});
}

Awaitable<Result<bool>> Store::set_dropped(std::int64_t id) {
  return change(
      "UPDATE outbox SET state=5, error='dropped by hand', ended_ms=?2 WHERE id=?1 AND state IN "
      "(0,1,3,4)",
      {id, now()});
}

Awaitable<Result<bool>> Store::set_sending(std::int64_t id) {
  return change("UPDATE outbox SET state=1, attempts=attempts+1 WHERE id=?1 AND state<2", {id});
}

Awaitable<Result<bool>> Store::set_progress(std::int64_t id, json::object progress) {
  return change("UPDATE outbox SET progress=?2 WHERE id=?1 AND state<2",
                {id, json::serialize(progress)});
}

Awaitable<Result<bool>> Store::set_cut(std::vector<std::int64_t> ids, std::string error) {
  std::function<Result<bool>(Connection&)> job =
      [ids = std::move(ids), error = std::move(error)](Connection& db) -> Result<bool> {
    for (const std::int64_t id : ids) {
      auto done = db.run(
          "UPDATE outbox SET state=0, ambiguous=ambiguous+1, error=?2 WHERE id=?1 AND state=1",
          {id, error});
      if (done.has_error()) return done.error();
    }
    return true;
  };
  co_return co_await database_.run<bool>(std::move(job));
}

Awaitable<Result<std::string>> Store::lane_of_sent(std::string instance, std::string near,
                                                   std::string message_id) {
  // "instance\nconversation\nthread": the same up to the thread.
  const std::string conversation = near.substr(0, near.rfind('\n') + 1);
  std::function<Result<std::string>(Connection&)> job =
      [instance = std::move(instance), conversation,
       message_id = std::move(message_id)](Connection& db) -> Result<std::string> {
    std::string lane;
    auto read = db.run(
        "SELECT lane FROM outbox WHERE instance=?1 AND message_id=?2 AND state=2 "
        "AND substr(lane,1,length(?3))=?3 ORDER BY id DESC LIMIT 1",
        {instance, message_id, conversation}, [&](sqlite3_stmt* s) { lane = column_text(s, 0); });
    if (read.has_error()) return read.error();
    return lane;
  };
  co_return co_await database_.run<std::string>(std::move(job));
}

Awaitable<Result<bool>> Store::set_sent(std::int64_t id, std::string message_id) {
  return change("UPDATE outbox SET state=2, message_id=?2, error='', ended_ms=?3 WHERE id=?1",
                {id, std::move(message_id), now()});
}

Awaitable<Result<bool>> Store::set_waiting(std::int64_t id, std::int64_t not_before_ms,
                                           bool ambiguous, std::string error) {
  return change(
      "UPDATE outbox SET state=0, not_before_ms=?2, ambiguous=ambiguous+?3, error=?4 WHERE "
      "id=?1",
      {id, not_before_ms, std::int64_t{ambiguous ? 1 : 0}, std::move(error)});
}

Awaitable<Result<bool>> Store::set_final(std::int64_t id, OutboxState state, std::string error) {
  return change("UPDATE outbox SET state=?2, error=?3, ended_ms=?4 WHERE id=?1",
                {id, static_cast<std::int64_t>(state), std::move(error), now()});
}

Awaitable<Result<std::int64_t>> Store::prune() {
  std::function<Result<std::int64_t>(Connection&)> job =
      [now = now()](Connection& db) -> Result<std::int64_t> {
    auto done = db.run(
        "UPDATE outbox SET state=4, ended_ms=?1, error='expired: it could not be delivered within "
        "its "
        "lifetime' || CASE error WHEN '' THEN '' ELSE ' (' || error || ')' END "
        "WHERE state<2 AND expires_ms<=?1",
        {now});
    if (done.has_error()) return done.error();
    const std::int64_t expired = db.changes();
    done = db.run("DELETE FROM inbox WHERE state=2 AND ended_ms<=?1", {now - kKeepEndedMs});
    if (done.has_error()) return done.error();
    done = db.run("DELETE FROM outbox WHERE state>=2 AND ended_ms<=?1", {now - kKeepEndedMs});
    if (done.has_error()) return done.error();
    if (auto record = prune_record(db, now); record.has_error()) return record.error();
    return expired;
  };
  co_return co_await database_.run<std::int64_t>(std::move(job));
}

Awaitable<Result<json::object>> Store::counts() {
  std::function<Result<json::object>(Connection&)> job =
      [](Connection& db) -> Result<json::object> {
    json::object inbox{{"queued", 0}, {"running", 0}};
    json::object outbox{{"queued", 0}, {"sending", 0}, {"ambiguous", 0}, {"dead", 0}};
    auto read = db.run("SELECT state,count(*) FROM inbox WHERE state<2 GROUP BY state", {},
                       [&](sqlite3_stmt* s) {
                         inbox[column_int(s, 0) == 0 ? "queued" : "running"] = column_int(s, 1);
                       });
    if (read.has_error()) return read.error();
    read = db.run("SELECT state,count(*) FROM outbox WHERE state<>2 GROUP BY state", {},
                  [&](sqlite3_stmt* s) {
                    static constexpr const char* kNames[] = {"queued", "sending", "sent",
                                                             "ambiguous", "dead"};
                    const std::int64_t state = column_int(s, 0);
                    if (state >= 0 && state <= 4) outbox[kNames[state]] = column_int(s, 1);
                  });
    if (read.has_error()) return read.error();
    return json::object{{"inbox", std::move(inbox)}, {"outbox", std::move(outbox)}};
  };
  co_return co_await database_.run<json::object>(std::move(job));
}

}  // namespace openclaw::channel
