// ArgumentCheck: a tool's parameter schema, compiled once, and the question whether a call's
// arguments fit it. Immutable after construction, but used on the loop thread only. Private to the
// tool room.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "result.h"

namespace openclaw::tool {

constexpr std::size_t kMaxArgumentBytes = 1024 * 1024;
constexpr std::size_t kMaxArgumentDepth = 32;

class ArgumentCheck {
 public:
  // kInvalidArgument: `parameters` is no schema of an object. Arguments that it does not name are
  // refused even when it forgets to say so. "pattern" is not checked here: std::regex recurses once
  // per character, and the text comes from a model; a tool that needs it checks itself.
  static Result<ArgumentCheck> compile(const json::object& parameters);
  ArgumentCheck(ArgumentCheck&&) noexcept;
  ArgumentCheck& operator=(ArgumentCheck&&) noexcept;
  ~ArgumentCheck();

  // kInvalidArgument names the field and what was expected.
  Result<void> check(const json::object& args) const;

 private:
  struct Impl;
  explicit ArgumentCheck(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Size and nesting alone; runs before anything else looks at the arguments.
Result<void> check_bounds(const json::object& args);

}  // namespace openclaw::tool
