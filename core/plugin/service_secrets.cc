#include "plugin/service_secrets.h"

#include <spdlog/spdlog.h>

namespace openclaw::plugin {
namespace {

constexpr std::string_view kOpen = "{{secret:";
constexpr std::string_view kClose = "}}";

std::string percent_encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("-._~:").find(c) != std::string_view::npos;
    auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string written(std::string_view value, SecretPlace place) {
  switch (place) {
    case SecretPlace::kHeader:
      return std::string(value);
    case SecretPlace::kJsonBody: {
      auto quoted = json::serialize(json::string(value.data(), value.size()));
      return quoted.substr(1, quoted.size() - 2);
    }
    case SecretPlace::kUrl:
    case SecretPlace::kFormBody:
      return percent_encoded(value);
  }
  return {};
}

Result<void> check_grant(InstanceServices& services, std::string_view name,
                         const net::Url* destination) {
  std::vector<std::string> hosts;
  bool granted = false;
  for (const auto& grant : services.permissions().secrets) {
    if (!matches_pattern(grant.name_pattern, name)) continue;
    granted = true;
    hosts.insert(hosts.end(), grant.hosts.begin(), grant.hosts.end());
  }
  if (!granted) {
    return Error(Code::kPermissionDenied,
                 services.id() + " was not granted the secret " + std::string(name) +
                     "; its manifest must list it under permissions.secrets");
  }
  if (destination == nullptr) return {};
  net::EgressGuard guard(hosts, services.config(), services.permissions().private_network);
  if (guard.check(*destination).has_value()) return {};
  return Error(Code::kPermissionDenied, "the secret " + std::string(name) + " may not be sent to " +
                                            destination->authority() +
                                            "; the manifest must name that host beside it");
}

Result<std::string> value_of(InstanceServices& services, std::string_view name) {
  auto value = services.hub().secrets.get(name);
  if (value.has_value()) return value;
  // The file's own trouble has its command in the message; the plugin only learns that it has no
  // key.
  return Error(Code::kUnauthenticated, value.error().message);
}

void get_secret(oc_host_ctx* ctx, oc_str name, oc_value_fn fn, void* user) {
  auto services = InstanceServices::of(ctx);
  if (!services || fn == nullptr) return;
  auto refuse = [&](oc_status status) {
    services->deliver([fn, user, status] { fn(user, status, oc_bytes{nullptr, 0}); });
  };
  auto owed = services->owe(ServiceKind::kSecret);
  if (!owed) return refuse(services->refusal());
  auto end = [&](oc_status status) {
    owed->finish([fn, user, status] { fn(user, status, oc_bytes{nullptr, 0}); });
  };
  std::string wanted(view_of(name));
  auto granted = check_grant(*services, wanted, nullptr);
  if (granted.has_error()) {
    spdlog::warn("{}", granted.error().message);
    return end(status_of(granted.error().code));
  }
  auto value = value_of(*services, wanted);
  if (value.has_error()) {
    spdlog::warn("{}: {}", services->id(), value.error().message);
    return end(status_of(value.error().code));
  }
  // One buffer, wiped when the callback has returned or will never come.
  std::shared_ptr<std::string> secret(new std::string(*value), [](std::string* text) {
    storage::wipe(*text);
    delete text;
  });
  storage::wipe(*value);
  owed->on_release([owed, fn, user] {
    owed->finish([fn, user] { fn(user, OC_CANCELLED, oc_bytes{nullptr, 0}); });
  });
  owed->finish([fn, user, secret] {
    fn(user, OC_OK, bytes_of(*secret));
    storage::wipe(*secret);
  });
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) {
  auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star)) return false;
  auto rest = pattern.substr(star + 1);
  for (auto from = star; from <= name.size(); ++from) {
    if (matches_pattern(rest, name.substr(from))) return true;
  }
  return false;
}

bool has_placeholder(std::string_view text) {
  return text.find(kOpen) != std::string_view::npos;
}

Result<std::string> expand_secrets(InstanceServices& services, std::string_view text,
                                   const net::Url& destination, SecretPlace place) {
  std::string out;
  for (;;) {
    auto open = text.find(kOpen);
    out += text.substr(0, open);
    if (open == std::string_view::npos) return out;
    text.remove_prefix(open + kOpen.size());
    auto close = text.find(kClose);
    auto name = text.substr(0, close);
    if (close == std::string_view::npos || !storage::SecretStore::is_valid_name(name)) {
      return Error(Code::kInvalidArgument, "a {{secret:NAME}} is not complete");
    }
    auto granted = check_grant(services, name, &destination);
    if (granted.has_error()) return granted.error();
    auto value = value_of(services, name);
    if (value.has_error()) return value.error();
    auto spelled = written(*value, place);
    if (spelled != *value) services.hub().observe_secret(spelled);
    storage::wipe(*value);
    out += spelled;
    storage::wipe(spelled);
    text.remove_prefix(close + kClose.size());
  }
}

Result<void> expand_headers(InstanceServices& services, net::HttpHeaders& headers,
                            const net::Url& destination, std::vector<std::string>* expanded) {
  for (auto& [name, value] : headers) {
    if (!has_placeholder(value)) continue;
    auto text = expand_secrets(services, value, destination, SecretPlace::kHeader);
    if (text.has_error()) return text.error();
    value = std::move(*text);
    if (expanded != nullptr) expanded->push_back(name);
  }
  return {};
}

const oc_secrets_v1& secrets_table() {
  static constexpr oc_secrets_v1 table{sizeof(oc_secrets_v1), 0, &get_secret};
  return table;
}

}  // namespace openclaw::plugin
