// ExecRun: a command by the engine's own "exec", from its creation to its exit code. For containers
// without our init.
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
#include "hijacked.h"
#include "outcome.h"
#include "run.h"

namespace openclaw::docker {

// Body of POST /containers/ID/exec.
json::object exec_body(const ExecPlan& plan, const std::string& marker);

class ExecRun final : public Run, public std::enable_shared_from_this<ExecRun> {
 public:
  ExecRun(Plugin& plugin, Engine& engine, ExecPlan plan, ExecSink sink);

  Flow<Outcome<int>> run() override;
  void write(Completion done, std::string_view data, bool eof) override;
  void signal(int signo) override;
  void resume() override;
  bool killed() const override { return killed_; }

 private:
  Flow<Outcome<Nothing>> create();
  Flow<Outcome<int>> exit_code();
  Flow<Nothing> drained();
  Flow<bool> container_ended();
  Flow<Nothing> doubt_refusal(std::shared_ptr<ExecRun> self);
  void release_refusal(std::uint32_t kind);
  void connect();
  bool is_connected() const { return stream_ && !closed_.has_arrived(); }
  void on_data(std::string_view data);
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
  std::string marker_, exec_id_, close_reason_;
  std::string created_at_;  // UTC, to the second, as the engine writes times
  std::string refusal_;     // what the engine printed in place of a command, it seems
  bool printed_ = false;
  bool started_ = false;  // known once it ended: whether there ever was a process
  std::shared_ptr<Hijacked> stream_;
  FrameReader frames_;
  std::deque<std::pair<std::uint32_t, std::string>> held_;  // output the host did not take yet
  std::optional<Input> input_;
  Waiter closed_;
  std::function<void()> on_closed_, on_drained_;
  bool killed_ = false;
};

}  // namespace openclaw::docker
