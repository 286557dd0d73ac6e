// devices list|approve|reject|remove|rotate|revoke.
#include <chrono>

#include <CLI/CLI.hpp>

#include "cli/cli.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

std::string text(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return "-";
  return value->is_string() ? std::string(value->as_string()) : json::serialize(*value);
}

std::string age(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return "-";
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count();
  return short_age(now - value->to_number<std::int64_t>());
}

json::array list_of(const json::value& answer, std::string_view key) {
  const auto* list = answer.is_object() ? answer.as_object().if_contains(key) : nullptr;
  return list && list->is_array() ? list->as_array() : json::array();
}

void list_devices(Context& context) {
  auto answer = context.call_gateway(ConnectAs::kFull, "device.pair.list", json::object());
  if (!answer) return;
  if (context.json) {
    context.out().print_json(*answer);
    return;
  }
  auto pending = list_of(*answer, "pending");
  if (!pending.empty()) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& entry : pending) {
      const auto& record = entry.as_object();
      rows.push_back({text(record, "requestId"), text(record, "clientId"), text(record, "platform"),
                      text(record, "role"), age(record, "ts")});
    }
    context.out().line("Pending (approve with: openclaw devices approve <request>)");
    context.out().table({"REQUEST", "CLIENT", "PLATFORM", "ROLE", "AGE"}, rows);
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : list_of(*answer, "paired")) {
    const auto& device = entry.as_object();
    rows.push_back({text(device, "deviceId").substr(0, 16), text(device, "clientId"), text(device, "platform"),
                    text(device, "role"), age(device, "approvedAtMs")});
  }
  if (rows.empty()) {
    context.out().line("No paired devices.");
  } else {
    context.out().table({"DEVICE", "CLIENT", "PLATFORM", "ROLE", "PAIRED"}, rows);
  }
}

void act(Context& context, const char* method, json::object params, const std::string& done) {
  if (auto answer = context.call_gateway(ConnectAs::kFull, method, std::move(params))) {
    if (context.json) {
      context.out().print_json(*answer);
    } else {
      context.out().line(done);
    }
  }
}

void approve(Context& context, std::string request) {
  if (request.empty()) {
    auto answer = context.call_gateway(ConnectAs::kFull, "device.pair.list", json::object());
    if (!answer) return;
    auto pending = list_of(*answer, "pending");
    if (pending.empty()) {
      context.fail(Error(Code::kNotFound, "No device is waiting for approval."));
      return;
    }
    request = text(pending.front().as_object(), "requestId");
  }
  act(context, "device.pair.approve", {{"requestId", request}}, "Approved " + request + ".");
}

}  // namespace

void add_devices_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("devices", "Devices that may connect to the gateway");
  group->require_subcommand(1);
  auto add = [&](const char* name, const char* help) {
    auto* command = group->add_subcommand(name, help);
    add_gateway_flags(*command, context);
    add_json_flag(*command, context);
    return command;
  };
  add("list", "Paired devices and pending requests")->callback([&context] { list_devices(context); });

  auto id = std::make_shared<std::string>();
  auto latest = std::make_shared<bool>(false);
  auto* approve_command = add("approve", "Approve a pending request (the newest when none is named)");
  approve_command->add_option("request", *id, "Request id");
  approve_command->add_flag("--latest", *latest, "The newest request");
  approve_command->callback([&context, id, latest] { approve(context, *latest ? std::string() : *id); });
  auto* reject = add("reject", "Reject a pending request");
  reject->add_option("request", *id, "Request id")->required();
  reject->callback([&context, id] {
    act(context, "device.pair.reject", {{"requestId", *id}}, "Rejected " + *id + ".");
  });
  auto* remove = add("remove", "Forget a paired device");
  remove->add_option("device", *id, "Device id")->required();
  remove->callback([&context, id] {
    act(context, "device.pair.remove", {{"deviceId", *id}}, "Removed " + *id + ".");
  });

  auto role = std::make_shared<std::string>("operator");
  for (const char* verb : {"rotate", "revoke"}) {
    auto* command = add(verb, std::string_view(verb) == "rotate" ? "Give a device a new token"
                                                                  : "Make a device's token worthless");
    command->add_option("--device", *id, "Device id")->required();
    command->add_option("--role", *role, "operator or node");
    std::string method = std::string("device.token.") + verb;
    command->callback([&context, id, role, method, verb] {
      act(context, method.c_str(), {{"deviceId", *id}, {"role", *role}},
          std::string("Token of ") + *id + (std::string_view(verb) == "rotate" ? " rotated." : " revoked."));
    });
  }
}

}  // namespace openclaw::cli
