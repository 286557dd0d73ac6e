#include "engine.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <vector>

#include "spec_reader.h"

namespace openclaw::docker {

namespace {

constexpr int kCallsAtOnce = 32;
constexpr std::uint32_t kPingTimeoutMs = 10'000;
constexpr std::uint32_t kMaxReplyBytes = 4 * 1024 * 1024;
constexpr int kMajor = 1;
constexpr int kOldestMinor = 41;  // of an engine that does not say which it has
constexpr int kNewestMinor = 44;  // what this code was written for

struct HttpWait : Waiter {
  oc_status code = OC_INTERNAL;
  int status = 0;
  std::string headers, body;
};

std::string lowered(std::string_view text) {
  std::string out;
  for (char c : text) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string header_of(std::string_view headers_json, std::string_view wanted) {
  boost::system::error_code failed;
  json::value headers =
      json::parse(json::string_view(headers_json.data(), headers_json.size()), failed);
  if (failed || !headers.is_object()) return {};
  for (const auto& [name, value] : headers.get_object()) {
    if (lowered(name) != wanted) continue;
    if (value.is_string()) return std::string(value.get_string());
    if (value.is_array() && !value.get_array().empty() && value.get_array()[0].is_string()) {
      return std::string(value.get_array()[0].get_string());
    }
  }
  return {};
}

// 43 of "1.43"; 0 for what is no version of the API.
int minor_of(std::string_view version) {
  int major = 0, minor = 0;
  auto dot = version.find('.');
  if (dot == std::string_view::npos) return 0;
  std::from_chars(version.data(), version.data() + dot, major);
  std::from_chars(version.data() + dot + 1, version.data() + version.size(), minor);
  return major == kMajor && minor > 0 ? minor : 0;
}

std::string group_name(gid_t gid) {
  std::array<char, 4096> buffer{};
  group entry{};
  group* found = nullptr;
  if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found)
    return found->gr_name;
  return std::to_string(gid);
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any
  return value ? value : "";
}

// Where engines without root, and Podman, listen. Empty: nowhere that this user may use.
std::string socket_elsewhere() {
  constexpr std::string_view kUnix = "unix://";
  std::string runtime = variable("XDG_RUNTIME_DIR"), host = variable("DOCKER_HOST");
  if (runtime.empty()) runtime = "/run/user/" + std::to_string(::geteuid());
  std::vector<std::string> places = {runtime + "/docker.sock", runtime + "/podman/podman.sock",
                                     "/run/podman/podman.sock"};
  if (host.starts_with(kUnix)) places.insert(places.begin(), host.substr(kUnix.size()));
  for (const auto& place : places) {
    if (::access(place.c_str(), R_OK | W_OK) == 0) return place;
  }
  return {};
}

}  // namespace

std::string url_encoded(std::string_view text) {
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

Engine::Engine(Plugin& plugin, std::string address)
    : plugin_(plugin), address_(std::move(address)) {}

Flow<Outcome<Reply>> Engine::send(std::string method, std::string target, std::string body,
                                  std::uint32_t timeout_ms, std::string* version) {
  HttpWait wait;
  std::string url = address_ + ":" + target;
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.headers_json = R"({"Content-Type":"application/json"})";
  request.body = body;
  request.timeout_ms = timeout_ms;
  request.max_response_bytes = kMaxReplyBytes;
  Http::Done done = [&wait](oc_status code, const HttpResponse& response) {
    wait.code = code;
    wait.status = response.status;
    wait.headers = response.headers_json;
    wait.body = response.body;
    wait.arrived();
  };
  plugin_.http().request(request, std::move(done));
  co_await wait;
  if (wait.code != OC_OK) {
    if (wait.code == OC_DEADLINE_EXCEEDED) {
      co_return failure(OC_DEADLINE_EXCEEDED,
                        "the Docker engine did not answer " + method + " " + target + " within " +
                            std::to_string(timeout_ms / 1000) + " s; see: systemctl status docker");
    }
    // Nothing that the engine could do about: the host cannot make requests at all.
    if (wait.code == OC_FAILED_PRECONDITION) co_return failure(wait.code, std::move(wait.body));
    co_return unreachable(wait.code);
  }
  Reply reply;
  reply.status = wait.status;
  reply.text = std::move(wait.body);
  boost::system::error_code failed;
  reply.body = json::parse(reply.text, failed);
  if (failed) reply.body = nullptr;
  if (version) *version = header_of(wait.headers, "api-version");
  co_return reply;
}

Flow<Outcome<Nothing>> Engine::negotiate() {
  std::string version;
  Outcome<Reply> pong = co_await send("GET", "/_ping", "", kPingTimeoutMs, &version);
  if (pong.has_error()) co_return pong.error();
  if (pong->status != 200) {
    co_return failure(OC_PROTOCOL, "what listens on " + socket_path() +
                                       " is no Docker engine: /_ping answered " +
                                       std::to_string(pong->status));
  }
  int offered = minor_of(version), minor = std::min(offered, kNewestMinor);
  if (offered == 0) minor = kOldestMinor;
  if (offered > kNewestMinor) {
    // Engines stop taking old versions: a newer one may want more than this code knows.
    Outcome<Reply> about = co_await send("GET", "/version", "", kPingTimeoutMs, nullptr);
    if (about.has_value() && about->body.is_object())
      minor = std::max(minor, minor_of(text_of(about->body.get_object(), "MinAPIVersion")));
  }
  prefix_ = "/v1." + std::to_string(minor);
  co_return Nothing{};
}

// A burst of calls waits in line here: the host has a bound on requests, and the engine gets no
// faster by more.
Flow<Outcome<Reply>> Engine::call(std::string method, std::string path, std::string body,
                                  std::uint32_t timeout_ms) {
  if (calls_ >= kCallsAtOnce) {
    Waiter turn;
    in_line_.push_back(&turn);
    co_await turn;  // the place of the one before
  } else {
    ++calls_;
  }
  if (prefix_.empty()) {
    Outcome<Nothing> agreed = co_await negotiate();
    if (agreed.has_error()) {
      leave();
      co_return agreed.error();
    }
  }
  std::string target = prefix_ + path;
  Outcome<Reply> reply =
      co_await send(std::move(method), std::move(target), std::move(body), timeout_ms, nullptr);
  // It was replaced by another version: the next call agrees anew.
  if (reply.has_value() && reply->status == 400 &&
      message_of(*reply).find("API version") != std::string::npos)
    prefix_.clear();
  leave();
  co_return reply;
}

void Engine::leave() {
  if (in_line_.empty()) {
    --calls_;
    return;
  }
  Waiter* next = in_line_.front();
  in_line_.pop_front();
  next->arrived();
}

Flow<Nothing> Engine::pause(std::uint64_t ms) {
  Waiter wait;
  std::function<void()> fire = [&wait] { wait.arrived(); };
  if (plugin_.timer().after(ms, std::move(fire)) != 0) co_await wait;
  co_return Nothing{};
}

Engine::Trouble Engine::trouble(oc_status status) const {
  std::string path = socket_path();
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (std::string other = socket_elsewhere(); !other.empty()) {
      return {OC_UNAVAILABLE,
              "there is no Docker engine: " + path + " does not exist, but " + other + " does",
              "openclaw config set plugins.entries.sandbox-docker.config.engine unix:" + other};
    }
    return {OC_UNAVAILABLE, "there is no Docker engine: " + path + " does not exist",
            "sudo apt-get install docker.io && sudo systemctl start docker"};
  }
  if (::access(path.c_str(), R_OK | W_OK) != 0) {
    std::string group = group_name(info.st_gid);
    return {
        OC_PERMISSION_DENIED, "no permission on " + path + ", which belongs to the group " + group,
        "sudo usermod -aG " + group + " \"$USER\"   # then log in again and restart the gateway"};
  }
  if (status == OC_PERMISSION_DENIED || status == OC_UNIMPLEMENTED) {
    return {OC_PERMISSION_DENIED,
            "the gateway does not let sandbox-docker use " + path +
                " (permissions.net in its openclaw.plugin.json)",
            "openclaw plugins inspect sandbox-docker"};
  }
  return {OC_UNAVAILABLE, "the Docker engine does not answer on " + path,
          "sudo systemctl restart docker   # its log: journalctl -u docker"};
}

Failure Engine::unreachable(oc_status status) const {
  Trouble found = trouble(status);
  return failure(found.code,
                 found.what + ". Type: " + found.fix + " (how to do without: openclaw doctor)");
}

std::string Engine::message_of(const Reply& reply) {
  if (reply.body.is_object()) {
    std::string message = text_of(reply.body.get_object(), "message");
    if (!message.empty()) return message;
  }
  return "HTTP " + std::to_string(reply.status) + " " + reply.text.substr(0, 200);
}

}  // namespace openclaw::docker
