// InitLink: the connection to openclaw-sandbox-init in one container, shared by all commands in
// there. What comes over it is checked as hostile: whoever broke out of a command may write it.
// Strand only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openclaw/plugin.hpp>

#include "engine.h"
#include "flow.h"
#include "frame_reader.h"
#include "hijacked.h"
#include "init_frames.h"
#include "outcome.h"

namespace openclaw::docker {

class InitLink : public std::enable_shared_from_this<InitLink> {
 public:
  using Kind = sandbox_init::Kind;

  // One command's end of the link.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_frame(Kind kind, std::string_view payload) = 0;
    virtual void on_lost(const std::string& why) = 0;  // the last call
  };

  InitLink(Plugin& plugin, Engine& engine, std::string container);

  // Connects unless it is connected. OC_NOT_FOUND: the container does not run. OC_UNAVAILABLE: it
  // does, and nobody in there answers.
  Flow<Outcome<Nothing>> ready();
  // A number for a new command, whose frames go to `listener` until remove().
  std::uint32_t add(std::weak_ptr<Listener> listener);
  void remove(std::uint32_t command) { listeners_.erase(command); }
  bool has_commands() const { return !listeners_.empty(); }
  void send(Kind kind, std::uint32_t command, std::string_view payload);
  void close();
  bool is_closed() const { return state_ == State::kClosed; }

 private:
  enum class State { kClosed, kOpening, kOpen };

  void connect();
  void say_hello();
  void wait_for_answer(std::uint64_t ms, std::uint64_t then_ms);
  Flow<Nothing> look_whether_it_runs(std::shared_ptr<InitLink> self);
  void flush();
  void on_data(std::string_view data);
  void on_close(std::string_view reason);
  void settle(const Outcome<Nothing>& outcome);

  Plugin& plugin_;
  Engine& engine_;
  std::string container_;
  State state_ = State::kClosed;
  std::shared_ptr<Hijacked> stream_;
  FrameReader frames_;
  std::string ready_frame_;  // what the helper will answer to our hello
  InitFrames incoming_;
  std::deque<std::string> outgoing_;  // what the connection did not take yet
  std::map<std::uint32_t, std::weak_ptr<Listener>> listeners_;
  std::uint32_t last_command_ = 0;
  std::uint64_t patience_ = 0;  // timer of the handshake
  std::vector<Waiter*> waiting_;
  Outcome<Nothing> outcome_ = Nothing{};
};

}  // namespace openclaw::docker
