#include "downloads.h"

#include <algorithm>
#include <utility>

namespace telegram {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::int64_t kDefaultMost = 20 << 20;  // what the service itself lets bots download
constexpr std::int64_t kMost = 50 << 20;
constexpr std::uint64_t kDownloadMs = 120'000;
constexpr std::size_t kMaxFileId = 512;

std::uint32_t milliseconds_left(const Completion& done) {
  return static_cast<std::uint32_t>(std::min(done.remaining_ms(kDownloadMs), kDownloadMs));
}

}  // namespace

Flow<Nothing> Downloads::fetch(Completion done, std::string payload) {
  const json::value value = parts::parsed(payload);
  const json::object empty;
  const json::object& request = value.is_object() ? value.get_object() : empty;
  const std::string file_id(parts::text_in(request, "ref"));
  if (file_id.empty() || file_id.size() > kMaxFileId) {
    done.error(OC_INVALID_ARGUMENT, "\"ref\" must be the file id of a message");
    co_return Nothing{};
  }
  const std::int64_t most =
      std::clamp<std::int64_t>(parts::int_in(request, "maxBytes", kDefaultMost), 1, kMost);
  const oc_op op = done.op();
  struct Listed {
    std::map<oc_op, Job>& jobs;
    oc_op op;
    ~Listed() { jobs.erase(op); }
  };
  Job& job = jobs_[op];  // stays where it is while others come and go
  const Listed listed{jobs_, op};
  BotApi::Options options;
  options.handle = &job.http;
  Flow<Reply> asking = api_.call("getFile", json::object{{"file_id", file_id}}, options);
  const Reply file = co_await asking;
  const json::object* found = file.result.if_object();
  if (!file.ok() || found == nullptr || job.cancelled) {
    fail(done, file);
    co_return Nothing{};
  }
  if (const std::int64_t bytes = parts::int_in(*found, "file_size", 0); bytes > most) {
    done.error(OC_INVALID_ARGUMENT, "the file has " + std::to_string(bytes) +
                                        " bytes, more than the " + std::to_string(most) +
                                        " that are taken");
    co_return Nothing{};
  }
  options.timeout_ms = milliseconds_left(done);
  Flow<Download> loading = api_.download(std::string(parts::text_in(*found, "file_path")),
                                         static_cast<std::uint32_t>(most), options);
  const Download got = co_await loading;
  if (!got.reply.ok()) {
    fail(done, got.reply);
  } else if (job.cancelled) {
    plugin_.blob().drop(got.blob);
    done.error(OC_CANCELLED, "cancelled");
  } else {
    done.ok(json::serialize(json::object{{"blob", got.blob}}));
  }
  co_return Nothing{};
}

void Downloads::cancel(oc_op op) {
  const auto job = jobs_.find(op);
  if (job == jobs_.end()) return;
  job->second.cancelled = true;
  if (job->second.http != 0) api_.cancel(job->second.http);
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
      return done.error(reply.status == OC_CANCELLED ? OC_CANCELLED : OC_UNAVAILABLE,
                        "Telegram did not give the file: " + reply.text);
    case Reply::Kind::kRefused:
      break;
  }
  if (reply.code == 401) {
    done.error(OC_UNAUTHENTICATED, "Telegram refused the file: " + reply.text, 0, code);
    return token_lost_(reply.text);
  }
  if (reply.code == 429)
    return done.error(OC_RESOURCE_EXHAUSTED, "Telegram wants a pause: " + reply.text,
                      std::max<std::uint64_t>(reply.retry_after_ms, 1'000), code);
  if (reply.says("file is too big"))
    return done.error(OC_INVALID_ARGUMENT,
                      "it is too big: Telegram lets a bot download at most 20 MB", 0, code);
  done.error(OC_NOT_FOUND, "Telegram refused the file: " + reply.text, 0, code);
}

}  // namespace telegram
