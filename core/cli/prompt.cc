#include "cli/prompt.h"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace openclaw::cli {
namespace {

constexpr std::size_t kMaxLine = 8192;
constexpr int kMaxTries = 5;
constexpr char kInterrupt = '\x03', kEndOfInput = '\x04', kBackspace = '\x7f', kKillLine = '\x15';

void say(std::string_view text) {
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

Error input_ended() { return Error(Code::kCancelled, "Cancelled; nothing was written."); }

// One byte; false at the end of input.
bool read_byte(char& out) {
  for (;;) {
    auto got = ::read(STDIN_FILENO, &out, 1);
    if (got == 1) return true;
    if (got == 0 || errno != EINTR) return false;
  }
}

std::string without_blanks(std::string text) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), blank));
  return text;
}

Result<std::string> read_line() {
  std::string line;
  char c = 0;
  bool any = false;
  while (read_byte(c)) {
    any = true;
    if (c == '\n') return without_blanks(std::move(line));
    if (line.size() < kMaxLine) line += c;
  }
  if (!any) return input_ended();
  return without_blanks(std::move(line));
}

// Without echo, line editing and signals: Ctrl-C arrives as a character, so the terminal is always put back.
class QuietTerminal {
 public:
  QuietTerminal() : changed_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!changed_) return;
    termios quiet = before_;
    quiet.c_lflag &= static_cast<tcflag_t>(~(ECHO | ECHONL | ICANON | ISIG));
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  bool quiet() const { return changed_; }

 private:
  termios before_{};
  bool changed_;
};

}  // namespace

bool Prompt::possible() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

Result<std::string> Prompt::text(std::string_view question, std::string_view otherwise) {
  say(std::string(question) + (otherwise.empty() ? "" : " [" + std::string(otherwise) + "]") + ": ");
  auto line = read_line();
  if (line.has_value() && line->empty()) return std::string(otherwise);
  return line;
}

Result<std::string> Prompt::secret(std::string_view question) {
  // Quiet before the question is seen: what a quick answer types must neither be shown nor be flushed away.
  QuietTerminal terminal;
  if (!terminal.quiet()) return Error(Code::kFailedPrecondition, "the terminal's echo cannot be switched off");
  say(std::string(question) + " (not shown): ");
  std::string line;
  char c = 0;
  for (;;) {
    if (!read_byte(c) || c == kInterrupt || (c == kEndOfInput && line.empty())) {
      say("\n");
      return input_ended();
    }
    if (c == '\r' || c == '\n' || c == kEndOfInput) break;
    if (c == kKillLine) {
      line.clear();
    } else if (c == kBackspace || c == '\b') {
      if (!line.empty()) line.pop_back();
    } else if (line.size() < kMaxLine && static_cast<unsigned char>(c) >= ' ') {
      line += c;
    }
  }
  say("\n");
  return without_blanks(std::move(line));
}

Result<bool> Prompt::confirm(std::string_view question, bool otherwise) {
  for (int tries = 0; tries < kMaxTries; ++tries) {
    auto answer = text(std::string(question) + (otherwise ? " [Y/n]" : " [y/N]"));
    if (answer.has_error()) return answer.error();
    if (answer->empty()) return otherwise;
    char first = static_cast<char>((*answer)[0] | 0x20);
    if (first == 'y' || first == 'n') return first == 'y';
    say("Please answer y or n.\n");
  }
  return input_ended();
}

Result<std::string> Prompt::choose(std::string_view question, const std::vector<Choice>& choices,
                                   std::string_view otherwise) {
  say(std::string(question) + "\n");
  for (std::size_t i = 0; i < choices.size(); ++i) {
    say("  " + std::to_string(i + 1) + ") " + choices[i].label + "\n");
  }
  for (int tries = 0; tries < kMaxTries; ++tries) {
    auto answer = text("Number or name", otherwise);
    if (answer.has_error()) return answer.error();
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (*answer == choices[i].value || *answer == std::to_string(i + 1)) return choices[i].value;
    }
    say("That is not one of them.\n");
  }
  return input_ended();
}

Result<std::string> line_of_stdin() {
  auto line = read_line();
  if (line.has_error() || line->empty()) {
    return Error(Code::kInvalidArgument, "standard input holds no line to read the secret from");
  }
  return line;
}

}  // namespace openclaw::cli
