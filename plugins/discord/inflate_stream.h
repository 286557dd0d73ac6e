// InflateStream: the messages of one compressed connection ("zlib-stream": one zlib stream for the
// whole connection, flushed after each message). Pure; hostile input is expected.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct z_stream_s;

namespace discord {

class InflateStream {
 public:
  // `most_bytes`: of one message, compressed as well as inflated.
  explicit InflateStream(std::size_t most_bytes);
  InflateStream(InflateStream&&) noexcept;
  InflateStream& operator=(InflateStream&&) noexcept;
  ~InflateStream();

  // One frame. A message when this frame ended one; nothing while it is not whole, or when it
  // failed.
  std::optional<std::string> feed(std::string_view frame);
  // The stream is of no use any more.
  bool failed() const { return failed_; }

 private:
  struct End {
    void operator()(z_stream_s* stream) const;
  };
  std::optional<std::string> fail();

  std::size_t most_bytes_;
  std::unique_ptr<z_stream_s, End> stream_;
  std::string waiting_;  // compressed, not yet whole
  bool failed_ = false;
};

}  // namespace discord
