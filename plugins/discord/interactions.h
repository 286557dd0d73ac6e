// Interactions: slash commands that the service offers people while they type, and buttons they
// press. Each has to be answered within three seconds, which is what this does at once. A command's
// answer is "is thinking", and the reply takes its place when it is there; a press is only said to
// have been seen. Strand only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "rest_api.h"
#include "settings.h"

namespace discord {

class Interactions {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    RestApi& api;
    const Settings& settings;
    // Runs a flow beside others, and counts it.
    std::function<void(openclaw::Flow<openclaw::Nothing>)> spawn;
  };
  explicit Interactions(Services services) : s_(std::move(services)) {}

  // The application is known: tells the service the commands, when they are not what it has. None
  // when they are not offered (any more).
  void introduce(const std::string& application_id);
  // One has come in.
  void received(const json::value& data);

  // Somebody works on the reply.
  void is_worked_on(const std::string& interaction_id);
  // Until the first answer of a command is out: before that, nothing can take its place.
  openclaw::Flow<openclaw::Nothing> first_answer(std::string interaction_id);
  // The call that puts a text in the place of the first answer; without a path when it is too late
  // for that, or was done already.
  Call answer_call(const std::string& interaction_id, json::object body) const;
  void answered(const std::string& interaction_id) { waiting_.erase(interaction_id); }

 private:
  // The first answer, on its way. Shared with those who wait for it: the same interaction may come
  // again.
  struct FirstAnswer {
    bool over = false;
    std::vector<openclaw::Waiter*> waiting = {};
  };
  struct Waiting {
    std::string application_id, token;
    std::uint64_t since_ms = 0;
    std::shared_ptr<FirstAnswer> first = std::make_shared<FirstAnswer>();
    bool worked_on = false;
    bool ours = false;  // the first answer is of this process, and nothing has taken its place
  };
  openclaw::Flow<openclaw::Nothing> register_commands();
  openclaw::Flow<openclaw::Nothing> take_command(std::string id, std::string token);
  openclaw::Flow<Reply> defer(std::string id, std::string token, int answer);
  openclaw::Flow<openclaw::Nothing> take_press(std::string id, std::string token);
  void withdraw_unless_worked_on(const std::string& id);
  openclaw::Flow<openclaw::Nothing> withdraw(Waiting of);
  void forget_old();

  Services s_;
  std::string application_id_;
  std::map<std::string, Waiting> waiting_;
  bool introduced_ = false;
};

}  // namespace discord
