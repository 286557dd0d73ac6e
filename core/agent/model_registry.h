// ModelRegistry: which models there are and the plugin instance that serves each.
//
// Providers come from models.providers of the configuration, from API keys in the environment, and,
// when there is neither, from model servers on their usual loopback ports. Instances are made when
// first used. Loop thread only; owned by the AgentService.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "config/config.h"
#include "plugin/plugin_host.h"

namespace openclaw::agent {

struct ModelInfo {
  std::string provider, id, name, api;
  std::int64_t context_window = 0, max_tokens = 0;
  bool reasoning = false, images = false;
  std::string ref() const { return provider + "/" + id; }
};

class ModelRegistry {
 public:
  ModelRegistry(Runtime& runtime, config::ConfigStore& config, plugin::PluginHost& plugins);
  ~ModelRegistry();

  // What to try, best first: `wanted` alone when given (an unknown one is kNotFound with what there
  // is), else `preferred`, else whatever has a key, else local servers. Empty: there is no model at
  // all.
  Awaitable<Result<std::vector<ModelInfo>>> candidates(std::string wanted,
                                                       std::vector<std::string> preferred,
                                                       Limits limits);
  // The running instance for a provider. Call with a model that candidates() gave.
  Awaitable<Result<plugin::PluginInstance*>> instance(std::string provider, Limits limits);
  // Keeps an instance from being replaced while it is used.
  class Use {
   public:
    Use() = default;
    explicit Use(std::shared_ptr<int> count) : count_(std::move(count)) { ++*count_; }
    Use(Use&&) noexcept = default;
    Use& operator=(Use&& other) noexcept {
      std::swap(count_, other.count_);
      return *this;
    }
    ~Use() {
      if (count_) --*count_;
    }

   private:
    std::shared_ptr<int> count_;
  };
  Use use(std::string_view provider);
  // {"id","name","provider","contextWindow","reasoning","input"} of every model.
  Awaitable<json::array> list(Limits limits);
  // True when at least one provider is configured or has a key; says nothing about local servers.
  bool has_provider();

 private:
  struct Provider;
  struct Retired {
    plugin::PluginInstance* instance;
    std::shared_ptr<int> uses;
  };
  void refresh();
  Awaitable<> remove_retired();
  void add_configured(const config::Config& config);
  void add_from_environment();
  Awaitable<> discover(Limits limits);
  Awaitable<> probe(std::string name, std::uint16_t port, Limits limits);
  Result<ModelInfo> lookup(const std::string& ref);
  ModelInfo describe(const Provider& provider, std::string_view model) const;
  Awaitable<Result<void>> open(std::shared_ptr<Provider> provider, Limits limits);
  json::object instance_config(const Provider& provider, std::string_view plugin_id) const;
  std::string plugin_for(std::string_view api) const;

  Runtime& runtime_;
  config::ConfigStore& config_;
  plugin::PluginHost& plugins_;
  config::Snapshot seen_;
  std::map<std::string, std::shared_ptr<Provider>, std::less<>> providers_;
  Deadline discovered_until_;
  bool discovered_ = false;
  std::vector<Retired> retired_;
  int generation_ = 0;
};

}  // namespace openclaw::agent
