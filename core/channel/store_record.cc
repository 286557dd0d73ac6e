// Store's record of conversations: written with the start of a turn, read back on demand.
#include "channel/store_record.h"

#include <algorithm>
#include <optional>
#include <set>

#include <sqlite3.h>

#include "channel/store.h"
#include "json_fields.h"
#include "utf8.h"

namespace openclaw::channel {
namespace {

constexpr std::int64_t kMostRows = 1000;

// Text of outsiders on its way to the disk: whole characters, and no more bytes than `most`.
std::string bounded(std::string_view text, std::size_t most) {
  std::size_t end = std::min(text.size(), most);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return valid_utf8(text.substr(0, end));
}

Result<void> meet(Connection& db, const std::string& instance, const Peer& peer, std::int64_t now) {
  if (peer.id.empty()) return {};
  return db.run(
      "INSERT INTO peers(instance,kind,id,name,username,chat,seen_ms) VALUES(?1,?2,?3,?4,?5,?6,?7) "
      "ON CONFLICT(instance,kind,id) DO UPDATE SET name=?4, username=?5, seen_ms=?7, "
      "chat=CASE ?6 WHEN '' THEN chat ELSE ?6 END",
      {instance, std::int64_t{peer.group ? 1 : 0}, peer.id, bounded(peer.name, kMostPeerName),
       bounded(peer.username, kMostPeerName), peer.chat, now});
}

// A turn that a crash cut starts again: the same id, the same row.
Result<void> put_on_record(Connection& db, std::int64_t id, const Heard& heard, std::int64_t now) {
  auto kept = db.run(
      "INSERT OR REPLACE INTO heard(id,instance,chat,thread,message_id,sender_id,sender_name,text,"
      "at_ms) SELECT id,?2,?3,?4,?5,?6,?7,?8,received_ms FROM inbox WHERE id=?1",
      {id, heard.instance, heard.chat, heard.thread, heard.message_id, heard.sender_id,
       bounded(heard.sender_name, kMostPeerName), bounded(heard.text, kMostHeardText)});
  if (kept.has_error()) return kept;
  Peer person{false,
              heard.sender_id,
              heard.sender_name,
              heard.sender_username,
              heard.direct ? heard.chat : std::string(),
              0};
  if (auto met = meet(db, heard.instance, person, now); met.has_error()) return met;
  if (heard.direct) return {};
  return meet(db, heard.instance, Peer{true, heard.chat, heard.chat_title, "", "", 0}, now);
}

Result<void> read_heard(Connection& db, const RecordQuery& query, const std::string& chat,
                        std::vector<RecordedMessage>& out) {
  return db.run(
      "SELECT message_id,thread,sender_id,sender_name,text,at_ms FROM heard WHERE instance=?1 AND "
      "chat=?2 AND (?3='' OR thread=?3) ORDER BY id DESC LIMIT ?4",
      {query.instance, chat, query.thread, query.limit}, [&](sqlite3_stmt* s) {
        out.push_back({false, column_text(s, 0), column_text(s, 1), column_text(s, 2),
                       column_text(s, 3), column_text(s, 4), column_int(s, 5)});
      });
}

// Nothing when the message was deleted by hand.
std::optional<RecordedMessage> said(sqlite3_stmt* s) {
  RecordedMessage out;
  out.own = true;
  out.message_id = column_text(s, 0);
  const std::string lane = column_text(s, 1);
  out.thread = lane.substr(lane.rfind('\n') + 1);
  boost::system::error_code failed;
  const json::value message = json::parse(column_text(s, 2), failed);
  if (failed || !message.is_object() || message.get_object().empty()) return std::nullopt;
  out.text = text_of(message.get_object(), "text");
  out.at_ms = column_int(s, 3);
  return out;
}

// What was sent to the lanes "instance\nchat\n...". A code that lets a stranger in is for the
// owner's eyes, and no part of a conversation.
Result<void> read_said(Connection& db, const RecordQuery& query, const std::string& chat,
                       std::vector<RecordedMessage>& out) {
  const std::string first = query.instance + "\n" + chat + "\n" + query.thread;
  std::string last = first;
  if (query.thread.empty()) last += "\xF4\x8F\xBF\xBF";  // behind every thread
  std::set<std::string> seen;
  return db.run(
      "SELECT message_id,lane,message,ended_ms FROM outbox WHERE lane>=?1 AND lane<=?2 AND "
      "state=2 AND substr(idempotency_key,1,5)<>'pair:' ORDER BY id DESC LIMIT ?3",
      {first, last, query.limit}, [&](sqlite3_stmt* s) {
        auto message = said(s);
        if (!message) return;
        // A later row changed the text of this message: the newest one counts.
        const bool older = !message->message_id.empty() && !seen.insert(message->message_id).second;
        if (!older) out.push_back(std::move(*message));
      });
}

// The names of the same direct chat: a platform may know it by an id of its own and by the
// person's.
Result<std::set<std::string>> names_of_chat(Connection& db, const RecordQuery& query) {
  std::set<std::string> out{query.chat};
  auto read = db.run(
      "SELECT id,chat FROM peers WHERE instance=?1 AND kind=0 AND chat<>'' AND (id=?2 OR chat=?2)",
      {query.instance, query.chat}, [&](sqlite3_stmt* s) {
        out.insert(column_text(s, 0));
        out.insert(column_text(s, 1));
      });
  if (read.has_error()) return read.error();
  return out;
}

Result<std::vector<RecordedMessage>> read_record(Connection& db, const RecordQuery& query) {
  auto names = names_of_chat(db, query);
  if (names.has_error()) return names.error();
  std::vector<RecordedMessage> out;
  for (const std::string& chat : *names) {
    if (auto read = read_heard(db, query, chat, out); read.has_error()) return read.error();
    if (auto read = read_said(db, query, chat, out); read.has_error()) return read.error();
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; });
  const auto most = static_cast<std::size_t>(query.limit);
  if (out.size() > most) out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(most));
  return out;
}

}  // namespace

Result<void> prune_record(Connection& db, std::int64_t now) {
  auto done = db.run("DELETE FROM heard WHERE at_ms<=?1", {now - kKeepHeardMs});
  if (done.has_error()) return done;
  done = db.run(
      "DELETE FROM heard WHERE id<=(SELECT id FROM heard ORDER BY id DESC LIMIT 1 OFFSET ?1)",
      {kMostHeard});
  if (done.has_error()) return done;
  done = db.run("DELETE FROM peers WHERE seen_ms<=?1", {now - kKeepPeersMs});
  if (done.has_error()) return done;
  return db.run(
      "DELETE FROM peers WHERE (instance,kind,id) IN (SELECT instance,kind,id FROM peers ORDER BY "
      "seen_ms DESC LIMIT -1 OFFSET ?1)",
      {kMostPeers});
}

Awaitable<Result<bool>> Store::start_inbox(std::vector<std::int64_t> ids, std::string run_id,
                                           std::vector<Heard> heard) {
  std::function<Result<bool>(Connection&)> job = [ids = std::move(ids), run_id = std::move(run_id),
                                                  heard = std::move(heard),
                                                  now = now()](Connection& db) -> Result<bool> {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      auto started =
          db.run("UPDATE inbox SET state=1, attempts=attempts+1, run_id=?2 WHERE id=?1 AND state<2",
                 {ids[i], run_id});
      if (started.has_error()) return started.error();
      if (db.changes() == 0 || i >= heard.size()) continue;
      if (auto kept = put_on_record(db, ids[i], heard[i], now); kept.has_error())
        return kept.error();
    }
    return true;
  };
  co_return co_await database_.run<bool>(std::move(job));
}

void Store::record_begun(std::int64_t id, Heard heard) {
  database_.ride([id, heard = std::move(heard), now = now()](Connection& db) {
    return put_on_record(db, id, heard, now);
  });
}

Awaitable<Result<std::vector<RecordedMessage>>> Store::messages_of(RecordQuery query) {
  query.limit = std::clamp<std::int64_t>(query.limit, 1, kMostRows);
  std::function<Result<std::vector<RecordedMessage>>(Connection&)> job =
      [query = std::move(query)](Connection& db) { return read_record(db, query); };
  co_return co_await database_.run<std::vector<RecordedMessage>>(std::move(job));
}

Awaitable<Result<bool>> Store::amend(std::string instance, std::string chat, std::string message_id,
                                     std::string text) {
  return change(
      "UPDATE heard SET text=?4 WHERE instance=?1 AND chat=?2 AND message_id=?3",
      {std::move(instance), std::move(chat), std::move(message_id), bounded(text, kMostHeardText)});
}

Awaitable<Result<bool>> Store::forget(std::string instance, std::string chat,
                                      std::string message_id) {
  std::function<Result<bool>(Connection&)> job =
      [lane = instance + "\n" + chat + "\n", instance, chat,
       message_id = std::move(message_id)](Connection& db) -> Result<bool> {
    auto done = db.run("DELETE FROM heard WHERE instance=?1 AND chat=?2 AND message_id=?3",
                       {instance, chat, message_id});
    if (done.has_error()) return done.error();
    // The row stays, to recognise a repeat; its text goes.
    done = db.run(
        "UPDATE outbox SET message='{}' WHERE lane>=?1 AND lane<=?2 AND state=2 AND message_id=?3",
        {lane, lane + "\xF4\x8F\xBF\xBF", message_id});
    if (done.has_error()) return done.error();
    return true;
  };
  co_return co_await database_.run<bool>(std::move(job));
}

Awaitable<Result<std::vector<Peer>>> Store::peers(std::string instance) {
  std::function<Result<std::vector<Peer>>(Connection&)> job =
      [instance = std::move(instance)](Connection& db) -> Result<std::vector<Peer>> {
    std::vector<Peer> out;
    auto read = db.run(
        "SELECT kind,id,name,username,chat,seen_ms FROM peers WHERE instance=?1 "
        "ORDER BY seen_ms DESC LIMIT ?2",
        {instance, kMostPeers}, [&](sqlite3_stmt* s) {
          out.push_back({column_int(s, 0) != 0, column_text(s, 1), column_text(s, 2),
                         column_text(s, 3), column_text(s, 4), column_int(s, 5)});
        });
    if (read.has_error()) return read.error();
    return out;
  };
  co_return co_await database_.run<std::vector<Peer>>(std::move(job));
}

}  // namespace openclaw::channel
