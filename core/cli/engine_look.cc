#include "cli/engine_look.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>

namespace openclaw::cli {
namespace {

constexpr int kAnswerSeconds = 5;
constexpr std::size_t kMaxAnswer = 64 * 1024;

// Owns a descriptor.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

// The status of the answer, or the errno that kept it from coming.
std::optional<int> ask(const std::string& path, const std::string& target, int& error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    error = ENAMETOOLONG;
    return std::nullopt;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval limit{kAnswerSeconds, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    error = errno;
    return std::nullopt;
  }
  std::string request = "GET " + target + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
  if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    error = errno;
    return std::nullopt;
  }
  std::string answer;
  std::array<char, 4096> block{};
  while (answer.find('\n') == std::string::npos && answer.size() < kMaxAnswer) {
    auto size = recv(socket.get(), block.data(), block.size(), 0);
    if (size <= 0) break;
    answer.append(block.data(), static_cast<std::size_t>(size));
  }
  // "HTTP/1.x NNN"
  if (answer.size() < 12 || !answer.starts_with("HTTP/1.") || !std::isdigit(static_cast<unsigned char>(answer[9]))) {
    error = EPROTO;
    return std::nullopt;
  }
  return std::atoi(answer.substr(9, 3).c_str());
}

std::string group_of(const struct stat& info) {
  std::array<char, 4096> buffer{};
  group entry{};
  group* found = nullptr;
  if (getgrgid_r(info.st_gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) {
    return found->gr_name;
  }
  return std::to_string(info.st_gid);
}

}  // namespace

EngineLook look_at_engine(const std::string& address, const std::string& image) {
  using State = EngineLook::State;
  auto path = address.starts_with("unix:") ? address.substr(5) : address;
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return {State::kNoSocket, "there is no container engine: " + path + " does not exist",
            "sudo apt-get install docker.io && sudo systemctl start docker"};
  }
  if (access(path.c_str(), R_OK | W_OK) != 0) {
    auto group = group_of(info);
    return {State::kNoPermission,
            "no permission on " + path + ", which belongs to the group " + group,
            "sudo usermod -aG " + group + " \"$USER\"   # then log in again"};
  }
  int error = 0;
  auto pong = ask(path, "/_ping", error);
  if (pong != 200) {
    return {State::kNoAnswer,
            "the container engine does not answer on " + path +
                (pong ? " (HTTP " + std::to_string(*pong) + ")"
                      : " (" + std::generic_category().message(error) + ")"),
            "sudo systemctl restart docker   # its log: journalctl -u docker"};
  }
  auto there = ask(path, "/images/" + encoded(image) + "/json", error);
  if (there == 404) {
    return {State::kNoImage, "the image " + image + " is not there",
            "scripts/sandbox-setup.sh " + image};
  }
  return {State::kReady, "the engine answers and has the image " + image, ""};
}

}  // namespace openclaw::cli
