// Pacer: when the next message of a chat may go out. The service's limits (one chat about one a
// second, a group 20 a minute) and the pauses it demanded. A pure function of its inputs; times are
// milliseconds of one clock.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace telegram {

class Pacer {
 public:
  // 0: now.
  std::uint64_t wait_ms(const std::string& chat, std::uint64_t now_ms);
  // One message, or an edit of one, goes out.
  void take(const std::string& chat, std::uint64_t now_ms);
  // The service has answered: its own count began no later than now.
  void answered(const std::string& chat, std::uint64_t now_ms);
  // The service refused with 429. When several chats are refused at once, all of them pause.
  void hold(const std::string& chat, std::uint64_t for_ms, std::uint64_t now_ms);
  bool held(const std::string& chat, std::uint64_t now_ms) const;
  std::size_t chats() const { return chats_.size(); }

 private:
  struct Bucket {
    double tokens;
    std::uint64_t at_ms;
    // Milliseconds until `cost` tokens are there.
    std::uint64_t wait(double per_ms, double most, std::uint64_t now_ms);
  };
  struct Chat {
    Bucket seconds, minute;
    std::uint64_t held_until = 0, refused_at = 0;
  };
  Chat& chat_at(const std::string& chat, std::uint64_t now_ms);
  void forget_idle(std::uint64_t now_ms);

  std::map<std::string, Chat> chats_;
  std::uint64_t all_held_until_ = 0;
};

}  // namespace telegram
