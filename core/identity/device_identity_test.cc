#include "identity/device_identity.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "identity/indented_json.h"
#include "storage/atomic_file.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::identity {
namespace {

using storage::read_file_bounded;
using storage::TempDir;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(DeviceIdentity, IsMadeOnceAndKeptPrivate) {
  TempDir dir;
  auto state = dir.path() / "state";
  auto first = load_or_create(state);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  auto second = load_or_create(state);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(first.value().device_id, second.value().device_id);
  EXPECT_EQ(first.value().device_id.size(), 64u);
  EXPECT_EQ(first.value().public_key.size(), 43u);
  EXPECT_EQ(mode_of(state / "identity" / "device.json"), 0600u);
  EXPECT_EQ(mode_of(state / "identity"), 0700u);
}

TEST(DeviceIdentity, AWrongDeviceIdInTheFileIsCorrectedFromTheKey) {
  TempDir dir;
  auto made = load_or_create(dir.path()).value();
  auto file = dir.path() / "identity" / "device.json";
  auto document = json::parse(read_file_bounded(file, 65536).value()).as_object();
  document["deviceId"] = "00ff";
  ASSERT_TRUE(storage::write_file_atomically(file, indented(document)).has_value());
  EXPECT_EQ(load_or_create(dir.path()).value().device_id, made.device_id);
  auto again = json::parse(read_file_bounded(file, 65536).value()).as_object();
  EXPECT_EQ(again["deviceId"].as_string(), made.device_id);
}

TEST(DeviceIdentity, AnUnusableKeyIsNeverReplacedSilently) {
  TempDir dir;
  auto file = dir.path() / "identity" / "device.json";
  ASSERT_TRUE(storage::make_private_dir(file.parent_path()).has_value());
  ASSERT_TRUE(
      storage::write_file_atomically(file, "{\"privateKeyPem\": \"nonsense\"}").has_value());
  auto loaded = load_or_create(dir.path());
  ASSERT_TRUE(loaded.has_error());
  EXPECT_THAT(loaded.error().message, testing::HasSubstr("device.json"));
  EXPECT_THAT(read_file_bounded(file, 65536).value(), testing::HasSubstr("nonsense"));
}

TEST(DeviceIdentity, SignaturesVerifyForTheSignedTextOnly) {
  TempDir dir;
  auto identity = load_or_create(dir.path()).value();
  SignedFields fields;
  fields.device_id = identity.device_id;
  fields.client_id = "cli";
  fields.client_mode = "cli";
  fields.role = "operator";
  fields.scopes = {"operator.read", "operator.admin"};
  fields.signed_at_ms = 1795415643951;
  fields.token = "t";
  fields.nonce = "n";
  fields.platform = " Linux ";
  auto payload = payload_v3(fields);
  EXPECT_EQ(payload, "v3|" + identity.device_id +
                         "|cli|cli|operator|operator.read,operator.admin|1795415643951|t|n|linux|");
  EXPECT_EQ(payload_v2(fields),
            "v2|" + identity.device_id +
                "|cli|cli|operator|operator.read,operator.admin|1795415643951|t|n");
  auto signature = sign(identity, payload).value();
  EXPECT_EQ(signature.size(), 86u);
  EXPECT_TRUE(verify(identity.public_key, payload, signature));
  EXPECT_FALSE(verify(identity.public_key, payload + "x", signature));
  EXPECT_FALSE(verify(identity.public_key, payload, signature.substr(1)));
  EXPECT_FALSE(verify("", payload, signature));
}

TEST(DeviceIdentity, KeysAreAcceptedAsPemBase64AndBase64url) {
  TempDir dir;
  auto identity = load_or_create(dir.path()).value();
  auto document =
      json::parse(read_file_bounded(dir.path() / "identity" / "device.json", 65536).value())
          .as_object();
  auto pem = std::string(document["publicKeyPem"].as_string());
  EXPECT_EQ(normalise_public_key(pem), identity.public_key);
  auto standard = identity.public_key + "=";
  for (char& c : standard) c = c == '-' ? '+' : c == '_' ? '/' : c;
  EXPECT_EQ(normalise_public_key(standard), identity.public_key);
  EXPECT_EQ(normalise_public_key("BEGIN nonsense"), "");
  EXPECT_EQ(normalise_public_key("QUJD"), "");
  EXPECT_EQ(device_id_of(pem), identity.device_id);
}

TEST(Encoding, Base64urlRoundTripsAndRefusesOtherText) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    auto text = base64url(bytes);
    EXPECT_EQ(from_base64url(text).value(), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_TRUE(from_base64url("a").has_error());
  EXPECT_TRUE(from_base64url("ab c").has_error());
}

TEST(Encoding, KnownDigestAndUuidShape) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THAT(
      uuid_v4(),
      testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(random_token(32).size(), 43u);
  EXPECT_NE(random_token(32), random_token(32));
  EXPECT_TRUE(constant_time_equal("same", "same"));
  EXPECT_FALSE(constant_time_equal("same", "samE"));
  EXPECT_FALSE(constant_time_equal("", "x"));
}

TEST(IndentedJson, IndentsWithTwoSpaces) {
  json::value value{{"a", {1, 2}}, {"b", json::object{}}};
  EXPECT_EQ(indented(value), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}\n");
}

}  // namespace
}  // namespace openclaw::identity
