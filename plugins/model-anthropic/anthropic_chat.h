// The messages API: our request as the vendor's body, the vendor's events as a Reply. Pure; no
// host.
#pragma once

#include "http_model_plugin.h"

namespace openclaw::model {

// `request` as in plugin-api/PAYLOADS.md, "model".
json::object anthropic_body(const json::object& request);

class AnthropicDecoder final : public Decoder {
 public:
  void event(std::string_view name, std::string_view data, Reply& reply) override;
  bool document(const json::object& body, Reply& reply) override;

 private:
  void block_start(std::int64_t index, const json::object& block, Reply& reply);
  void block_delta(std::int64_t index, const json::object& delta, Reply& reply);
  void usage(const json::object& usage, Reply& reply);
  void stop(std::string_view reason, Reply& reply);
};

}  // namespace openclaw::model
