// Slash commands: answered by the gateway itself, with or without a model, while a turn runs or
// not. Loop thread only; owned by the AgentService.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/run.h"
#include "agent/turn_runner.h"

namespace openclaw::agent {

struct Command {
  std::string name;  // "status", without the slash
  std::string rest;
};

// Nothing for plain text and for slashes that are no command of ours ("/etc/passwd").
std::optional<Command> parse_command(std::string_view text);
// "stop", "abort" ... alone in a message: means /stop while a turn runs, else it is just a word.
bool is_stop_word(std::string_view text);

class SlashCommands {
 public:
  using Abort = std::function<std::vector<std::string>(const Run& asking, std::string_view reason)>;

  SlashCommands(TurnServices services, TurnRunner& runner, Abort abort)
      : s_(services), runner_(runner), abort_(std::move(abort)) {}

  // /new and /reset are not for here: they need the session's queue.
  Awaitable<TurnResult> answer(RunPtr run, Command command);
  static TurnResult reply(const Run& run, std::string text);

 private:
  Awaitable<Result<std::string>> status(RunPtr run);
  Awaitable<Result<std::string>> model(RunPtr run, std::string wanted);
  Awaitable<Result<std::string>> queue(RunPtr run, std::string rest);
  Awaitable<Result<std::string>> tools(RunPtr run);
  Awaitable<Result<std::string>> tool(RunPtr run, std::string rest);
  Awaitable<Result<std::string>> compact(RunPtr run);
  Awaitable<policy::Caller> caller(RunPtr run);

  TurnServices s_;
  TurnRunner& runner_;
  Abort abort_;
};

}  // namespace openclaw::agent
