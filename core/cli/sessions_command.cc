// sessions: the index files as they lie on disk; no gateway is asked.
#include <algorithm>
#include <chrono>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/session_index.h"
#include "gateway/agents_catalogue.h"
#include "json_fields.h"
#include "json_pointer.h"
#include "session/session_key.h"

namespace openclaw::cli {
namespace {

struct SessionsFlags {
  std::string agent, store;
  std::int64_t active_minutes = 0;
  bool all_agents = false;
};

struct Row {
  std::string agent, key;
  std::int64_t updated_at = 0;
  json::object entry;
};

std::int64_t number_of(const json::object& entry, std::string_view key) {
  const auto* value = entry.if_contains(key);
  boost::system::error_code failed;
  auto number = value ? value->to_number<std::int64_t>(failed) : 0;
  return failed ? 0 : number;
}

void collect(json::object index, const std::string& agent, std::int64_t since,
             std::vector<Row>& rows) {
  for (auto& [key, value] : index) {
    if (!value.is_object()) continue;
    Row row{agent, std::string(key), number_of(value.get_object(), "updatedAt"),
            std::move(value.get_object())};
    if (row.updated_at >= since) rows.push_back(std::move(row));
  }
}

json::object row_json(Row row, std::int64_t now, bool with_agent) {
  json::object out{{"key", row.key}};
  if (with_agent) out["agentId"] = row.agent;
  row.entry["key"] = row.key;
  out["kind"] = gateway::session_kind(row.entry);
  if (row.updated_at > 0) out["ageMs"] = now - row.updated_at;
  for (auto& [key, value] : row.entry) {
    // Whole prompts, each longer than everything else about the session.
    if (key == "key" || key == "skillsSnapshot" || key == "systemPromptReport") continue;
    out[key] = std::move(value);
  }
  return out;
}

std::string tokens_of(const json::object& entry) {
  auto total = number_of(entry, "totalTokens"), context = number_of(entry, "contextTokens");
  if (total <= 0) return "-";
  if (context <= 0) return std::to_string(total);
  return std::to_string(total) + "/" + std::to_string(context) + " (" +
         std::to_string(total * 100 / context) + "%)";
}

void print_table(Context& context, const std::vector<Row>& rows, std::int64_t now,
                 bool with_agent) {
  std::vector<std::string> header{"SESSION", "KIND", "AGE", "MODEL", "TOKENS"};
  if (with_agent) header.insert(header.begin(), "AGENT");
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows) {
    auto entry = row.entry;
    entry["key"] = row.key;
    auto model = text_of(entry, "model");
    std::vector<std::string> line{row.key, gateway::session_kind(entry),
                                  row.updated_at > 0 ? short_age(now - row.updated_at) : "-",
                                  model.empty() ? "-" : model, tokens_of(entry)};
    if (with_agent) line.insert(line.begin(), row.agent);
    cells.push_back(std::move(line));
  }
  context.out().table(header, cells);
}

// The agent to read, or nothing after a complaint.
std::optional<std::string> chosen_agent(Context& context, const SessionsFlags& flags) {
  auto config = context.quick_config();
  if (config.has_error()) {
    // The index does not depend on the configuration, but the default agent does.
    if (!flags.agent.empty()) return session::normalise_agent_id(flags.agent);
    context.fail(config.error());
    context.exit_code = kConfigError;
    return std::nullopt;
  }
  if (flags.agent.empty()) return session::default_agent(**config);
  auto agent = session::normalise_agent_id(flags.agent);
  std::error_code ignored;
  if (gateway::agent_exists(**config, agent) ||
      std::filesystem::exists(session_index_path(context.paths(), agent), ignored)) {
    return agent;
  }
  std::string known;
  for (const auto& id : gateway::agent_ids(**config)) known += (known.empty() ? "" : ", ") + id;
  context.fail(Error(Code::kNotFound, "There is no agent \"" + flags.agent +
                                          "\". Known agents: " + known + "."));
  return std::nullopt;
}

void sessions(Context& context, const SessionsFlags& flags) {
  std::filesystem::path shown;
  std::vector<std::pair<std::string, std::filesystem::path>> stores;
  if (!flags.store.empty()) {
    shown = flags.store;
    stores.emplace_back(flags.agent, shown);
    std::error_code ignored;
    if (!std::filesystem::exists(shown, ignored)) {
      context.fail(Error(Code::kNotFound, "There is no file " + shown.string() + "."));
      return;
    }
  } else if (flags.all_agents) {
    shown = context.paths().state_dir / "agents";
    for (auto& agent : agents_with_sessions(context.paths())) {
      stores.emplace_back(agent, session_index_path(context.paths(), agent));
    }
  } else {
    auto agent = chosen_agent(context, flags);
    if (!agent) return;
    shown = session_index_path(context.paths(), *agent);
    stores.emplace_back(*agent, shown);
  }
  auto now = now_ms();
  auto since = flags.active_minutes > 0 ? now - flags.active_minutes * 60000 : 0;
  std::vector<Row> rows;
  for (const auto& [agent, file] : stores) {
    auto index = read_session_index(file);
    if (index.has_error()) {
      context.fail(index.error());
      return;
    }
    collect(std::move(*index), agent, since, rows);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.updated_at > b.updated_at; });
  if (!context.json) {
    context.out().line("Session store: " + shown.string());
    if (rows.empty()) {
      context.out().line(flags.active_minutes > 0
                             ? "No session was active in this time."
                             : "No sessions yet (openclaw agent -m \"hello\")");
    } else {
      print_table(context, rows, now, flags.all_agents);
    }
    return;
  }
  json::array list;
  for (auto& row : rows) list.emplace_back(row_json(std::move(row), now, flags.all_agents));
  json::object out{{"path", shown.string()}, {"count", list.size()}};
  out["activeMinutes"] =
      flags.active_minutes > 0 ? json::value(flags.active_minutes) : json::value(nullptr);
  out["sessions"] = std::move(list);
  context.out().print_json(out);
}

}  // namespace

void add_sessions_commands(CLI::App& app, Context& context) {
  auto flags = std::make_shared<SessionsFlags>();
  auto* command = app.add_subcommand("sessions", "List the stored conversations");
  command
      ->add_option("--active", flags->active_minutes, "Only those with activity in the last N minutes")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{525600000}));
  auto* agent = command->add_option("--agent", flags->agent, "Agent id (default: the default agent)");
  auto* store = command->add_option("--store", flags->store, "Read this sessions.json instead");
  command->add_flag("--all-agents", flags->all_agents, "The sessions of every agent")
      ->excludes(agent)
      ->excludes(store);
  add_json_flag(*command, context);
  command->callback([&context, flags] { sessions(context, *flags); });
}

}  // namespace openclaw::cli
