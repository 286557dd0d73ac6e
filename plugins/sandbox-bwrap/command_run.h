// CommandRun: one command in a sandbox, from its start to its exit code. On the loop's thread only.
//
// Every command has a process namespace of its own: what it left running in the background ends
// with it, and the end of that namespace's first process is the end of all.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <openclaw/plugin.hpp>

#include "io_loop.h"
#include "launch.h"

namespace openclaw::bwrap {

class CommandRun : public std::enable_shared_from_this<CommandRun> {
 public:
  // Where the output goes. Answers false to be paused until resume().
  using Sink = std::function<bool(std::uint32_t kind, std::string_view piece)>;
  using Ended = std::function<void(Outcome<int> exit_code)>;

  CommandRun(IoLoop& loop, Sink sink) : loop_(loop), sink_(std::move(sink)) {}
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;
  ~CommandRun();

  // `processes`: how many this command may have at once. It is set from outside once there is a
  // user namespace: before, the kernel would count all that the user runs on the host.
  void start(const LaunchPlan& plan, std::optional<RlimitPlan> processes, Ended ended);
  // Waits while the command takes no more.
  void write(Completion done, std::string_view data, bool eof);
  // SIGKILL ends all processes of the command.
  void signal(int signo);
  void resume();
  bool killed() const { return killed_; }

 private:
  struct Input {
    Completion done;
    std::string data;
    std::size_t sent = 0;
    bool eof = false;
  };

  void watch_all();
  void read_status();
  void take_status(std::string_view line);
  void open_gate();
  void read_output(Descriptor& from, std::uint32_t kind);
  void deliver(std::uint32_t kind, std::string_view piece);
  bool hold_words(std::uint32_t kind, std::string_view piece);
  void flush_input();
  void end_input(oc_status status, const std::string& why);
  void close(Descriptor& which);
  void kill_now();
  void on_exit();
  void settle();
  Outcome<int> outcome() const;
  void say_words();

  IoLoop& loop_;
  Sink sink_;
  Ended ended_;
  Launched process_;
  std::optional<RlimitPlan> processes_;
  Descriptor first_;  // the first process of its namespace
  pid_t first_pid_ = 0;
  std::string status_text_;
  std::optional<int> exit_code_;  // of the command itself
  std::optional<Outcome<int>> result_;
  int bwrap_status_ = 0;
  bool exited_ = false, over_ = false, grace_over_ = false, killed_ = false;
  bool tty_ = false, takes_input_ = false, printed_errors_ = false;
  std::string words_;  // of bwrap, or of a command that begins like it
  std::deque<std::pair<std::uint32_t, std::string>> held_;  // what the host did not take yet
  std::optional<Input> input_;
  std::uint64_t timer_ = 0;
};

}  // namespace openclaw::bwrap
