#include "async/task_scope.h"

#include <exception>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>
#include <spdlog/spdlog.h>

namespace openclaw {

struct TaskScope::State {
  struct Task {
    std::string name;
    asio::cancellation_signal cancel;
  };
  std::uint64_t next_id = 1;
  std::map<std::uint64_t, std::unique_ptr<Task>> tasks;
  std::shared_ptr<Event> idle;  // set when the last task ends during stop()
};

TaskScope::TaskScope(Runtime& runtime) : runtime_(runtime), state_(std::make_shared<State>()) {}

TaskScope::~TaskScope() = default;

std::size_t TaskScope::size() const { return state_->tasks.size(); }

void TaskScope::spawn(std::string name, Awaitable<> task) {
  auto id = state_->next_id++;
  auto entry = std::make_unique<State::Task>();
  entry->name = name;
  auto slot = entry->cancel.slot();
  state_->tasks.emplace(id, std::move(entry));
  auto done = [state = state_, id, name = std::move(name)](const std::exception_ptr& failure) {
    if (failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const boost::system::system_error& e) {
        if (e.code() != asio::error::operation_aborted) {
          spdlog::error("task {} ended by an exception: {}", name, e.what());
        }
      } catch (const std::exception& e) {
        spdlog::error("task {} ended by an exception: {}", name, e.what());
      }
    }
    state->tasks.erase(id);
    if (state->tasks.empty() && state->idle) state->idle->set();
  };
  asio::co_spawn(runtime_.loop(), std::move(task),
                 asio::bind_cancellation_slot(slot, std::move(done)));
}

Awaitable<std::vector<std::string>> TaskScope::stop(Deadline deadline) {
  auto state = state_;
  abort_.abort("shutting down");
  // A cancelled task may end inside emit() and leave the map: walk over ids, not iterators.
  std::vector<std::uint64_t> ids;
  for (auto& [id, task] : state->tasks) ids.push_back(id);
  for (auto id : ids) {
    if (auto found = state->tasks.find(id); found != state->tasks.end()) {
      found->second->cancel.emit(asio::cancellation_type::terminal);
    }
  }
  if (!state->tasks.empty()) {
    state->idle = std::make_shared<Event>(runtime_);
    co_await state->idle->wait(deadline);
  }
  std::vector<std::string> left;
  for (auto& [id, task] : state->tasks) left.push_back(task->name);
  co_return left;
}

}  // namespace openclaw
