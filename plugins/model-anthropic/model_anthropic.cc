// model-anthropic: the messages API with tools, thinking and prompt caching.
#include "anthropic_chat.h"
#include "http_model_plugin.h"
#include "openclaw_manifest.h"

namespace openclaw::model {
namespace {

class AnthropicPlugin final : public HttpModelPlugin {
 public:
  using HttpModelPlugin::HttpModelPlugin;

 protected:
  // With or without /v1 at its end: people write both.
  std::string base() const {
    auto url = base_url("https://api.anthropic.com");
    if (url.ends_with("/v1")) url.resize(url.size() - 3);
    return url;
  }
  std::string chat_url() const override { return base() + "/v1/messages"; }
  std::string models_url() const override { return base() + "/v1/models"; }

  json::object headers() const override {
    json::object out{{"anthropic-version", "2023-06-01"}};
    auto key = secret_text("apiKey");
    if (!key.empty()) out["x-api-key"] = key;
    return out;
  }
  json::object chat_body(const json::object& request) const override {
    return anthropic_body(request);
  }
  std::unique_ptr<Decoder> decoder() const override { return std::make_unique<AnthropicDecoder>(); }
};

}  // namespace
}  // namespace openclaw::model

OPENCLAW_PLUGIN(openclaw::model::AnthropicPlugin, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
