// Chat completions: our request as the vendor's body, the vendor's chunks as a Reply. Pure; no
// host.
#pragma once

#include <cstdint>
#include <map>

#include "http_model_plugin.h"

namespace openclaw::model {

struct OpenAiOptions {
  // The vendor's own API has renamed max_tokens; compatible servers still know the old name only.
  bool max_completion_tokens = false;
  bool usage_in_stream = true;
};

// `request` as in plugin-api/PAYLOADS.md, "model".
json::object openai_body(const json::object& request, const OpenAiOptions& options);

class OpenAiDecoder final : public Decoder {
 public:
  void event(std::string_view name, std::string_view data, Reply& reply) override;
  bool document(const json::object& body, Reply& reply) override;

 private:
  void message(const json::object& delta, Reply& reply);
  void tool_calls(const json::array& calls, Reply& reply);
  void usage(const json::object& usage, Reply& reply);
  void finish(std::string_view reason, Reply& reply);

  // The vendor's index of a tool call to our block. Some servers send every call with index 0.
  std::map<std::int64_t, std::int64_t> blocks_;
  std::int64_t next_block_ = 2;  // 0: thinking, 1: text
};

}  // namespace openclaw::model
