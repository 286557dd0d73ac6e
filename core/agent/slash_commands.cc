#include "agent/slash_commands.h"

#include <algorithm>
#include <array>

#include "agent/fields.h"

namespace openclaw::agent {
namespace {

struct Known {
  const char *name, *usage, *what;
};
constexpr Known kCommands[] = {
    {"help", "/help", "this list"},
    {"status", "/status", "session, model, tokens, sandbox"},
    {"new", "/new [message]", "start a new session (the old one is kept on disk)"},
    {"reset", "/reset", "the same as /new"},
    {"stop", "/stop", "end the running turn"},
    {"model", "/model [provider/model | default]", "show or choose the model of this session"},
    {"tools", "/tools", "the tools that may be used here"},
    {"tool", "/tool NAME {json}", "run one tool yourself"},
    {"queue", "/queue [mode] [debounce:2s] [cap:20] [drop:summarize]",
     "what happens to messages that come while a turn runs"},
    {"compact", "/compact", "replace the older part of the conversation by a summary"},
};

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::string help() {
  std::string out = "Commands:\n";
  for (const auto& command : kCommands) {
    out += std::string(command.usage) + " - " + command.what + "\n";
  }
  return out + "Everything else goes to the model.";
}

std::string thousands(std::int64_t n) {
  return n < 10000 ? std::to_string(n) : std::to_string((n + 500) / 1000) + "k";
}

}  // namespace

std::optional<Command> parse_command(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with('/')) return std::nullopt;
  auto end = text.find_first_of(" \t\r\n:");
  auto name = lowered(text.substr(1, end == std::string_view::npos ? end : end - 1));
  if (auto at = name.find('@'); at != std::string::npos)
    name.resize(at);  // "/status@my_bot" in groups
  if (name == "abort") name = "stop";
  if (name == "commands") name = "help";
  if (name == "models") name = "model";
  if (std::ranges::none_of(kCommands, [&](const Known& known) { return known.name == name; })) {
    return std::nullopt;
  }
  auto rest = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return Command{name, std::string(trimmed(rest))};
}

bool is_stop_word(std::string_view text) {
  auto word = lowered(trimmed(text));
  while (!word.empty() && (word.back() == '.' || word.back() == '!')) word.pop_back();
  constexpr std::array<std::string_view, 5> kWords{"stop", "abort", "halt", "cancel", "esc"};
  return std::ranges::find(kWords, word) != kWords.end();
}

TurnResult SlashCommands::reply(const Run& run, std::string text) {
  auto out = run.result("ok");
  out.text = std::move(text);
  out.stop_reason = "stop";
  out.was_command = true;
  return out;
}

Awaitable<TurnResult> SlashCommands::answer(RunPtr run, Command command) {
  Result<std::string> text = help();
  if (command.name == "status") {
    text = co_await status(run);
  } else if (command.name == "model") {
    text = co_await model(run, command.rest);
  } else if (command.name == "tools") {
    text = co_await tools(run);
  } else if (command.name == "tool") {
    text = co_await tool(run, command.rest);
  } else if (command.name == "queue") {
    text = co_await queue(run, command.rest);
  } else if (command.name == "compact") {
    text = co_await compact(run);
  } else if (command.name == "stop") {
    auto stopped = abort_(*run, "stop");
    text = std::string(stopped.empty() ? "Nothing is running." : "Stopped.");
  }
  if (text.has_error()) {
    auto out = reply(*run, text.error().message);
    // Refusals are answers; only a run that was itself cut short is not.
    if (text.error().code == Code::kCancelled || text.error().code == Code::kDeadlineExceeded) {
      out = run->failure(text.error());
      out.was_command = true;
    }
    co_return out;
  }
  co_return reply(*run, std::move(text.value()));
}

Awaitable<policy::Caller> SlashCommands::caller(RunPtr run) {
  auto view = s_.sandboxes.resolve(run->key.agent_id, run->session());
  auto out = runner_.caller(*run, view);
  auto entry = co_await s_.sessions.entry(run->session());
  if (entry.has_value() && entry.value().is_object()) {
    const auto& object = entry.value().get_object();
    out.provider = text_at(object, "providerOverride");
    out.model = text_at(object, "modelOverride");
    if (out.provider.empty()) {
      out.provider = text_at(object, "modelProvider");
      out.model = text_at(object, "model");
    }
  }
  if (out.provider.empty()) {
    auto settings = agent_settings(*s_.config.current(), s_.config.paths(), run->key.agent_id);
    if (!settings.models.empty()) {
      auto ref = resolve_alias(*s_.config.current(), settings.models.front());
      auto slash = ref.find('/');
      out.provider = ref.substr(0, slash);
      if (slash != std::string::npos) out.model = ref.substr(slash + 1);
    }
  }
  co_return out;
}

Awaitable<Result<std::string>> SlashCommands::status(RunPtr run) {
  auto found = co_await s_.sessions.entry(run->session());
  if (found.has_error()) co_return found.error();
  static const json::object kNew;
  const auto* entry = found.value().if_object();
  if (entry == nullptr) entry = &kNew;
  auto settings = agent_settings(*s_.config.current(), s_.config.paths(), run->key.agent_id);
  std::string wanted(text_at(*entry, "modelOverride"));
  if (auto provider = text_at(*entry, "providerOverride"); !wanted.empty() && !provider.empty()) {
    wanted = std::string(provider) + "/" + wanted;
  }
  auto limits = run->limits;
  auto models = co_await s_.models.candidates(wanted, settings.models, limits);
  std::string out = "Agent: " + run->key.agent_id + "\nSession: " + run->session();
  if (auto id = text_at(*entry, "sessionId"); !id.empty()) out += " (" + std::string(id) + ")";
  if (models.has_error()) {
    out += "\nModel: " + models.error().message;
  } else if (models.value().empty()) {
    out += "\nModel: none. Set one up with: openclaw onboard";
  } else {
    const auto& model = models.value().front();
    auto used = int_at(*entry, "totalTokens");
    out += "\nModel: " + model.ref() + "\nContext: " + thousands(used) + " of " +
           thousands(model.context_window) + " tokens";
    if (auto n = int_at(*entry, "compactionCount"); n > 0) {
      out += ", compacted " + std::to_string(n) + (n == 1 ? " time" : " times");
    }
    out += "\nLast turn: " + thousands(int_at(*entry, "inputTokens")) + " in, " +
           thousands(int_at(*entry, "outputTokens")) + " out";
    if (auto n = int_at(*entry, "cacheRead"); n > 0) out += ", " + thousands(n) + " from cache";
  }
  auto view = s_.sandboxes.resolve(run->key.agent_id, run->session());
  out += std::string("\nSandbox: ") + (view.sandboxed ? "on" : "off");
  if (!view.why.empty()) out += " (" + view.why + ")";
  out += std::string("\nTurn: ") + (s_.queue.is_running(run->session()) ? "running" : "idle");
  co_return out;
}

Awaitable<Result<std::string>> SlashCommands::model(RunPtr run, std::string wanted) {
  auto limits = run->limits;
  if (wanted == "default") {
    json::object changes{{"modelOverride", nullptr}, {"providerOverride", nullptr}};
    auto changed = co_await s_.sessions.update(run->session(), std::move(changes));
    if (changed.has_error()) co_return changed.error();
    co_return std::string("The session uses the agent's own model again.");
  }
  if (!wanted.empty() && wanted != "list") {
    auto found = co_await s_.models.candidates(wanted, {}, limits);
    if (found.has_error()) co_return found.error();
    if (found.value().empty()) co_return no_model_text();
    const auto& info = found.value().front();
    json::object changes{{"modelOverride", info.id}, {"providerOverride", info.provider}};
    auto changed = co_await s_.sessions.update(run->session(), std::move(changes));
    if (changed.has_error()) co_return changed.error();
    co_return "Model of this session: " + info.ref();
  }
  auto entry = co_await s_.sessions.entry(run->session());
  std::string current;
  if (entry.has_value() && entry.value().is_object()) {
    current = text_at(entry.value().get_object(), "modelOverride");
    auto provider = text_at(entry.value().get_object(), "providerOverride");
    if (!current.empty() && !provider.empty()) current = std::string(provider) + "/" + current;
  }
  auto settings = agent_settings(*s_.config.current(), s_.config.paths(), run->key.agent_id);
  auto now = co_await s_.models.candidates(current, settings.models, limits);
  auto all = co_await s_.models.list(limits);
  if (all.empty()) co_return no_model_text();
  std::string out = "Model: ";
  out += now.has_error()       ? now.error().message
         : now.value().empty() ? std::string("none")
                               : now.value().front().ref();
  out += "\nAvailable:";
  std::size_t shown = 0;
  for (const auto& model : all) {
    if (++shown > 40) {
      out += "\n... and " + std::to_string(all.size() - 40) + " more";
      break;
    }
    const auto& object = model.get_object();
    out += "\n- " + std::string(text_at(object, "provider")) + "/" +
           std::string(text_at(object, "id"));
  }
  co_return out + "\nChoose with /model provider/model";
}

Awaitable<Result<std::string>> SlashCommands::queue(RunPtr run, std::string rest) {
  if (!rest.empty()) {
    auto changes = parse_queue_command(rest);
    if (changes.has_error()) co_return changes.error();
    auto changed = co_await s_.sessions.update(run->session(), std::move(changes.value()));
    if (changed.has_error()) co_return changed.error();
  }
  const auto entry = co_await s_.sessions.entry(run->session());
  if (entry.has_error()) co_return entry.error();
  const json::object none;
  const auto* fields = entry.value().if_object();
  const auto settings = queue_settings(*s_.config.current(), run->request.origin.channel,
                                       fields != nullptr ? *fields : none);
  co_return "Queue of this session: " + queue_text(settings);
}

Awaitable<Result<std::string>> SlashCommands::tools(RunPtr run) {
  auto who = co_await caller(run);
  auto allowed = s_.tools.allowed(who);
  if (allowed.empty()) co_return std::string("No tool may be used here: openclaw sandbox explain");
  std::string out = "Tools (" + std::to_string(allowed.size()) + "):";
  for (const auto* spec : allowed) {
    out += "\n- " + spec->name;
    if (!spec->label.empty()) out += ": " + spec->label;
  }
  out += "\nRun one with /tool NAME {json}";
  if (who.sandboxed) out += "\nCommands and file tools run in the sandbox.";
  co_return out;
}

Awaitable<Result<std::string>> SlashCommands::tool(RunPtr run, std::string rest) {
  auto end = rest.find_first_of(" \t\r\n{");
  auto name = policy::normalise_tool_name(rest.substr(0, end));
  if (name.empty())
    co_return std::string("Usage: /tool NAME {json}, for instance /tool session_status {}");
  auto text =
      end == std::string::npos ? std::string_view() : trimmed(std::string_view(rest).substr(end));
  tool::ToolCall call;
  if (!text.empty()) {
    boost::system::error_code failure;
    auto args = json::parse(json::string_view(text.data(), text.size()), failure);
    if (failure || !args.is_object()) {
      co_return make_error(Code::kInvalidArgument, "The arguments of /tool " + name +
                                                       " are not a JSON object. Usage: /tool " +
                                                       name + " {\"key\":\"value\"}");
    }
    call.args = std::move(args.get_object());
  }
  call.tool = name;
  call.call_id = "command-" + run->id();
  call.run_id = run->id();
  call.entry = tool::Entry::kCommand;
  call.caller = co_await caller(run);
  if (run->request.before_tools) {
    auto announced = co_await run->request.before_tools();
    if (announced.has_error()) co_return announced.error();
  }
  auto limits = run->limits;
  auto result = co_await s_.tools.invoke(std::move(call), limits);
  if (result.has_error()) co_return result.error();
  auto out = result.value().joined_text();
  if (result.value().is_error) out = "The tool failed: " + out;
  co_return out.empty() ? std::string("(no output)") : out;
}

Awaitable<Result<std::string>> SlashCommands::compact(RunPtr run) {
  if (s_.queue.is_running(run->session())) {
    co_return make_error(Code::kFailedPrecondition, "A turn is running; /stop it first.");
  }
  auto turn = std::make_shared<Turn>();
  turn->run = run;
  auto ready = co_await runner_.prepare(turn);
  if (ready.has_error()) co_return ready.error();
  if (!ready.value()) co_return no_model_text();
  auto compacted = co_await runner_.compact_now(turn);
  if (compacted.has_error()) co_return compacted.error();
  auto durable = co_await s_.sessions.sync(run->session());
  if (durable.has_error()) co_return durable.error();
  co_return std::string("The older part of the conversation is now a summary.");
}

}  // namespace openclaw::agent
