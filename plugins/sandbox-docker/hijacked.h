// Hijacked: a connection to the engine that turns from HTTP into a raw stream (exec start, attach).
// Strand only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "engine.h"

namespace openclaw::docker {

class Hijacked : public std::enable_shared_from_this<Hijacked> {
 public:
  struct Handlers {
    std::function<void()> on_open = {};  // the stream is there
    std::function<void(std::string_view data)> on_data = {};
    std::function<void()> on_writable = {};
    std::function<void(std::string_view reason)> on_close = {};  // always last, once
  };

  Hijacked(Plugin& plugin, Engine& engine) : plugin_(plugin), engine_(engine) {}

  // POST `path` with the JSON text `body`.
  void open(const std::string& path, std::string body, Handlers handlers);
  bool is_open() const { return stream_ != 0 && is_stream(); }
  // Status and text of an answer that was no stream; status 0 when there was no answer.
  Reply answer() const;
  bool is_stream() const { return status_ == 101 || status_ == 200; }

  oc_status send(std::string_view data) { return plugin_.stream().send(stream_, data); }
  void pause(bool paused) { plugin_.stream().pause(stream_, paused); }
  void shut_write() { plugin_.stream().shut_write(stream_); }
  void close() { plugin_.stream().close(stream_); }

 private:
  void on_data(std::string_view data);
  bool read_head(std::string_view data);

  Plugin& plugin_;
  Engine& engine_;
  Handlers on_;
  std::string request_, head_;
  std::uint64_t stream_ = 0;
  int status_ = 0;  // 0 until the answer's head is complete
};

}  // namespace openclaw::docker
