#include "identity/device_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "identity/device_identity.h"
#include "identity/indented_json.h"
#include "json_fields.h"
#include "storage/atomic_file.h"

namespace openclaw::identity {
namespace {

constexpr std::int64_t kPendingLifeMs = 5 * 60 * 1000;
constexpr std::uint64_t kMaxFileBytes = 8 * 1024 * 1024;
// A local process can mint keys for free; the oldest requests make room.
constexpr std::size_t kMaxPending = 200;
constexpr std::size_t kTokenBytes = 32;

using Strings = std::vector<std::string>;

std::int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t number_of(const json::object& record, std::string_view key) {
  const auto* value = record.if_contains(key);
  if (!value) return 0;
  if (value->is_int64()) return value->get_int64();
  if (value->is_double()) return static_cast<std::int64_t>(value->get_double());
  return 0;
}

Strings strings_of(const json::object& record, std::string_view key) {
  Strings out;
  const auto* value = record.if_contains(key);
  if (!value || !value->is_array()) return out;
  for (const auto& item : value->get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

json::array array_of(const Strings& strings) {
  json::array out;
  for (const auto& text : strings) out.emplace_back(text);
  return out;
}

Strings united(Strings first, const Strings& second) {
  for (const auto& text : second) {
    if (std::find(first.begin(), first.end(), text) == first.end()) first.push_back(text);
  }
  return first;
}

Strings sorted(Strings strings) {
  std::sort(strings.begin(), strings.end());
  strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
  return strings;
}

std::string plain_name(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool contains(const Strings& strings, std::string_view text) {
  return std::find(strings.begin(), strings.end(), text) != strings.end();
}

// What a device was approved for; stores written before that field existed have only "scopes".
Strings approved_scopes(const json::object& device) {
  return device.contains("approvedScopes") ? strings_of(device, "approvedScopes")
                                           : strings_of(device, "scopes");
}

Strings roles_of(const json::object& record) {
  auto roles = strings_of(record, "roles");
  auto role = text_of(record, "role");
  if (!role.empty() && !contains(roles, role)) roles.push_back(role);
  return roles;
}

void set_unless_empty(json::object& record, std::string_view key, const std::string& value) {
  if (!value.empty()) record[key] = value;
}

void describe(json::object& record, const DeviceClaim& claim) {
  set_unless_empty(record, "displayName", claim.display_name);
  record["clientId"] = claim.client_id;
  record["clientMode"] = claim.client_mode;
  record["role"] = claim.role;
  if (claim.remote_ip.empty()) {
    record.erase("remoteIp");
  } else {
    record["remoteIp"] = claim.remote_ip;
  }
}

std::string stamp_of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "absent";
  return std::to_string(info.st_ino) + ":" + std::to_string(info.st_size) + ":" +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

json::object new_token(std::string_view role, const Strings& scopes, std::int64_t now) {
  return {{"token", random_token(kTokenBytes)},
          {"role", role},
          {"scopes", array_of(sorted(scopes))},
          {"createdAtMs", now}};
}

bool usable(const json::object& token) {
  return !token.contains("revokedAtMs");
}

// Without secrets; `tokens` as a list.
json::object shown(const json::object& device) {
  json::object out = device;
  out.erase("approvedScopes");
  json::array tokens;
  if (const auto* held = device.if_contains("tokens"); held && held->is_object()) {
    for (const auto& [role, token] : held->get_object()) {
      if (!token.is_object()) continue;
      auto entry = token.get_object();
      entry.erase("token");
      tokens.emplace_back(std::move(entry));
    }
  }
  out["tokens"] = std::move(tokens);
  return out;
}

json::array newest_first(std::vector<json::object> records, std::string_view key) {
  std::stable_sort(records.begin(), records.end(), [&](const auto& a, const auto& b) {
    return number_of(a, key) > number_of(b, key);
  });
  json::array out;
  for (auto& record : records) out.emplace_back(std::move(record));
  return out;
}

Error unknown_request() {
  return Error(Code::kNotFound, "unknown requestId");
}
Error unknown_role() {
  return Error(Code::kNotFound, "unknown deviceId/role");
}

}  // namespace

std::string_view pairing_need_name(PairingNeed need) noexcept {
  switch (need) {
    case PairingNeed::kNone:
      return "";
    case PairingNeed::kNotPaired:
      return "not-paired";
    case PairingNeed::kMetadataUpgrade:
      return "metadata-upgrade";
    case PairingNeed::kRoleUpgrade:
      return "role-upgrade";
    case PairingNeed::kScopeUpgrade:
      return "scope-upgrade";
  }
  return "";
}

bool scopes_cover(std::string_view role, const Strings& held, const Strings& wanted) {
  bool admin = role == "operator" && contains(held, "operator.admin");
  bool write = role == "operator" && contains(held, "operator.write");
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& scope) {
    return contains(held, scope) || (admin && scope.rfind("operator.", 0) == 0) ||
           (write && scope == "operator.read");
  });
}

DeviceStore::DeviceStore(std::filesystem::path state_dir, NowMs now)
    : now_(now ? std::move(now) : NowMs(wall_clock_ms)) {
  pending_.path = state_dir / "devices" / "pending.json";
  paired_.path = state_dir / "devices" / "paired.json";
}

Result<void> DeviceStore::refresh(File& file) {
  auto stamp = stamp_of(file.path);
  if (stamp == file.stamp || file.dirty) return {};
  Records records;
  auto text = storage::read_file_bounded(file.path, kMaxFileBytes);
  if (text.has_error() && text.error().code != Code::kNotFound) return text.error();
  if (text.has_value()) {
    boost::system::error_code bad;
    auto document = json::parse(text.value(), bad);
    if (bad || !document.is_object()) {
      return Error(Code::kFailedPrecondition,
                   file.path.string() +
                       " is not a JSON object; repair it or move it away (devices "
                       "then have to pair again)");
    }
    for (auto& [key, value] : document.get_object()) {
      if (value.is_object()) records.emplace(key, std::move(value.get_object()));
    }
  }
  file.records = std::move(records);
  file.stamp = std::move(stamp);
  return {};
}

Result<void> DeviceStore::refresh() {
  auto first = refresh(pending_);
  auto second = refresh(paired_);
  return first.has_error() ? first : second;
}

void DeviceStore::drop_expired() {
  auto oldest = now_() - kPendingLifeMs;
  for (auto it = pending_.records.begin(); it != pending_.records.end();) {
    if (number_of(it->second, "ts") < oldest) {
      it = pending_.records.erase(it);
      pending_.dirty = true;
    } else {
      ++it;
    }
  }
}

PairingNeed DeviceStore::need(const DeviceClaim& claim) const {
  auto found = paired_.records.find(claim.device_id);
  if (found == paired_.records.end()) return PairingNeed::kNotPaired;
  const auto& device = found->second;
  if (normalise_public_key(text_of(device, "publicKey")) != claim.public_key) {
    return PairingNeed::kNotPaired;
  }
  auto differs = [&](std::string_view key, const std::string& now) {
    auto pinned = plain_name(text_of(device, key));
    return !pinned.empty() && pinned != plain_name(now);
  };
  if (differs("platform", claim.platform) || differs("deviceFamily", claim.device_family)) {
    return PairingNeed::kMetadataUpgrade;
  }
  if (!contains(roles_of(device), claim.role)) return PairingNeed::kRoleUpgrade;
  if (!scopes_cover(claim.role, approved_scopes(device), claim.scopes)) {
    return PairingNeed::kScopeUpgrade;
  }
  return PairingNeed::kNone;
}

json::object DeviceStore::request(const DeviceClaim& claim, bool silent, bool* is_new) {
  drop_expired();
  json::object* record = nullptr;
  for (auto& [id, existing] : pending_.records) {
    if (text_of(existing, "deviceId") == claim.device_id) record = &existing;
  }
  if (is_new) *is_new = record == nullptr;
  if (!record) {
    if (pending_.records.size() >= kMaxPending) {
      auto oldest = std::min_element(pending_.records.begin(), pending_.records.end(),
                                     [](const auto& a, const auto& b) {
                                       return number_of(a.second, "ts") < number_of(b.second, "ts");
                                     });
      pending_.records.erase(oldest);
    }
    auto id = uuid_v4();
    record = &pending_.records[id];
    (*record)["requestId"] = id;
    (*record)["deviceId"] = claim.device_id;
  }
  auto& r = *record;
  r["publicKey"] = claim.public_key;
  describe(r, claim);
  set_unless_empty(r, "platform", claim.platform);
  set_unless_empty(r, "deviceFamily", claim.device_family);
  r["roles"] = array_of(united(strings_of(r, "roles"), {claim.role}));
  r["scopes"] = array_of(united(strings_of(r, "scopes"), claim.scopes));
  r["silent"] = silent;
  r["isRepair"] = paired_.records.count(claim.device_id) > 0;
  r["ts"] = now_();
  pending_.dirty = true;
  return r;
}

Result<json::object> DeviceStore::approve(std::string_view request_id) {
  drop_expired();
  auto found = pending_.records.find(request_id);
  if (found == pending_.records.end()) return unknown_request();
  const auto request = found->second;
  auto id = text_of(request, "deviceId");
  auto& device = paired_.records[id];
  auto now = now_();
  auto previous = approved_scopes(device);
  auto asked = strings_of(request, "scopes");
  if (text_of(device, "publicKey") != text_of(request, "publicKey")) {
    // Another key under this id: what was granted to the old one does not carry over.
    device = {};
    previous.clear();
  }
  auto approved = united(previous, asked);
  for (const auto* key : {"publicKey", "displayName", "platform", "deviceFamily", "clientId",
                          "clientMode", "role", "remoteIp"}) {
    if (const auto* value = request.if_contains(key)) device[key] = *value;
  }
  device["deviceId"] = id;
  device["roles"] = array_of(united(roles_of(device), roles_of(request)));
  device["scopes"] = array_of(approved);
  device["approvedScopes"] = array_of(approved);
  if (!device.contains("createdAtMs")) device["createdAtMs"] = now;
  device["approvedAtMs"] = now;
  auto role = text_of(request, "role");
  auto& tokens = device["tokens"];
  if (!tokens.is_object()) tokens = json::object{};
  Strings scopes = asked;
  if (scopes.empty()) {
    const auto* old = tokens.get_object().if_contains(role);
    scopes = old && old->is_object() ? strings_of(old->get_object(), "scopes") : approved;
  }
  tokens.get_object()[role] = new_token(role, scopes, now);
  pending_.records.erase(found);
  pending_.dirty = paired_.dirty = true;
  return shown(device);
}

Result<std::string> DeviceStore::reject(std::string_view request_id) {
  drop_expired();
  auto found = pending_.records.find(request_id);
  if (found == pending_.records.end()) return unknown_request();
  auto id = text_of(found->second, "deviceId");
  pending_.records.erase(found);
  pending_.dirty = true;
  return id;
}

Result<void> DeviceStore::remove(std::string_view device_id) {
  auto found = paired_.records.find(device_id);
  if (found == paired_.records.end()) return Error(Code::kNotFound, "unknown deviceId");
  paired_.records.erase(found);
  paired_.dirty = true;
  return {};
}

json::object DeviceStore::list() {
  drop_expired();
  std::vector<json::object> pending;
  std::vector<json::object> paired;
  for (const auto& [id, record] : pending_.records) pending.push_back(record);
  for (const auto& [id, record] : paired_.records) paired.push_back(shown(record));
  return {{"pending", newest_first(std::move(pending), "ts")},
          {"paired", newest_first(std::move(paired), "approvedAtMs")}};
}

const json::object* DeviceStore::token_of(std::string_view device_id, std::string_view role) const {
  auto found = paired_.records.find(device_id);
  if (found == paired_.records.end()) return nullptr;
  const auto* tokens = found->second.if_contains("tokens");
  const auto* token =
      tokens && tokens->is_object() ? tokens->get_object().if_contains(role) : nullptr;
  return token && token->is_object() ? &token->get_object() : nullptr;
}

json::object* DeviceStore::token_of(std::string_view device_id, std::string_view role) {
  return const_cast<json::object*>(std::as_const(*this).token_of(device_id, role));
}

std::optional<json::object> DeviceStore::ensure_token(std::string_view device_id,
                                                      std::string_view role,
                                                      const Strings& scopes) {
  auto found = paired_.records.find(device_id);
  if (found == paired_.records.end() || !contains(roles_of(found->second), role))
    return std::nullopt;
  auto* token = token_of(device_id, role);
  if (!token || !usable(*token) || !scopes_cover(role, strings_of(*token, "scopes"), scopes)) {
    auto wanted = token && usable(*token) ? united(strings_of(*token, "scopes"), scopes) : scopes;
    if (!scopes_cover(role, approved_scopes(found->second), wanted)) return std::nullopt;
    auto& tokens = found->second["tokens"];
    if (!tokens.is_object()) tokens = json::object{};
    auto& slot = tokens.get_object()[role];
    slot = new_token(role, wanted, now_());
    token = &slot.get_object();
    paired_.dirty = true;
  }
  auto issued = std::max(number_of(*token, "createdAtMs"), number_of(*token, "rotatedAtMs"));
  return json::object{{"deviceToken", text_of(*token, "token")},
                      {"role", role},
                      {"scopes", array_of(strings_of(*token, "scopes"))},
                      {"issuedAtMs", issued}};
}

bool DeviceStore::check_token(std::string_view device_id, std::string_view role,
                              std::string_view token, const Strings& scopes) {
  auto* stored = token_of(device_id, role);
  // A compare happens in any case, so that time does not tell known devices from unknown ones.
  auto secret = stored ? text_of(*stored, "token") : std::string();
  bool same = constant_time_equal(secret, token) && !secret.empty();
  if (!same || !usable(*stored)) return false;
  auto held = strings_of(*stored, "scopes");
  if (!scopes_cover(role, held, scopes) ||
      !scopes_cover(role, approved_scopes(paired_.records.find(device_id)->second), held)) {
    return false;
  }
  (*stored)["lastUsedAtMs"] = now_();
  paired_.dirty = true;
  return true;
}

std::vector<std::string> DeviceStore::token_scopes(std::string_view device_id,
                                                   std::string_view role) const {
  const auto* token = token_of(device_id, role);
  return token ? strings_of(*token, "scopes") : Strings();
}

Result<json::object> DeviceStore::rotate(std::string_view device_id, std::string_view role,
                                         const std::optional<Strings>& scopes) {
  auto found = paired_.records.find(device_id);
  auto* token = token_of(device_id, role);
  if (!token) return unknown_role();
  auto wanted = sorted(scopes ? *scopes : strings_of(*token, "scopes"));
  if (!scopes_cover(role, approved_scopes(found->second), wanted)) return unknown_role();
  auto now = now_();
  (*token)["token"] = random_token(kTokenBytes);
  (*token)["scopes"] = array_of(wanted);
  (*token)["rotatedAtMs"] = now;
  token->erase("revokedAtMs");
  token->erase("lastUsedAtMs");
  paired_.dirty = true;
  return json::object{{"deviceId", device_id},
                      {"role", role},
                      {"token", text_of(*token, "token")},
                      {"scopes", array_of(wanted)},
                      {"rotatedAtMs", now}};
}

Result<json::object> DeviceStore::revoke(std::string_view device_id, std::string_view role) {
  auto* token = token_of(device_id, role);
  if (!token) return unknown_role();
  auto now = now_();
  (*token)["revokedAtMs"] = now;
  paired_.dirty = true;
  return json::object{{"deviceId", device_id}, {"role", role}, {"revokedAtMs", now}};
}

void DeviceStore::seen(const DeviceClaim& claim) {
  auto found = paired_.records.find(claim.device_id);
  if (found == paired_.records.end()) return;
  auto before = found->second;
  describe(found->second, claim);
  found->second["scopes"] = array_of(united(strings_of(found->second, "scopes"), claim.scopes));
  // Most connects change nothing; then the disk is left alone.
  if (!(before == found->second)) paired_.dirty = true;
}

std::vector<DeviceStore::FileText> DeviceStore::take_changes() {
  std::vector<FileText> out;
  for (auto* file : {&pending_, &paired_}) {
    if (!file->dirty) continue;
    json::object document;
    for (const auto& [key, record] : file->records) document[key] = record;
    out.push_back({file->path, indented(document)});
    file->dirty = false;
  }
  return out;
}

Result<void> DeviceStore::save() {
  for (const auto& change : take_changes()) {
    if (auto made = storage::make_private_dir(change.path.parent_path()); made.has_error())
      return made;
    auto written = storage::write_file_atomically(change.path, change.text);
    if (written.has_error()) return written;
  }
  note_written();
  return {};
}

void DeviceStore::note_written() {
  for (auto* file : {&pending_, &paired_}) {
    if (!file->dirty) file->stamp = stamp_of(file->path);
  }
}

}  // namespace openclaw::identity
