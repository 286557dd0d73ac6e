#include "identity/device_store.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "identity/device_identity.h"
#include "storage/atomic_file.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::identity {
namespace {

using storage::TempDir;
using Strings = std::vector<std::string>;

DeviceClaim claim_of(const DeviceIdentity& device, Strings scopes) {
  DeviceClaim claim;
  claim.device_id = device.device_id;
  claim.public_key = device.public_key;
  claim.platform = "linux";
  claim.client_id = claim.client_mode = "cli";
  claim.role = "operator";
  claim.scopes = std::move(scopes);
  return claim;
}

class DeviceStoreTest : public testing::Test {
 protected:
  TempDir dir_;
  std::int64_t now_ = 1000000;
  DeviceStore store_{dir_.path(), [this] { return now_; }};
  DeviceIdentity device_ = load_or_create(dir_.path()).value();

  std::string pair(const DeviceClaim& claim) {
    auto record = store_.request(claim, true, nullptr);
    auto id = std::string(record["requestId"].as_string());
    EXPECT_TRUE(store_.approve(id).has_value());
    return id;
  }
};

TEST_F(DeviceStoreTest, R126_PendingRequestsAreListedWithTheirIdsAndReused) {
  bool is_new = false;
  auto first = store_.request(claim_of(device_, {"operator.read"}), false, &is_new);
  EXPECT_TRUE(is_new);
  auto second = store_.request(claim_of(device_, {"operator.write"}), false, &is_new);
  EXPECT_FALSE(is_new);
  EXPECT_EQ(first["requestId"], second["requestId"]);
  auto list = store_.list();
  ASSERT_EQ(list["pending"].as_array().size(), 1u);
  EXPECT_EQ(list["pending"].as_array()[0].as_object()["scopes"].as_array().size(), 2u);
  now_ += 5 * 60 * 1000 + 1;
  EXPECT_TRUE(store_.list()["pending"].as_array().empty());
}

TEST_F(DeviceStoreTest, R127_ApproveAdmitsExactlyThatDevice) {
  auto claim = claim_of(device_, {"operator.read"});
  EXPECT_EQ(store_.need(claim), PairingNeed::kNotPaired);
  pair(claim);
  EXPECT_EQ(store_.need(claim), PairingNeed::kNone);
  TempDir elsewhere;
  auto other = load_or_create(elsewhere.path()).value();
  EXPECT_EQ(store_.need(claim_of(other, {})), PairingNeed::kNotPaired);
  EXPECT_EQ(store_.approve("nonsense").error().code, Code::kNotFound);
}

TEST_F(DeviceStoreTest, UpgradesAreNamed) {
  pair(claim_of(device_, {"operator.write"}));
  auto claim = claim_of(device_, {"operator.read"});
  EXPECT_EQ(store_.need(claim), PairingNeed::kNone) << "write covers read";
  claim.scopes = {"operator.admin"};
  EXPECT_EQ(store_.need(claim), PairingNeed::kScopeUpgrade);
  claim.role = "node";
  EXPECT_EQ(store_.need(claim), PairingNeed::kRoleUpgrade);
  claim.platform = "darwin";
  EXPECT_EQ(store_.need(claim), PairingNeed::kMetadataUpgrade);
  claim.public_key[0] = claim.public_key[0] == 'A' ? 'B' : 'A';
  EXPECT_EQ(store_.need(claim), PairingNeed::kNotPaired);
}

TEST_F(DeviceStoreTest, TokensAreKeptAcrossLoginsAndFailAfterRotationAndRevocation) {
  pair(claim_of(device_, {"operator.read"}));
  auto first = store_.ensure_token(device_.device_id, "operator", {"operator.read"}).value();
  auto again = store_.ensure_token(device_.device_id, "operator", {}).value();
  auto token = std::string(first["deviceToken"].as_string());
  EXPECT_EQ(token, again["deviceToken"].as_string());
  EXPECT_TRUE(store_.check_token(device_.device_id, "operator", token, {"operator.read"}));
  EXPECT_FALSE(store_.check_token(device_.device_id, "operator", token, {"operator.admin"}));
  EXPECT_FALSE(store_.check_token(device_.device_id, "node", token, {}));
  EXPECT_FALSE(store_.check_token("unknown", "operator", "", {}));
  auto rotated = store_.rotate(device_.device_id, "operator", std::nullopt).value();
  EXPECT_FALSE(store_.check_token(device_.device_id, "operator", token, {}));
  token = std::string(rotated["token"].as_string());
  EXPECT_TRUE(store_.check_token(device_.device_id, "operator", token, {}));
  ASSERT_TRUE(store_.revoke(device_.device_id, "operator").has_value());
  EXPECT_FALSE(store_.check_token(device_.device_id, "operator", token, {}));
  EXPECT_EQ(store_.rotate(device_.device_id, "operator", Strings{"operator.admin"}).error().message,
            "unknown deviceId/role");
}

TEST_F(DeviceStoreTest, SecretsNeverLeaveByListAndSurviveOnDisk) {
  pair(claim_of(device_, {"operator.read"}));
  auto token = std::string(
      store_.ensure_token(device_.device_id, "operator", {}).value()["deviceToken"].as_string());
  ASSERT_TRUE(store_.save().has_value());
  EXPECT_THAT(json::serialize(store_.list()), testing::Not(testing::HasSubstr(token)));
  DeviceStore other(dir_.path(), [this] { return now_; });
  ASSERT_TRUE(other.refresh().has_value());
  EXPECT_TRUE(other.check_token(device_.device_id, "operator", token, {}));
  // What the other one writes is seen by the first.
  ASSERT_TRUE(other.remove(device_.device_id).has_value());
  ASSERT_TRUE(other.save().has_value());
  ASSERT_TRUE(store_.refresh().has_value());
  EXPECT_EQ(store_.need(claim_of(device_, {})), PairingNeed::kNotPaired);
}

TEST_F(DeviceStoreTest, ABrokenFileIsReportedAndNotOverwritten) {
  auto file = dir_.path() / "devices" / "paired.json";
  ASSERT_TRUE(storage::make_private_dir(file.parent_path()).has_value());
  ASSERT_TRUE(storage::write_file_atomically(file, "{\"a\":").has_value());
  auto refreshed = store_.refresh();
  ASSERT_TRUE(refreshed.has_error());
  EXPECT_THAT(refreshed.error().message, testing::HasSubstr("paired.json"));
  ASSERT_TRUE(store_.save().has_value());
  EXPECT_EQ(storage::read_file_bounded(file, 100).value(), "{\"a\":");
}

// T-scope-lattice: whatever is done in whatever order, a token never holds more than what was
// approved.
TEST_F(DeviceStoreTest, TokenScopesStayWithinTheApprovedOnesUnderRandomOperations) {
  const Strings all = {"operator.read", "operator.write", "operator.admin", "operator.pairing",
                       "operator.approvals"};
  std::mt19937 random(7);
  auto some = [&] {
    Strings out;
    for (const auto& scope : all) {
      if (random() % 3 == 0) out.push_back(scope);
    }
    return out;
  };
  Strings approved;
  std::string pending;
  Strings pending_scopes;
  for (int step = 0; step < 3000; ++step) {
    auto scopes = some();
    switch (random() % 6) {
      case 0: {
        auto record = store_.request(claim_of(device_, scopes), false, nullptr);
        pending = record["requestId"].as_string();
        pending_scopes.insert(pending_scopes.end(), scopes.begin(), scopes.end());
        break;
      }
      case 1:
        if (store_.approve(pending).has_value()) {
          approved.insert(approved.end(), pending_scopes.begin(), pending_scopes.end());
          pending_scopes.clear();
        }
        break;
      case 2:
        (void)store_.rotate(device_.device_id, "operator", scopes);
        break;
      case 3:
        (void)store_.ensure_token(device_.device_id, "operator", scopes);
        break;
      case 4:
        (void)store_.revoke(device_.device_id, "operator");
        break;
      default:
        store_.seen(claim_of(device_, scopes));
    }
    EXPECT_TRUE(
        scopes_cover("operator", approved, store_.token_scopes(device_.device_id, "operator")));
  }
}

}  // namespace
}  // namespace openclaw::identity
