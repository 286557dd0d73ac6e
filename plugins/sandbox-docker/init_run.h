// InitRun: a command run by openclaw-sandbox-init in its container. Strand only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <openclaw/plugin.hpp>

#include "init_link.h"
#include "run.h"

namespace openclaw::docker {

class InitRun final : public Run,
                      public InitLink::Listener,
                      public std::enable_shared_from_this<InitRun> {
 public:
  InitRun(Plugin& plugin, Engine& engine, std::shared_ptr<InitLink> link, ExecPlan plan,
          ExecSink sink);

  // Commands that are too long, and those for another user, go the engine's way.
  static bool can_run(const ExecPlan& plan);

  Flow<Outcome<int>> run() override;
  void write(Completion done, std::string_view data, bool eof) override;
  void signal(int signo) override;
  void resume() override;
  bool killed() const override { return killed_; }

  void on_frame(InitLink::Kind kind, std::string_view payload) override;
  void on_lost(const std::string& why) override;

 private:
  struct Input {
    Completion done;
    std::string data;
    std::size_t sent = 0;
    bool eof;
  };

  void deliver(std::uint32_t kind, std::string_view piece);
  void give_back(std::size_t size);
  void flush_input();
  void fail_input(const std::string& why);
  void end(Outcome<int> how);
  Flow<Nothing> stop_container(std::shared_ptr<InitRun> self);
  Flow<Nothing> make_room();

  Plugin& plugin_;
  Engine& engine_;
  std::shared_ptr<InitLink> link_;
  ExecPlan plan_;
  ExecSink sink_;
  std::uint32_t command_ = 0;  // 0: not started, or over
  std::uint32_t input_room_ = sandbox_init::kInputWindow;
  std::uint32_t returned_ = 0;  // output we have room for again and did not say yet
  std::optional<Input> input_;
  std::deque<std::pair<std::uint32_t, std::string>> held_;  // output the host did not take yet
  std::size_t held_size_ = 0;
  Waiter ended_;
  std::function<void()> on_drained_;
  Outcome<int> how_ = 0;
  std::uint64_t patience_ = 0;  // timer from a kill on
  bool killed_ = false;
  bool no_room_ = false;  // for another process, or for its pipes
};

}  // namespace openclaw::docker
