// DeviceStore: which devices may connect, with which role and scopes, and their tokens. Kept in
// <state>/devices/pending.json and paired.json in the shapes OpenClaw 2026.3.x reads; unknown
// fields stay.
//
// Shared by gateway and CLI: refresh() sees what the other one wrote. Not thread-safe: one owner.
// refresh() and save() touch the disk; the gateway moves the writing half to its blocking pool by
// take_changes().
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::identity {

// What a connecting device says about itself; the key is proven before this is built.
struct DeviceClaim {
  std::string device_id, public_key;  // the key in its normal form
  std::string display_name, platform, device_family, client_id, client_mode;
  std::string role;
  std::vector<std::string> scopes;
  std::string remote_ip;  // empty for local clients
};

enum class PairingNeed { kNone, kNotPaired, kMetadataUpgrade, kRoleUpgrade, kScopeUpgrade };
// "not-paired", "metadata-upgrade", ...; empty for kNone.
std::string_view pairing_need_name(PairingNeed need) noexcept;

// True when holding `held` satisfies a need for every scope in `wanted`: operator.admin covers
// every operator scope, operator.write covers operator.read, anything else itself.
bool scopes_cover(std::string_view role, const std::vector<std::string>& held,
                  const std::vector<std::string>& wanted);

class DeviceStore {
 public:
  using NowMs = std::function<std::int64_t()>;
  explicit DeviceStore(std::filesystem::path state_dir, NowMs now = {});

  // Reads the files again when they changed on disk. A file that cannot be parsed is an error; what
  // is in memory stays.
  Result<void> refresh();

  PairingNeed need(const DeviceClaim& claim) const;
  // Makes or renews the device's pending request. Answers the record; `*is_new` says which.
  json::object request(const DeviceClaim& claim, bool silent, bool* is_new);
  // kNotFound: no such (or an expired) request. Answers the paired device as list() shows it.
  Result<json::object> approve(std::string_view request_id);
  Result<std::string> reject(std::string_view request_id);  // the device id
  Result<void> remove(std::string_view device_id);
  // {"pending":[...],"paired":[...]} without any secret.
  json::object list();

  // The token of (device, role) in the shape hello-ok carries; made when missing, revoked or too
  // narrow.
  std::optional<json::object> ensure_token(std::string_view device_id, std::string_view role,
                                           const std::vector<std::string>& scopes);
  bool check_token(std::string_view device_id, std::string_view role, std::string_view token,
                   const std::vector<std::string>& scopes);
  // No scopes given: the token's own. kNotFound for an unknown device or role, and for scopes
  // beyond the approved ones.
  Result<json::object> rotate(std::string_view device_id, std::string_view role,
                              const std::optional<std::vector<std::string>>& scopes);
  Result<json::object> revoke(std::string_view device_id, std::string_view role);
  // Scopes of the token that rotate() without scopes would keep.
  std::vector<std::string> token_scopes(std::string_view device_id, std::string_view role) const;
  // A connect was accepted: name, client, address and scopes seen are brought up to date.
  void seen(const DeviceClaim& claim);

  struct FileText {
    std::filesystem::path path;
    std::string text;
  };
  // Texts to write since the last call. Whoever takes them must write them.
  std::vector<FileText> take_changes();
  Result<void> save();  // take_changes() and write, here and now
  // After taken texts were written: what is on disk is what is in memory.
  void note_written();

 private:
  using Records = std::map<std::string, json::object, std::less<>>;
  struct File {
    std::filesystem::path path;
    Records records;
    bool dirty = false;
    std::string stamp;  // inode, size and time of what was read or written last
  };
  Result<void> refresh(File& file);
  void drop_expired();
  json::object* token_of(std::string_view device_id, std::string_view role);
  const json::object* token_of(std::string_view device_id, std::string_view role) const;

  File pending_;
  File paired_;
  NowMs now_;
};

}  // namespace openclaw::identity
