// ReplyText: the text of a run while it streams. Holds back what may become the silent token
// NO_REPLY.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace openclaw::agent {

class ReplyText {
 public:
  // Answers what may be shown now that was not shown before; empty: nothing.
  std::string add(std::string_view delta);
  // A new answer of the model within the same run.
  void next_answer();
  // What was held back, unless it is the silent token.
  std::string rest();
  // All answers of the run but a silent one; empty: say nothing.
  std::string reply() const;
  std::string shown() const { return whole_.substr(0, shown_); }
  // Of the answer that is being written.
  std::string_view current() const { return std::string_view(whole_).substr(answer_start_); }

 private:
  std::string whole_;
  std::size_t shown_ = 0;
  std::size_t answer_start_ = 0;
  bool break_before_next_ = false;
};

}  // namespace openclaw::agent
