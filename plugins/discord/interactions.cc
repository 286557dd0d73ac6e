#include "interactions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kept_value.h"
#include "outgoing.h"

namespace discord {
namespace {

using openclaw::Flow;
using openclaw::Nothing;

constexpr std::size_t kMostWaitingAnswers = 256;
constexpr std::uint64_t kTokenHoldsMs = 14 * 60'000;  // the service says 15 minutes
constexpr std::uint32_t kDeferMs = 2'500;
constexpr std::uint64_t kUnheardMs = 20'000;  // more than a turn takes to begin
constexpr std::int64_t kApplicationCommand = 2;
constexpr std::int64_t kMessageComponent = 3;
constexpr int kDeferredMessage = 5;
constexpr int kDeferredUpdate = 6;
constexpr int kTextOption = 3;
constexpr std::size_t kMaxToken = 512;

struct Command {
  std::string_view name, description, argument;  // argument: what it is; empty: it takes none
};
constexpr std::array<Command, 9> kOffered{
    {{"help", "What you can type here", ""},
     {"status", "The session, its model and what it has used", ""},
     {"new", "Begin a new session", ""},
     {"stop", "Stop what is running", ""},
     {"model", "Show or choose the model", "name of the model"},
     {"queue", "What happens to messages that come while a turn runs",
      "collect | followup | steer | interrupt | default"},
     {"compact", "Replace the older part of the conversation by a summary", ""},
     {"tools", "The tools you may use", ""},
     {"tool", "Run a tool", "NAME {json}"}}};

json::array command_list() {
  json::array out;
  for (const Command& command : kOffered) {
    json::object each{{"name", command.name}, {"description", command.description}, {"type", 1}};
    if (!command.argument.empty()) {
      each["options"] = json::array{json::object{{"name", "input"},
                                                 {"description", command.argument},
                                                 {"type", kTextOption},
                                                 {"required", false}}};
    }
    out.push_back(std::move(each));
  }
  return out;
}

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kMaxToken &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

}  // namespace

void Interactions::introduce(const std::string& application_id) {
  if (application_id.empty() || introduced_) return;
  application_id_ = application_id;
  introduced_ = true;
  s_.spawn(register_commands());
}

// Overwriting is slow to show up for people and counted, so it is done only for a change.
Flow<Nothing> Interactions::register_commands() {
  const std::string key = "commands:" + application_id_;
  json::array commands = s_.settings.native_commands ? command_list() : json::array();
  const std::string wanted = json::serialize(commands);
  Flow<parts::KeptValue> reading = parts::read_kept(s_.plugin, key);
  const parts::KeptValue told = co_await std::move(reading);
  if (told.value == wanted || (told.value.empty() && commands.empty())) co_return Nothing{};
  Call call;
  call.method = "PUT";
  call.path = "/applications/" + application_id_ + "/commands";
  call.route = {"PUT /applications/:id/commands", ""};
  call.body = std::move(commands);
  Flow<Reply> asking = s_.api.call(std::move(call), {});
  const Reply reply = co_await std::move(asking);
  if (reply.ok()) {
    s_.plugin.kv().put(key, wanted);
  } else {
    introduced_ = false;  // with the next session
    s_.plugin.log().warn("the slash commands were not registered: " + reply.text);
  }
  co_return Nothing{};
}

void Interactions::received(const json::value& data) {
  const json::object* interaction = data.if_object();
  if (interaction == nullptr) return;
  const std::int64_t type = parts::int_in(*interaction, "type", 0);
  if (type != kApplicationCommand && type != kMessageComponent) return;
  std::string id = read_message_id(*interaction, "id");
  std::string token(parts::text_in(*interaction, "token"));
  // Not the one of READY: a session that is resumed after a restart has shown none.
  const std::string application = read_message_id(*interaction, "application_id");
  if (id.empty() || !is_token(token)) return;
  if (type == kMessageComponent) {
    s_.spawn(take_press(std::move(id), std::move(token)));
    return;
  }
  forget_old();
  waiting_[id] = {application, token, clock_ms()};
  s_.spawn(take_command(std::move(id), std::move(token)));
}

Flow<Nothing> Interactions::take_press(std::string id, std::string token) {
  Flow<Reply> asking = defer(std::move(id), std::move(token), kDeferredUpdate);
  (void)co_await std::move(asking);
  co_return Nothing{};
}

Flow<Nothing> Interactions::take_command(std::string id, std::string token) {
  struct Over {
    std::shared_ptr<FirstAnswer> first;
    ~Over() {
      first->over = true;
      for (openclaw::Waiter* each : std::exchange(first->waiting, {})) each->arrived();
    }
  };
  const Over over{waiting_[id].first};
  Flow<Reply> asking = defer(id, std::move(token), kDeferredMessage);
  const Reply reply = co_await std::move(asking);
  constexpr std::int64_t kAnsweredAlready = 40060;
  // Too late, or from a replay: the reply is then a message like others.
  if (!reply.ok() && !reply.refused(kAnsweredAlready)) waiting_.erase(id);
  const auto found = waiting_.find(id);
  if (!reply.ok() || found == waiting_.end()) co_return Nothing{};
  found->second.ours = true;
  s_.plugin.timer().after(kUnheardMs, [this, id] { withdraw_unless_worked_on(id); });
  co_return Nothing{};
}

void Interactions::is_worked_on(const std::string& interaction_id) {
  const auto found = waiting_.find(interaction_id);
  if (found != waiting_.end()) found->second.worked_on = true;
}

// Whoever may not command is not answered, and must not see that the bot "is thinking" for the
// quarter of an hour that the service gives it.
void Interactions::withdraw_unless_worked_on(const std::string& id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.worked_on || !found->second.ours) return;
  const Waiting of = found->second;
  waiting_.erase(found);
  s_.spawn(withdraw(of));
}

Flow<Nothing> Interactions::withdraw(Waiting of) {
  Call call;
  call.method = "DELETE";
  call.path = "/webhooks/" + of.application_id + "/" + of.token + "/messages/@original";
  call.route = {"DELETE /webhooks/:id/:token/messages/@original", of.application_id};
  Flow<Reply> asking = s_.api.call(std::move(call), {});
  (void)co_await std::move(asking);
  co_return Nothing{};
}

// A command that is quickly answered is so before the service has heard that it is taken.
Flow<Nothing> Interactions::first_answer(std::string interaction_id) {
  const auto found = waiting_.find(interaction_id);
  if (found == waiting_.end() || found->second.first->over) co_return Nothing{};
  openclaw::Waiter answered;
  found->second.first->waiting.push_back(&answered);
  co_await answered;
  co_return Nothing{};
}

Flow<Reply> Interactions::defer(std::string id, std::string token, int answer) {
  Call call;
  call.method = "POST";
  call.path = "/interactions/" + id + "/" + token + "/callback";
  call.route = {"POST /interactions/:id/:token/callback", id};
  call.body = json::object{{"type", answer}};
  RestApi::Options options;
  options.timeout_ms = kDeferMs;
  options.most_wait_ms = kDeferMs;
  Flow<Reply> asking = s_.api.call(std::move(call), options);
  co_return co_await std::move(asking);
}

void Interactions::forget_old() {
  const std::uint64_t now = clock_ms();
  std::erase_if(waiting_,
                [now](const auto& entry) { return entry.second.since_ms + kTokenHoldsMs < now; });
  if (waiting_.size() >= kMostWaitingAnswers) waiting_.erase(waiting_.begin());
}

Call Interactions::answer_call(const std::string& interaction_id, json::object body) const {
  Call out;
  out.path.clear();
  const auto found = waiting_.find(interaction_id);
  if (found == waiting_.end() || found->second.since_ms + kTokenHoldsMs < clock_ms()) return out;
  out.method = "PATCH";
  out.path = "/webhooks/" + found->second.application_id + "/" + found->second.token +
             "/messages/@original";
  out.route = {"PATCH /webhooks/:id/:token/messages/@original", interaction_id};
  out.body = std::move(body);
  return out;
}

}  // namespace discord
