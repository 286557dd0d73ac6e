#include "identity/device_identity.h"

#include <chrono>
#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "identity/indented_json.h"
#include "storage/atomic_file.h"

namespace openclaw::identity {
namespace {

constexpr std::size_t kRawKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kMaxWrittenKey = 4096;

struct Free {
  void operator()(EVP_PKEY* p) const { ::EVP_PKEY_free(p); }
  void operator()(EVP_MD_CTX* p) const { ::EVP_MD_CTX_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { ::EVP_PKEY_CTX_free(p); }
  void operator()(BIO* p) const { ::BIO_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Owned<BIO> reading(std::string_view text) {
  return Owned<BIO>(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string drained(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

// Raw public key bytes; empty when the key is not Ed25519.
std::string raw_public(EVP_PKEY* key) {
  std::string raw(kRawKeyBytes, '\0');
  std::size_t size = raw.size();
  if (!key || ::EVP_PKEY_id(key) != EVP_PKEY_ED25519 ||
      ::EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size) !=
          1 ||
      size != kRawKeyBytes) {
    return {};
  }
  return raw;
}

Owned<EVP_PKEY> private_key(std::string_view pem) {
  auto bio = reading(pem);
  return Owned<EVP_PKEY>(::PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

std::string public_pem(EVP_PKEY* key) {
  Owned<BIO> bio(::BIO_new(::BIO_s_mem()));
  ::PEM_write_bio_PUBKEY(bio.get(), key);
  return drained(bio.get());
}

Owned<EVP_PKEY> generate() {
  Owned<EVP_PKEY_CTX> context(::EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || ::EVP_PKEY_keygen_init(context.get()) != 1 ||
      ::EVP_PKEY_keygen(context.get(), &key) != 1) {
    return nullptr;
  }
  return Owned<EVP_PKEY>(key);
}

Result<void> store(const std::filesystem::path& file, EVP_PKEY* key, const DeviceIdentity& identity,
                   std::int64_t created_at_ms) {
  json::object document{{"version", 1},
                        {"deviceId", identity.device_id},
                        {"publicKeyPem", public_pem(key)},
                        {"privateKeyPem", identity.private_key_pem},
                        {"createdAtMs", created_at_ms}};
  if (auto made = storage::make_private_dir(file.parent_path()); made.has_error()) return made;
  return storage::write_file_atomically(file, indented(document));
}

DeviceIdentity describe(EVP_PKEY* key, std::string pem) {
  DeviceIdentity identity;
  identity.public_key = base64url(raw_public(key));
  identity.device_id = device_id_of(identity.public_key);
  identity.private_key_pem = std::move(pem);
  return identity;
}

Result<DeviceIdentity> create(const std::filesystem::path& file) {
  auto key = generate();
  Owned<BIO> bio(::BIO_new(::BIO_s_mem()));
  if (!key || ::PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                              nullptr) != 1) {
    return Error(Code::kInternal, "OpenSSL could not make an Ed25519 key for " + file.string());
  }
  auto identity = describe(key.get(), drained(bio.get()));
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count();
  auto stored = store(file, key.get(), identity, now);
  if (stored.has_error()) return stored.error();
  return identity;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += ',';
    out += part;
  }
  return out;
}

// Trimmed and lower-cased, as both sides do before they sign.
std::string plain(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string common_fields(const SignedFields& f) {
  return f.device_id + "|" + f.client_id + "|" + f.client_mode + "|" + f.role + "|" +
         joined(f.scopes) + "|" + std::to_string(f.signed_at_ms) + "|" + f.token + "|" + f.nonce;
}

}  // namespace

Result<DeviceIdentity> load_or_create(const std::filesystem::path& state_dir) {
  auto file = state_dir / "identity" / "device.json";
  auto text = storage::read_file_bounded(file, 64 * 1024);
  if (text.has_error()) {
    if (text.error().code == Code::kNotFound) return create(file);
    return text.error();
  }
  boost::system::error_code parse_error;
  auto document = json::parse(text.value(), parse_error);
  const auto* object = parse_error ? nullptr : document.if_object();
  const auto* pem = object ? object->if_contains("privateKeyPem") : nullptr;
  auto key = pem && pem->is_string() ? private_key(pem->get_string()) : nullptr;
  if (raw_public(key.get()).empty()) {
    // Never replaced on its own: paired devices know this gateway by that key.
    return Error(Code::kFailedPrecondition,
                 file.string() +
                     " holds no usable Ed25519 key; restore it from a backup, or move it "
                     "away to get a new identity and pair again");
  }
  auto identity = describe(key.get(), std::string(pem->get_string()));
  const auto* written = object->if_contains("deviceId");
  if (!written || !written->is_string() || written->get_string() != identity.device_id) {
    const auto* created = object->if_contains("createdAtMs");
    auto stored =
        store(file, key.get(), identity, created && created->is_int64() ? created->get_int64() : 0);
    if (stored.has_error()) return stored.error();
  }
  return identity;
}

std::string payload_v3(const SignedFields& fields) {
  return "v3|" + common_fields(fields) + "|" + plain(fields.platform) + "|" +
         plain(fields.device_family);
}

std::string payload_v2(const SignedFields& fields) {
  return "v2|" + common_fields(fields);
}

Result<std::string> sign(const DeviceIdentity& identity, std::string_view payload) {
  auto key = private_key(identity.private_key_pem);
  Owned<EVP_MD_CTX> context(::EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  if (!key || ::EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      ::EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       bytes_of(payload), payload.size()) != 1 ||
      size != kSignatureBytes) {
    return Error(Code::kInternal, "cannot sign with the key of this device");
  }
  return base64url(signature);
}

bool verify(std::string_view public_key_b64url, std::string_view payload,
            std::string_view signature_b64url) {
  auto raw = from_base64url(normalise_public_key(public_key_b64url));
  if (signature_b64url.size() > 128) return false;
  auto signature = from_base64url(signature_b64url);
  if (raw.has_error() || raw.value().size() != kRawKeyBytes || signature.has_error() ||
      signature.value().size() != kSignatureBytes) {
    return false;
  }
  Owned<EVP_PKEY> key(::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                    bytes_of(raw.value()), raw.value().size()));
  Owned<EVP_MD_CTX> context(::EVP_MD_CTX_new());
  return key && ::EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         ::EVP_DigestVerify(context.get(), bytes_of(signature.value()), signature.value().size(),
                            bytes_of(payload), payload.size()) == 1;
}

std::string normalise_public_key(std::string_view written) {
  if (written.size() > kMaxWrittenKey) return {};
  if (written.find("BEGIN") != std::string_view::npos) {
    auto bio = reading(written);
    Owned<EVP_PKEY> key(::PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
    auto raw = raw_public(key.get());
    return raw.empty() ? std::string() : base64url(raw);
  }
  auto raw = from_base64url(written);
  if (raw.has_error() || raw.value().size() != kRawKeyBytes) return {};
  return base64url(raw.value());
}

std::string device_id_of(std::string_view public_key_b64url) {
  auto normal = normalise_public_key(public_key_b64url);
  if (normal.empty()) return {};
  auto raw = from_base64url(normal);
  return raw.has_error() ? std::string() : sha256_hex(raw.value());
}

}  // namespace openclaw::identity
