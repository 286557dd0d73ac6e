#include "cli/webhook_flags.h"

#include <charconv>

#include <CLI/CLI.hpp>

#include "cli/prompt.h"

namespace openclaw::cli {
namespace {

Result<std::int64_t> port_number(const std::string& text) {
  std::int64_t port = -1;
  const char* end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, port);
  if (failure == std::errc() && at == end && port >= 0 && port <= 65535) return port;
  return Error(Code::kInvalidArgument, "--webhook-port must be a number from 0 to 65535");
}

}  // namespace

void add_webhook_flags(CLI::App& command, WebhookFlags& flags) {
  command.add_option(
      "--webhook-url", flags.url,
      "https:// address at which the platform brings messages, where a channel has webhooks");
  command.add_option(
      "--webhook-secret", flags.secret,
      "What its requests must show; '-' reads it from standard input. Left out, one is made");
  command.add_option("--webhook-path", flags.path, "Path of its requests as they arrive here");
  command.add_option("--webhook-host", flags.host, "Address of this machine to listen on");
  command.add_option("--webhook-port", flags.port, "Port to listen on");
}

Result<void> take_webhook_flags(const WebhookFlags& flags, const ChannelKind& kind,
                                AccountSetup& setup) {
  const auto& keys = kind.traits.webhook;
  for (const auto& [flag, key, given] : {std::tuple{"--webhook-url", &keys.url_key, &flags.url},
                                         {"--webhook-secret", &keys.secret_key, &flags.secret},
                                         {"--webhook-path", &keys.path_key, &flags.path},
                                         {"--webhook-host", &keys.host_key, &flags.host},
                                         {"--webhook-port", &keys.port_key, &flags.port}}) {
    if (given->empty()) continue;
    if (key->empty())
      return Error(Code::kInvalidArgument, kind.traits.label + " has no use for " + flag);
    auto text =
        given == &flags.secret && *given == "-" ? line_of_stdin() : Result<std::string>(*given);
    if (text.has_error()) return text.error();
    json::value value(*text);
    if (given == &flags.port) {
      auto port = port_number(*text);
      if (port.has_error()) return port.error();
      value = *port;
    }
    setup.settings.emplace_back(*key, std::move(value));
  }
  return {};
}

}  // namespace openclaw::cli
