#include "config/text_pattern.h"

#include <re2/re2.h>

namespace openclaw::config {
namespace {

constexpr std::size_t kLongestExpression = 1024;
constexpr std::int64_t kMostMemory = 1 << 20;  // bytes, for the expression and its searches

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

Result<TextPattern> TextPattern::compile(std::string_view expression) {
  if (expression.size() > kLongestExpression) {
    return Error(Code::kInvalidArgument,
                 "it is longer than " + std::to_string(kLongestExpression) + " bytes");
  }
  re2::RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  options.set_max_mem(kMostMemory);
  auto compiled = std::make_shared<const re2::RE2>(piece(expression), options);
  if (!compiled->ok()) return Error(Code::kInvalidArgument, compiled->error());
  return TextPattern(std::move(compiled));
}

bool TextPattern::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(piece(text), *compiled_);
}

}  // namespace openclaw::config
