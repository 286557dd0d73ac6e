#include "agent/model_registry.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <boost/asio/ip/tcp.hpp>
#include <spdlog/spdlog.h>

#include "agent/agent_settings.h"
#include "agent/fields.h"
#include "agent/known_providers.h"

namespace openclaw::agent {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kProbeTime{300};
constexpr milliseconds kListTime{5000};
constexpr milliseconds kOpenTime{10000};
constexpr std::chrono::seconds kDiscoveryHolds{30};
constexpr std::int64_t kLocalWindow = 32768;
constexpr std::int64_t kConfiguredWindow = 128000;

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set after start
  return value != nullptr ? std::string(trimmed(value)) : std::string();
}

// "name:port,..."; OPENCLAW_LOCAL_MODEL_PORTS replaces the list, empty switches the search off.
std::vector<std::pair<std::string, std::uint16_t>> local_servers() {
  std::string text = "ollama:11434,llamacpp:8080,vllm:8000,lmstudio:1234";
  if (const char* given = std::getenv("OPENCLAW_LOCAL_MODEL_PORTS"))
    text = given;  // NOLINT(concurrency-mt-unsafe)
  std::vector<std::pair<std::string, std::uint16_t>> out;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto comma = rest.find(',');
    auto item = trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    auto colon = item.find(':');
    if (colon == std::string_view::npos) continue;
    auto digits = item.substr(colon + 1);
    std::uint16_t port = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (port != 0) out.emplace_back(std::string(item.substr(0, colon)), port);
  }
  return out;
}

bool reads_images(const json::object& model) {
  const auto* input = array_at(model, "input");
  return input != nullptr && std::ranges::any_of(*input, [](const json::value& kind) {
           return kind.is_string() && kind.get_string() == "image";
         });
}

bool can_chat(std::string_view id) {
  return id.find("embed") == std::string_view::npos && id.find("whisper") == std::string_view::npos;
}

}  // namespace

struct ModelRegistry::Provider {
  enum class Source { kConfig, kEnvironment, kLocal };
  std::string id, api;
  std::string
      account;  // of the plugin instance: the id, with a number when the settings have changed
  Source source = Source::kConfig;
  json::object config;  // as the plugin's schema has it, but for the key
  json::value api_key;  // text, {"$secret"} or null
  std::string default_model;
  std::vector<json::object> models;  // configured or listed by the server
  bool listed = false;               // the server was asked for its models

  plugin::PluginInstance* instance = nullptr;
  std::shared_ptr<int> uses = std::make_shared<int>(0);
  bool opening = false;
  std::vector<Completer<void>> waiters;

  bool same_settings(const Provider& other) const {
    return api == other.api && config == other.config && api_key == other.api_key;
  }
};

ModelRegistry::ModelRegistry(Runtime& runtime, config::ConfigStore& config,
                             plugin::PluginHost& plugins)
    : runtime_(runtime), config_(config), plugins_(plugins) {}

ModelRegistry::~ModelRegistry() = default;

// Follows the configuration: unchanged providers keep their instance, changed ones get a new one on
// next use.
void ModelRegistry::refresh() {
  auto now = config_.current();
  if (now == seen_) return;
  seen_ = now;
  auto before = std::exchange(providers_, {});
  discovered_ = false;
  add_configured(*now);
  add_from_environment();
  bool keep_local = providers_.empty();
  for (auto& [id, old] : before) {
    auto found = providers_.find(id);
    if (found == providers_.end() && keep_local && old->source == Provider::Source::kLocal) {
      providers_[id] = old;
    } else if (found != providers_.end() && found->second->same_settings(*old)) {
      found->second->instance = old->instance;
      found->second->uses = old->uses;
      found->second->account = old->account;
    } else if (old->instance != nullptr) {
      retired_.push_back({old->instance, old->uses});
      if (found != providers_.end())
        found->second->account = id + "~" + std::to_string(++generation_);
    }
  }
}

// Instances of older settings end when nobody uses them any more.
Awaitable<> ModelRegistry::remove_retired() {
  std::vector<Retired> ready;
  std::erase_if(retired_, [&](const Retired& old) {
    if (*old.uses > 0) return false;
    ready.push_back(old);
    return true;
  });
  for (auto& old : ready) co_await plugins_.remove(*old.instance, Limits::within(kOpenTime));
}

void ModelRegistry::add_configured(const config::Config& config) {
  const auto* section = config.find("models.providers");
  if (section == nullptr || !section->is_object()) return;
  for (const auto& [id, value] : section->get_object()) {
    if (!value.is_object()) continue;
    const auto& from = value.get_object();
    auto provider = std::make_shared<Provider>();
    provider->id = id;
    provider->config = from;
    const auto* facts = known_provider(provider->id);
    provider->api = text_at(from, "api");
    if (provider->api.empty()) provider->api = facts != nullptr ? facts->api : "openai-completions";
    if (text_at(from, "baseUrl").empty()) {
      // Another name for a known wire format is mostly a key of the vendor who defined it.
      const auto* vendor =
          known_provider(provider->api == "anthropic-messages" ? "anthropic" : "openai");
      provider->config["baseUrl"] = facts != nullptr ? facts->base_url : vendor->base_url;
    }
    if (const auto* key = field(from, "apiKey")) provider->api_key = *key;
    provider->config.erase("apiKey");
    if (provider->api_key.is_null() && facts != nullptr) {
      if (auto key = environment(facts->variable); !key.empty())
        provider->api_key = json::string(key);
    }
    if (const auto* models = array_at(from, "models")) {
      for (const auto& model : *models) {
        const auto* object = model.if_object();
        if (object == nullptr || text_at(*object, "id").empty()) continue;
        provider->models.push_back(*object);
        if (provider->default_model.empty()) provider->default_model = text_at(*object, "id");
      }
    }
    if (provider->default_model.empty() && facts != nullptr) provider->default_model = facts->model;
    providers_[provider->id] = provider;
  }
}

void ModelRegistry::add_from_environment() {
  if (seen_->get_string("models.mode") == "replace") return;
  for (const auto& facts : known_providers()) {
    auto key = environment(facts.variable);
    if (key.empty() || providers_.contains(facts.id)) continue;
    auto provider = std::make_shared<Provider>();
    provider->id = facts.id;
    provider->api = facts.api;
    provider->source = Provider::Source::kEnvironment;
    provider->config = {{"api", facts.api}, {"baseUrl", facts.base_url}};
    provider->api_key = json::string(key);
    provider->default_model = facts.model;
    providers_[provider->id] = provider;
  }
}

bool ModelRegistry::has_provider() {
  refresh();
  return std::ranges::any_of(
      providers_, [](const auto& item) { return item.second->source != Provider::Source::kLocal; });
}

// Asks the usual ports of local model servers, all at once. Kept for a while, also when nothing was
// found.
Awaitable<> ModelRegistry::discover(Limits limits) {
  if (has_provider()) co_return;
  if (discovered_ && !discovered_until_.expired()) co_return;
  discovered_ = true;
  discovered_until_ = Deadline::after(kDiscoveryHolds);
  auto servers = local_servers();
  auto left = std::make_shared<std::size_t>(servers.size());
  auto done = std::make_shared<Event>(runtime_);
  if (servers.empty()) co_return;
  for (auto& [name, port] : servers) {
    asio::co_spawn(runtime_.loop(), probe(name, port, limits),
                   [left, done](const std::exception_ptr&) {
                     if (--*left == 0) done->set();
                   });
  }
  co_await done->wait(limits.deadline.earlier(Deadline::after(kListTime + kOpenTime + kProbeTime)));
}

Awaitable<> ModelRegistry::probe(std::string name, std::uint16_t port, Limits limits) {
  auto socket = std::make_shared<asio::ip::tcp::socket>(runtime_.loop());
  asio::ip::tcp::endpoint address(asio::ip::address_v4::loopback(), port);
  Limits brief{limits.deadline.earlier(Deadline::after(kProbeTime)), limits.abort};
  // Closures and limits are named before a wait: g++ 12 copies aggregates that are temporaries of a
  // co_await bit by bit.
  std::function<void(Completer<void>)> connect = [socket, address](const Completer<void>& done) {
    socket->async_connect(address, [socket, done](const boost::system::error_code& failed) {
      done.now(failed ? Result<void>(make_error(Code::kUnavailable, "closed")) : Result<void>());
    });
  };
  std::function<void()> give_up = [socket] {
    boost::system::error_code ignored;
    socket->close(ignored);
  };
  auto open_port = co_await suspend<void>(runtime_, brief, std::move(connect), std::move(give_up));
  if (open_port.has_error()) co_return;
  auto found = providers_.find(name);
  auto provider = found != providers_.end() ? found->second : std::make_shared<Provider>();
  provider->id = name;
  provider->api = "openai-completions";
  provider->source = Provider::Source::kLocal;
  provider->config = {{"api", "openai-completions"},
                      {"baseUrl", "http://127.0.0.1:" + std::to_string(port) + "/v1"}};
  Limits opening{Deadline::after(kOpenTime), limits.abort};
  auto opened = co_await open(provider, opening);
  if (opened.has_error()) {
    spdlog::info("{}", opened.error().message);
    co_return;
  }
  Limits listing{Deadline::after(kListTime), limits.abort};
  auto answer = co_await provider->instance->call("model.list_models", {}, listing);
  if (answer.has_error() || !answer.value().is_object()) co_return;
  const auto* models = array_at(answer.value().get_object(), "models");
  if (models == nullptr) co_return;
  provider->models.clear();
  provider->default_model.clear();
  for (const auto& model : *models) {
    const auto* object = model.if_object();
    if (object == nullptr || !can_chat(text_at(*object, "id"))) continue;
    provider->models.push_back(*object);
    if (provider->default_model.empty()) provider->default_model = text_at(*object, "id");
  }
  if (provider->models.empty()) co_return;
  provider->listed = true;
  providers_[name] = provider;
  spdlog::info("found a model server at 127.0.0.1:{} ({}), model {}", port, name,
               provider->default_model);
}

ModelInfo ModelRegistry::describe(const Provider& provider, std::string_view model) const {
  ModelInfo info;
  info.provider = provider.id;
  info.id = model;
  info.name = model;
  info.api = provider.api;
  const auto* facts = known_provider(provider.id);
  if (facts != nullptr) {
    info.context_window = facts->context_window;
    info.reasoning = facts->reasoning;
    info.images = true;
  }
  for (const auto& object : provider.models) {
    if (text_at(object, "id") != model) continue;
    if (auto name = text_at(object, "name"); !name.empty()) info.name = name;
    if (auto n = int_at(object, "contextWindow"); n > 0) info.context_window = n;
    info.max_tokens = int_at(object, "maxTokens");
    info.reasoning = bool_at(object, "reasoning", info.reasoning);
    if (array_at(object, "input") != nullptr) info.images = reads_images(object);
  }
  if (info.context_window == 0) {
    info.context_window =
        provider.source == Provider::Source::kLocal ? kLocalWindow : kConfiguredWindow;
  }
  return info;
}

Result<ModelInfo> ModelRegistry::lookup(const std::string& written) {
  auto ref = resolve_alias(*config_.current(), written);
  auto slash = ref.find('/');
  if (slash != std::string::npos) {
    auto found = providers_.find(ref.substr(0, slash));
    if (found != providers_.end() && slash + 1 < ref.size()) {
      return describe(*found->second, std::string_view(ref).substr(slash + 1));
    }
  } else {
    for (const auto& [id, provider] : providers_) {
      for (const auto& model : provider->models) {
        if (text_at(model, "id") == ref) return describe(*provider, ref);
      }
      if (id == ref && !provider->default_model.empty()) {
        return describe(*provider, provider->default_model);
      }
    }
  }
  std::string there;
  for (const auto& [id, provider] : providers_) {
    there += (there.empty() ? "" : ", ") + id + "/" +
             (provider->default_model.empty() ? std::string("<model>") : provider->default_model);
  }
  return make_error(Code::kNotFound, "model \"" + written + "\" is not configured. " +
                                         (there.empty() ? "No provider is: openclaw onboard"
                                                        : "There is: " + there));
}

Awaitable<Result<std::vector<ModelInfo>>> ModelRegistry::candidates(
    std::string wanted, std::vector<std::string> preferred, Limits limits) {
  refresh();
  std::vector<ModelInfo> out;
  if (!has_provider()) co_await discover(limits);
  if (!wanted.empty()) {
    auto info = lookup(wanted);
    if (info.has_error()) co_return info.error();
    out.push_back(info.value());
    co_return out;
  }
  Error missing;
  for (const auto& ref : preferred) {
    auto info = lookup(ref);
    if (info.has_value()) {
      out.push_back(info.value());
    } else if (missing.message.empty()) {
      missing = info.error();
    }
  }
  if (!out.empty()) co_return out;
  if (!preferred.empty() && has_provider()) co_return missing;
  // In the order of the table of known providers, then the others.
  for (const auto& facts : known_providers()) {
    auto found = providers_.find(facts.id);
    if (found != providers_.end() && !found->second->default_model.empty()) {
      out.push_back(describe(*found->second, found->second->default_model));
    }
  }
  for (const auto& [id, provider] : providers_) {
    if (known_provider(id) == nullptr && !provider->default_model.empty()) {
      out.push_back(describe(*provider, provider->default_model));
    }
  }
  if (out.size() > 1) out.resize(1);  // nobody asked for a fallback
  co_return out;
}

std::string ModelRegistry::plugin_for(std::string_view api) const {
  for (const auto& info : plugins_.list()) {
    if (info.state == plugin::State::kRefused) continue;
    if (std::ranges::find(info.manifest.model_apis, api) != info.manifest.model_apis.end())
      return info.id;
  }
  return {};
}

// What of the provider's section the plugin knows, and the key. A key in plain text stays so here:
// the plugin host takes it out and hands the plugin a reference.
json::object ModelRegistry::instance_config(const Provider& provider,
                                            std::string_view plugin_id) const {
  const auto* info = plugins_.find(plugin_id);
  const auto* known_keys =
      info != nullptr ? object_at(info->manifest.config_schema, "properties") : nullptr;
  json::object config;
  for (const auto& [key, value] : provider.config) {
    if (known_keys == nullptr || known_keys->contains(key)) config[key] = value;
  }
  const auto* reference = provider.api_key.if_object();
  if (reference != nullptr && text_at(*reference, "source") == "env") {
    config["apiKey"] = json::object{{"$env", text_at(*reference, "id")}};
  } else if (!provider.api_key.is_null()) {
    config["apiKey"] = provider.api_key;
  }
  return config;
}

// Makes and starts the instance; whoever comes meanwhile waits for the same one.
Awaitable<Result<void>> ModelRegistry::open(std::shared_ptr<Provider> provider, Limits limits) {
  auto usable = [](plugin::PluginInstance* instance) {
    return instance != nullptr && (instance->state() == plugin::State::kRunning ||
                                   instance->state() == plugin::State::kLoaded);
  };
  if (usable(provider->instance)) co_return Result<void>();
  if (provider->opening) {
    std::function<void(Completer<void>)> join = [provider](const Completer<void>& done) {
      provider->waiters.push_back(done);
    };
    co_return co_await suspend<void>(runtime_, limits, std::move(join));
  }
  provider->opening = true;
  Result<void> outcome;
  auto plugin_id = plugin_for(provider->api);
  if (plugin_id.empty()) {
    outcome = make_error(Code::kFailedPrecondition, "no plugin serves the API \"" + provider->api +
                                                        "\" of models.providers." + provider->id +
                                                        ": openclaw plugins list");
  } else {
    co_await remove_retired();
    if (provider->instance != nullptr) {  // it failed; the next one gets another name
      retired_.push_back({provider->instance, provider->uses});
      provider->uses = std::make_shared<int>(0);
      provider->instance = nullptr;
      provider->account = provider->id + "~" + std::to_string(++generation_);
    }
    if (provider->account.empty()) provider->account = provider->id;
    plugin::InstanceRequest request{plugin_id, provider->account,
                                    instance_config(*provider, plugin_id)};
    auto made = co_await plugins_.create_instance(std::move(request));
    if (made.has_error()) {
      outcome = made.error();
    } else {
      outcome = co_await plugins_.start(*made.value(), Limits::within(kOpenTime));
      if (outcome.has_value()) provider->instance = made.value();
    }
  }
  provider->opening = false;
  for (auto& waiter : std::exchange(provider->waiters, {})) waiter.now(outcome);
  co_return outcome;
}

Awaitable<Result<plugin::PluginInstance*>> ModelRegistry::instance(std::string id, Limits limits) {
  auto found = providers_.find(id);
  if (found == providers_.end()) {
    co_return make_error(Code::kNotFound, "model provider \"" + id + "\" is no longer configured");
  }
  auto provider = found->second;
  auto opened = co_await open(provider, limits);
  if (opened.has_error()) co_return opened.error();
  co_return provider->instance;
}

ModelRegistry::Use ModelRegistry::use(std::string_view provider) {
  auto found = providers_.find(provider);
  return found == providers_.end() ? Use() : Use(found->second->uses);
}

Awaitable<json::array> ModelRegistry::list(Limits limits) {
  refresh();
  if (!has_provider()) co_await discover(limits);
  json::array out;
  for (const auto& [id, provider] : providers_) {
    std::vector<std::string> ids;
    for (const auto& model : provider->models) ids.emplace_back(text_at(model, "id"));
    if (ids.empty() && !provider->default_model.empty()) ids.push_back(provider->default_model);
    for (const auto& model : ids) {
      auto info = describe(*provider, model);
      json::array input{"text"};
      if (info.images) input.push_back("image");
      out.push_back(json::object{{"id", info.id},
                                 {"name", info.name},
                                 {"provider", info.provider},
                                 {"contextWindow", info.context_window},
                                 {"reasoning", info.reasoning},
                                 {"input", std::move(input)}});
    }
  }
  co_return out;
}

}  // namespace openclaw::agent
