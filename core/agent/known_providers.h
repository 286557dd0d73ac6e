// Model providers that an API key is enough for: address, wire format and a model to begin with. Facts only.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace openclaw::agent {

struct KnownProvider {
  const char *id, *label, *variable, *api, *base_url, *model;
  std::int64_t context_window;
  bool reasoning;
};

// Best first: the order in which a provider is chosen when nobody said which.
std::span<const KnownProvider> known_providers();
// Null when unknown.
const KnownProvider* known_provider(std::string_view id);

}  // namespace openclaw::agent
