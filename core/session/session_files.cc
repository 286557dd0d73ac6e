#include "session/session_files.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <deque>
#include <system_error>
#include <unordered_map>

#include "json_fields.h"
#include "storage/atomic_file.h"

namespace openclaw::session {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxFileBytes = 1ULL << 30;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Error io_error(std::string_view doing, const fs::path& file, int number) {
  std::array<char, 128> text{};
  const char* why = ::strerror_r(number, text.data(), text.size());
  auto code = number == EACCES || number == EPERM    ? Code::kPermissionDenied
              : number == ENOSPC || number == EDQUOT ? Code::kResourceExhausted
                                                     : Code::kUnavailable;
  return make_error(code, "cannot " + std::string(doing) + " " + file.string() + ": " + why +
                              ". Check the disk and the owner of the state directory: "
                              "openclaw doctor");
}

int open_retry(const fs::path& file, int flags, mode_t mode = 0600) {
  int fd = -1;
  do {
    fd = ::open(file.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// Errno of the failure, 0 when all was written.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

void sync_directory(const fs::path& dir) {
  Descriptor fd(open_retry(dir, O_RDONLY | O_DIRECTORY));
  if (fd.get() >= 0) ::fsync(fd.get());
}

Result<std::string> read_all(int fd, const fs::path& file) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return io_error("read", file, errno);
  if (!S_ISREG(info.st_mode)) {
    return make_error(Code::kFailedPrecondition, file.string() + " is not a regular file");
  }
  auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > kMaxFileBytes) {
    return make_error(Code::kResourceExhausted, file.string() + " is larger than 1 GiB");
  }
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    auto n = ::read(fd, text.data() + have, text.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("read", file, errno);
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  text.resize(have);
  return text;
}

void random_bytes(unsigned char* out, std::size_t size) {
  while (size > 0) {
    auto n = ::getrandom(out, size, 0);
    if (n < 0) continue;  // only EINTR: the pool is up long before us
    out += n;
    size -= static_cast<std::size_t>(n);
  }
}

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

void print(const json::value& value, std::size_t depth, std::string& out) {
  auto indent = [&](std::size_t level) {
    out += '\n';
    out.append(level * 2, ' ');
  };
  if (value.is_object() && !value.get_object().empty()) {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : value.get_object()) {
      if (!first) out += ',';
      first = false;
      indent(depth + 1);
      out += json::serialize(key);
      out += ": ";
      print(member, depth + 1, out);
    }
    indent(depth);
    out += '}';
  } else if (value.is_array() && !value.get_array().empty()) {
    out += '[';
    bool first = true;
    for (const auto& element : value.get_array()) {
      if (!first) out += ',';
      first = false;
      indent(depth + 1);
      print(element, depth + 1, out);
    }
    indent(depth);
    out += ']';
  } else {
    out += json::serialize(value);
  }
}

// The values of a file, in memory that is taken in large pieces and given back with the last of
// them: a long transcript has a hundred thousand small ones.
struct Parsed {
  json::monotonic_resource memory;
  std::deque<json::value> values;
};

// One parsed line, before the active branch is known.
struct Line {
  std::string id, parent;
  bool has_parent = false;
  const json::object* object = nullptr;  // in Parsed
  std::size_t bytes = 0;
};

bool is_header(std::string_view line) {
  boost::system::error_code failure;
  auto value = json::parse(json::string_view(line.data(), line.size()), failure);
  return !failure && value.is_object() && text_of(value.get_object(), "type") == "session";
}

// Indexes of the lines on the way from the last line to the root, oldest first.
std::vector<std::size_t> active_branch(const std::vector<Line>& lines) {
  std::unordered_map<std::string_view, std::size_t> by_id;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].id.empty()) by_id[lines[i].id] = i;
  }
  std::vector<std::size_t> branch;
  if (lines.empty()) return branch;
  auto at = lines.size() - 1;
  while (true) {
    branch.push_back(at);
    const auto& line = lines[at];
    if (line.has_parent && line.parent.empty()) break;  // "parentId": null is the root
    auto found = by_id.find(line.parent);
    // A parent later in the file or nowhere: hand-made or damaged; the line before is the best
    // guess.
    auto next = found != by_id.end() && found->second < at ? found->second : at - 1;
    if (at == 0) break;
    at = next;
  }
  std::ranges::reverse(branch);
  return branch;
}

void take_line(LoadedTranscript& out, const Line& line, const std::shared_ptr<Parsed>& parsed) {
  auto type = text_of(*line.object, "type");
  if (type == "message") {
    auto* message = line.object->if_contains("message");
    if (message == nullptr || !message->is_object()) return;
    out.items.push_back(
        {line.id, std::shared_ptr<const json::object>(parsed, &message->get_object()), line.bytes});
  } else if (type == "compaction") {
    out.summary = text_of(*line.object, "summary");
    auto kept = text_of(*line.object, "firstKeptEntryId");
    auto found = std::ranges::find_if(
        out.items, [&](const TranscriptItem& item) { return !kept.empty() && item.id == kept; });
    out.context_start = static_cast<std::size_t>(found - out.items.begin());
  }
}

// Splits into lines, parses each, and says where the good part of the file ends.
std::vector<Line> parse_lines(std::string_view text, Parsed& parsed, LoadedTranscript& out,
                              std::size_t& good_end, bool& newline_missing) {
  std::vector<Line> lines;
  json::parser parser;
  std::size_t at = 0;
  good_end = 0;
  newline_missing = false;
  while (at < text.size()) {
    auto end = text.find('\n', at);
    bool last = end == std::string_view::npos;
    auto raw = text.substr(at, last ? std::string_view::npos : end - at);
    boost::system::error_code failure;
    parser.reset(&parsed.memory);
    parser.write(json::string_view(raw.data(), raw.size()), failure);
    const json::object* object = nullptr;
    if (!failure) object = parsed.values.emplace_back(parser.release()).if_object();
    if (last && object == nullptr) return lines;  // torn: everything from `at` goes
    if (object != nullptr) {
      Line line;
      line.bytes = raw.size();
      line.object = object;
      line.id = text_of(*object, "id");
      line.parent = text_of(*object, "parentId");
      line.has_parent = object->contains("parentId");
      if (at > 0) lines.push_back(std::move(line));  // the first line is the header
    } else if (!raw.empty()) {
      ++out.skipped_lines;
    }
    newline_missing = last;
    good_end = last ? text.size() : end + 1;
    at = good_end;
  }
  return lines;
}

}  // namespace

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string iso_time(std::int64_t ms) {
  auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  auto n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  auto fraction = std::to_string(1000 + ms % 1000);
  return std::string(text.data(), n) + "." + fraction.substr(1) + "Z";
}

std::string archive_time(std::int64_t ms) {
  auto text = iso_time(ms);
  std::ranges::replace(text, ':', '-');
  return text;
}

std::string new_uuid() {
  std::array<unsigned char, 16> b{};
  random_bytes(b.data(), b.size());
  b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
  return hex(b.data(), 4) + "-" + hex(&b[4], 2) + "-" + hex(&b[6], 2) + "-" + hex(&b[8], 2) + "-" +
         hex(&b[10], 6);
}

std::string new_line_id() {
  std::array<unsigned char, 4> b{};
  random_bytes(b.data(), b.size());
  return hex(b.data(), b.size());
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !digit) return false;
  }
  return true;
}

std::string pretty_json(const json::value& value, std::size_t depth) {
  std::string out;
  print(value, depth, out);
  return out;
}

Result<std::string> archive_file(const fs::path& file, std::string_view kind) {
  auto base = file.string() + "." + std::string(kind) + "." + archive_time(now_ms());
  auto target = base;
  // Two archives in one millisecond must not replace each other.
  for (int i = 2; ::access(target.c_str(), F_OK) == 0; ++i) target = base + "-" + std::to_string(i);
  if (::rename(file.c_str(), target.c_str()) != 0) {
    if (errno == ENOENT) return std::string();
    return io_error("rename", file, errno);
  }
  sync_directory(file.parent_path());
  return target;
}

Result<LoadedIndex> load_index(const fs::path& file) {
  LoadedIndex out;
  Descriptor fd(open_retry(file, O_RDONLY | O_NOFOLLOW));
  if (fd.get() < 0) {
    if (errno == ENOENT) return out;
    return io_error("read", file, errno);
  }
  auto text = read_all(fd.get(), file);
  if (text.has_error()) return text.error();
  boost::system::error_code failure;
  auto value = json::parse(text.value(), failure);
  if (failure || !value.is_object()) {
    auto aside = archive_file(file, "corrupt");
    if (aside.has_error()) return aside.error();
    out.set_aside = aside.value();
    return out;
  }
  for (auto& [key, entry] : value.get_object()) {
    out.entries.emplace(std::string(key), std::move(entry));
  }
  return out;
}

Result<void> write_index(const fs::path& file, const IndexText& entries) {
  auto dir = storage::make_private_dir(file.parent_path());
  if (dir.has_error()) return dir;
  std::string text = "{";
  for (const auto& [key, entry] : entries) {
    text += text.size() > 1 ? ",\n  " : "\n  ";
    text += json::serialize(json::string(key));
    text += ": ";
    text += *entry;
  }
  text += entries.empty() ? "}\n" : "\n}\n";
  return storage::write_file_atomically(file, text);
}

Result<LoadedTranscript> load_transcript(const fs::path& file) {
  LoadedTranscript out;
  Descriptor fd(open_retry(file, O_RDWR | O_NOFOLLOW));
  if (fd.get() < 0) {
    if (errno == ENOENT) return out;
    return io_error("read", file, errno);
  }
  auto read = read_all(fd.get(), file);
  if (read.has_error()) return read.error();
  const auto& text = read.value();
  if (text.empty()) return out;
  auto first_line = std::string_view(text).substr(0, text.find('\n'));
  if (!is_header(first_line)) {
    auto aside = archive_file(file, "corrupt");
    if (aside.has_error()) return aside.error();
    out.set_aside = aside.value();
    return out;
  }
  out.exists = true;
  std::size_t good_end = 0;
  bool newline_missing = false;
  auto parsed = std::make_shared<Parsed>();
  auto lines = parse_lines(text, *parsed, out, good_end, newline_missing);
  if (good_end < text.size()) {
    out.cut_bytes = text.size() - good_end;
    if (::ftruncate(fd.get(), static_cast<off_t>(good_end)) != 0) {
      return io_error("cut the torn last line of", file, errno);
    }
  } else if (newline_missing) {
    if (::lseek(fd.get(), 0, SEEK_END) < 0 || write_all(fd.get(), "\n") != 0) {
      return io_error("end the last line of", file, errno);
    }
  }
  for (auto i : active_branch(lines)) take_line(out, lines[i], parsed);
  if (!lines.empty()) out.leaf = lines.back().id;
  return out;
}

Result<void> append_lines(const fs::path& file, const std::string& lines, bool sync) {
  int flags = O_WRONLY | O_APPEND | O_NOFOLLOW;
  int raw = open_retry(file, flags);
  bool created = false;
  if (raw < 0 && errno == ENOENT) {
    if (lines.empty()) return {};
    auto dir = storage::make_private_dir(file.parent_path());
    if (dir.has_error()) return dir;
    raw = open_retry(file, flags | O_CREAT);
    created = true;
  }
  Descriptor fd(raw);
  if (fd.get() < 0) return io_error("append to", file, errno);
  struct stat before {};
  if (::fstat(fd.get(), &before) != 0) return io_error("append to", file, errno);
  int number = write_all(fd.get(), lines);
  if (number == 0 && (sync || created) && ::fdatasync(fd.get()) != 0) number = errno;
  if (number != 0) {
    // Half a line must not stay: the next append would continue it.
    if (::ftruncate(fd.get(), before.st_size) != 0) return io_error("restore", file, errno);
    return io_error("append to", file, number);
  }
  if (created) sync_directory(file.parent_path());
  return {};
}

}  // namespace openclaw::session
