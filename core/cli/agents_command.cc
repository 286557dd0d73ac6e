// agents list|add|bindings|bind|unbind.
#include <CLI/CLI.hpp>

#include "cli/agent_bindings.h"
#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "cli/config_edit.h"
#include "gateway/agents_catalogue.h"
#include "json_fields.h"
#include "sandbox/resolve.h"
#include "session/session_key.h"

namespace openclaw::cli {
namespace {

struct BindFlags {
  std::string agent;
  std::vector<std::string> specs;
  bool all = false;
};

json::array array_in(const config::Config& config, std::string_view path) {
  const json::value* list = config.find(path);
  return list && list->is_array() ? list->get_array() : json::array();
}

// What a command changes: the file's own values, with the schemas that check them.
struct Editing {
  InstalledPlugins installed;
  config::Snapshot config;
};
std::optional<Editing> open_config(Context& context) {
  auto installed = installed_plugins(context);
  auto config = file_config(context, installed.sections);
  if (config.has_error()) {
    context.fail(config.error());
    context.exit_code = kConfigError;
    return std::nullopt;
  }
  return Editing{std::move(installed), std::move(*config)};
}

// The default agent when none is named. kNotFound tells how to see those there are.
Result<std::string> known_agent(const config::Config& config, const std::string& written) {
  if (written.empty()) return session::default_agent(config);
  auto id = session::normalise_agent_id(written);
  if (gateway::agent_exists(config, id)) return id;
  return Error(Code::kNotFound,
               "there is no agent \"" + written +
                   "\" (openclaw agents list). Make it with: openclaw agents add " + id);
}

Result<std::vector<BindingSpec>> parse_specs(const Editing& editing,
                                             const std::vector<std::string>& written) {
  auto kinds = channel_kinds(editing.installed.plugins);
  std::vector<BindingSpec> out;
  for (const auto& text : written) {
    auto spec = parse_binding(text);
    if (spec.has_error()) return spec.error();
    if (auto kind = find_kind(kinds, spec->channel); kind.has_error()) return kind.error();
    out.push_back(std::move(*spec));
  }
  return out;
}

json::array texts(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

void print_list(Context& context, const char* title, const std::vector<std::string>& list) {
  for (const auto& one : list) context.out().line(std::string(title) + ": " + one);
}

// Conflicts are an error for scripts, though what could be done was.
void report(Context& context, const std::string& agent, const BindingChanges& changes,
            bool binding) {
  if (!changes.conflicts.empty()) context.exit_code = kFailed;
  if (context.json) {
    json::object out{{"agentId", agent}};
    if (binding) {
      out["added"] = texts(changes.added);
      out["updated"] = texts(changes.updated);
      out["skipped"] = texts(changes.skipped);
    } else {
      out["removed"] = texts(changes.removed);
      out["missing"] = texts(changes.missing);
    }
    out["conflicts"] = texts(changes.conflicts);
    context.out().print_json(out);
    return;
  }
  print_list(context, "Added", changes.added);
  print_list(context, "Updated", changes.updated);
  print_list(context, "Already there", changes.skipped);
  print_list(context, "Removed", changes.removed);
  print_list(context, "Not bound", changes.missing);
  for (const auto& one : changes.conflicts)
    context.out().error(one + " has it; take it away there first: openclaw agents unbind");
}

void change_bindings(Context& context, const BindFlags& flags, bool binding) {
  if (flags.specs.empty() && !flags.all) {
    context.fail(Error(Code::kInvalidArgument, std::string("say which: --bind channel[:account]") +
                                                   (binding ? "" : " or --all")));
    context.exit_code = kUsage;
    return;
  }
  auto editing = open_config(context);
  if (!editing) return;
  auto agent = known_agent(*editing->config, flags.agent);
  if (agent.has_error()) return context.fail(agent.error());
  auto specs = parse_specs(*editing, flags.specs);
  if (specs.has_error()) return context.fail(specs.error());
  auto before = array_in(*editing->config, "bindings");
  BindingChanges changes = binding     ? add_bindings(before, *agent, *specs)
                           : flags.all ? remove_all_bindings(before, *agent)
                                       : remove_bindings(before, *agent, *specs);
  if (changes.changed()) {
    json::value value = changes.bindings.empty() ? json::value() : json::value(changes.bindings);
    if (!write_config(context, {{"bindings", std::move(value)}}, editing->installed.sections))
      return;
  }
  report(context, *agent, changes, binding);
}

void list_bindings(Context& context, const std::string& wanted) {
  auto config = context.checked_config();
  if (!config) return;
  auto only = wanted.empty() ? Result<std::string>(std::string()) : known_agent(**config, wanted);
  if (only.has_error()) return context.fail(only.error());
  json::array out;
  std::vector<std::vector<std::string>> rows;
  for (const auto& binding : array_in(**config, "bindings")) {
    auto agent = bound_agent(binding);
    const json::object* object = binding.if_object();
    const json::value* match = object ? object->if_contains("match") : nullptr;
    if (!match || !match->is_object() || (!only->empty() && agent != *only)) continue;
    auto described = describe_match(match->get_object());
    rows.push_back({agent, described});
    out.push_back({{"agentId", agent}, {"match", *match}, {"description", described}});
  }
  if (context.json) return context.out().print_json(out);
  if (rows.empty())
    return context.out().line("No bindings: every conversation goes to the default agent, " +
                              session::default_agent(**config) + ".");
  context.out().table({"AGENT", "MATCH"}, rows);
}

void list_agents(Context& context, bool with_bindings) {
  auto config = context.checked_config();
  if (!config) return;
  auto bindings = array_in(**config, "bindings");
  json::array out;
  std::vector<std::vector<std::string>> rows;
  for (const auto& id : gateway::agent_ids(**config)) {
    bool is_default = id == session::default_agent(**config);
    auto workspace = sandbox::agent_workspace(**config, context.paths(), id).string();
    json::array matches;
    std::string shown;
    for (const auto& binding : bindings) {
      if (bound_agent(binding) != id) continue;
      const json::value* match = binding.as_object().if_contains("match");
      auto text = match && match->is_object() ? describe_match(match->get_object()) : std::string();
      shown += (shown.empty() ? "" : ", ") + text;
      matches.emplace_back(std::move(text));
    }
    json::object row{{"id", id},
                     {"workspace", workspace},
                     {"agentDir", (context.paths().state_dir / "agents" / id / "agent").string()},
                     {"bindings", matches.size()},
                     {"isDefault", is_default}};
    if (auto model = gateway::default_model(**config, id); !model.empty()) row["model"] = model;
    if (with_bindings) row["bindingDetails"] = matches;
    out.push_back(std::move(row));
    if (shown.empty() && is_default) shown = "what no binding matches";
    rows.push_back({id + (is_default ? " (default)" : ""), workspace, shown.empty() ? "-" : shown});
  }
  if (context.json) return context.out().print_json(out);
  context.out().table({"AGENT", "WORKSPACE", "ANSWERS"}, rows);
}

struct AddAgentFlags {
  std::string id, workspace, model;
  std::vector<std::string> specs;
};

void add_agent(Context& context, const AddAgentFlags& flags) {
  auto editing = open_config(context);
  if (!editing) return;
  const config::Config& config = *editing->config;
  auto id = session::normalise_agent_id(flags.id);
  if (gateway::agent_exists(config, id))
    return context.fail(Error(Code::kAlreadyExists, "there is an agent \"" + id + "\" already"));
  auto specs = parse_specs(*editing, flags.specs);
  if (specs.has_error()) return context.fail(specs.error());
  auto list = array_in(config, "agents.list");
  // The first of the list is the default agent, which must not change by a second one.
  if (list.empty()) list.push_back(json::object{{"id", session::default_agent(config)}});
  json::object entry{{"id", id}};
  if (!flags.workspace.empty())
    entry["workspace"] = std::filesystem::absolute(flags.workspace).lexically_normal().string();
  if (!flags.model.empty()) entry["model"] = flags.model;
  list.push_back(std::move(entry));
  BindingChanges changes = add_bindings(array_in(config, "bindings"), id, *specs);
  std::vector<config::Change> edits{{"agents.list", std::move(list)}};
  if (changes.changed()) edits.push_back({"bindings", changes.bindings});
  if (!write_config(context, edits, editing->installed.sections)) return;
  if (!context.json) context.out().line("Added agent " + id + ".");
  report(context, id, changes, true);
}

}  // namespace

void add_agents_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("agents", "Agents, and who of them answers where");
  group->require_subcommand(1);

  auto* list = group->add_subcommand("list", "Agents of the configuration");
  auto with_bindings = std::make_shared<bool>(false);
  list->add_flag("--bindings", *with_bindings, "With --json: what each agent answers");
  add_json_flag(*list, context);
  list->callback([&context, with_bindings] { list_agents(context, *with_bindings); });

  auto* add = group->add_subcommand("add", "Add an agent with a workspace and sessions of its own");
  auto added = std::make_shared<AddAgentFlags>();
  add->add_option("id", added->id, "Its name: letters, digits, - and _")->required();
  add->add_option("--workspace", added->workspace,
                  "Folder (default: workspace-ID in the state folder)");
  add->add_option("--model", added->model, "Model, as provider/model");
  add->add_option("--bind", added->specs, "channel[:account] that it answers (repeatable)");
  add_json_flag(*add, context);
  add->callback([&context, added] { add_agent(context, *added); });

  auto* bindings = group->add_subcommand("bindings", "Which agent answers where");
  auto only = std::make_shared<std::string>();
  bindings->add_option("--agent", *only, "Of this agent only");
  add_json_flag(*bindings, context);
  bindings->callback([&context, only] { list_bindings(context, *only); });

  for (bool binding : {true, false}) {
    auto* command =
        binding ? group->add_subcommand("bind", "Let an agent answer a channel or an account")
                : group->add_subcommand("unbind", "Take bindings of an agent away");
    auto flags = std::make_shared<BindFlags>();
    command->add_option("--agent", flags->agent, "Agent (default: the default agent)");
    auto* specs = command->add_option("--bind", flags->specs,
                                      "channel, channel:account or channel:* (repeatable)");
    if (!binding) command->add_flag("--all", flags->all, "All of this agent")->excludes(specs);
    add_json_flag(*command, context);
    command->callback([&context, flags, binding] { change_bindings(context, *flags, binding); });
  }
}

}  // namespace openclaw::cli
