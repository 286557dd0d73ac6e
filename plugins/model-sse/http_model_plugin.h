// HttpModelPlugin: what the model plugins share. One chat is one streamed HTTP request; a vendor
// says what the request looks like and how its events are read.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "http_failure.h"
#include "reply.h"
#include "sse_parser.h"

namespace openclaw::model {

// Reads one vendor's events into a Reply. Made anew for each call.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual void event(std::string_view name, std::string_view data, Reply& reply) = 0;
  // An answer that came as one JSON document although a stream was asked for. False: not
  // understood.
  virtual bool document(const json::object& body, Reply& reply) = 0;
  // The vendor's end mark was seen; a stream that ends without it was cut off.
  bool ended() const { return ended_; }
  const std::optional<Failure>& failure() const { return failure_; }

 protected:
  bool ended_ = false;
  std::optional<Failure> failure_;
};

// Strand of the instance.
class HttpModelPlugin : public ModelProviderPlugin {
 public:
  explicit HttpModelPlugin(const Init& init);
  void chat(Completion done, std::string_view request_json) override;
  void list_models(Completion done) override;
  void cancel(oc_op op) override;
  void resume(oc_op op) override;
  void stop(Completion done) override;
  void reconfigure(Completion done, std::string_view config_json) override;

 protected:
  virtual std::string chat_url() const = 0;
  virtual std::string models_url() const = 0;
  virtual json::object headers() const = 0;
  virtual json::object chat_body(const json::object& request) const = 0;
  virtual std::unique_ptr<Decoder> decoder() const = 0;

  const json::object& config() const { return config_; }
  // Without a slash at its end.
  std::string base_url(std::string_view otherwise) const;
  // What goes into a header for a key of the config: "{{secret:NAME}}" for a reference, the text
  // itself else. Empty when there is none.
  std::string secret_text(std::string_view key) const;
  // The vendor's headers and those of the config.
  std::string all_headers() const;

 private:
  struct Call;
  void feed(Call& call, std::string_view bytes);
  void deliver(Call& call, std::string delta);
  void finished(oc_op op, oc_status status, const HttpResponse& response);
  void complete(Call& call, oc_status status, const HttpResponse& response);
  void drop_call(oc_op op);

  json::object config_;
  std::map<oc_op, std::shared_ptr<Call>> calls_;
  std::map<oc_op, std::uint64_t> listings_;
  std::optional<Completion> stopping_;
};

}  // namespace openclaw::model
