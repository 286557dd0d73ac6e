// PastedText: an app cuts a text that is too long for one message into several. They get one group
// here, so that the host makes one message of them again. Strand only.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <boost/json.hpp>

namespace telegram {

class PastedText {
 public:
  // An event of parse_update(), in the order of the updates.
  void mark(boost::json::object& event);

 private:
  struct Part {
    std::string group;
    std::int64_t message_id = 0, at_ms = 0;
  };
  // The last part of a text that may go on, by conversation and sender.
  std::map<std::string, Part> open_;
};

}  // namespace telegram
