#include "gateway/connect_params.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

const ParamTable kClientTable{{
    {"id",
     Kind::kText,
     true,
     0,
     64,
     {"webchat-ui", "openclaw-control-ui", "webchat", "cli", "gateway-client", "openclaw-macos",
      "openclaw-ios", "openclaw-android", "node-host", "test", "fingerprint", "openclaw-probe"}},
    {"displayName", Kind::kText},
    {"version", Kind::kText, true},
    {"platform", Kind::kText, true},
    {"deviceFamily", Kind::kText},
    {"modelIdentifier", Kind::kText},
    {"mode",
     Kind::kText,
     true,
     0,
     64,
     {"webchat", "cli", "ui", "backend", "node", "probe", "test"}},
    {"instanceId", Kind::kText},
}};
const ParamTable kDeviceTable{{
    {"id", Kind::kText, true},
    {"publicKey", Kind::kText, true},
    {"signature", Kind::kText, true},
    {"signedAt", Kind::kInteger, true, 0},
    {"nonce", Kind::kText, true},
}};
const ParamTable kAuthTable{{
    {"token", Kind::kString},
    {"password", Kind::kString},
    {"deviceToken", Kind::kString},
    {"bootstrapToken", Kind::kString},
}};
const ParamTable kConnectTable{{
    {.name = "minProtocol", .kind = Kind::kInteger, .required = true, .min = 1},
    {.name = "maxProtocol", .kind = Kind::kInteger, .required = true, .min = 1},
    {.name = "client", .kind = Kind::kObject, .required = true, .nested = &kClientTable},
    {.name = "caps", .kind = Kind::kTexts},
    {.name = "commands", .kind = Kind::kTexts},
    {.name = "permissions", .kind = Kind::kBooleans},
    {.name = "pathEnv", .kind = Kind::kString},
    {.name = "role", .kind = Kind::kText},
    {.name = "scopes", .kind = Kind::kTexts},
    {.name = "device", .kind = Kind::kObject, .nested = &kDeviceTable},
    {.name = "auth", .kind = Kind::kObject, .nested = &kAuthTable},
    {.name = "locale", .kind = Kind::kString},
    {.name = "userAgent", .kind = Kind::kString},
}};

}  // namespace

const ParamTable& connect_table() { return kConnectTable; }

}  // namespace openclaw::gateway
