// OperationTable: the operations that one instance has accepted and not yet finished, by number. A
// number that is wrong, late or used twice finds nothing here and touches no memory.
//
// Shared by the loop and the threads of the plugin; each method says which. What callers hand in
// (completers, sinks) is called on the loop only, and never under the lock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <openclaw/plugin.h>

#include "async/runtime.h"
#include "plugin/plugin_host.h"
#include "result.h"

namespace openclaw::plugin {

// Larger answers and pieces are refused: big things are blobs.
inline constexpr std::size_t kMaxAnswerBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxPieceBytes = 4 * 1024 * 1024;
// Pieces that wait for the loop; beyond that the plugin is told to wait.
inline constexpr std::size_t kMaxQueuedPieces = 256;
inline constexpr std::size_t kMaxQueuedBytes = 1024 * 1024;

class OperationTable : public std::enable_shared_from_this<OperationTable> {
 public:
  // `resume_plugin` tells the plugin that an operation may go on. [any-thread]
  OperationTable(Runtime& runtime, std::string instance_id,
                 std::function<void(oc_op)> resume_plugin);

  struct Request {
    std::string slot;  // for messages
    Completer<json::value> done;
    ProgressSink progress;
    std::function<void(std::uint64_t)> on_accepted;
  };
  // A new number. [loop]
  oc_op open(Request request);
  // Just before the slot is called: false when nobody waits any more. [plugin thread]
  bool begin(oc_op op);
  // What the slot returned. [plugin thread]
  void accepted(oc_op op);
  void rejected(oc_op op, oc_status status);

  // oc_host.complete and oc_host.progress. [any-thread]
  void complete(oc_op op, oc_status status, std::string_view text);
  oc_status progress(oc_op op, std::uint32_t stream, std::string_view data);

  // The caller is gone. True: the plugin is at it and must be told to cancel. [loop]
  bool give_up(oc_op op);
  // The grace after give_up is over. [loop]
  void forget(oc_op op);
  // The plugin has this operation and has not finished it. [any-thread]
  bool is_open(oc_op op) const;
  // The sink takes more. [loop]
  void resume(oc_op op);
  // Ends everything that is open; the plugin is not told. [loop]
  void fail_all(const Error& error);
  OperationCounts counts() const;
  // Calls `fn` on the loop, once, when nothing is open; at once when that is so already. [loop]
  void when_idle(std::function<void()> fn);

 private:
  struct Piece {
    Stream stream;
    std::string data;
  };
  enum class Phase { kQueued, kCalled, kFinished, kGivenUp };
  struct Operation {
    Phase phase = Phase::kQueued;
    std::shared_ptr<Request> request;
    bool announced = false;
    std::deque<Piece> pieces;
    std::size_t bytes = 0;
    bool held = false;          // the sink said false
    bool plugin_waits = false;  // progress answered OC_WOULD_BLOCK
    std::uint64_t resumes = 0;
    oc_status status = OC_OK;
    std::string answer;
  };
  using Lock = std::unique_lock<std::mutex>;

  // [loop]
  void announce(oc_op op);
  void drain(oc_op op, bool ignore_hold);
  void finish(oc_op op);
  Result<json::value> result_of(const Request& request, oc_status status,
                                const std::string& text) const;
  void post(void (OperationTable::*method)(oc_op), oc_op op);
  void drain_some(oc_op op) { drain(op, false); }
  bool take_wake(Operation& operation) const;

  Runtime& runtime_;
  const std::string instance_id_;
  const std::function<void(oc_op)> resume_plugin_;
  mutable std::mutex mutex_;
  std::map<oc_op, Operation> operations_;
  void tell_idle();  // under the lock
  std::function<void()> idle_;
  std::deque<oc_op> recently_completed_;  // tells a double completion from a late one
  OperationCounts counts_;
};

}  // namespace openclaw::plugin
