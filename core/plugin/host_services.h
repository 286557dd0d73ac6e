// HostServices: everything a plugin can get by get_service(), but for channel-host and log, which the
// instance itself provides. One object serves all instances.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/runtime.h"
#include "plugin/instance_context.h"

namespace openclaw::plugin {

// Secrets by name: a file <state>/secrets.json (0600) and values that config or the environment gave for
// this process only. [any-thread]
class SecretSource {
 public:
  virtual ~SecretSource() = default;
  virtual std::optional<std::string> get(std::string_view name) const = 0;
  virtual void put_transient(std::string name, std::string value) = 0;   // this process only
  virtual Result<void> put(std::string name, std::string value) = 0;     // durable
};

// A sealed blob, for reading in pieces.
struct BlobContent {
  std::uint64_t bytes = 0;
  std::string mime;
  // Up to `count` bytes from `offset` on; empty at the end. Blocks: for the blocking pool.
  std::function<Result<std::string>(std::uint64_t offset, std::uint64_t count)> read = {};
};

class HostServices {
 public:
  // Opens nothing until a service is first used.
  static std::unique_ptr<HostServices> create(Runtime& runtime, std::filesystem::path state_dir);
  virtual ~HostServices() = default;

  // The C table for `id`, valid for the life of the process; null when unknown. The tables find their
  // state through `oc_host_ctx*`, which is an InstanceContext*. [any-thread]
  virtual const void* table(std::string_view id) const = 0;
  // Cancels everything of this instance; callbacks still due are delivered with OC_CANCELLED before it ends.
  // Called on the loop after stop() and before destroy().
  virtual Awaitable<> release(InstanceContext& instance, Deadline deadline) = 0;
  virtual SecretSource& secrets() = 0;
  // Text of every string that must never reach a log, for the redactor.
  virtual void set_secret_observer(std::function<void(std::string_view secret)> observer) = 0;
  // Prometheus text format of all plugin metrics.
  virtual std::string metrics_text() const = 0;
  // Blobs are shared between host and plugins (attachments): host-side access.
  virtual Awaitable<Result<std::string>> read_blob(std::uint64_t blob, std::uint64_t max_bytes) = 0;
  virtual Awaitable<Result<std::uint64_t>> make_blob(std::string bytes, std::string mime) = 0;
  // Takes the blob over: it goes with the last copy of `read`. kNotFound: there is no such blob.
  virtual Result<BlobContent> take_blob(std::uint64_t blob) {
    static_cast<void>(blob);
    return Error(Code::kUnimplemented, "this host keeps no blobs");
  }
  // A blob of the host's with all that `content` reads.
  virtual Awaitable<Result<std::uint64_t>> copy_to_blob(BlobContent content) {
    static_cast<void>(content);
    co_return Error(Code::kUnimplemented, "this host keeps no blobs");
  }
  // The host has done with a blob, whoever made it. Blobs that nobody touches for an hour go by themselves.
  virtual void drop_blob(std::uint64_t blob) { static_cast<void>(blob); }
  virtual Awaitable<> stop(Deadline deadline) = 0;
};

}  // namespace openclaw::plugin
