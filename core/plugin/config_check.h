// A plugin's configuration on its way from the user's file to `create`: checked against
// configSchema, defaults filled in, secrets replaced by references. Pure but for the secret source
// and the environment given; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/host_services.h"
#include "result.h"

namespace openclaw::plugin {

// How a schema marks a property whose value must not be seen: {"$ref":"openclaw:secret"}.
inline constexpr std::string_view kSecretRef = "openclaw:secret";

// True when a "$ref" leads anywhere but to kSecretRef. A validator would follow it, round and round
// if need be.
bool has_foreign_reference(const json::value& schema);
inline constexpr std::string_view kForeignReference =
    "a \"$ref\" in it may only be \"openclaw:secret\"";

// The schema with each secret mark replaced by what a secret may look like (text, {"$secret"},
// {"$env"}), so that any validator can read it.
json::object validation_schema(const json::object& config_schema);

// Fails with the JSON pointer and the reason of the first few errors; `where` begins the message.
Result<void> check_config(const json::object& config_schema, const json::object& config,
                          std::string_view where);

struct SecretContext {
  std::string prefix;  // "<plugin id>.<account>"
  SecretSource& secrets;
  std::function<std::optional<std::string>(const std::string& name)> environment;
};

// Plain text under a secret property moves to the secret source as "<prefix>.<key>[.<key>...]" and
// leaves
// {"$secret":name}; {"$env":"VAR"} likewise, anywhere. Defaults of absent properties are filled in.
Result<json::object> prepare_config(const json::object& config_schema, json::object config,
                                    const SecretContext& context);

}  // namespace openclaw::plugin
