// ReplyDraft: what the person sees while a turn runs: the typing indicator, and the reply as it
// grows, in one message that is edited at the platform's pace. The final text does not come from
// here: it goes through the outbox, which edits the same message. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "channel/accounts.h"
#include "channel/store.h"

namespace openclaw::channel {

// A model's whole answer when it has nothing to say to the chat.
inline constexpr std::string_view kSilentReply = "NO_REPLY";

class ReplyDraft {
 public:
  struct Plan {
    std::string instance;
    json::object conversation;
    json::value reply_to;     // null or {"messageId"}
    std::string question_id;  // the message that the turn is about; may be empty
    std::int64_t inbox_id = 0;
    std::string message_id;               // of a draft that a restart left
    std::string reply_key;                // the idempotency key of the reply that it becomes
    std::int64_t typing_interval_ms = 0;  // 0: no indicator
    std::int64_t edit_interval_ms = 0;    // 0: no streaming
    std::int64_t min_chars = 30;
    // False while earlier replies of the conversation wait: a draft must not stand before them.
    std::function<bool()> may_begin = {};
  };
  ReplyDraft(Runtime& runtime, Accounts& accounts, Store& store, Plan plan)
      : runtime_(runtime),
        accounts_(accounts),
        store_(store),
        plan_(std::move(plan)),
        typing_end_(runtime),
        stream_end_(runtime),
        over_(runtime) {}

  // The whole text so far.
  void set_text(std::string text);
  // The message to answer, in words of the model; empty: the one that the turn is about.
  void answer(const std::string& message_id);
  // Each runs until end(); the caller spawns them in its scope.
  static Awaitable<> keep_typing(std::shared_ptr<ReplyDraft> self);
  static Awaitable<> keep_streaming(std::shared_ptr<ReplyDraft> self);
  // Ends both and waits for a call that is under way, so that nothing is shown after the reply.
  Awaitable<> end();
  const std::string& message_id() const { return plan_.message_id; }
  // A draft may be in the chat whose id nobody knows: the reply will stand beside it.
  bool left_unknown() const { return unknown_; }
  // Takes the draft back: the turn turned out to say nothing.
  Awaitable<> withdraw();

 private:
  Awaitable<> wait_for_change(Deadline deadline);
  Awaitable<bool> show(std::string text);
  Awaitable<bool> show_first(std::string text);
  json::object message_of(const std::string& text) const;

  Runtime& runtime_;
  Accounts& accounts_;
  Store& store_;
  Plan plan_;
  std::string text_, shown_;
  std::shared_ptr<Event> change_;
  bool ending_ = false;
  bool unknown_ = false;
  bool typing_started_ = false, streaming_started_ = false;
  AbortSource abort_;
  Event typing_end_, stream_end_, over_;
};

}  // namespace openclaw::channel
