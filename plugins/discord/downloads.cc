#include "downloads.h"

#include <algorithm>
#include <utility>

#include "message_event.h"
#include "outgoing.h"

namespace discord {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::int64_t kDefaultMost = 25 << 20;
constexpr std::int64_t kMost = 100 << 20;
constexpr std::uint64_t kDownloadMs = 120'000;
constexpr std::size_t kMaxUrl = 2048;

struct Wanted {
  std::string channel, message, attachment;
  std::int64_t most = 0;
};

// False when the request does not say what is wanted.
bool read_wanted(std::string_view payload, Wanted& out) {
  const json::value value = parts::parsed(payload);
  if (!value.is_object()) return false;
  const json::object& request = value.get_object();
  const auto target = read_target(request);
  if (!target || target->channel.empty()) return false;
  out.channel = target->channel;
  out.message = read_message_id(request, "messageId");
  out.attachment = read_message_id(request, "ref");
  out.most = std::clamp<std::int64_t>(parts::int_in(request, "maxBytes", kDefaultMost), 1, kMost);
  return !out.message.empty() && !out.attachment.empty();
}

// Null when the message has no such file (any more), also not in what it passes on.
const json::object* attachment_in(const json::object* message, const std::string& id) {
  if (message == nullptr) return nullptr;
  const json::array none;
  const json::array* given = parts::array_in(*message, "attachments");
  const json::array* list = given == nullptr ? &none : given;
  const auto found = std::find_if(list->begin(), list->end(), [&](const json::value& item) {
    return item.is_object() && parts::text_in(item.get_object(), "id") == id;
  });
  return found == list->end() ? attachment_in(forwarded_in(*message), id) : found->if_object();
}

}  // namespace

Flow<Nothing> Downloads::fetch(Completion done, std::string payload) {
  Wanted wanted;
  if (!read_wanted(payload, wanted)) {
    done.error(OC_INVALID_ARGUMENT,
               "\"ref\", \"conversation.id\" and \"messageId\" must be those of an event");
    co_return Nothing{};
  }
  const oc_op op = done.op();
  struct Listed {
    std::map<oc_op, CallHold>& holds;
    oc_op op;
    ~Listed() { holds.erase(op); }
  };
  CallHold& hold = holds_[op];  // stays where it is while others come and go
  const Listed listed{holds_, op};
  RestApi::Options options;
  options.hold = &hold;
  Call call = channel_call("GET", wanted.channel, "/messages/:id", "/messages/" + wanted.message);
  Flow<Reply> asking = api_.call(std::move(call), options);
  const Reply message = co_await std::move(asking);
  if (!message.ok() || hold.cancelled) {
    fail(done, message);
    co_return Nothing{};
  }
  const json::object* file = attachment_in(message.result.if_object(), wanted.attachment);
  if (file == nullptr) {
    done.error(OC_NOT_FOUND, "the message does not have this file any more");
    co_return Nothing{};
  }
  if (const std::int64_t bytes = parts::int_in(*file, "size", 0); bytes > wanted.most) {
    done.error(OC_INVALID_ARGUMENT, "the file has " + std::to_string(bytes) +
                                        " bytes, more than the " + std::to_string(wanted.most) +
                                        " that are taken");
    co_return Nothing{};
  }
  const std::string url(parts::text_in(*file, "url").substr(0, kMaxUrl));
  options.timeout_ms =
      static_cast<std::uint32_t>(std::min(done.remaining_ms(kDownloadMs), kDownloadMs));
  Flow<Download> loading = api_.download(url, static_cast<std::uint32_t>(wanted.most), options);
  const Download got = co_await std::move(loading);
  if (!got.reply.ok()) {
    fail(done, got.reply);
  } else if (hold.cancelled) {
    plugin_.blob().drop(got.blob);
    done.error(OC_CANCELLED, "cancelled");
  } else {
    done.ok(json::serialize(json::object{{"blob", got.blob}}));
  }
  co_return Nothing{};
}

void Downloads::cancel(oc_op op) {
  const auto found = holds_.find(op);
  if (found != holds_.end()) api_.cancel(found->second);
}

void Downloads::fail(Completion& done, const Reply& reply) {
  const std::string code = reply.code != 0 ? std::to_string(reply.code) : std::string();
  switch (reply.kind) {
    case Reply::Kind::kOk:
    case Reply::Kind::kCancelled:
      return done.error(OC_CANCELLED, "cancelled while the file was fetched");
    case Reply::Kind::kUnsent:
    case Reply::Kind::kBroken:
      if (reply.status == OC_RESOURCE_EXHAUSTED)
        return done.error(OC_INVALID_ARGUMENT, "the file is larger than is taken");
      if (reply.status == OC_PERMISSION_DENIED)
        return done.error(OC_PERMISSION_DENIED,
                          "the file is at an address that is none of Discord's");
      return done.error(reply.status == OC_CANCELLED ? OC_CANCELLED : OC_UNAVAILABLE,
                        "Discord did not give the file: " + reply.text);
    case Reply::Kind::kRefused:
      break;
  }
  if (reply.token_refused()) {
    done.error(OC_UNAUTHENTICATED, "Discord refused the file: " + reply.text, 0, code);
    return token_lost_(reply.text);
  }
  if (reply.limited())
    return done.error(OC_RESOURCE_EXHAUSTED, "Discord wants a pause: " + reply.text,
                      std::max<std::uint64_t>(reply.retry_after_ms, 1'000), code);
  done.error(OC_NOT_FOUND, "Discord refused the file: " + reply.text, 0, code);
}

}  // namespace discord
