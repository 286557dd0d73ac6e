#include "cli/session_index.h"

#include <algorithm>

#include "storage/atomic_file.h"

namespace openclaw::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxIndexBytes = 256 * 1024 * 1024;

}  // namespace

fs::path session_index_path(const config::Paths& paths, std::string_view agent_id) {
  return paths.state_dir / "agents" / agent_id / "sessions" / "sessions.json";
}

Result<json::object> read_session_index(const fs::path& file) {
  auto text = storage::read_file_bounded(file, kMaxIndexBytes);
  if (text.has_error() && text.error().code == Code::kNotFound) return json::object{};
  if (text.has_error()) return text.error();
  boost::system::error_code failed;
  auto parsed = json::parse(*text, failed);
  if (failed || !parsed.is_object()) {
    return make_error(Code::kFailedPrecondition,
                      file.string() + " is no session index: " +
                          (failed ? failed.message() : "the top level is no object") +
                          ". The gateway sets such a file aside and starts a new one; to do it now: "
                          "mv '" +
                          file.string() + "' '" + file.string() + ".bak'");
  }
  return std::move(parsed.get_object());
}

std::vector<std::string> agents_with_sessions(const config::Paths& paths) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator at(paths.state_dir / "agents", failed), end; !failed && at != end;
       at.increment(failed)) {
    std::error_code ignored;
    auto name = at->path().filename().string();
    if (fs::exists(session_index_path(paths, name), ignored)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace openclaw::cli
