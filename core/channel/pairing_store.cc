#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <ctime>
#include <system_error>

#include <openssl/rand.h>

#include "channel/channel_service.h"
#include "json_fields.h"
#include "storage/atomic_file.h"

namespace openclaw::channel {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
constexpr std::size_t kCodeLength = 8;
constexpr std::size_t kMaxPending = 3;
constexpr std::int64_t kValidMs = 60LL * 60 * 1000;
constexpr std::uint64_t kMaxFile = 1U << 20U;

using Clock = std::chrono::system_clock;

std::string iso(Clock::time_point when) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(1000 + ms % 1000);
  return std::string(text.data(), n) + "." + fraction.substr(1) + "Z";
}

// Ms since the epoch; 0 when it is no time, which reads as long expired.
std::int64_t from_iso(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  return rest == nullptr ? 0 : static_cast<std::int64_t>(::timegm(&parts)) * 1000;
}

// Ids become file names only when they cannot mean anything else in a path.
bool safe_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
                  c == '.';
         });
}

Result<std::string> checked(std::string_view name, const char* what) {
  if (safe_name(name)) return std::string(name);
  return Error(Code::kInvalidArgument, std::string(what) + " \"" + std::string(name.substr(0, 64)) +
                                           "\" is not a name of letters, digits, '-' and '_'");
}

// Held while a file is read, changed and written: the CLI and the gateway both do it.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0) {
      ::close(fd_);
      fd_ = -1;
    }
  }
  ~FileLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  bool held() const { return fd_ >= 0; }

 private:
  int fd_;
};

// {} when absent.
Result<json::object> read_object(const std::filesystem::path& path) {
  auto text = storage::read_file_bounded(path, kMaxFile);
  if (text.has_error()) {
    if (text.error().code == Code::kNotFound) return json::object();
    return text.error();
  }
  boost::system::error_code error;
  json::value value = json::parse(text.value(), error);
  if (error || !value.is_object()) {
    return Error(Code::kFailedPrecondition,
                 path.string() + " is not a JSON object; repair it, or move it away");
  }
  return std::move(value.get_object());
}

void indented(std::string& out, const json::value& value, const std::string& indent) {
  const std::string inner = indent + "  ";
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& member : value.get_object()) {
      out += (first ? "" : ",\n") + inner + json::serialize(json::string(member.key())) + ": ";
      indented(out, member.value(), inner);
      first = false;
    }
    out += "\n" + indent + "}";
  } else if (value.is_array() && !value.get_array().empty()) {
    out += "[\n";
    bool first = true;
    for (const json::value& item : value.get_array()) {
      out += (first ? "" : ",\n") + inner;
      indented(out, item, inner);
      first = false;
    }
    out += "\n" + indent + "]";
  } else {
    out += json::serialize(value);
  }
}

Result<void> write_object(const std::filesystem::path& path, const json::object& object) {
  std::string text;
  indented(text, object, "");
  return storage::write_file_atomically(path, text + "\n");
}

PairingRequest from_json(const json::object& o) {
  PairingRequest out;
  out.id = text_of(o, "id");
  out.code = text_of(o, "code");
  out.created_at = text_of(o, "createdAt");
  out.last_seen_at = text_of(o, "lastSeenAt");
  if (const json::value* meta = o.if_contains("meta"); meta != nullptr && meta->is_object()) {
    out.meta = meta->get_object();
  }
  return out;
}

json::object to_json(const PairingRequest& r) {
  return {{"id", r.id},
          {"code", r.code},
          {"createdAt", r.created_at},
          {"lastSeenAt", r.last_seen_at},
          {"meta", r.meta}};
}

// Without those that have expired.
std::vector<PairingRequest> valid_requests(const json::object& file) {
  std::vector<PairingRequest> out;
  const json::value* list = file.if_contains("requests");
  if (list == nullptr || !list->is_array()) return out;
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch())
          .count();
  for (const json::value& item : list->get_array()) {
    if (!item.is_object()) continue;
    PairingRequest request = from_json(item.get_object());
    const std::int64_t created = from_iso(request.created_at);
    if (request.id.empty() || request.code.size() != kCodeLength) continue;
    if (created + kValidMs > now) out.push_back(std::move(request));
  }
  return out;
}

json::object requests_file(const std::vector<PairingRequest>& requests) {
  json::array list;
  for (const PairingRequest& r : requests) list.push_back(to_json(r));
  return {{"version", 1}, {"requests", std::move(list)}};
}

Result<std::string> new_code(const std::vector<PairingRequest>& others) {
  for (;;) {
    std::array<unsigned char, kCodeLength> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
      return Error(Code::kInternal, "the system has no random numbers for a pairing code");
    }
    std::string code;
    // 32 characters, so a byte's low bits are evenly spread.
    for (const unsigned char byte : random) code += kAlphabet[byte % kAlphabet.size()];
    const bool taken =
        std::any_of(others.begin(), others.end(), [&](const auto& r) { return r.code == code; });
    if (!taken) return code;
  }
}

std::string account_of(const PairingRequest& request) {
  const std::string account = text_of(request.meta, "accountId");
  return account.empty() ? "default" : account;
}

void add_ids(std::vector<std::string>& out, const json::object& file) {
  const json::value* list = file.if_contains("allowFrom");
  if (list == nullptr || !list->is_array()) return;
  for (const json::value& item : list->get_array()) {
    std::string id = item.is_string() ? std::string(item.get_string()) : json::serialize(item);
    // "*" in this file would open the account to everybody by approving one person.
    if (id.empty() || id == "*") continue;
    if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(std::move(id));
  }
}

Result<void> add_to_allow_file(const std::filesystem::path& path, const std::string& id) {
  auto file = read_object(path);
  if (file.has_error()) return file.error();
  std::vector<std::string> ids;
  add_ids(ids, file.value());
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  json::array list;
  for (const std::string& each : ids) list.emplace_back(each);
  return write_object(path, {{"version", 1}, {"allowFrom", std::move(list)}});
}

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

}  // namespace

PairingStore::PairingStore(std::filesystem::path state_dir)
    : dir_(std::move(state_dir) / "credentials") {}

Result<std::vector<PairingRequest>> PairingStore::list(std::string_view channel) const {
  auto name = checked(channel, "the channel");
  if (name.has_error()) return name.error();
  auto file = read_object(dir_ / (name.value() + "-pairing.json"));
  if (file.has_error()) return file.error();
  return valid_requests(file.value());
}

Result<PairingRequest> PairingStore::request(std::string_view channel, std::string_view account,
                                             std::string_view sender_id, json::object meta) {
  auto name = checked(channel, "the channel");
  if (name.has_error()) return name.error();
  if (sender_id.empty() || sender_id == "*" || sender_id.size() > 128) {
    return Error(Code::kInvalidArgument, "a pairing request needs the sender's id");
  }
  if (auto made = storage::make_private_dir(dir_); made.has_error()) return made.error();
  const std::filesystem::path path = dir_ / (name.value() + "-pairing.json");
  const FileLock lock(path.string() + ".lock");
  if (!lock.held()) return Error(Code::kUnavailable, "cannot lock " + path.string());
  auto file = read_object(path);
  if (file.has_error()) return file.error();
  std::vector<PairingRequest> requests = valid_requests(file.value());
  const std::string now = iso(Clock::now());
  meta["accountId"] = account;
  const auto same = std::find_if(requests.begin(), requests.end(), [&](const PairingRequest& r) {
    return r.id == sender_id && account_of(r) == account;
  });
  PairingRequest out;
  if (same != requests.end()) {
    same->last_seen_at = now;
    same->meta = std::move(meta);
    out = *same;
  } else {
    if (requests.size() >= kMaxPending) {
      return Error(
          Code::kResourceExhausted,
          "three pairing requests wait already; see `openclaw pairing list " + name.value() + "`");
    }
    auto code = new_code(requests);
    if (code.has_error()) return code.error();
    out = PairingRequest{std::string(sender_id), code.value(), now, now, std::move(meta)};
    requests.push_back(out);
  }
  if (auto written = write_object(path, requests_file(requests)); written.has_error())
    return written.error();
  return out;
}

Result<std::string> PairingStore::approve(std::string_view channel, std::string_view code) {
  auto name = checked(channel, "the channel");
  if (name.has_error()) return name.error();
  if (auto made = storage::make_private_dir(dir_); made.has_error()) return made.error();
  const std::filesystem::path path = dir_ / (name.value() + "-pairing.json");
  const FileLock lock(path.string() + ".lock");
  if (!lock.held()) return Error(Code::kUnavailable, "cannot lock " + path.string());
  auto file = read_object(path);
  if (file.has_error()) return file.error();
  std::vector<PairingRequest> requests = valid_requests(file.value());
  const std::string wanted = upper(code);
  const auto found = std::find_if(requests.begin(), requests.end(),
                                  [&](const auto& r) { return r.code == wanted; });
  if (found == requests.end()) {
    return Error(Code::kNotFound, "no pairing request of " + name.value() +
                                      " has this code, or it is older than an "
                                      "hour; see `openclaw pairing list " +
                                      name.value() + "`");
  }
  const std::string id = found->id;
  auto account = checked(account_of(*found), "the account");
  if (account.has_error()) return account.error();
  // Allowed first: a crash between the two leaves a request too many, never an approval that is
  // lost.
  auto added =
      add_to_allow_file(dir_ / (name.value() + "-" + account.value() + "-allowFrom.json"), id);
  if (added.has_error()) return added.error();
  requests.erase(found);
  if (auto written = write_object(path, requests_file(requests)); written.has_error())
    return written.error();
  return id;
}

Result<std::vector<std::string>> PairingStore::allowed(std::string_view channel,
                                                       std::string_view account) const {
  auto name = checked(channel, "the channel");
  if (name.has_error()) return name.error();
  auto who = checked(account, "the account");
  if (who.has_error()) return who.error();
  std::vector<std::string> ids;
  auto own = read_object(dir_ / (name.value() + "-" + who.value() + "-allowFrom.json"));
  if (own.has_error()) return own.error();
  add_ids(ids, own.value());
  if (account == "default") {
    auto legacy = read_object(dir_ / (name.value() + "-allowFrom.json"));
    if (legacy.has_error()) return legacy.error();
    add_ids(ids, legacy.value());
  }
  return ids;
}

}  // namespace openclaw::channel
