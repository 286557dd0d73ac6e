#include "agent/incoming_files.h"

#include <algorithm>
#include <utility>

#include "agent/fields.h"
#include "workspace/base64.h"
#include "workspace/media_name.h"
#include "workspace/media_stage.h"
#include "workspace/text_window.h"

namespace openclaw::agent {
namespace {

using workspace::MediaSource;

constexpr std::size_t kMaxInline = 7'000'000;  // 5 MB decoded, as base64
// What every vendor's API takes as one image: 5 MB of base64.
constexpr std::uint64_t kMaxImage = 3'750'000;
constexpr std::chrono::minutes kFetchTime{3};  // for all files of a message
constexpr std::size_t kMaxReason = 400;

// A file of the request with a way to its bytes, or why there is none.
struct Arrival {
  std::string kind, name, mime;
  MediaSource source = {};
  std::string missing = {};
  std::string image_mime = {};  // of the image that the request holds itself
  bool may_show = false;        // as an image, when it is one
};

// What is told about it, and the image if it is one.
struct Arrived {
  std::string path, missing, image_mime, image;
  std::uint64_t bytes = 0;
};

// Messages of plugins and platforms go into the sentence that the model reads.
std::string one_line(std::string_view text) {
  std::string out(cut_utf8(text, kMaxReason));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '[' || c == ']') c = ' ';
  }
  return out.empty() ? "for an unknown reason" : out;
}

Result<Arrival> inline_arrival(const json::object& attachment) {
  Arrival out;
  out.mime = text_at(attachment, "mimeType");
  out.name = text_at(attachment, "name");
  if (out.name.empty()) out.name = text_at(attachment, "fileName");
  auto data = text_at(attachment, "data");
  if (data.empty()) data = text_at(attachment, "content");
  if (data.starts_with("data:")) {
    if (auto comma = data.find(','); comma != std::string_view::npos) data = data.substr(comma + 1);
  }
  const std::string what = "attachment " + workspace::harmless_name(out.name, "", out.mime);
  if (data.size() > kMaxInline)
    return make_error(Code::kInvalidArgument, what + " is larger than 5 MB");
  auto bytes = workspace::from_base64(data);
  if (bytes.has_error()) return make_error(Code::kInvalidArgument, what + " is not base64");
  if (out.mime.starts_with("image/")) out.image_mime = out.mime;
  out.source = workspace::source_of(std::move(bytes.value()));
  return out;
}

// Blocking. The bytes of a message are shown to the model by what they are, not by what the sender
// calls them: an image that is none would make the vendor refuse the whole conversation.
void show_image(const Arrival& file, Arrived& out) {
  if (!file.may_show || file.source.bytes > kMaxImage) return;
  auto bytes = workspace::read_all(file.source, kMaxImage);
  if (bytes.has_error()) return;
  const std::string_view found = workspace::image_type(bytes.value());
  if (found.empty() && file.image_mime.empty()) return;
  out.image_mime = found.empty() ? std::string_view(file.image_mime) : found;
  out.image = workspace::to_base64(bytes.value());
}

// Blocking.
Arrived stage(const sandbox::View& view, const Arrival& file) {
  Arrived out;
  auto opened = workspace::MediaStage::open(view);
  if (opened.has_error()) {
    out.missing = one_line(opened.error().message);
  } else if (auto staged = opened->add(file.name, file.kind, file.mime, file.source);
             staged.has_error()) {
    out.missing = one_line(staged.error().message);
  } else {
    out.path = staged->path;
    out.bytes = staged->bytes;
  }
  show_image(file, out);
  return out;
}

json::object told(const Arrival& file, const Arrived& arrived) {
  json::object out{{"name", workspace::harmless_name(file.name, file.kind, file.mime)}};
  out["mimeType"] = workspace::harmless_mime(file.mime);
  if (!arrived.image.empty()) {
    out["mimeType"] = arrived.image_mime;
    out["data"] = arrived.image;
  }
  if (!arrived.missing.empty()) {
    out["missing"] = arrived.missing;
  } else {
    out["path"] = arrived.path;
    out["bytes"] = static_cast<std::int64_t>(arrived.bytes);
  }
  return out;
}

Awaitable<Arrival> fetched(IncomingFile file, Limits limits) {
  Arrival out;
  out.kind = file.kind;
  out.name = file.name;
  out.mime = file.mime;
  if (!file.fetch) {
    out.missing = "there is no way to fetch it";
    co_return out;
  }
  auto source = co_await file.fetch(limits);
  if (source.has_error()) {
    out.missing = one_line(source.error().message);
  } else {
    out.source = std::move(source.value());
  }
  co_return out;
}

Awaitable<json::object> arrive(Runtime& runtime, Arrival file, FilesPlace place) {
  Arrived arrived;
  arrived.missing = file.missing;
  if (file.missing.empty()) {
    // Not given up half-way: what is on its way to the disk would stay there untold.
    std::function<Result<Arrived>()> work = [view = place.view, file]() -> Result<Arrived> {
      return stage(view, file);
    };
    Limits none;
    auto done = co_await run_blocking<Arrived>(runtime, none, std::move(work));
    if (done.has_value()) arrived = std::move(done.value());
    if (done.has_error()) arrived.missing = one_line(done.error().message);
  }
  co_return told(file, arrived);
}

}  // namespace

Awaitable<Result<void>> take_in_files(Runtime& runtime, RunPtr run, FilesPlace place,
                                      Limits limits) {
  auto& request = run->request;
  json::array told_of;
  std::size_t count = 0;
  const std::size_t all = request.attachments.size() + request.files.size();
  for (const auto& value : request.attachments) {
    const auto* attachment = value.if_object();
    if (attachment == nullptr || count++ >= workspace::kMaxMediaFiles) continue;
    if (!text_at(*attachment, "path").empty()) {
      told_of.push_back(*attachment);  // there already
      continue;
    }
    auto file = inline_arrival(*attachment);
    if (file.has_error()) co_return file.error();
    // The sender chose to show it, whatever this program knows of the model.
    file->may_show = !file->image_mime.empty();
    auto arrived = co_await arrive(runtime, std::move(file.value()), place);
    told_of.push_back(std::move(arrived));
  }
  limits = limits.with_deadline(Deadline::after(kFetchTime));
  auto files = std::exchange(request.files, {});
  for (auto& each : files) {
    if (count++ >= workspace::kMaxMediaFiles) break;
    if (run->limits.abort.aborted())
      co_return make_error(Code::kCancelled, run->limits.abort.reason());
    Arrival file = co_await fetched(std::move(each), limits);
    file.may_show = place.model_reads_images;
    auto arrived = co_await arrive(runtime, std::move(file), place);
    told_of.push_back(std::move(arrived));
  }
  if (all > workspace::kMaxMediaFiles) {
    const std::string most = std::to_string(workspace::kMaxMediaFiles);
    told_of.push_back(json::object{
        {"name", std::to_string(all - workspace::kMaxMediaFiles) + " more"},
        {"missing", "one message may bring " + most + " files; send the others in another one"}});
  }
  request.attachments = std::move(told_of);
  co_return Result<void>();
}

void note_refused(TurnRequest& request, const Error& error) {
  request.files.clear();
  request.attachments = {
      json::object{{"name", "of this message"}, {"missing", one_line(error.message)}}};
}

}  // namespace openclaw::agent
