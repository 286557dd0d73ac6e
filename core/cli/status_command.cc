// health, status, gateway status|health.
#include <CLI/CLI.hpp>

#include "cli/cli.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

std::string shown_text(const json::value* value) {
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? std::string(value->as_string()) : json::serialize(*value);
}

const json::value* member(const json::value& value, std::string_view key) {
  return value.is_object() ? value.as_object().if_contains(key) : nullptr;
}

void print_channels(Context& context, const json::value& health) {
  const auto* channels = member(health, "channels");
  if (channels == nullptr || !channels->is_object() || channels->as_object().empty()) {
    context.out().line("Channels: none configured (openclaw channels add)");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [id, state] : channels->as_object()) {
    rows.push_back({std::string(id), shown_text(member(state, "configured")), shown_text(member(state, "running")),
                    shown_text(member(state, "lastError"))});
  }
  context.out().table({"CHANNEL", "CONFIGURED", "RUNNING", "LAST ERROR"}, rows);
}

void health(Context& context, bool deep, ConnectAs as) {
  json::value params = deep ? json::value(json::object{{"probe", true}}) : json::value();
  auto answer = context.call_gateway(as, "health", std::move(params));
  if (!answer) return;
  if (context.json) {
    context.out().print_json(*answer);
    return;
  }
  context.out().line(context.out().paint(Colour::kGreen, "Gateway: ok") + " (" +
                     shown_text(member(*answer, "durationMs")) + " ms)");
  print_channels(context, *answer);
  if (const auto* sessions = member(*answer, "sessions")) {
    context.out().line("Sessions: " + shown_text(member(*sessions, "count")));
  }
}

void status(Context& context) {
  auto health_answer = context.call_gateway(ConnectAs::kLeast, "health", json::value());
  if (!health_answer) return;
  auto status_answer = context.call_gateway(ConnectAs::kFull, "status", json::value());
  if (!status_answer) return;
  if (context.json) {
    context.out().print_json(json::object{{"health", *health_answer}, {"status", *status_answer}});
    return;
  }
  context.out().line(context.out().paint(Colour::kGreen, "Gateway: running") + ", version " +
                     shown_text(member(*status_answer, "runtimeVersion")));
  print_channels(context, *health_answer);
  const auto* sessions = member(*status_answer, "sessions");
  const auto* recent = sessions ? member(*sessions, "recent") : nullptr;
  if (recent && recent->is_array() && !recent->as_array().empty()) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : recent->as_array()) {
      const auto* age = member(row, "age");
      rows.push_back({shown_text(member(row, "key")), age && age->is_int64() ? short_age(age->as_int64()) : "-",
                      shown_text(member(row, "model")), shown_text(member(row, "totalTokens"))});
    }
    context.out().table({"SESSION", "AGE", "MODEL", "TOKENS"}, rows);
  } else {
    context.out().line("Sessions: none yet (openclaw agent -m \"hello\")");
  }
}

}  // namespace

void add_status_commands(CLI::App& app, Context& context) {
  auto deep = std::make_shared<bool>(false);
  auto add_health = [&](CLI::App& parent, ConnectAs as) {
    auto* command = parent.add_subcommand("health", "Ask the gateway and its channels for their health");
    command->add_flag("--verbose,--deep", *deep, "Probe the channels now");
    add_gateway_flags(*command, context);
    add_json_flag(*command, context);
    command->callback([&context, deep, as] { health(context, *deep, as); });
  };
  add_health(app, ConnectAs::kLeast);
  add_health(*app.get_subcommand("gateway"), ConnectAs::kFull);
  for (CLI::App* parent : {&app, app.get_subcommand("gateway")}) {
    auto* command = parent->add_subcommand("status", "Show gateway, channels and recent sessions");
    command->add_flag("--deep,--all", *deep, "Probe the channels too");
    add_gateway_flags(*command, context);
    add_json_flag(*command, context);
    command->callback([&context] { status(context); });
  }
}

}  // namespace openclaw::cli
