// Files that go out with a reply. A line "MEDIA:path" of the model's text names one; the path is
// stored with the reply, and the file is opened each time the reply is tried: blobs do not outlive
// the process, the workspace does. Loop thread only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "channel/message_action.h"
#include "plugin/host_services.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::channel {

struct ReplyParts {
  std::string text;  // without the lines that name files
  std::vector<std::string> paths;
};
// Lines inside code fences and such with an address (https://...) stay text.
ReplyParts split_media(std::string_view text);

inline constexpr std::size_t kMostReplyFiles = 10;

// Notes in an outbox message which files go with it, and whose session's they are.
void attach_paths(json::object& message, const std::vector<std::string>& paths,
                  const std::string& agent_id, const std::string& session_key);

class ReplyMedia {
 public:
  ReplyMedia(Runtime& runtime, sandbox::SandboxManager& sandboxes, plugin::HostServices& services)
      : runtime_(runtime), sandboxes_(sandboxes), services_(services) {}

  // Puts what was brought into media/outbound/ of the session's workspace, and answers the paths.
  Awaitable<Result<std::vector<std::string>>> keep(std::vector<BroughtFile> files,
                                                   std::string agent_id, std::string session_key);
  // The payload of a stored message: its files as blobs under "attachments". One that cannot be
  // had, or that the channel cannot send, is told in the text instead. `blobs` are the caller's to
  // drop.
  Awaitable<json::object> payload(json::object message, bool channel_sends_files,
                                  std::vector<std::uint64_t>& blobs);
  void drop(const std::vector<std::uint64_t>& blobs);

 private:
  Awaitable<Result<json::object>> attachment(sandbox::View view, std::string path);

  Runtime& runtime_;
  sandbox::SandboxManager& sandboxes_;
  plugin::HostServices& services_;
};

}  // namespace openclaw::channel
