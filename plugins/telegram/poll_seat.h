// PollSeat: the one place on this machine from which a bot's messages are read. A second reader of
// the same user would take messages away from the first one, and be ended by it, in turns. Strand
// only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace telegram {

class PollSeat {
 public:
  PollSeat() = default;
  PollSeat(const PollSeat&) = delete;
  PollSeat& operator=(const PollSeat&) = delete;
  ~PollSeat() { leave(); }

  // False: another one has it. True also where no seats can be had; the service's 409 says it then.
  bool take(std::string_view api_root, std::int64_t bot_id);
  void leave();

 private:
  std::string path_;
  int fd_ = -1;  // its lock ends with the process, however that ends
};

}  // namespace telegram
