#include "plugin/operation_table.h"

#include <algorithm>
#include <atomic>

#include <spdlog/spdlog.h>

namespace openclaw::plugin {
namespace {

constexpr std::size_t kRemembered = 256;

// Never reused in a process lifetime, never 0.
oc_op next_op() {
  static std::atomic<oc_op> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

Code code_of(oc_status status) {
  if (status <= OC_OK || status > OC_INTERNAL) return Code::kInternal;
  return static_cast<Code>(status);
}

}  // namespace

OperationTable::OperationTable(Runtime& runtime, std::string instance_id,
                               std::function<void(oc_op)> resume_plugin)
    : runtime_(runtime),
      instance_id_(std::move(instance_id)),
      resume_plugin_(std::move(resume_plugin)) {}

oc_op OperationTable::open(Request request) {
  const oc_op op = next_op();
  Operation operation;
  operation.request = std::make_shared<Request>(std::move(request));
  const Lock lock(mutex_);
  operations_.emplace(op, std::move(operation));
  return op;
}

bool OperationTable::begin(oc_op op) {
  const Lock lock(mutex_);
  const auto found = operations_.find(op);
  if (found == operations_.end()) return false;
  found->second.phase = Phase::kCalled;
  ++counts_.accepted;
  return true;
}

void OperationTable::accepted(oc_op op) {
  post(&OperationTable::announce, op);
}

void OperationTable::rejected(oc_op op, oc_status status) {
  {
    const Lock lock(mutex_);
    // It completed what it now says it did not accept, and the answer may have been delivered
    // already.
    if (std::find(recently_completed_.begin(), recently_completed_.end(), op) !=
        recently_completed_.end()) {
      ++counts_.doubled;
      return;
    }
    --counts_.accepted;
    const auto found = operations_.find(op);
    if (found == operations_.end()) return;
    if (found->second.phase == Phase::kGivenUp) {
      operations_.erase(found);
      tell_idle();
      return;
    }
    found->second.phase = Phase::kFinished;
    found->second.status = status;
    found->second.announced = true;  // there is nothing to announce
  }
  post(&OperationTable::finish, op);
}

void OperationTable::complete(oc_op op, oc_status status, std::string_view text) {
  {
    const Lock lock(mutex_);
    const auto found = operations_.find(op);
    if (found == operations_.end() || found->second.phase == Phase::kQueued) {
      const bool twice = std::find(recently_completed_.begin(), recently_completed_.end(), op) !=
                         recently_completed_.end();
      ++(twice ? counts_.doubled : counts_.late);
      return;
    }
    Operation& operation = found->second;
    if (operation.phase == Phase::kFinished) {
      ++counts_.doubled;
      return;
    }
    ++counts_.completed;
    recently_completed_.push_back(op);
    if (recently_completed_.size() > kRemembered) recently_completed_.pop_front();
    if (operation.phase == Phase::kGivenUp) {
      operations_.erase(found);
      tell_idle();
      return;
    }
    operation.phase = Phase::kFinished;
    operation.status = status;
    if (text.size() <= kMaxAnswerBytes) {
      operation.answer = std::string(text);
    } else {
      operation.status = OC_PROTOCOL;
      operation.answer =
          R"({"message":"the plugin answered with more than 16 MiB; large things are blobs"})";
    }
  }
  post(&OperationTable::finish, op);
}

oc_status OperationTable::progress(oc_op op, std::uint32_t stream, std::string_view data) {
  if (stream > OC_STREAM_BINARY) return OC_INVALID_ARGUMENT;
  if (data.size() > kMaxPieceBytes) return OC_RESOURCE_EXHAUSTED;
  {
    const Lock lock(mutex_);
    const auto found = operations_.find(op);
    if (found == operations_.end() || found->second.phase != Phase::kCalled) return OC_NOT_FOUND;
    Operation& operation = found->second;
    // Nobody reads along: the plugin need not know.
    if (!operation.request->progress) return OC_OK;
    // One piece is always taken, however large: else a plugin with large pieces would never get on.
    const bool full =
        operation.pieces.size() >= kMaxQueuedPieces ||
        (!operation.pieces.empty() && operation.bytes + data.size() > kMaxQueuedBytes);
    if (operation.held || full) {
      operation.plugin_waits = true;
      return OC_WOULD_BLOCK;
    }
    operation.pieces.push_back({static_cast<Stream>(stream), std::string(data)});
    operation.bytes += data.size();
    if (operation.pieces.size() > 1) return OC_OK;  // a drain is on its way
  }
  post(&OperationTable::drain_some, op);
  return OC_OK;
}

bool OperationTable::give_up(oc_op op) {
  const Lock lock(mutex_);
  const auto found = operations_.find(op);
  if (found == operations_.end()) return false;
  if (found->second.phase == Phase::kCalled) {
    ++counts_.cancelled;
    found->second.phase = Phase::kGivenUp;
    found->second.pieces.clear();
    found->second.request.reset();
    return true;
  }
  if (found->second.phase != Phase::kGivenUp) operations_.erase(found);
  tell_idle();
  return false;
}

void OperationTable::forget(oc_op op) {
  {
    const Lock lock(mutex_);
    const auto found = operations_.find(op);
    if (found == operations_.end() || found->second.phase != Phase::kGivenUp) return;
    operations_.erase(found);
    tell_idle();
    ++counts_.overrun;
  }
  spdlog::warn("plugin {}: operation {} was cancelled and not finished within the grace",
               instance_id_, op);
}

bool OperationTable::is_open(oc_op op) const {
  const Lock lock(mutex_);
  const auto found = operations_.find(op);
  return found != operations_.end() &&
         (found->second.phase == Phase::kCalled || found->second.phase == Phase::kGivenUp);
}

void OperationTable::resume(oc_op op) {
  bool wake = false;
  {
    const Lock lock(mutex_);
    const auto found = operations_.find(op);
    if (found == operations_.end()) return;
    found->second.held = false;
    ++found->second.resumes;
    if (found->second.pieces.empty()) {
      wake = take_wake(found->second);
    } else {
      post(&OperationTable::drain_some, op);
    }
  }
  if (wake) resume_plugin_(op);
}

void OperationTable::fail_all(const Error& error) {
  std::map<oc_op, Operation> all;
  {
    const Lock lock(mutex_);
    all.swap(operations_);
    tell_idle();
  }
  for (auto& [op, operation] : all) {
    if (operation.request) operation.request->done.now(error);
  }
}

void OperationTable::when_idle(std::function<void()> fn) {
  const Lock lock(mutex_);
  idle_ = std::move(fn);
  tell_idle();
}

void OperationTable::tell_idle() {
  if (idle_ && operations_.empty()) runtime_.post(std::exchange(idle_, nullptr));
}

OperationCounts OperationTable::counts() const {
  const Lock lock(mutex_);
  return counts_;
}

void OperationTable::announce(oc_op op) {
  std::shared_ptr<Request> request;
  {
    const Lock lock(mutex_);
    const auto found = operations_.find(op);
    if (found == operations_.end() || found->second.announced || !found->second.request) return;
    found->second.announced = true;
    request = found->second.request;
  }
  if (request->on_accepted) request->on_accepted(op);
}

// Half empty again: a plugin that waits may go on.
bool OperationTable::take_wake(Operation& operation) const {
  if (!operation.plugin_waits || operation.phase != Phase::kCalled || operation.held ||
      operation.pieces.size() > kMaxQueuedPieces / 2 || operation.bytes > kMaxQueuedBytes / 2) {
    return false;
  }
  operation.plugin_waits = false;
  return true;
}

void OperationTable::drain(oc_op op, bool ignore_hold) {
  announce(op);
  while (true) {
    std::shared_ptr<Request> request;
    Piece piece;
    std::uint64_t resumes = 0;
    bool wake = false;
    {
      const Lock lock(mutex_);
      const auto found = operations_.find(op);
      if (found == operations_.end() || !found->second.request) return;
      Operation& operation = found->second;
      if (operation.pieces.empty() || (operation.held && !ignore_hold)) return;
      piece = std::move(operation.pieces.front());
      operation.pieces.pop_front();
      operation.bytes -= piece.data.size();
      request = operation.request;
      resumes = operation.resumes;
      wake = take_wake(operation);
    }
    const bool go_on = request->progress(piece.stream, piece.data);
    if (!go_on) {
      const Lock lock(mutex_);
      const auto found = operations_.find(op);
      // A sink that has called resume() in the meantime does not mean to hold.
      if (found != operations_.end() && found->second.resumes == resumes) found->second.held = true;
    }
    if (wake) resume_plugin_(op);
  }
}

void OperationTable::finish(oc_op op) {
  drain(op, true);
  Operation operation;
  {
    const Lock lock(mutex_);
    const auto found = operations_.find(op);
    if (found == operations_.end() || found->second.phase != Phase::kFinished) return;
    operation = std::move(found->second);
    operations_.erase(found);
    tell_idle();
  }
  operation.request->done.now(result_of(*operation.request, operation.status, operation.answer));
}

Result<json::value> OperationTable::result_of(const Request& request, oc_status status,
                                              const std::string& text) const {
  boost::system::error_code failure;
  json::value value = text.empty() ? json::value(json::object()) : json::parse(text, failure);
  if (status == OC_OK) {
    if (!failure) return value;
    return make_error(Code::kProtocol,
                      "plugin " + instance_id_ + " answered " + request.slot +
                          " with something that is not JSON: " + failure.message());
  }
  Error error(code_of(status), {});
  if (const auto* object = failure ? nullptr : value.if_object()) {
    if (const auto* message = object->if_contains("message"); message && message->is_string()) {
      error.message = std::string(message->get_string());
    }
    if (const auto* delay = object->if_contains("retryAfterMs"); delay && delay->is_number()) {
      boost::system::error_code not_exact;
      const auto ms = delay->to_number<std::int64_t>(not_exact);
      if (!not_exact && ms >= 0)
        error.retry_after = std::chrono::milliseconds(std::min<std::int64_t>(ms, 86'400'000));
    }
    if (const auto* code = object->if_contains("platformCode"))
      error.details["platformCode"] = *code;
  }
  if (error.message.empty()) {
    error.message = "plugin " + instance_id_ + " refused " + request.slot + " (" +
                    std::string(code_name(error.code)) + ")";
  }
  return error;
}

void OperationTable::post(void (OperationTable::*method)(oc_op), oc_op op) {
  runtime_.post([self = shared_from_this(), method, op] { (self.get()->*method)(op); });
}

}  // namespace openclaw::plugin
