// plugins list|inspect|check|install|uninstall|enable|disable.
#include <unistd.h>

#include <iostream>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/plugin_install.h"
#include "installation/installation.h"
#include "json_pointer.h"
#include "plugin/conformance.h"
#include "plugin/inspect.h"
#include "plugin/plugin_host.h"
#include "program/backend_check.h"
#include "program/state_lock.h"

namespace openclaw::cli {
namespace {

namespace fs = std::filesystem;
using gateway_client::ConnectAs;

std::vector<plugin::PluginInfo> scan(const Context& context, const config::Config& config) {
  Runtime runtime;
  auto services = plugin::HostServices::create(runtime, context.paths().state_dir);
  auto host = plugin::PluginHost::create(
      runtime, installation::host_options(context.paths(), &config), *services);
  host->scan();
  return host->list();
}

// "openclaw.sandbox-backend/1" -> "sandbox-backend".
std::string kind_of(std::string_view interface_id) {
  if (interface_id.starts_with("openclaw.")) interface_id.remove_prefix(9);
  return std::string(interface_id.substr(0, interface_id.find('/')));
}

std::string entry_key(const std::string& id) {
  return "plugins.entries." + id + ".enabled";
}

json::object row_of(const plugin::PluginInfo& info) {
  json::array kinds, instances;
  for (const auto& id : info.manifest.provides) kinds.emplace_back(kind_of(id));
  for (const auto& id : info.instances) instances.emplace_back(id);
  std::string state(plugin::state_name(info.state)), reason = info.reason;
  // Nothing runs here, so that nothing uses it says nothing.
  if (info.usable) {
    state = "available";
    reason.clear();
  }
  return {{"id", info.id},
          {"name", info.manifest.name},
          {"description", info.manifest.description},
          {"version", info.version},
          {"abi", info.abi},
          {"kind", std::move(kinds)},
          {"state", state},
          {"origin", info.origin},
          {"library", info.library.string()},
          {"reason", reason},
          {"instances", std::move(instances)}};
}

// What the running gateway has made of them.
void add_running(Context& context, json::array& rows) {
  auto answer = context.call_gateway(ConnectAs::kFull, "plugins.list", json::object());
  const auto* list = answer ? find_at(*answer, "/plugins") : nullptr;
  if (!list || !list->is_array()) return;
  for (auto& row : rows) {
    for (const auto& running : list->get_array()) {
      if (text_at(running, "/id") != text_at(row, "/id") ||
          text_at(running, "/library") != text_at(row, "/library")) {
        continue;
      }
      const auto* instances = find_at(running, "/instances");
      if (!instances || !instances->is_array() || instances->get_array().empty()) continue;
      row.as_object()["instances"] = *instances;
      row.as_object()["state"] = text_at(running, "/state");
      row.as_object()["reason"] = text_at(running, "/reason");
    }
  }
}

std::string joined(const json::value& row, std::string_view pointer) {
  std::string out;
  const auto* list = find_at(row, pointer);
  for (const auto& item : list && list->is_array() ? list->get_array() : json::array()) {
    if (item.is_string()) out += (out.empty() ? "" : ",") + std::string(item.get_string());
  }
  return out;
}

void list(Context& context) {
  auto config = context.quick_config();
  if (config.has_error()) {
    context.fail(config.error());
    context.exit_code = kConfigError;
    return;
  }
  json::array rows;
  for (const auto& info : scan(context, **config)) rows.emplace_back(row_of(info));
  if (gateway::running_gateway(context.paths().state_dir)) add_running(context, rows);
  if (context.exit_code != kOk) return;  // the gateway's refusal was printed
  if (context.json) {
    context.out().print_json(json::object{{"plugins", std::move(rows)}});
    return;
  }
  if (rows.empty()) {
    context.out().line("No plugins found. They belong in " +
                       (context.paths().state_dir / "plugins").string() +
                       " (openclaw plugins install FOLDER)");
    return;
  }
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows) {
    cells.push_back({text_at(row, "/id"), text_at(row, "/version", "-"), joined(row, "/kind"),
                     text_at(row, "/state"), text_at(row, "/origin"), text_at(row, "/reason")});
  }
  context.out().table({"ID", "VERSION", "KIND", "STATE", "ORIGIN", "WHY"}, cells);
}

// ---- inspect

// A plugin of the folders by its id, or the one a path leads to.
const plugin::PluginInfo* find_known(const std::vector<plugin::PluginInfo>& all,
                                     const std::string& wanted) {
  std::error_code failed;
  for (const auto& info : all) {
    if (info.id == wanted) return &info;
  }
  for (const auto& info : all) {
    auto folder =
        fs::is_directory(info.library, failed) ? info.library : info.library.parent_path();
    if (fs::equivalent(info.library, wanted, failed) || fs::equivalent(folder, wanted, failed)) {
      return &info;
    }
  }
  return nullptr;
}

void print_inspected(Context& context, const json::object& found) {
  json::value all(found);
  auto line = [&](std::string_view label, const std::string& value) {
    if (!value.empty()) context.out().line(std::string(label) + ": " + value);
  };
  line("Plugin", text_at(all, "/id") + " " + text_at(all, "/version"));
  line("Name", text_at(all, "/manifest/name"));
  line("About", text_at(all, "/manifest/description"));
  line("File", text_at(all, "/file"));
  line("ABI", text_at(all, "/abi"));
  line("Note", text_at(all, "/note/id") + (find_at(all, "/note/id") ? ", ABI " : "none") +
                   text_at(all, "/note/abi"));
  line("Exports", joined(all, "/exports"));
  line("Provides", joined(all, "/manifest/native/provides"));
  for (const char* key : {"services", "net", "secrets", "env"}) {
    line("May use " + std::string(key), joined(all, "/manifest/permissions/" + std::string(key)));
  }
  line("SHA-256", text_at(all, "/sha256/library"));
  line("State", text_at(all, "/state"));
  const auto* ok = find_at(all, "/trust/ok");
  bool trusted = ok && ok->is_bool() && ok->get_bool();
  context.out().line("Trust: " + (trusted ? context.out().paint(Colour::kGreen, "may be loaded")
                                          : context.out().paint(Colour::kRed, "refused") + ": " +
                                                text_at(all, "/trust/reason")));
}

void inspect(Context& context, const std::string& wanted) {
  auto config = context.quick_config();
  std::vector<plugin::PluginInfo> all;
  if (config.has_value()) all = scan(context, **config);
  const auto* known = find_known(all, wanted);
  // For what ships with the program nobody keeps an install record.
  bool bundled = known && known->origin == "bundled";
  auto found = plugin::inspect(known ? known->library : fs::path(wanted),
                               bundled ? fs::path() : context.paths().state_dir);
  if (found.has_error()) {
    context.fail(Error(found.error().code, "There is no plugin and no file \"" + wanted +
                                               "\"; see: openclaw plugins list"));
    return;
  }
  auto& object = found->as_object();
  if (known) {
    auto row = row_of(*known);
    object["origin"] = row["origin"];
    object["state"] = row["state"];
    if (!known->usable || bundled) {
      object["trust"] = {{"ok", known->usable}, {"reason", known->usable ? "" : known->reason}};
    }
  }
  const auto* ok = find_at(*found, "/trust/ok");
  if (ok && ok->is_bool() && !ok->get_bool()) context.exit_code = kFailed;
  if (context.json) {
    context.out().print_json(object);
  } else {
    print_inspected(context, object);
  }
}

// ---- check

struct CheckFlags {
  std::string file, kind, config, image;
};

constexpr const char* kSandboxKind = "sandbox-backend";

// The interface that --kind asks for must be promised by the manifest.
json::object kind_check(const fs::path& file, const std::string& kind) {
  auto found = plugin::inspect(file);
  bool promised = false;
  const auto* provides = found.has_value() ? find_at(*found, "/manifest/native/provides") : nullptr;
  std::string has;
  for (const auto& item :
       provides && provides->is_array() ? provides->get_array() : json::array()) {
    if (!item.is_string()) continue;
    auto name = kind_of(item.get_string());
    promised = promised || name == kind;
    has += (has.empty() ? "" : ", ") + name;
  }
  return {{"name", "it is a " + kind + " plugin"},
          {"ok", promised},
          {"detail", promised ? "" : "native.provides of the manifest has: " + has}};
}

// The suite of its kind, after the one that every plugin has to pass.
void append_kind_suite(Context& context, const fs::path& file, const CheckFlags& flags,
                       const json::object& config, json::object& report) {
  auto found = plugin::inspect(file);
  if (flags.kind != kSandboxKind || found.has_error()) return;
  const auto* backends = find_at(*found, "/manifest/backends");
  gateway::BackendCheck wanted;
  std::error_code ignored;
  auto path = fs::canonical(file, ignored);
  wanted.plugin_dir = fs::is_directory(path, ignored) ? path : path.parent_path();
  wanted.plugin_id = text_at(*found, "/manifest/id");
  wanted.backend = backends && backends->is_array() && !backends->get_array().empty()
                       ? text_at(*found, "/manifest/backends/0")
                       : wanted.plugin_id;
  wanted.plugin_config = config;
  if (!flags.image.empty()) wanted.docker["image"] = flags.image;
  context.out().note("Running commands in sandboxes of the backend " + wanted.backend +
                     "; this takes a minute.");
  auto rows = gateway::check_backend(wanted);
  auto& checks = report["checks"].as_array();
  if (rows.has_error()) {
    json::object row{
        {"name", "the backend can be used"}, {"ok", false}, {"detail", rows.error().message}};
    checks.emplace_back(std::move(row));
    report["ok"] = false;
    return;
  }
  for (auto& row : *rows) {
    if (!row.at("ok").as_bool()) report["ok"] = false;
    checks.push_back(std::move(row));
  }
}

void check(Context& context, const CheckFlags& flags) {
  plugin::ConformanceOptions options;
  if (!flags.config.empty()) {
    boost::system::error_code failed;
    auto parsed = json::parse(flags.config, failed);
    if (failed || !parsed.is_object()) {
      context.out().error("--config must be a JSON object, for example --config '{\"key\":1}'");
      context.exit_code = kUsage;
      return;
    }
    options.config = std::move(parsed.get_object());
  }
  fs::path file = flags.file;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    auto config = context.quick_config();
    if (config.has_value()) {
      auto all = scan(context, **config);
      if (const auto* known = find_known(all, flags.file)) file = known->library;
    }
  }
  auto plugin_config = options.config;
  auto report = plugin::check_conformance(file, std::move(options));
  if (report.has_error()) {
    context.fail(report.error());
    return;
  }
  auto& object = report->as_object();
  if (!flags.kind.empty()) {
    auto kind = kind_check(file, flags.kind);
    if (!kind.at("ok").as_bool()) object["ok"] = false;
    auto& checks = object["checks"].as_array();
    checks.insert(checks.begin(), std::move(kind));
    append_kind_suite(context, file, flags, plugin_config, object);
  }
  bool ok = object.at("ok").as_bool();
  if (!ok) context.exit_code = kFailed;
  if (context.json) {
    context.out().print_json(object);
    return;
  }
  std::size_t failed = 0;
  for (const auto& one : object.at("checks").as_array()) {
    bool passed = one.at("ok").as_bool();
    if (!passed) ++failed;
    auto detail = text_at(one, "/detail");
    context.out().line((passed ? context.out().paint(Colour::kGreen, "ok    ")
                               : context.out().paint(Colour::kRed, "FAILED")) +
                       " " + text_at(one, "/name") + (detail.empty() ? "" : ": " + detail));
  }
  context.out().line(ok ? "The plugin keeps the rules."
                        : std::to_string(failed) + " check(s) failed.");
}

// ---- install, uninstall, enable, disable

struct InstallFlags {
  std::string path, sha256;
  bool yes = false;
};

void print_rights(Context& context, const InstallSource& source) {
  json::value manifest(source.manifest);
  context.out().line("Plugin " + source.id + " " + source.version + " from " +
                     source.folder.string());
  context.out().line("  sha256   " + source.library_sha256);
  context.out().line("  provides " + joined(manifest, "/native/provides"));
  for (const char* key : {"services", "net", "secrets", "env"}) {
    auto asked = joined(manifest, "/permissions/" + std::string(key));
    if (!asked.empty())
      context.out().line("  " + std::string(key) +
                         std::string(9 - std::string_view(key).size(), ' ') + asked);
  }
  context.out().line("It runs inside the gateway's process, with all rights of its user.");
}

bool confirmed() {
  std::fputs("Install it? [y/N] ", stdout);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void install(Context& context, const InstallFlags& flags) {
  auto config = context.quick_config();
  if (config.has_error()) {
    context.fail(config.error());
    context.exit_code = kConfigError;
    return;
  }
  auto source = read_install_source(flags.path);
  if (source.has_error()) {
    context.fail(source.error());
    return;
  }
  if (!flags.sha256.empty() && flags.sha256 != source->library_sha256) {
    context.fail(Error(Code::kPermissionDenied, "The library's SHA-256 is " +
                                                    source->library_sha256 + ", not " +
                                                    flags.sha256 + "; nothing was installed."));
    return;
  }
  if (!context.json) print_rights(context, *source);
  bool asks = !context.json && !flags.yes && isatty(STDIN_FILENO) == 1;
  if (asks && !confirmed()) {
    context.out().line("Nothing was installed.");
    context.exit_code = kFailed;
    return;
  }
  auto where = install_plugin(context.paths(), *config, *source);
  if (where.has_error()) {
    context.fail(where.error());
    return;
  }
  auto allowed = allow_plugin(context.paths(), **config, source->id);
  if (allowed.has_error()) {
    context.fail(allowed.error());
    return;
  }
  if (context.json) {
    context.out().print_json(json::object{{"ok", true},
                                          {"id", source->id},
                                          {"path", where->string()},
                                          {"sha256", source->library_sha256}});
    return;
  }
  context.out().line("Installed in " + where->string() + " and allowed (plugins.allow).");
  context.out().line("A running gateway loads it after a restart.");
}

void uninstall(Context& context, const std::string& id) {
  auto config = context.quick_config();
  if (config.has_error()) {
    context.fail(config.error());
    context.exit_code = kConfigError;
    return;
  }
  auto done = uninstall_plugin(context.paths(), **config, id);
  if (done.has_error()) {
    context.fail(done.error());
  } else if (context.json) {
    context.out().print_json(json::object{{"ok", true}, {"id", id}});
  } else {
    context.out().line("Removed plugin " + id + ". A running gateway drops it after a restart.");
  }
}

void switch_plugin(Context& context, const std::string& id, bool on) {
  auto config = context.checked_config();
  if (!config) return;
  auto all = scan(context, **config);
  const auto* known = find_known(all, id);
  if (!known) {
    context.fail(
        Error(Code::kNotFound, "There is no plugin \"" + id + "\"; see: openclaw plugins list"));
    return;
  }
  auto saved =
      config::set_value(context.paths(), entry_key(known->id), on, context.foreign_sections());
  if (saved.has_error()) {
    context.fail(saved.error());
    return;
  }
  if (context.json) {
    context.out().print_json(json::object{{"ok", true}, {"id", known->id}, {"enabled", on}});
    return;
  }
  context.out().line("Plugin " + known->id + (on ? " is on (" : " is off (") +
                     entry_key(known->id) + "). A running gateway follows after a restart.");
  if (on && !known->usable) context.out().note("It still cannot be loaded: " + known->reason);
}

}  // namespace

void add_plugins_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("plugins", "Plugins: channels, models, tools, sandboxes");
  group->require_subcommand(1);
  auto add = [&](const char* name, const char* help) {
    auto* command = group->add_subcommand(name, help);
    add_json_flag(*command, context);
    return command;
  };
  add("list", "All plugins found, and why some are not used")->callback([&context] {
    list(context);
  });

  auto wanted = std::make_shared<std::string>();
  auto* inspect_command =
      add("inspect", "Manifest, ELF note and trust of a plugin, read without running it");
  inspect_command->add_option("plugin", *wanted, "Id, library, manifest or folder")->required();
  inspect_command->callback([&context, wanted] { inspect(context, *wanted); });

  auto flags = std::make_shared<CheckFlags>();
  auto* check_command =
      add("check", "Run the conformance suite on a plugin, in a process of its own");
  check_command->add_option("plugin", flags->file, "Library, manifest, folder or id")->required();
  check_command
      ->add_option("--kind", flags->kind,
                   "It must be of this kind, and passes its suite if there is one")
      ->check(CLI::IsMember({"tool", "channel", "sandbox", "sandbox-backend", "browser",
                             "browser-backend", "model", "model-provider"}));
  check_command->add_option("--config", flags->config, "Configuration for it, as a JSON object");
  check_command->add_option("--image", flags->image, "For sandbox backends that use images");
  check_command->callback([&context, flags] {
    if (flags->kind == "sandbox" || flags->kind == "browser") flags->kind += "-backend";
    if (flags->kind == "model") flags->kind += "-provider";
    check(context, *flags);
  });

  auto source = std::make_shared<InstallFlags>();
  auto* install_command =
      add("install", "Copy a plugin into the state directory, record its digest and allow it");
  install_command->add_option("path", source->path, "Folder, library or manifest")->required();
  install_command->add_option("--sha256", source->sha256, "Refuse a library with another digest");
  install_command->add_flag("--yes,-y", source->yes, "Do not ask");
  install_command->callback([&context, source] { install(context, *source); });

  auto* uninstall_command = add("uninstall", "Remove an installed plugin");
  uninstall_command->add_option("id", *wanted, "Plugin id")->required();
  uninstall_command->callback([&context, wanted] { uninstall(context, *wanted); });
  for (bool on : {true, false}) {
    auto* command = add(on ? "enable" : "disable", on ? "Let a plugin run" : "Keep a plugin off");
    command->add_option("id", *wanted, "Plugin id")->required();
    command->callback([&context, wanted, on] { switch_plugin(context, *wanted, on); });
  }
}

}  // namespace openclaw::cli
