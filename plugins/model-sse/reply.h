// Reply: one answer of a model while it is being received, the same for every vendor.
//
// A vendor's decoder feeds it; it makes the deltas and the completion of plugin-api/PAYLOADS.md,
// "model".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <openclaw/abi.h>

#include "fields.h"

namespace openclaw::model {

// A failure in the words of a failed completion.
struct Failure {
  oc_status code = OC_INTERNAL;
  std::string message;
  std::uint64_t retry_after_ms = 0;
  std::string platform_code;  // "context_length" when the request was too long for the model
};

// Strand of the call; owned by it.
class Reply {
 public:
  using Sink = std::function<void(std::string_view delta_json)>;
  explicit Reply(Sink sink) : sink_(std::move(sink)) {}

  // `block` orders the blocks of the answer; a vendor without block numbers uses one for each kind.
  void text(std::int64_t block, std::string_view delta);
  void thinking(std::int64_t block, std::string_view delta);
  void signature(std::int64_t block, std::string_view text);
  // Thinking that the vendor gives only in encrypted form.
  void redacted(std::int64_t block, std::string_view data);
  void tool_call(std::int64_t block, std::string_view id, std::string_view name,
                 std::string_view arguments_delta);
  bool has_tool_call(std::int64_t block) const;
  std::string tool_call_id(std::int64_t block) const;

  // Token counts as the vendor names them; the last value wins, a zero does not replace a number.
  void usage(std::string_view name, std::int64_t tokens);
  void stop(std::string reason) { stop_ = std::move(reason); }
  bool stopped() const { return !stop_.empty(); }
  bool empty() const { return blocks_.empty(); }

  // {"content","usage","stopReason"}
  json::object completion() const;

 private:
  enum class Kind { kText, kThinking, kToolCall };
  struct Block {
    Kind kind = Kind::kText;
    std::string text;  // or the arguments
    std::string signature, id, name, redacted;
    std::int64_t index = 0;  // among the tool calls
  };
  Block& block(std::int64_t number, Kind kind);

  Sink sink_;
  std::map<std::int64_t, Block> blocks_;
  std::map<std::string, std::int64_t, std::less<>> usage_;
  std::string stop_;
  std::int64_t tool_calls_ = 0;
};

}  // namespace openclaw::model
