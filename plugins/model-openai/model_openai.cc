// model-openai: chat completions of any server that speaks them (OpenAI, OpenRouter, Ollama,
// llama.cpp, vLLM, LM Studio ...). baseUrl is the address up to and including /v1.
#include "http_model_plugin.h"
#include "openai_chat.h"
#include "openclaw_manifest.h"

namespace openclaw::model {
namespace {

class OpenAiPlugin final : public HttpModelPlugin {
 public:
  using HttpModelPlugin::HttpModelPlugin;

 protected:
  std::string base() const { return base_url("https://api.openai.com/v1"); }
  std::string chat_url() const override { return base() + "/chat/completions"; }
  std::string models_url() const override { return base() + "/models"; }

  json::object headers() const override {
    json::object out;
    auto key = secret_text("apiKey");
    if (!key.empty()) out["authorization"] = "Bearer " + key;
    return out;
  }

  json::object chat_body(const json::object& request) const override {
    OpenAiOptions options;
    options.max_completion_tokens = base().starts_with("https://api.openai.com/");
    const auto* compat = object_at(config(), "compat");
    if (compat != nullptr) {
      if (auto name = text_at(*compat, "maxTokensField"); !name.empty()) {
        options.max_completion_tokens = name == "max_completion_tokens";
      }
      if (field(*compat, "supportsUsageInStreaming") != nullptr) {
        options.usage_in_stream = bool_at(*compat, "supportsUsageInStreaming");
      }
    }
    return openai_body(request, options);
  }

  std::unique_ptr<Decoder> decoder() const override { return std::make_unique<OpenAiDecoder>(); }
};

}  // namespace
}  // namespace openclaw::model

OPENCLAW_PLUGIN(openclaw::model::OpenAiPlugin, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
