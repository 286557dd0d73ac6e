#include "hijacked.h"

#include <charconv>

namespace openclaw::docker {

namespace {
constexpr std::uint32_t kConnectTimeoutMs = 10'000;
constexpr std::size_t kMaxHead = 64 * 1024;
}  // namespace

void Hijacked::open(const std::string& path, std::string body, Handlers handlers) {
  on_ = std::move(handlers);
  request_ = "POST " + engine_.prefix() + path +
             " HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
             "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body;
  auto self = shared_from_this();
  StreamHandlers on;
  on.on_open = [self] {
    if (self->send(self->request_) != OC_OK) self->close();
  };
  on.on_data = [self](std::string_view data) { self->on_data(data); };
  on.on_writable = [self] {
    if (self->is_stream() && self->on_.on_writable) self->on_.on_writable();
  };
  on.on_close = [self](oc_status, std::string_view reason) {
    self->stream_ = 0;
    Handlers last = std::exchange(self->on_, {});
    if (last.on_close) last.on_close(reason);
  };
  std::uint64_t id = plugin_.stream().connect(engine_.address(), kConnectTimeoutMs, std::move(on));
  if (on_.on_close) stream_ = id;
}

Reply Hijacked::answer() const {
  Reply reply;
  reply.status = status_;
  reply.text = head_;
  boost::system::error_code failed;
  reply.body = json::parse(head_, failed);
  if (failed) reply.body = nullptr;
  return reply;
}

// True once the head is complete; what follows it is in `head_` then.
bool Hijacked::read_head(std::string_view data) {
  head_.append(data);
  if (status_ != 0) return true;
  auto end = head_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (head_.size() > kMaxHead) close();
    return false;
  }
  int status = 0;
  auto blank = head_.find(' ');
  if (blank < end) std::from_chars(head_.data() + blank + 1, head_.data() + end, status);
  status_ = status > 0 ? status : 500;
  head_.erase(0, end + 4);
  return true;
}

void Hijacked::on_data(std::string_view data) {
  if (is_stream()) return on_.on_data(data);
  if (!read_head(data)) return;
  if (!is_stream()) {
    // An error: the engine keeps the connection open after its text, which is one JSON object.
    boost::system::error_code incomplete;
    json::parse(head_, incomplete);
    if (!incomplete || head_.size() > kMaxHead) close();
    return;
  }
  std::string rest = std::exchange(head_, {});
  if (on_.on_open) on_.on_open();
  if (!rest.empty() && on_.on_data) on_.on_data(rest);
}

}  // namespace openclaw::docker
