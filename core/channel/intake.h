// Intake: from a stored event to a turn and its reply. One ordered lane for each conversation, a
// bounded number of turns at once. Decides who may talk (access.h), which agent and session a
// conversation belongs to, runs the turn and finishes the inbox row together with the reply. Loop
// thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent_service.h"
#include "async/task_scope.h"
#include "channel/access.h"
#include "channel/accounts.h"
#include "channel/delivery.h"
#include "channel/media_fetch.h"
#include "channel/mention_patterns.h"
#include "channel/reply_draft.h"
#include "channel/store.h"

namespace openclaw::channel {

class Intake {
 public:
  Intake(Runtime& runtime, config::ConfigStore& config, agent::AgentService& agents, Store& store,
         Accounts& accounts, Delivery& delivery, MediaFetch& media);
  ~Intake();

  // Before an event is stored: whether nothing stands between it and its turn. It is then to be
  // stored as begun, which saves the turn a commit, and its lane is kept for it until accept() or
  // forgo().
  bool begin_at_once(InboxRow& row);
  void forgo(const InboxRow& row);
  // An event that is in the store and waits for its turn.
  void accept(InboxRow row);
  // What a restart found: the same, turns that were cut, and what has waited too long.
  void resume(std::vector<InboxRow> rows);
  // The text of a message that has not been read yet was changed. False: it has, or is not here.
  bool correct(const std::string& lane, const std::string& message_id, json::object event);
  std::size_t backlog() const { return backlog_; }
  Awaitable<> stop(Deadline deadline);

 private:
  struct Lane {
    std::deque<InboxRow> rows;  // the first is being handled
    bool draining = false;
    bool after_turn = false;   // a turn has run since the lane was empty
    std::string run_id;        // of the turn that runs
    std::int64_t stopped = 0;  // id of the first row, which a stop word came too early for
  };
  // What is known of an event once it was let in.
  struct Admitted {
    std::shared_ptr<Account> account;
    Access access;
    std::string session_key;
    Heard heard = {};                  // the row as it came, whatever is joined to it
    std::vector<InboxRow> parts = {};  // of which it is the whole
    std::vector<InboxRow> notes = {};  // reactions that the agent reads with it
  };

  // What a running turn takes in while it runs.
  struct Steering {
    std::string lane, sender, session_key;
    std::shared_ptr<Account> account;
    Access access;
    std::vector<InboxRow> taken = {};
    std::int64_t told = 0;  // the last row that it was told of
  };

  void enqueue(InboxRow row);
  void begin_draining(std::string key);
  Awaitable<> drain(std::string key);
  Awaitable<> process(InboxRow row);
  Awaitable<> admit(InboxRow row, Admitted admitted);
  Awaitable<Access> decide(InboxRow row, std::shared_ptr<Account> account);
  std::string why_not_pressed(const InboxRow& row, const Account& account,
                              const Access& access) const;
  Awaitable<> keep_reaction(InboxRow row, std::shared_ptr<Account> account);
  std::vector<InboxRow> take_notes(const InboxRow& row);
  static std::string text_with_notes(std::string text, const std::vector<InboxRow>& notes);
  Awaitable<bool> gather(InboxRow& row, Admitted& admitted);
  Awaitable<bool> wait_until_quiet(InboxRow first, std::int64_t quiet_ms, std::size_t enough,
                                   std::function<bool(const InboxRow&)> counts);
  Awaitable<bool> take_parts(InboxRow& first, Admitted& admitted);
  Awaitable<bool> take_burst(InboxRow& first, Admitted& admitted, std::int64_t quiet_ms);
  Awaitable<bool> take_waiting(InboxRow& row, Admitted& admitted);
  Awaitable<std::size_t> count_waiting(const InboxRow& row, const Admitted& admitted);
  static bool same_rights(const Access& one, const Access& other);
  std::vector<InboxRow> take_run(InboxRow& first);
  static InboxRow take_second(std::deque<InboxRow>& rows);
  void join_waiting(InboxRow& row, Admitted& admitted, std::size_t count, std::size_t shortened);
  static void add_part(json::object& whole, const json::object& part);
  std::int64_t burst_quiet(const InboxRow& row, const Account& account) const;
  Awaitable<std::vector<agent::TurnRequest>> steer(std::shared_ptr<Steering> into);
  Awaitable<bool> take_for(Steering& into, InboxRow& row);
  Awaitable<> interrupt(InboxRow row, std::string run_id);
  std::int64_t quiet_of_groups(const Account& account) const;
  Awaitable<> finish_parts(std::vector<InboxRow> parts, std::string outcome);
  Awaitable<> tell_code(InboxRow row, std::shared_ptr<Account> account);
  Awaitable<> run_turn(InboxRow row, Admitted admitted);
  std::size_t most_turns() const;
  Awaitable<> begin_on_disk(const InboxRow& row, const Admitted& admitted, std::string run_id);
  static void note_start(const InboxRow& row, Account& account);
  Awaitable<> overtake(InboxRow row);
  Awaitable<> answer_beside(InboxRow row);
  Awaitable<> finish(InboxRow row, std::string outcome, std::vector<OutboxRow> replies);
  Awaitable<> report_cut(InboxRow row);
  Awaitable<> report_late(InboxRow row);
  Awaitable<bool> acquire_turn();
  void release_turn();
  void on_event(const agent::AgentEvent& event);
  Awaitable<> conclude(InboxRow row, Admitted admitted, agent::TurnResult result,
                       std::shared_ptr<ReplyDraft> draft);

  std::string known_id(const InboxRow& row, const Account& account) const;
  std::string agent_of(const InboxRow& row, const Account& account) const;
  std::string session_of(const InboxRow& row, const Account& account) const;
  agent::TurnRequest turn_request(const InboxRow& row, const Admitted& admitted);
  ReplyDraft::Plan draft_plan(const InboxRow& row, const Account& account) const;
  json::value reply_target(const InboxRow& row, const Account& account) const;
  static std::string run_id_of(const InboxRow& row);
  // The same for every try to answer this message.
  static std::string key_of(const InboxRow& row, const std::string& kind);
  OutboxRow reply(const InboxRow& row, std::string kind, std::string text,
                  json::value reply_to = nullptr) const;

  Runtime& runtime_;
  config::ConfigStore& config_;
  agent::AgentService& agents_;
  Store& store_;
  Accounts& accounts_;
  Delivery& delivery_;
  MediaFetch& media_;
  TaskScope scope_;
  AbortSource stopping_;         // turns end, lanes stop after what they are at
  std::shared_ptr<Event> idle_;  // set when the last lane has stopped
  std::size_t draining_ = 0;
  MentionPatterns mention_patterns_;
  std::map<std::string, Lane> lanes_;
  std::map<std::string, std::shared_ptr<ReplyDraft>> drafts_;  // by run id
  std::deque<InboxRow> notes_;  // reactions, of all lanes, that wait for a turn to be read with
  std::deque<std::shared_ptr<Event>> turn_waiters_;
  std::size_t turns_ = 0;
  std::size_t backlog_ = 0;
  const std::int64_t started_ms_;
  std::uint64_t subscription_ = 0;
};

// The lane of a conversation: events of one are handled in order.
std::string lane_of(const std::string& instance, const json::object& conversation);
// "stop", "/stop", "abort" ...: must overtake what runs.
bool is_abort_word(std::string_view text);
// Begins with a slash command this program answers itself.
bool is_known_command(std::string_view text);
// ... and need not wait for the turn that runs in the conversation: /status, /queue ...
bool is_answered_beside(const InboxRow& row);

}  // namespace openclaw::channel
