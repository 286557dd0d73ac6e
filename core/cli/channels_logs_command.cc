// channels logs: the lines of the gateway's log that are about channels.
#include <algorithm>
#include <deque>

#include <CLI/CLI.hpp>

#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "cli/log_lines.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

constexpr std::int64_t kMostLogBytes = 16LL * 1024 * 1024;
constexpr std::int64_t kMostTailBytes = 1'000'000;  // of logs.tail

struct ChannelLogFlags {
  std::string channel = "all";
  int lines = 200;
};

// What core and plugins begin their lines with: "channel telegram/default: ", "telegram/default: ",
// "plugin telegram ". The channel and its plugin need not have the same name.
class ChannelLines {
 public:
  ChannelLines(const InstalledPlugins& installed, std::string_view channel)
      : all_(channel == "all") {
    for (const auto& info : installed.plugins) {
      const auto& served = info.manifest.channels;
      if (served.empty()) continue;
      if (!all_ && std::find(served.begin(), served.end(), channel) == served.end()) continue;
      names_.push_back(info.id);
      names_.insert(names_.end(), served.begin(), served.end());
    }
    if (!all_) names_.emplace_back(channel);
  }

  bool concern(std::string_view line) const {
    boost::system::error_code failed;
    const auto parsed = json::parse(line, failed);
    if (failed) return false;
    const std::string message = text_at(parsed, "/1");
    std::string_view text = message;
    if (all_ && (text.starts_with("channel ") || text.starts_with("the channel store")))
      return true;
    for (std::string_view word : {"channel ", "plugin "}) {
      if (text.starts_with(word)) text.remove_prefix(word.size());
    }
    return std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
      return text.starts_with(name) && text.size() > name.size() &&
             std::string_view("/: ").find(text[name.size()]) != std::string_view::npos;
    });
  }

 private:
  const bool all_;
  std::vector<std::string> names_;
};

// The newest lines that were asked for.
class Tail {
 public:
  Tail(const ChannelLines& wanted, int most)
      : wanted_(wanted), most_(static_cast<std::size_t>(most)) {}
  void take(std::string_view line) {
    if (!wanted_.concern(line)) return;
    lines_.emplace_back(line);
    if (lines_.size() > most_) lines_.pop_front();
  }
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  const ChannelLines& wanted_;
  const std::size_t most_;
  std::deque<std::string> lines_;
};

// False when it failed and was printed. `file` is where the lines are from.
bool read_lines(Context& context, Tail& tail, std::string& file) {
  const auto take = [&](std::string_view line) { tail.take(line); };
  if (!context.gateway_expected()) {
    auto read = each_log_line(context.paths(), kMostLogBytes, take);
    if (read.has_error()) {
      context.fail(read.error());
      return false;
    }
    file = read->string();
    return true;
  }
  auto answer =
      context.call_gateway(gateway_client::ConnectAs::kLeast, "logs.tail",
                           json::object{{"limit", kMaxLogLines}, {"maxBytes", kMostTailBytes}});
  if (!answer) return false;
  file = text_at(*answer, "/file");
  if (const auto* lines = find_at(*answer, "/lines"); lines && lines->is_array()) {
    for (const auto& line : lines->get_array()) {
      if (line.is_string()) take(line.get_string());
    }
  }
  return true;
}

void channels_logs(Context& context, const ChannelLogFlags& flags) {
  auto installed = installed_plugins(context);
  if (flags.channel != "all") {
    auto kind = find_kind(channel_kinds(installed.plugins), flags.channel);
    if (kind.has_error()) return context.fail(kind.error());
  }
  const ChannelLines wanted(installed, flags.channel);
  Tail tail(wanted, flags.lines);
  std::string file;
  if (!read_lines(context, tail, file)) return;
  if (context.json) {
    json::array lines;
    for (const auto& line : tail.lines()) lines.push_back(json::parse(line));
    context.out().print_json(
        json::object{{"file", file}, {"channel", flags.channel}, {"lines", std::move(lines)}});
    return;
  }
  for (const auto& line : tail.lines())
    context.out().line(readable_log_line(context.out(), line, false));
  if (tail.lines().empty()) {
    context.out().note("Nothing about " + (flags.channel == "all" ? "channels" : flags.channel) +
                       " in " + file + ". All lines: openclaw logs");
  }
}

}  // namespace

void add_channels_logs_command(CLI::App& group, Context& context) {
  auto flags = std::make_shared<ChannelLogFlags>();
  auto* command =
      group.add_subcommand("logs", "Print the lines of the gateway's log that are about channels");
  command->add_option("--channel", flags->channel, "Only this channel's (default: all)");
  command->add_option("--lines", flags->lines, "The newest so many (default: 200)")
      ->check(CLI::Range(1, kMaxLogLines));
  add_json_flag(*command, context);
  add_gateway_flags(*command, context);
  command->callback([&context, flags] { channels_logs(context, *flags); });
}

}  // namespace openclaw::cli
