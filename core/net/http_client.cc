#include "net/http_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "net/libcurl.h"
#include "net/proxy_address.h"

namespace openclaw::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxHeaderBytes = 256 * 1024;
constexpr std::size_t kMaxHeaderCount = 512;

std::string_view trimmed(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

Result<void> check_request(const HttpRequest& request) {
  if (!is_http_token(request.method) || request.method.size() > 32) {
    return Error(Code::kInvalidArgument, "the HTTP method is not a token");
  }
  bool web = request.url.scheme == "http" || request.url.scheme == "https";
  if (!web && !(request.url.is_unix() && !request.url.target.empty())) {
    return Error(Code::kInvalidArgument,
                 "an HTTP request needs http://, https:// or unix:/path.sock:/target, not " +
                     request.url.scheme + ":" + request.url.authority());
  }
  if (!request.proxy.empty()) {
    if (request.url.is_unix())
      return Error(Code::kInvalidArgument, "a unix socket is not reached through a proxy");
    if (auto proxy = parse_proxy(request.proxy); proxy.has_error()) return proxy.error();
  }
  return check_headers(request.headers);
}

struct SlistFree {
  void operator()(curl_slist* list) const { libcurl().slist_free_all(list); }
};
struct EasyFree {
  void operator()(CURL* easy) const { libcurl().easy_cleanup(easy); }
};

// One request on its way. Touched by the client's thread alone.
struct Transfer {
  std::uint64_t id = 0;
  HttpRequest request;
  HttpEvents events;
  std::unique_ptr<CURL, EasyFree> easy;
  std::unique_ptr<curl_slist, SlistFree> headers;
  std::shared_ptr<FlowWindow> window;
  HttpResponse response;
  std::size_t header_bytes = 0;
  std::uint64_t received = 0;
  int redirects = 0;
  bool head_sent = false;
  bool paused = false;
  bool begun = false;            // a connection stood ready and the request went onto it
  std::optional<Error> failure;  // why a callback stopped the transfer
  std::optional<Error> refused;  // why an address was passed over; another one may do
  curl_off_t moved = 0;          // bytes either way, as last seen
  Clock::time_point last_activity;
  Clock::time_point idle_deadline() const {
    if (request.idle_timeout.count() == 0 || paused) return Clock::time_point::max();
    return last_activity + request.idle_timeout;
  }
  Clock::time_point total_deadline = Clock::time_point::max();
};

bool is_redirect(const Transfer& t) {
  if (t.redirects >= t.request.max_redirects || !t.request.redirect_guard) return false;
  int s = t.response.status;
  return s == 301 || s == 302 || s == 303 || s == 307 || s == 308;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  std::string_view line(data, size * count);
  t.last_activity = Clock::now();
  t.header_bytes += line.size();
  if (t.header_bytes > kMaxHeaderBytes || t.response.headers.size() > kMaxHeaderCount) {
    t.failure = Error(Code::kResourceExhausted,
                      t.request.url.authority() + " sent more headers than are accepted");
    return 0;
  }
  if (line.substr(0, 5) == "HTTP/") {  // also after a 1xx: begin anew
    t.response.headers.clear();
    return line.size();
  }
  auto colon = line.find(':');
  if (colon != std::string_view::npos) {
    t.response.headers.emplace_back(lower_case(std::string(trimmed(line.substr(0, colon)))),
                                    std::string(trimmed(line.substr(colon + 1))));
  }
  return line.size();
}

void send_head(Transfer& t) {
  if (t.head_sent) return;
  t.head_sent = true;
  long status = 0;
  libcurl().easy_getinfo(t.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  t.response.status = static_cast<int>(status);
  if (t.events.head && !is_redirect(t)) t.events.head(t.response);
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  std::size_t bytes = size * count;
  t.last_activity = Clock::now();
  send_head(t);
  if (is_redirect(t)) return bytes;
  if (t.events.chunk && t.window->is_full() && t.window->pause()) {
    t.paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  t.received += bytes;
  if (t.received > t.request.max_response_bytes) {
    t.failure =
        Error(Code::kResourceExhausted,
              "the answer of " + t.request.url.authority() + " is larger than the allowed " +
                  std::to_string(t.request.max_response_bytes) + " bytes");
    return 0;
  }
  if (t.events.chunk) {
    t.events.chunk(std::string(data, bytes), t.window->take(bytes));
  } else {
    t.response.body.append(data, bytes);
  }
  return bytes;
}

std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  t.last_activity = Clock::now();
  auto got = t.request.body_source(buffer, size * count);
  if (got < 0) {
    t.failure = Error(Code::kInternal, "the body of the request could not be read");
    return CURL_READFUNC_ABORT;
  }
  return static_cast<std::size_t>(got);
}

// The connect address is known here and nowhere earlier: this is the check that a name cannot
// evade.
curl_socket_t on_open_socket(void* user, curlsocktype purpose, curl_sockaddr* address) {
  auto& t = *static_cast<Transfer*>(user);
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
  if (address->family == AF_UNIX) {
    if (!t.request.url.is_unix()) return CURL_SOCKET_BAD;
  } else if (!t.request.proxied()) {
    auto allowed = check_address(&address->addr, t.request.allow_private);
    if (t.request.url.is_unix() || allowed.has_error()) {
      if (allowed.has_error()) t.refused = allowed.error();
      return CURL_SOCKET_BAD;
    }
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// A pooled connection may have been opened for a caller with wider rights.
int on_before_request(void* user, char* address, char*, int, int) {
  auto& t = *static_cast<Transfer*>(user);
  t.last_activity = Clock::now();
  // libcurl repeats a request by itself when a kept connection breaks before an answer. The server
  // may have acted on the first one.
  if (t.begun && t.request.once) {
    t.failure = Error(Code::kUnavailable, "the connection to " + t.request.url.authority() +
                                              " broke before the answer came");
    return CURL_PREREQFUNC_ABORT;
  }
  t.begun = true;
  if (t.request.url.is_unix() || t.request.proxied()) return CURL_PREREQFUNC_OK;
  auto allowed =
      check_address(std::string_view(address != nullptr ? address : ""), t.request.allow_private);
  if (allowed.has_value()) return CURL_PREREQFUNC_OK;
  t.begun = false;
  t.failure = allowed.error();
  return CURL_PREREQFUNC_ABORT;
}

int on_progress(void* user, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) {
  auto& t = *static_cast<Transfer*>(user);
  if (down + up != t.moved) t.last_activity = Clock::now();
  t.moved = down + up;
  return 0;
}

Error error_of(CURLcode code, const Transfer& t) {
  if (t.failure) return *t.failure;
  if (t.refused && code == CURLE_COULDNT_CONNECT) return *t.refused;
  std::string where = t.request.url.authority();
  std::string why = libcurl().easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Error(Code::kDeadlineExceeded, where + " did not answer within the time limit");
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error(Code::kUnavailable, "the name of " + where + " could not be resolved");
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SSL_CONNECT_ERROR:
      return Error(Code::kUnavailable, "the connection to " + where + " failed: " + why);
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error(Code::kProtocol, "the certificate of " + where +
                                        " is not trusted; look with: openssl s_client -connect " +
                                        where);
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
      return Error(Code::kProtocol, where + " sent what is not HTTP/1.1: " + why);
    case CURLE_OUT_OF_MEMORY:
      return Error(Code::kResourceExhausted, "out of memory");
    default:
      return Error(Code::kUnavailable, "the request to " + where + " failed: " + why);
  }
}

}  // namespace

class HttpClient::Impl : public std::enable_shared_from_this<HttpClient::Impl> {
 public:
  explicit Impl(HttpClientOptions options) : options_(std::move(options)) {}

  std::uint64_t start(HttpRequest request, HttpEvents events);
  void cancel(std::uint64_t id) { enqueue({Command::kCancel, id, nullptr}); }
  void stop();
  bool started() {
    std::lock_guard lock(mutex_);
    return thread_.joinable();
  }

 private:
  struct Command {
    enum Kind { kStart, kCancel, kUnpause } kind;
    std::uint64_t id;
    std::unique_ptr<Transfer> transfer;
  };

  void enqueue(Command command);
  void run();
  bool open();
  bool drain();
  void begin(std::unique_ptr<Transfer> transfer);
  void set_up(Transfer& t);
  void set_body(Transfer& t);
  void set_headers(Transfer& t);
  void read_results();
  bool follow(Transfer& t);
  void finish(std::uint64_t id, Result<HttpResponse> result);
  int expire();

  const HttpClientOptions options_;
  std::mutex mutex_;
  std::thread thread_;
  CURLM* multi_ = nullptr;         // made and destroyed under mutex_; the handle is the thread's
  std::vector<Command> commands_;  // under mutex_
  bool stopping_ = false;          // under mutex_
  std::optional<Error> unusable_;  // under mutex_; why libcurl cannot be had
  std::atomic<std::uint64_t> next_id_{1};
  std::unordered_map<std::uint64_t, std::unique_ptr<Transfer>> transfers_;  // the thread's
};

std::uint64_t HttpClient::Impl::start(HttpRequest request, HttpEvents events) {
  auto transfer = std::make_unique<Transfer>();
  auto id = next_id_.fetch_add(1);
  transfer->id = id;
  transfer->request = std::move(request);
  transfer->events = std::move(events);
  if (transfer->request.total_timeout.count() > 0) {
    transfer->total_deadline = Clock::now() + transfer->request.total_timeout;
  }
  if (transfer->events.chunk) {
    transfer->window =
        std::make_shared<FlowWindow>(options_.window_bytes, [weak = weak_from_this(), id] {
          if (auto self = weak.lock()) self->enqueue({Command::kUnpause, id, nullptr});
        });
  }
  enqueue({Command::kStart, id, std::move(transfer)});
  return id;
}

void HttpClient::Impl::enqueue(Command command) {
  std::optional<Error> refusal;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) {
      refusal = Error(Code::kCancelled, "the gateway is stopping");
    } else if (unusable_) {
      refusal = unusable_;
    } else {
      if (!thread_.joinable()) {
        if (command.kind != Command::kStart) return;
        thread_ = std::thread([this] { run(); });
      }
      commands_.push_back(std::move(command));
      if (multi_ != nullptr) libcurl().multi_wakeup(multi_);
    }
  }
  if (refusal && command.transfer) command.transfer->events.done(*refusal);
}

void HttpClient::Impl::stop() {
  std::thread thread;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
    if (multi_ != nullptr) libcurl().multi_wakeup(multi_);
  }
  if (!thread.joinable()) return;
  assert(thread.get_id() != std::this_thread::get_id());
  thread.join();
  std::lock_guard lock(mutex_);
  if (multi_ != nullptr) libcurl().multi_cleanup(multi_);
  multi_ = nullptr;
}

void HttpClient::Impl::run() {
  if (!open()) return;
  for (;;) {
    bool stopping = drain();
    if (stopping) break;
    int running = 0;
    libcurl().multi_perform(multi_, &running);
    read_results();
    int wait_ms = expire();
    // Sleeps until a socket, a timer of curl, our own timers or libcurl().multi_wakeup().
    libcurl().multi_poll(multi_, nullptr, 0, wait_ms, nullptr);
  }
  while (!transfers_.empty()) {
    finish(transfers_.begin()->first, Error(Code::kCancelled, "the gateway is stopping"));
  }
}

// On this thread, because the loop must not wait while libcurl is loaded. False: what waits was told why.
bool HttpClient::Impl::open() {
  auto loaded = load_libcurl();
  if (loaded.has_value()) {
    CURLM* multi = libcurl().multi_init();
    libcurl().multi_setopt(multi, CURLMOPT_MAXCONNECTS, 64L);
    libcurl().multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    std::lock_guard lock(mutex_);
    multi_ = multi;
    return true;
  }
  std::vector<Command> waiting;
  {
    std::lock_guard lock(mutex_);
    unusable_ = loaded.error();
    waiting.swap(commands_);
  }
  for (auto& command : waiting) {
    if (command.transfer) command.transfer->events.done(loaded.error());
  }
  return false;
}

// True when stop() was called; the commands before it are done first, so that each start has its
// done.
bool HttpClient::Impl::drain() {
  std::vector<Command> commands;
  bool stopping = false;
  {
    std::lock_guard lock(mutex_);
    commands.swap(commands_);
    stopping = stopping_;
  }
  for (auto& command : commands) {
    if (command.kind == Command::kStart) {
      begin(std::move(command.transfer));
    } else if (command.kind == Command::kCancel) {
      finish(command.id, Error(Code::kCancelled, "the request was cancelled"));
    } else if (auto found = transfers_.find(command.id); found != transfers_.end()) {
      auto& t = *found->second;
      t.paused = false;
      t.last_activity = Clock::now();
      auto code = libcurl().easy_pause(t.easy.get(), CURLPAUSE_CONT);
      if (code != CURLE_OK) finish(command.id, error_of(code, t));
    }
  }
  return stopping;
}

void HttpClient::Impl::begin(std::unique_ptr<Transfer> transfer) {
  auto valid = check_request(transfer->request);
  if (valid.has_error()) {
    transfer->events.done(valid.error());
    return;
  }
  auto id = transfer->id;
  auto& t = *(transfers_[id] = std::move(transfer));
  set_up(t);
  if (libcurl().multi_add_handle(multi_, t.easy.get()) != CURLM_OK) {
    finish(id, Error(Code::kInternal, "libcurl refused the request"));
  }
}

void HttpClient::Impl::set_up(Transfer& t) {
  t.easy.reset(libcurl().easy_init());
  CURL* easy = t.easy.get();
  const auto& r = t.request;
  t.last_activity = Clock::now();
  t.header_bytes = 0;
  t.head_sent = false;
  t.response = {};
  t.refused.reset();
  libcurl().easy_setopt(easy, CURLOPT_PRIVATE, &t);
  libcurl().easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  libcurl().easy_setopt(easy, CURLOPT_URL, r.url.text().c_str());
  libcurl().easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  libcurl().easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  libcurl().easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  libcurl().easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  libcurl().easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  libcurl().easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  libcurl().easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  libcurl().easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  libcurl().easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  if (!options_.ca_file.empty()) libcurl().easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!r.proxy.empty()) {
    libcurl().easy_setopt(easy, CURLOPT_PROXY, r.proxy.c_str());
    libcurl().easy_setopt(easy, CURLOPT_NOPROXY, "");  // the environment opens no way around it
    libcurl().easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    libcurl().easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  } else if (!r.use_environment_proxy) {
    libcurl().easy_setopt(easy, CURLOPT_PROXY, "");
  }
  if (r.url.is_unix()) libcurl().easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r.url.unix_path.c_str());
  libcurl().easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(r.connect_timeout.count()));
  libcurl().easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  libcurl().easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &t);
  libcurl().easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before_request);
  libcurl().easy_setopt(easy, CURLOPT_PREREQDATA, &t);
  libcurl().easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  libcurl().easy_setopt(easy, CURLOPT_HEADERDATA, &t);
  libcurl().easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  libcurl().easy_setopt(easy, CURLOPT_WRITEDATA, &t);
  if (r.idle_timeout.count() > 0) {
    libcurl().easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    libcurl().easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    libcurl().easy_setopt(easy, CURLOPT_XFERINFODATA, &t);
  }
  libcurl().easy_setopt(easy, CURLOPT_BUFFERSIZE, 64L * 1024);
  set_body(t);
  set_headers(t);
}

void HttpClient::Impl::set_body(Transfer& t) {
  CURL* easy = t.easy.get();
  const auto& r = t.request;
  bool bodied = r.method == "POST" || r.method == "PUT" || r.method == "PATCH";
  if (r.body_source) {
    libcurl().easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    libcurl().easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    libcurl().easy_setopt(easy, CURLOPT_READDATA, &t);
    libcurl().easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 64L * 1024);
    libcurl().easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(r.body_source_bytes));
  } else if (bodied || !r.body.empty()) {
    // Not copied: the transfer outlives the handle.
    libcurl().easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(r.body.size()));
    libcurl().easy_setopt(easy, CURLOPT_POSTFIELDS, r.body.data());
  } else if (r.method == "HEAD") {
    libcurl().easy_setopt(easy, CURLOPT_NOBODY, 1L);
  }
  libcurl().easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r.method.c_str());
}

void HttpClient::Impl::set_headers(Transfer& t) {
  curl_slist* list = nullptr;
  bool has_type = false;
  for (const auto& [name, value] : t.request.headers) {
    auto key = lower_case(name);
    // Framing is curl's; a Host of the caller's own choice would undo the check of the name.
    if (key == "content-length" || key == "transfer-encoding" || key == "connection") continue;
    if (key == "host" && !t.request.url.is_unix()) continue;
    has_type = has_type || key == "content-type";
    list = libcurl().slist_append(list, (value.empty() ? name + ";" : name + ": " + value).c_str());
  }
  if (!has_type) list = libcurl().slist_append(list, "Content-Type:");  // no default for POST
  list = libcurl().slist_append(list, "Expect:");                       // no round trip before a body
  t.headers.reset(list);
  libcurl().easy_setopt(t.easy.get(), CURLOPT_HTTPHEADER, list);
}

void HttpClient::Impl::read_results() {
  int left = 0;
  while (CURLMsg* message = libcurl().multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result;  // the message dies with the handle's removal
    char* user = nullptr;
    libcurl().easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
    auto& t = *reinterpret_cast<Transfer*>(user);
    if (code == CURLE_OK && !t.failure) {
      send_head(t);
      if (is_redirect(t) && follow(t)) continue;
      if (t.failure) {
        finish(t.id, *t.failure);
      } else {
        finish(t.id, std::move(t.response));
      }
    } else {
      finish(t.id, error_of(code, t));
    }
  }
}

// True when the transfer goes on elsewhere. False with `failure` set when the hop is refused,
// without it when there is no usable Location: then the 3xx itself is the answer.
bool HttpClient::Impl::follow(Transfer& t) {
  char* location = nullptr;
  libcurl().easy_getinfo(t.easy.get(), CURLINFO_REDIRECT_URL, &location);
  if (location == nullptr || t.request.body_source || t.request.url.is_unix()) return false;
  auto next = parse_url(location);
  if (next.has_error()) {
    t.failure = Error(Code::kProtocol, t.request.url.authority() +
                                           " redirected to an address that is not accepted: " +
                                           next.error().message);
    return false;
  }
  auto verdict = t.request.redirect_guard(*next);
  if (verdict.has_error() || next->is_unix()) {
    t.failure = verdict.has_error() ? verdict.error()
                                    : Error(Code::kPermissionDenied, "redirected to a unix socket");
    return false;
  }
  int status = t.response.status;
  auto& r = t.request;
  bool same_origin = next->scheme == r.url.scheme && next->authority() == r.url.authority();
  if (status == 303 ? r.method != "HEAD" : status != 307 && status != 308 && r.method == "POST") {
    r.method = "GET";
    r.body.clear();
  }
  if (!same_origin) {
    std::erase_if(r.headers, [&](const auto& header) {
      auto key = lower_case(header.first);
      return key == "authorization" || key == "cookie" ||
             std::any_of(r.sensitive_headers.begin(), r.sensitive_headers.end(),
                         [&](const auto& name) { return lower_case(name) == key; });
    });
  }
  libcurl().multi_remove_handle(multi_, t.easy.get());
  ++t.redirects;
  r.url = std::move(*next);
  r.allow_private = verdict->allow_private;
  set_up(t);
  if (libcurl().multi_add_handle(multi_, t.easy.get()) == CURLM_OK) return true;
  t.failure = Error(Code::kInternal, "libcurl refused the request");
  return false;
}

void HttpClient::Impl::finish(std::uint64_t id, Result<HttpResponse> result) {
  auto node = transfers_.extract(id);
  if (node.empty()) return;
  auto& t = *node.mapped();
  // Error when it was never added: harmless.
  if (t.easy) libcurl().multi_remove_handle(multi_, t.easy.get());
  t.easy.reset();
  if (result.has_error() && !t.begun) {
    Error error = result.error();
    error.details["unsent"] = true;
    result = std::move(error);
  }
  if (t.events.done) t.events.done(std::move(result));
}

// Ends what is overdue; answers the milliseconds until the next of our own deadlines.
int HttpClient::Impl::expire() {
  auto now = Clock::now();
  auto next = Clock::time_point::max();
  std::vector<std::uint64_t> overdue;
  for (auto& [id, t] : transfers_) {
    auto when = std::min(t->idle_deadline(), t->total_deadline);
    if (when <= now) {
      overdue.push_back(id);
    } else {
      next = std::min(next, when);
    }
  }
  for (auto id : overdue) finish(id, error_of(CURLE_OPERATION_TIMEDOUT, *transfers_[id]));
  constexpr int kLongest =
      60'000;  // curl_multi_poll takes an int; waking once a minute costs nothing
  if (next == Clock::time_point::max()) return kLongest;
  auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
  return static_cast<int>(std::min<std::int64_t>(wait, kLongest));
}

HttpClient::HttpClient(Runtime& runtime, HttpClientOptions options)
    : runtime_(runtime), impl_(std::make_shared<Impl>(std::move(options))) {}

HttpClient::~HttpClient() {
  stop();
}

std::uint64_t HttpClient::start(HttpRequest request, HttpEvents events) {
  return impl_->start(std::move(request), std::move(events));
}
void HttpClient::cancel(std::uint64_t id) {
  impl_->cancel(id);
}
void HttpClient::stop() {
  impl_->stop();
}
bool HttpClient::started() const {
  return impl_->started();
}

Awaitable<Result<HttpResponse>> HttpClient::request(HttpRequest request, Limits limits,
                                                    ChunkSink sink) {
  auto id = std::make_shared<std::uint64_t>(0);
  // Once the caller has its answer, late chunks must not reach its sink.
  auto listening = std::make_shared<bool>(true);
  std::function<void(Completer<HttpResponse>)> begin = [&](Completer<HttpResponse> done) {
    HttpEvents events;
    events.done = [done](Result<HttpResponse> result) { done(std::move(result)); };
    if (sink) {
      events.chunk = [&runtime = runtime_, sink, listening](std::string chunk, Credit credit) {
        runtime.post([sink, listening, chunk = std::move(chunk), credit = std::move(credit)] {
          if (*listening) sink(chunk, credit);
        });
      };
    }
    *id = impl_->start(std::move(request), std::move(events));
  };
  std::function<void()> give_up = [impl = impl_, id] { impl->cancel(*id); };
  auto result = co_await suspend<HttpResponse>(runtime_, limits, begin, give_up);
  *listening = false;
  co_return result;
}

}  // namespace openclaw::net
