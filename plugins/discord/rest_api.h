// RestApi: calls to the REST API through the host's http service, at the pace the service demands,
// and what their answers mean.
//
// The token is a reference that the host expands, so it is not in this process's hands here; no
// text that leaves this file holds what looks like a token. Strand only.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "multipart.h"
#include "pauses.h"
#include "rate_limits.h"
#include "settings.h"

namespace discord {

struct Reply {
  enum class Kind {
    kOk,
    kRefused,    // the service said no, and did nothing
    kUnsent,     // nothing was written
    kBroken,     // it may or may not have been done
    kCancelled,  // by this side; as kBroken
  } kind = Kind::kBroken;
  int http_status = 0;
  std::int64_t code = 0;     // the service's own number of a refusal; 0: it gave none
  oc_status status = OC_OK;  // of what never got an answer
  std::string text;          // the service's words, or what went wrong
  std::uint64_t retry_after_ms = 0;
  bool everywhere = false;  // a limit on all requests
  json::value result;

  bool ok() const { return kind == Kind::kOk; }
  bool refused() const { return kind == Kind::kRefused; }
  bool refused(std::int64_t with) const { return refused() && code == with; }
  bool token_refused() const { return refused() && http_status == 401 && code == 0; }
  bool limited() const { return refused() && http_status == 429; }
};

// Numbers of the service's refusals.
enum : std::int64_t {
  kUnknownChannel = 10003,
  kUnknownMessage = 10008,
  kRequestTooLarge = 40005,
  kNotInForum = 40058,
  kMissingAccess = 50001,
  kEmptyMessage = 50006,
  kCannotWriteTo = 50007,
  kMissingPermissions = 50013,
  kInvalidForm = 50035,
  kThreadArchived = 50083,
  kCannotReply = 160002,  // without the permission to read the history
};

// A call in the making. `path` begins behind the version; ids in it are snowflakes.
struct Call {
  std::string method = "GET";
  std::string path;
  Route route;
  json::value body;  // null: none
  std::vector<parts::FormFile> files = {};
};
Call channel_call(std::string method, const std::string& channel, std::string_view route,
                  const std::string& path);

// A file of the service, on its way to the host.
struct Download {
  Reply reply;
  std::uint64_t blob = 0;  // sealed; whoever gets this hands it on or drops it
};

// What can end a call early, shared with whoever may want to.
struct CallHold {
  std::uint64_t http = 0, pause = 0;
  bool cancelled = false;
};

class RestApi {
 public:
  RestApi(openclaw::Plugin& plugin, parts::Pauses& pauses, const Settings& settings)
      : plugin_(plugin), pauses_(pauses), settings_(settings) {}

  struct Options {
    std::uint32_t timeout_ms = 20'000;
    std::uint64_t most_wait_ms = 60'000;  // for the pace; beyond it the answer is a 429 of our own
    bool large = false;                   // the answer may exceed a mebibyte
    CallHold* hold = nullptr;
  };
  openclaw::Flow<Reply> call(Call call, Options options);
  // Of another host than the API's: the token does not go there.
  openclaw::Flow<Download> download(std::string url, std::uint32_t max_bytes, Options options);
  void cancel(CallHold& hold);
  // How long a call of this route would wait for its pace.
  std::uint64_t wait_ms(const Route& route) const;
  // Cancels everything under way; later calls answer kUnsent.
  void close();

 private:
  struct HttpWait;
  static Reply failed(const HttpWait& wait);
  openclaw::Flow<openclaw::Nothing> exchange(openclaw::HttpRequest request, HttpWait& wait,
                                             CallHold* hold, bool large);
  openclaw::Flow<Reply> once(const Call& call, const Options& options);

  openclaw::Plugin& plugin_;
  parts::Pauses& pauses_;
  const Settings& settings_;
  RateLimits limits_;
  std::set<std::uint64_t> open_;
  bool closed_ = false;
};

// At most 300 bytes, with anything that looks like a bot token replaced.
std::string shown(std::string_view text);
// What an answer with this status and body means.
Reply read_reply(int http_status, std::string_view body);
std::uint64_t clock_ms();  // of the monotonic clock

}  // namespace discord
