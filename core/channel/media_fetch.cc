#include "channel/media_fetch.h"

#include <utility>

#include "channel/access.h"

namespace openclaw::channel {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFetchTime{2 * 60 * 1000};  // of one file
constexpr milliseconds kRetryPause{1'000};

const json::array& attachments_of(const json::object& event) {
  static const json::array none;
  const json::value* list = event.if_contains("attachments");
  return list != nullptr && list->is_array() ? list->get_array() : none;
}

std::string ref_of(const json::value& attachment) {
  const json::object* object = attachment.if_object();
  return object == nullptr ? std::string() : string_or(*object, "ref", "");
}

std::string size_text(std::uint64_t bytes) {
  return std::to_string(bytes) + " bytes, and at most " +
         std::to_string(workspace::kMaxMediaBytes >> 20) + " MiB are taken";
}

}  // namespace

std::string unfetchable_note(const json::object& event) {
  std::string out;
  for (const json::value& item : attachments_of(event)) {
    if (!item.is_object() || !ref_of(item).empty()) continue;
    const std::string kind = string_or(item.get_object(), "kind", "file");
    const std::string name = string_or(item.get_object(), "name", "");
    out += "\n[attached: " + kind + (name.empty() ? "" : " \"" + name + "\"") +
           ", not available to you]";
  }
  return out;
}

std::vector<agent::IncomingFile> MediaFetch::files_of(const InboxRow& row) {
  std::vector<agent::IncomingFile> out;
  for (const json::value& item : attachments_of(row.event)) {
    const std::string ref = ref_of(item);
    if (ref.empty()) continue;
    const json::object& attachment = item.get_object();
    agent::IncomingFile file;
    file.kind = string_or(attachment, "kind", "file");
    file.name = string_or(attachment, "name", "");
    file.mime = string_or(attachment, "mime", "");
    json::object request{{"ref", ref},
                         {"kind", file.kind},
                         {"maxBytes", static_cast<std::int64_t>(workspace::kMaxMediaBytes)}};
    for (const char* key : {"conversation", "messageId"}) {
      if (const json::value* value = row.event.if_contains(key)) request[key] = *value;
    }
    if (const json::value* bytes = attachment.if_contains("bytes")) request["bytes"] = *bytes;
    file.fetch = [this, instance = row.instance, request = std::move(request)](Limits limits) {
      return fetch(instance, request, limits);
    };
    out.push_back(std::move(file));
  }
  return out;
}

Awaitable<MediaFetch::Source> MediaFetch::fetch(std::string instance, json::object request,
                                                Limits limits) {
  limits = limits.with_deadline(Deadline::after(kFetchTime));
  if (const json::value* said = request.if_contains("bytes");
      said != nullptr && said->is_int64() &&
      said->get_int64() > static_cast<std::int64_t>(workspace::kMaxMediaBytes)) {
    co_return make_error(Code::kResourceExhausted,
                         "it has " + size_text(static_cast<std::uint64_t>(said->get_int64())));
  }
  for (;;) {
    std::string payload = json::serialize(request);
    auto answer =
        co_await accounts_.call(instance, "channel.fetch_media", std::move(payload), limits);
    if (answer.has_value()) co_return content_of(answer.value());
    // After a restart the account is still coming up when the first turns are resumed.
    const Error error = answer.error();
    const milliseconds pause = error.retry_after.value_or(kRetryPause);
    const bool later = error.code == Code::kUnavailable ||
                       (error.code == Code::kResourceExhausted && error.retry_after);
    if (!later || limits.deadline.remaining() <= pause) co_return error;
    Limits waiting{Deadline::after(pause), limits.abort};
    auto slept = co_await sleep_until(runtime_, waiting);
    if (slept.has_error()) co_return slept.error();
  }
}

MediaFetch::Source MediaFetch::content_of(const json::value& answer) {
  const json::object* object = answer.if_object();
  const json::value* handle = object == nullptr ? nullptr : object->if_contains("blob");
  boost::system::error_code not_one;
  const auto blob = handle == nullptr ? 0 : handle->to_number<std::uint64_t>(not_one);
  if (not_one || blob == 0)
    return make_error(Code::kProtocol, "the channel plugin answered without a blob");
  auto content = services_.take_blob(blob);
  if (content.has_error()) return content.error();
  if (content->bytes > workspace::kMaxMediaBytes)
    return make_error(Code::kResourceExhausted, "it has " + size_text(content->bytes));
  workspace::MediaSource out;
  out.bytes = content->bytes;
  out.read = std::move(content->read);
  return out;
}

}  // namespace openclaw::channel
