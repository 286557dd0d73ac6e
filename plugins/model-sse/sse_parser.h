// SseParser: server-sent events out of bytes as they come from the network.
//
// Lines may end in LF, CRLF or CR, and a piece may end anywhere, also between CR and LF. Fields
// other than event and data are passed over. No thread of its own; owned by one call.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace openclaw::model {

class SseParser {
 public:
  // `name` is empty for events without one. The views are valid until the handler returns.
  using Handler = std::function<void(std::string_view name, std::string_view data)>;

  explicit SseParser(Handler handler, std::size_t max_event_bytes = 16U << 20)
      : handler_(std::move(handler)), max_event_bytes_(max_event_bytes) {}

  // False when an event is larger than allowed; the parser then ignores everything.
  bool feed(std::string_view bytes);
  // The stream has ended: an event whose closing blank line is missing still counts.
  void finish();
  bool overflowed() const { return overflowed_; }

 private:
  void line(std::string_view text);
  void dispatch();

  Handler handler_;
  std::size_t max_event_bytes_;
  std::string partial_;  // of a line
  std::string name_, data_;
  bool has_data_ = false;
  bool after_cr_ = false;  // the last byte was CR: a LF that follows belongs to it
  bool first_line_ = true;
  bool overflowed_ = false;
};

}  // namespace openclaw::model
