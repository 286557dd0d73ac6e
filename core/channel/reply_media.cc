#include "channel/reply_media.h"

#include <utility>

#include "channel/access.h"
#include "workspace/base64.h"
#include "workspace/media_name.h"
#include "workspace/media_pickup.h"

namespace openclaw::channel {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kMark = "MEDIA:";
constexpr std::size_t kMaxPath = 1024;
constexpr milliseconds kCopyTime{60'000};

std::string_view stripped(std::string_view text, std::string_view of) {
  const std::size_t first = text.find_first_not_of(of);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(of) - first + 1);
}

// The path that the line names; empty: it is a line like others.
std::string_view media_path(std::string_view line) {
  line = stripped(line, " \t\r");
  if (!line.starts_with(kMark)) return {};
  const std::string_view path = stripped(line.substr(kMark.size()), " \t`\"'");
  const bool address = path.find("://") != std::string_view::npos;
  return address || path.size() > kMaxPath ? std::string_view() : path;
}

}  // namespace

ReplyParts split_media(std::string_view text) {
  ReplyParts out;
  if (text.find(kMark) == std::string_view::npos) {
    out.text = text;
    return out;
  }
  bool fenced = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (stripped(line, " \t").starts_with("```")) fenced = !fenced;
    const std::string_view path = fenced ? std::string_view() : media_path(line);
    if (!path.empty() && out.paths.size() < kMostReplyFiles) {
      out.paths.emplace_back(path);
    } else {
      out.text += line;
      out.text += '\n';
    }
  }
  out.text = std::string(stripped(out.text, "\n"));
  return out;
}

void attach_paths(json::object& message, const std::vector<std::string>& paths,
                  const std::string& agent_id, const std::string& session_key) {
  if (paths.empty()) return;
  json::array list;
  for (const std::string& path : paths) list.emplace_back(path);
  message["media"] =
      json::object{{"paths", std::move(list)}, {"agentId", agent_id}, {"sessionKey", session_key}};
}

Awaitable<Result<std::vector<std::string>>> ReplyMedia::keep(std::vector<BroughtFile> files,
                                                             std::string agent_id,
                                                             std::string session_key) {
  using Paths = std::vector<std::string>;
  const sandbox::View view = sandboxes_.resolve(agent_id, session_key);
  std::function<Result<Paths>()> work = [view, files = std::move(files)]() -> Result<Paths> {
    auto stage = workspace::MediaStage::open(view, workspace::MediaFolder::kOutbound);
    if (!stage) return stage.error();
    Paths paths;
    for (const BroughtFile& file : files) {
      auto bytes = workspace::from_base64(file.base64);
      if (!bytes) return Error(bytes.error().code, file.name + ": " + bytes.error().message);
      if (bytes->empty()) return Error(Code::kInvalidArgument, file.name + " is empty");
      auto staged =
          stage->add(file.name, "document", file.mime, workspace::source_of(std::move(*bytes)));
      if (!staged) return Error(staged.error().code, file.name + ": " + staged.error().message);
      paths.push_back(std::move(staged->path));
    }
    return paths;
  };
  // Not given up half-way: what is on its way to the disk would stay there untold.
  Limits none;
  co_return co_await run_blocking<Paths>(runtime_, none, std::move(work));
}

Awaitable<Result<json::object>> ReplyMedia::attachment(sandbox::View view, std::string path) {
  std::function<Result<workspace::PickedFile>()> open = [view, path] {
    return workspace::pick_up(view, path);
  };
  Limits limits = Limits::within(kCopyTime);
  auto picked = co_await run_blocking<workspace::PickedFile>(runtime_, limits, std::move(open));
  if (picked.has_error()) co_return picked.error();
  plugin::BlobContent content;
  content.bytes = picked->source.bytes;
  content.mime = picked->mime;
  content.read = picked->source.read;
  auto blob = co_await services_.copy_to_blob(std::move(content));
  if (blob.has_error()) co_return blob.error();
  co_return json::object{{"blob", blob.value()},
                         {"kind", picked->kind},
                         {"mime", picked->mime},
                         {"name", picked->name},
                         {"bytes", picked->source.bytes}};
}

Awaitable<json::object> ReplyMedia::payload(json::object message, bool channel_sends_files,
                                            std::vector<std::uint64_t>& blobs) {
  const json::value* noted = message.if_contains("media");
  if (noted == nullptr || !noted->is_object()) co_return message;
  const json::object media = noted->get_object();
  message.erase("media");
  const sandbox::View view =
      sandboxes_.resolve(string_or(media, "agentId", ""), string_or(media, "sessionKey", ""));
  std::string text = string_or(message, "text", "");
  json::array attachments;
  const json::value* paths = media.if_contains("paths");
  const json::array none;
  for (const json::value& value :
       paths != nullptr && paths->is_array() ? paths->get_array() : none) {
    const std::string path = value.is_string() ? std::string(value.get_string()) : std::string();
    Result<json::object> file = Error(Code::kUnimplemented, "files cannot be sent on this channel");
    if (channel_sends_files) file = co_await attachment(view, path);
    if (file.has_value()) {
      blobs.push_back(file->at("blob").to_number<std::uint64_t>());
      attachments.emplace_back(std::move(file.value()));
    } else {
      text += std::string(text.empty() ? "" : "\n\n") + "⚠️ " +
              workspace::harmless_name(path, "", "") + " is not attached: " + file.error().message;
    }
  }
  message["text"] = text;
  if (!attachments.empty()) message["attachments"] = std::move(attachments);
  co_return message;
}

void ReplyMedia::drop(const std::vector<std::uint64_t>& blobs) {
  if (blobs.empty()) return;
  runtime_.post_blocking([&services = services_, blobs] {
    for (const std::uint64_t blob : blobs) services.drop_blob(blob);
  });
}

}  // namespace openclaw::channel
