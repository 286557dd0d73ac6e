// Where a turn stood when its process ended, read from the transcript. A run that is asked for
// again with `resume` goes on from there: its message is not written down a second time, an answer
// that is on disk is not asked for again, and no tool runs twice. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation.h"

namespace openclaw::agent {

struct Recovery {
  enum class Stage {
    kNotBegun,  // the message is not in the transcript: the turn begins
    kAskModel,  // the model is to be asked: nothing came after the message, or all tools answered
    kUseTools,  // `calls` were asked for and none of them has started
    kAnswered,  // the whole answer is there
    kSteered,   // the message went into the turn of another one
    kUnknown    // tools may have run and their results are missing: nobody can say what was done
  };
  Stage stage = Stage::kNotBegun;
  std::vector<std::string> answers = {};  // what the model has said in this turn, oldest first
  json::array calls = {};                 // the content of the message with the calls
};

// `tools_ran`: the caller noted, before the first tool of the run, that tools were to start. The
// calls of each round are on disk before it starts, so a transcript without them had no such round.
Recovery recover(const Context& context, std::string_view run_id, bool tools_ran);

}  // namespace openclaw::agent
