// BotApi: calls to the Bot API through the host's http service, and what their answers mean.
//
// The token is a reference that the host expands, so it is not in this process's hands here; no
// text that leaves this file holds an address or what looks like a token. Strand only.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "json_fields.h"
#include "multipart.h"

namespace telegram {

namespace json = boost::json;

struct Reply {
  enum class Kind {
    kOk,
    kRefused,    // the service said no, and did nothing
    kUnsent,     // nothing was written
    kBroken,     // it may or may not have been done
    kCancelled,  // by this side; as kBroken
  } kind = Kind::kBroken;
  int code = 0;              // error_code of a refusal
  oc_status status = OC_OK;  // of what never got an answer
  std::string text;          // the service's words, or what went wrong
  std::uint64_t retry_after_ms = 0;
  std::int64_t migrate_to = 0;  // the group's new id
  json::value result;

  bool ok() const { return kind == Kind::kOk; }
  bool refused() const { return kind == Kind::kRefused; }
  bool refused(int with) const { return refused() && code == with; }
  // A refusal whose description holds `words` in any case.
  bool says(std::string_view words) const;
};

// A file of the service, on its way to the host.
struct Download {
  Reply reply;
  std::uint64_t blob = 0;  // sealed; whoever gets this hands it on or drops it
};

class BotApi {
 public:
  BotApi(openclaw::Plugin& plugin, const std::string& api_root, const std::string& token)
      : plugin_(plugin),
        base_(api_root + "/bot" + token + "/"),
        files_(api_root + "/file/bot" + token + "/") {}

  struct Options {
    std::uint32_t timeout_ms = 20'000;
    bool once = false;                // must not reach the service twice
    bool large = false;               // the answer may exceed a mebibyte
    bool also_closed = false;         // even after close()
    bool secrets_in_body = false;     // {{secret:NAME}} in a call's params
    std::uint64_t* handle = nullptr;  // set to what cancel() takes, while the call is under way
  };
  openclaw::Flow<Reply> call(std::string method, json::object params, Options options);
  // The same with files; their blobs stay the caller's.
  openclaw::Flow<Reply> upload(std::string method, json::object params,
                               std::vector<parts::FormFile> files, Options options);
  // `path` as getFile answered it.
  openclaw::Flow<Download> download(std::string path, std::uint32_t max_bytes, Options options);
  void cancel(std::uint64_t handle) { plugin_.http().cancel(handle); }
  // Cancels everything under way; later calls answer kCancelled.
  void close();
  void open() { closed_ = false; }

 private:
  struct Body {
    std::string type, text;
    std::uint64_t blob = 0;  // when there is no text
  };
  openclaw::Flow<Reply> post(std::string method, Body body, Options options);

  openclaw::Plugin& plugin_;
  const std::string base_, files_;
  std::set<std::uint64_t> open_;
  bool closed_ = false;
};

// At most 300 bytes, with anything that looks like a bot token replaced.
std::string shown(std::string_view text);
// What an answer with this status and body means.
Reply read_reply(int http_status, std::string_view body);

}  // namespace telegram
