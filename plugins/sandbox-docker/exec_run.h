// ExecRun: one command in a container, from "create exec" to its exit code, over a hijacked
// connection.
//
// Strand only. The backend keeps it by its operation number until it has completed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "engine.h"
#include "flow.h"
#include "frame_reader.h"
#include "outcome.h"

namespace openclaw::docker {

struct ExecPlan {
  std::string container;
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value"
  std::string cwd, user;         // empty: the container's own
  bool tty = false, input = false;
};

// {"argv","cwd","env","tty","stdin","user"}
Outcome<ExecPlan> read_plan(std::string_view container, std::string_view exec_json);
// Body of POST /containers/ID/exec.
json::object exec_body(const ExecPlan& plan, const std::string& marker);

// Where the output goes. Answers false to be paused until resume().
using ExecSink = std::function<bool(std::uint32_t kind, std::string_view piece)>;

class ExecRun : public std::enable_shared_from_this<ExecRun> {
 public:
  ExecRun(Plugin& plugin, Engine& engine, ExecPlan plan, ExecSink sink);

  // The exit code. OC_NOT_FOUND: the container is gone or stopped.
  Flow<Outcome<int>> run();
  // Waits while the command takes no more; the Completion ends when the engine has the bytes.
  void write(Completion done, std::string_view data, bool eof);
  // SIGKILL ends the whole tree, by restarting the container if nothing else helps.
  void signal(int signo);
  void resume();
  bool killed() const { return killed_; }

 private:
  Flow<Outcome<Nothing>> create();
  Flow<Outcome<int>> exit_code();
  Flow<Nothing> drained();
  Flow<bool> container_ended();
  Flow<Nothing> doubt_refusal(std::shared_ptr<ExecRun> self);
  void release_refusal(std::uint32_t kind);
  void connect();
  void on_data(std::string_view data);
  bool read_head(std::string_view data);
  void deliver(std::uint32_t kind, std::string_view piece);
  void flush_input();
  void fail_input(const std::string& why);
  Flow<Nothing> send_signal(std::shared_ptr<ExecRun> self, int signo);
  Flow<Nothing> kill_all(std::shared_ptr<ExecRun> self);
  Flow<bool> closed_within(std::uint64_t ms);
  void on_close(std::string_view reason);

  struct Input {
    Completion done;
    std::string data;
    bool eof;
  };

  Plugin& plugin_;
  Engine& engine_;
  ExecPlan plan_;
  ExecSink sink_;
  std::string marker_, exec_id_, head_, close_reason_;
  std::string created_at_;  // UTC, to the second, as the engine writes times
  std::string refusal_;     // what the engine printed in place of a command, it seems
  bool printed_ = false;
  bool started_ = false;  // known once it ended: whether there ever was a process
  std::uint64_t stream_ = 0;
  int head_status_ = 0;  // 0 until the answer's head is complete
  FrameReader frames_;
  std::deque<std::pair<std::uint32_t, std::string>> held_;  // output the host did not take yet
  std::optional<Input> input_;
  Waiter closed_;
  std::function<void()> on_closed_, on_drained_;
  bool killed_ = false;
};

}  // namespace openclaw::docker
