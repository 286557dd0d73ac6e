#include "sse_parser.h"

namespace openclaw::model {

bool SseParser::feed(std::string_view bytes) {
  while (!bytes.empty() && !overflowed_) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    auto end = bytes.find_first_of("\r\n");
    auto piece = bytes.substr(0, end);
    if (partial_.size() + data_.size() + piece.size() > max_event_bytes_) {
      overflowed_ = true;
      break;
    }
    if (end == std::string_view::npos) {
      partial_ += piece;
      return true;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (partial_.empty()) {
      line(piece);
    } else {
      partial_ += piece;
      auto whole = std::move(partial_);
      partial_.clear();
      line(whole);
    }
  }
  return !overflowed_;
}

void SseParser::finish() {
  if (overflowed_) return;
  if (!partial_.empty()) {
    auto whole = std::move(partial_);
    partial_.clear();
    line(whole);
  }
  dispatch();
}

void SseParser::line(std::string_view text) {
  if (first_line_) {
    first_line_ = false;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  }
  if (text.empty()) {
    dispatch();
    return;
  }
  auto colon = text.find(':');
  auto field = text.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (field == "event") {
    name_ = value;
  }
}

void SseParser::dispatch() {
  if (has_data_) handler_(name_, data_);
  has_data_ = false;
  data_.clear();
  name_.clear();
}

}  // namespace openclaw::model
