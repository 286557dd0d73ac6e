// sandbox explain|list|recreate.
#include <chrono>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/sandbox_explain.h"
#include "json_pointer.h"
#include "program/offline.h"
#include "sandbox/container_registry.h"
#include "sandbox/explain.h"
#include "session/session_key.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;

constexpr int kRemovalMs = 120'000;

// ---- explain

std::string why_of(const json::value& verdict) {
  if (verdict.at("allowed").as_bool()) return "";
  std::string why = text_at(verdict, "/layer") + " layer: " + text_at(verdict, "/rule");
  if (auto key = text_at(verdict, "/key"); !key.empty()) {
    why += "; " + key + " (" + text_at(verdict, "/file") + ")";
  }
  return why;
}

void print_tools(Context& context, const json::array& tools) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> changes;
  for (const auto& tool : tools) {
    bool allowed = tool.at("allowed").as_bool();
    rows.push_back({text_at(tool, "/name"), allowed ? "allowed" : "denied", why_of(tool)});
    if (auto fix = text_at(tool, "/fix"); !allowed && !fix.empty()) {
      changes.push_back("  " + text_at(tool, "/name") + ": " + fix);
    }
  }
  context.out().line("Tools");
  context.out().table({"TOOL", "VERDICT", "WHY"}, rows);
  if (changes.empty()) return;
  context.out().line("To allow a denied tool");
  for (const auto& change : changes) context.out().line(change);
}

void explain(Context& context, const ExplainQuestion& question) {
  auto config = context.checked_config();
  if (!config) return;
  auto explained = explain_sandbox(context.paths(), *config, question);
  if (explained.has_error()) {
    context.fail(explained.error());
    return;
  }
  if (context.json) {
    context.out().print_json(*explained);
    return;
  }
  auto text = sandbox::explain_text(*explained);
  while (text.ends_with('\n')) text.pop_back();
  context.out().line(text);
  const auto* tools = explained->if_contains("tools");
  if (tools && tools->is_array()) print_tools(context, tools->get_array());
}

// ---- list

// The gateway knows best; without one, the engine; without that, what the last gateway wrote down.
struct Listing {
  json::array containers, browsers;
  std::string source, problem;
};

json::array recorded(const config::Paths& paths, std::string_view file) {
  json::array out;
  for (const auto& entry : sandbox::ContainerRegistry::read(paths, file)) {
    out.emplace_back(json::object{{"containerName", entry.container_name},
                                  {"sessionKey", entry.session_key},
                                  {"backend", entry.backend},
                                  {"image", entry.image},
                                  {"configHash", entry.config_hash},
                                  {"state", "unknown"},
                                  {"createdAtMs", entry.created_at_ms},
                                  {"lastUsedAtMs", entry.last_used_at_ms}});
  }
  return out;
}

std::optional<Listing> listing(Context& context) {
  Listing out;
  if (context.gateway_expected()) {
    auto answer = context.call_gateway(ConnectAs::kFull, "sandbox.list", json::object());
    if (!answer) return std::nullopt;
    out.source = "gateway";
    if (const auto* list = find_at(*answer, "/containers"); list && list->is_array()) {
      out.containers = list->get_array();
    }
    if (const auto* list = find_at(*answer, "/browsers"); list && list->is_array()) {
      out.browsers = list->get_array();
    }
    return out;
  }
  auto config = context.checked_config();
  if (!config) return std::nullopt;
  auto found = gateway::list_sandboxes(
      {context.paths(), *config, std::chrono::milliseconds(context.timeout_ms)});
  if (found.has_error()) {
    out.source = "record";
    out.problem = found.error().message;
    out.containers = recorded(context.paths(), "containers.json");
    out.browsers = recorded(context.paths(), "browsers.json");
    return out;
  }
  out.source = "engine";
  for (const auto& info : found->containers)
    out.containers.emplace_back(sandbox::container_row(info));
  for (const auto& info : found->browsers) out.browsers.emplace_back(sandbox::container_row(info));
  return out;
}

std::string age_of(const json::value& row, std::string_view pointer) {
  const auto* value = find_at(row, pointer);
  if (!value || !value->is_int64() || value->get_int64() <= 0) return "-";
  return short_age(now_ms() - value->get_int64());
}

std::string note_of(const json::value& row) {
  auto is = [&](std::string_view pointer, bool wanted) {
    const auto* value = find_at(row, pointer);
    return value && value->is_bool() && value->get_bool() == wanted;
  };
  if (is("/imageMatch", false) && is("/stale", true)) return "another image or no longer wanted";
  return is("/stale", true) ? "settings changed" : "";
}

std::string scope_of(const json::value& row) {
  const auto* spare = find_at(row, "/spare");
  if (spare && spare->is_bool() && spare->get_bool()) return "(spare)";
  return text_at(row, "/sessionKey", "-");
}

void print_containers(Context& context, std::string_view what, const json::array& containers) {
  if (containers.empty()) {
    context.out().line("No " + std::string(what) + ".");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : containers) {
    rows.push_back({text_at(row, "/containerName", "-"), text_at(row, "/state", "-"), scope_of(row),
                    text_at(row, "/backend", "-"), text_at(row, "/image", "-"),
                    age_of(row, "/createdAtMs"), age_of(row, "/lastUsedAtMs"), note_of(row)});
  }
  context.out().table({"CONTAINER", "STATE", "SCOPE", "BACKEND", "IMAGE", "AGE", "IDLE", "NOTE"},
                      rows);
}

void list(Context& context, bool only_browsers) {
  auto listed = listing(context);
  if (!listed) return;
  Listing& found = *listed;
  if (only_browsers) found.containers.clear();
  if (context.json) {
    json::object out;
    out["containers"] = std::move(found.containers);
    out["browsers"] = std::move(found.browsers);
    out["source"] = found.source;
    if (!found.problem.empty()) out["problem"] = found.problem;
    context.out().print_json(out);
    return;
  }
  if (!only_browsers) print_containers(context, "sandbox containers", found.containers);
  if (only_browsers || !found.browsers.empty())
    print_containers(context, "browser containers", found.browsers);
  if (!found.problem.empty()) {
    context.out().note("The state is as it was last written down, because: " + found.problem);
  }
}

// ---- recreate

// The gateway's own limit for removals, and the way there and back.
constexpr std::chrono::milliseconds kRemovalTime{2 * 60 * 1000 + 5000};

struct Recreate {
  std::string session, agent;
  bool all = false, browser = false, force = false;
};

std::optional<json::array> removed_by_gateway(Context& context, const Recreate& wanted) {
  json::object params{{"force", wanted.force}};
  if (wanted.browser) params["browser"] = true;
  if (!wanted.session.empty()) params["sessionKey"] = wanted.session;
  if (!wanted.agent.empty()) params["agentId"] = wanted.agent;
  auto answer =
      context.call_gateway(ConnectAs::kFull, "sandbox.recreate", std::move(params), kRemovalTime);
  if (!answer) return std::nullopt;
  const auto* names = find_at(*answer, "/removed");
  return names && names->is_array() ? names->get_array() : json::array();
}

std::optional<json::array> removed_here(Context& context, const Recreate& wanted) {
  auto config = context.checked_config();
  if (!config) return std::nullopt;
  auto key = wanted.session;
  if (!key.empty()) {
    auto canonical = session::canonical_key(key, **config);
    if (canonical.has_error()) {
      context.fail(canonical.error());
      return std::nullopt;
    }
    key = *canonical;
  }
  auto names = gateway::recreate_sandboxes(
      {context.paths(), *config, std::chrono::milliseconds(context.timeout_ms)},
      {key, wanted.agent, wanted.browser, wanted.force});
  if (names.has_error()) {
    context.fail(names.error());
    return std::nullopt;
  }
  json::array out;
  for (const auto& name : *names) out.emplace_back(name);
  return out;
}

void recreate(Context& context, Recreate wanted) {
  if (!wanted.all && wanted.session.empty() && wanted.agent.empty()) {
    context.out().error(wanted.browser ? "--browser goes with --all, --session KEY or --agent ID"
                                       : "say which containers: --all, --session KEY or --agent ID "
                                         "(see: openclaw sandbox list)");
    context.exit_code = kUsage;
    return;
  }
  if (!wanted.agent.empty()) wanted.agent = session::normalise_agent_id(wanted.agent);
  auto removed = context.gateway_expected() ? removed_by_gateway(context, wanted)
                                            : removed_here(context, wanted);
  if (!removed) return;
  if (context.json) {
    context.out().print_json(json::object{{"ok", true}, {"removed", std::move(*removed)}});
    return;
  }
  for (const auto& name : *removed) {
    if (name.is_string()) context.out().line("Removed " + std::string(name.get_string()));
  }
  if (removed->empty()) {
    context.out().line(
        "No container was removed (see: openclaw sandbox list" +
        std::string(wanted.force ? ")" : "; one that runs a command needs --force)"));
  } else {
    context.out().line("They are made anew at their next use.");
  }
}

// ---- prune

void prune(Context& context) {
  json::array removed;
  if (context.gateway_expected()) {
    auto answer =
        context.call_gateway(ConnectAs::kFull, "sandbox.prune", json::object(), kRemovalTime);
    if (!answer) return;
    const auto* names = find_at(*answer, "/removed");
    if (names && names->is_array()) removed = names->get_array();
  } else {
    auto config = context.checked_config();
    if (!config) return;
    for (auto& name : gateway::prune_sandboxes(
             {context.paths(), *config, std::chrono::milliseconds(context.timeout_ms)}))
      removed.emplace_back(std::move(name));
  }
  // That nothing had to go is only known when somebody could be asked.
  if (removed.empty()) {
    auto listed = listing(context);
    if (!listed) return;
    bool unknown = !listed->problem.empty();
    if (unknown && !(listed->containers.empty() && listed->browsers.empty()))
      return context.fail(
          Error(Code::kUnavailable, "No container was removed: " + listed->problem));
  }
  if (context.json)
    return context.out().print_json(json::object{{"ok", true}, {"removed", std::move(removed)}});
  for (const auto& name : removed) {
    if (name.is_string()) context.out().line("Removed " + std::string(name.get_string()));
  }
  if (removed.empty())
    context.out().line(
        "No container is idle, too old or out of date by prune.idleHours and prune.maxAgeDays.");
}

}  // namespace

void add_sandbox_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("sandbox", "Where tools run, and why they may or may not");
  group->require_subcommand(1);

  auto question = std::make_shared<ExplainQuestion>();
  auto* explain_command = group->add_subcommand(
      "explain", "Is a session sandboxed, how, and which tools may it use (needs no gateway)");
  explain_command->add_option("--session,--session-key", question->session,
                              "Session key (default: the agent's main session)");
  explain_command->add_option("--agent", question->agent, "Agent id (default: the default agent)");
  explain_command->add_option("--tool", question->tool, "Explain the verdict about this tool only");
  explain_command->add_option("--sender", question->sender,
                              "As asked by this sender of the session's channel, not by the owner");
  add_json_flag(*explain_command, context);
  explain_command->callback([&context, question] { explain(context, *question); });

  auto browsers = std::make_shared<bool>(false);
  auto* list_command = group->add_subcommand("list", "Sandbox containers, their state and age");
  list_command->add_flag("--browser", *browsers, "Only browser containers");
  add_gateway_flags(*list_command, context);
  add_json_flag(*list_command, context);
  list_command->callback([&context, browsers] { list(context, *browsers); });

  auto* prune_command = group->add_subcommand("prune",
                                              "Remove containers that are idle, too old or out of "
                                              "date, now; the gateway does it every few minutes");
  add_gateway_flags(*prune_command, context);
  add_json_flag(*prune_command, context);
  auto* prune_timeout = prune_command->get_option("--timeout");
  prune_command->callback([&context, prune_timeout] {
    if (prune_timeout->count() == 0) context.timeout_ms = kRemovalMs;
    prune(context);
  });

  auto wanted = std::make_shared<Recreate>();
  auto* recreate_command = group->add_subcommand(
      "recreate", "Remove containers, so that their next use makes them with today's settings");
  auto* all = recreate_command->add_flag("--all", wanted->all, "Every container of this gateway");
  auto* session = recreate_command->add_option("--session,--session-key", wanted->session,
                                               "The container of this session");
  auto* agent =
      recreate_command->add_option("--agent", wanted->agent, "All containers of this agent");
  all->excludes(session)->excludes(agent);
  session->excludes(agent);
  recreate_command->add_flag("--browser", wanted->browser, "Only browser containers");
  recreate_command->add_flag("--force", wanted->force, "Also while a command runs in them");
  add_gateway_flags(*recreate_command, context);
  add_json_flag(*recreate_command, context);
  // An engine takes its time to stop a container, and there may be many.
  auto* timeout = recreate_command->get_option("--timeout");
  recreate_command->callback([&context, wanted, timeout] {
    if (timeout->count() == 0) context.timeout_ms = kRemovalMs;
    recreate(context, *wanted);
  });
}

}  // namespace openclaw::cli
