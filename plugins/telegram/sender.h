// Sender: everything the account says. One chat's messages go out one at a time and in order, at
// the service's pace; what the service refuses for a reason that can be mended is mended and sent.
// Strand only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "flow.h"
#include "moved_groups.h"
#include "outgoing.h"
#include "pacer.h"
#include "pauses.h"
#include "settings.h"

namespace telegram {

class Sender {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    BotApi& api;
    parts::Pauses& pauses;
    const Settings& settings;
    MovedGroups& moved;
    std::function<void(const std::string& why)> token_lost;
  };
  explicit Sender(Services services) : s_(std::move(services)) {}

  // Each ends its Completion. The caller keeps the flow's count.
  openclaw::Flow<openclaw::Nothing> say(openclaw::Completion done, std::string payload,
                                        bool is_edit);
  openclaw::Flow<openclaw::Nothing> remove(openclaw::Completion done, std::string payload);
  openclaw::Flow<openclaw::Nothing> react(openclaw::Completion done, std::string payload);
  openclaw::Flow<openclaw::Nothing> presence(openclaw::Completion done, std::string payload);

  void cancel(oc_op op);
  // Ends every wait; calls under way are the BotApi's to end.
  void close();

 private:
  static constexpr std::size_t kMostJobs = 1024;
  static constexpr std::uint64_t kFullPauseMs = 2'000;
  static constexpr int kMostMends = 6;
  static std::uint64_t now();  // milliseconds of the monotonic clock

  struct Job {
    explicit Job(openclaw::Completion c) : done(std::move(c)) {}
    openclaw::Completion done;
    Target target;
    parts::Turnstile::Ticket ticket;
    bool cancelled = false;
    std::optional<std::uint64_t> max_wait_ms;  // until the first request has been answered with OK
    std::uint64_t http = 0, pause = 0;
  };
  using JobPtr = std::shared_ptr<Job>;
  // While an operation is under way: it can be cancelled, and its chat's next one waits.
  class Stay {
   public:
    Stay(Sender& sender, JobPtr job, std::string chat);
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;
    ~Stay();

   private:
    Sender& sender_;
    JobPtr job_;
    const std::string chat_;
    const oc_op op_;
  };
  // How one piece went: the message that shows it, or the service's answer.
  struct Put {
    Reply reply;
    std::int64_t message_id = 0;
    bool repeatable = false;                // an edit: doing it twice shows nothing twice
    bool joined = false;                    // text and files in one, which can also go apart
    std::vector<std::int64_t> others = {};  // of an album, after `message_id`
  };

  openclaw::Flow<openclaw::Nothing> run(JobPtr job, Outgoing message);
  openclaw::Flow<Put> put_part(JobPtr job, const Outgoing& message, std::size_t index);
  openclaw::Flow<Put> put_piece(JobPtr job, const Outgoing& message, std::size_t index);
  openclaw::Flow<Put> put_styled(JobPtr job, json::object params, StyledText piece,
                                 std::int64_t edit_id, bool must_exist);
  openclaw::Flow<Put> put_file(JobPtr job, const Outgoing& message, const OutgoingFile& file,
                               std::size_t index);
  openclaw::Flow<Put> put_album(JobPtr job, const Outgoing& message, std::size_t index,
                                std::size_t count);
  // How many files from the one at `from` on may be one album; 1: that one goes alone.
  std::size_t album_length(const Outgoing& message, std::size_t from) const;
  bool captions(const Outgoing& message) const;
  openclaw::Flow<Put> put_in_draft(JobPtr job, const Outgoing& message);
  openclaw::Flow<Put> put_instead(JobPtr job, json::object params, const OutgoingFile& file,
                                  std::string why);
  openclaw::Flow<Put> put_text(JobPtr job, json::object params, std::int64_t edit_id,
                               bool must_exist);
  openclaw::Flow<Put> put_plain(JobPtr job, json::object params, std::string text,
                                std::size_t limit, std::int64_t edit_id, bool must_exist);
  openclaw::Flow<Reply> paced(JobPtr job, std::string method, json::object params, bool once,
                              std::vector<parts::FormFile> files = {});
  openclaw::Flow<openclaw::Nothing> simple(openclaw::Completion done, Target target,
                                           std::string method, json::object params,
                                           std::function<bool(const Reply&)> as_good);
  bool mend(const Reply& reply, json::object& params, Job& job);
  static bool may_go_otherwise(const Put& put, Outgoing& message);
  bool too_large(const OutgoingFile& file) const;
  static json::object edit_of(const json::object& params, std::int64_t edit_id, bool caption);
  static std::int64_t message_id_of(const Reply& reply);
  static std::string face_of(std::string_view text, const json::object& params);
  json::object params_of(const Outgoing& message, const Target& target, std::size_t index) const;
  void fail(openclaw::Completion& done, const Reply& reply, bool idempotent);
  void follow_moved(Target& target) const;
  // The same text in the same message: no need to say so to the service.
  bool shows(const std::string& chat, std::int64_t message_id, const std::string& text) const;
  void note_shown(const std::string& chat, std::int64_t message_id, const std::string& text);

  Services s_;
  Pacer pacer_;
  std::map<oc_op, JobPtr> jobs_;
  std::map<std::string, parts::Turnstile> lanes_;  // by chat
  std::map<std::string, std::size_t> shown_;       // by chat and message: hash of the text
  bool closed_ = false;
};

}  // namespace telegram
