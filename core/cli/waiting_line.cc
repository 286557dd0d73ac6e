#include "cli/waiting_line.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace openclaw::cli {

using std::chrono::seconds;

WaitingLine::WaitingLine(Runtime& runtime, std::string what)
    : what_(std::move(what)), timer_(runtime.loop()) {
  if (isatty(STDERR_FILENO) == 1) count();
}

WaitingLine::~WaitingLine() {
  timer_.cancel();
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void WaitingLine::count() {
  auto passed = std::chrono::duration_cast<seconds>(std::chrono::steady_clock::now() - start_);
  if (passed >= seconds(1)) {
    std::fprintf(stderr, "\r\x1b[K%s: %lld s", what_.c_str(), static_cast<long long>(passed.count()));
    shown_ = true;
  }
  timer_.expires_after(seconds(1));
  timer_.async_wait([this](const boost::system::error_code& failed) {
    if (!failed) count();
  });
}

}  // namespace openclaw::cli
