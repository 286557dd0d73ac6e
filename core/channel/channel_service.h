// ChannelService: from a platform event to an agent turn and back. Knows no platform; channel
// plugins report events, this room stores them (SQLite, before the ack), decides who may talk,
// finds the agent and session, runs the turn and delivers the reply from a durable outbox. Loop
// thread only.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_service.h"
#include "async/runtime.h"
#include "channel/link_request.h"
#include "channel/message_action.h"
#include "channel/queue_request.h"
#include "channel/resolve_request.h"
#include "config/config.h"
#include "plugin/host_services.h"
#include "plugin/plugin_host.h"

namespace openclaw::channel {

class ChannelService : public plugin::ChannelEvents {
 public:
  static std::unique_ptr<ChannelService> create(Runtime& runtime, config::ConfigStore& config,
                                                plugin::PluginHost& plugins,
                                                plugin::HostServices& services,
                                                sandbox::SandboxManager& sandboxes,
                                                agent::AgentService& agents);
  // Opens the store, creates and starts an instance per configured account, resumes what a crash
  // left.
  virtual Awaitable<Result<void>> start() = 0;
  virtual Awaitable<> stop(Deadline deadline) = 0;
  // Adds, restarts or removes accounts that a reload changed; the others go on undisturbed. Ends
  // when that is done, whoever began it.
  virtual Awaitable<> apply_config() = 0;

  // Starts the account if it is off or waits before its next start, then waits until it is
  // connected or has said why not: {"connected","error","linkState"?}. `error` is null while it is
  // not known.
  virtual Awaitable<json::object> first_result(std::string channel, std::string account,
                                               Deadline deadline) = 0;

  // Starts the account if it is off, then waits until it is connected, shows another code than the
  // one seen, or cannot go on:
  // {"connected","linkState"?,"qr"?,"code"?,"expiresMs"?,"prompt","error"}. kFailedPrecondition:
  // the channel's accounts are not linked by code. kNotFound: no such account.
  virtual Awaitable<Result<json::object>> link(LinkRequest request, Deadline deadline) = 0;

  // The channels.status payload of the gateway protocol (14.1), without "ts".
  virtual Awaitable<json::object> status(bool probe, Limits limits) = 0;
  // Names of channels that should be up and are not, and "channels" before it is known which those
  // are: what /readyz fails on.
  virtual std::vector<std::string> failing() const = 0;
  // Sends, edits, deletes, reacts or reads by hand: `send`, `message.action`, `message.read` and
  // the tool `message`.
  virtual Awaitable<Result<json::object>> act(MessageAction action, Limits limits) = 0;
  // Lists, retries or drops messages that are not sent: `message.queue.*`. See message_queue.h.
  virtual Awaitable<Result<json::object>> queue(QueueRequest request) = 0;
  // {"accountId","results"}, an entry of peer_lookup.h each: `channels.resolve`. Nothing is sent.
  virtual Awaitable<Result<json::object>> resolve(ResolveRequest request) = 0;
  // Takes the account's token off the disk and stops it; the others go on: `channels.logout`. See
  // logout.h.
  virtual Awaitable<Result<json::object>> logout(std::string channel, std::string account) = 0;
};

// Pairing files, shared by gateway and CLI: <state>/credentials/<channel>-pairing.json and
// ...-allowFrom.json.
struct PairingRequest {
  std::string id, code, created_at, last_seen_at;
  json::object meta;
};
class PairingStore {
 public:
  explicit PairingStore(std::filesystem::path state_dir);
  Result<std::vector<PairingRequest>> list(std::string_view channel) const;
  // The code of a new or still valid request of this sender. kResourceExhausted: three are pending
  // already.
  Result<PairingRequest> request(std::string_view channel, std::string_view account,
                                 std::string_view sender_id, json::object meta);
  // Moves the request to the allow list. Answers the sender's id.
  Result<std::string> approve(std::string_view channel, std::string_view code);
  Result<std::vector<std::string>> allowed(std::string_view channel,
                                           std::string_view account) const;

 private:
  std::filesystem::path dir_;
};

}  // namespace openclaw::channel
