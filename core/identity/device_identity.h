// DeviceIdentity: the Ed25519 key of this installation (<state>/identity/device.json), shared by gateway and
// CLI, and the checks for other devices' signatures. Formats are those of gateway protocol v3.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::identity {

struct DeviceIdentity {
  std::string device_id;          // lower-case hex SHA-256 of the raw public key
  std::string public_key;         // base64url of the 32 raw bytes
  std::string private_key_pem;    // PKCS8
};

// Reads or makes the file (0600, directory 0700). A wrong deviceId in it is corrected from the key.
Result<DeviceIdentity> load_or_create(const std::filesystem::path& state_dir);

struct SignedFields {
  std::string device_id, client_id, client_mode, role;
  std::vector<std::string> scopes;  // in the order of connect.scopes
  std::int64_t signed_at_ms = 0;
  std::string token, nonce, platform, device_family;
};
std::string payload_v3(const SignedFields& fields);
std::string payload_v2(const SignedFields& fields);
// base64url of the 64-byte signature.
Result<std::string> sign(const DeviceIdentity& identity, std::string_view payload);
bool verify(std::string_view public_key_b64url, std::string_view payload, std::string_view signature_b64url);
// Accepts PEM, base64 or base64url; answers base64url of the raw 32 bytes. Empty when unusable.
std::string normalise_public_key(std::string_view written);
std::string device_id_of(std::string_view public_key_b64url);

std::string base64url(std::string_view bytes);
Result<std::string> from_base64url(std::string_view text);
std::string sha256_hex(std::string_view bytes);
std::string random_token(std::size_t bytes);  // base64url
std::string uuid_v4();
// Compares SHA-256 digests; time does not depend on the contents.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace openclaw::identity
