// A channel of a third party whose accounts are linked by a code: what its platform does is in the
// file "phone" of its state directory. "scan": the code is scanned; another word: the code that is
// shown from now on.
#include <fstream>

#include <openclaw/plugin.hpp>

#include "openclaw_manifest.h"

namespace {

constexpr std::uint64_t kLookEveryMs = 50;

class Lantern final : public openclaw::ChannelPlugin {
 public:
  explicit Lantern(const openclaw::Init& init) : ChannelPlugin(init) {}

  void start(openclaw::Completion done) override {
    show("lantern-1");
    timer().every(kLookEveryMs, [this] { look(); });
    done.ok();
  }
  void send(openclaw::Completion done, std::string_view) override {
    done.ok(R"({"messageId":"1"})");
  }

 private:
  void show(const std::string& code) {
    shown_ = code;
    channel_host().link_state(R"({"state":"pairing","message":"it waits to be linked","qr":)" +
                              openclaw::json_string(code) + "}");
  }
  void look() {
    std::string word;
    std::ifstream(state_dir() + "/phone") >> word;
    if (word.empty() || word == shown_) return;
    if (word != "scan") return show(word);
    shown_ = word;
    channel_host().link_state(R"({"state":"online"})");
  }

  std::string shown_;
};

}  // namespace

OPENCLAW_PLUGIN(Lantern, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
