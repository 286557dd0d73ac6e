#include "inflate_stream.h"

#include <zlib.h>

#include <algorithm>

namespace discord {
namespace {

constexpr std::string_view kFlushMark("\0\0\xff\xff", 4);
constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

void InflateStream::End::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

InflateStream::InflateStream(std::size_t most_bytes)
    : most_bytes_(most_bytes), stream_(new z_stream_s{}) {
  failed_ = inflateInit(stream_.get()) != Z_OK;
}
InflateStream::InflateStream(InflateStream&&) noexcept = default;
InflateStream& InflateStream::operator=(InflateStream&&) noexcept = default;
InflateStream::~InflateStream() = default;

std::optional<std::string> InflateStream::fail() {
  failed_ = true;
  waiting_.clear();
  return std::nullopt;
}

std::optional<std::string> InflateStream::feed(std::string_view frame) {
  if (failed_ || frame.size() > most_bytes_ - std::min(waiting_.size(), most_bytes_)) return fail();
  waiting_ += frame;
  if (!std::string_view(waiting_).ends_with(kFlushMark)) return std::nullopt;
  z_stream_s& z = *stream_;
  z.next_in = reinterpret_cast<Bytef*>(waiting_.data());
  z.avail_in = static_cast<uInt>(waiting_.size());
  std::string out;
  for (;;) {
    const std::size_t before = out.size();
    // One byte more than is accepted shows that there is more.
    const std::size_t room = std::min(kPiece, most_bytes_ + 1 - before);
    out.resize(before + room);
    z.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    z.avail_out = static_cast<uInt>(room);
    const int status = inflate(&z, Z_SYNC_FLUSH);
    out.resize(before + room - z.avail_out);
    if (out.size() > most_bytes_) return fail();
    if (status == Z_BUF_ERROR || (status == Z_OK && z.avail_in == 0 && z.avail_out != 0)) break;
    if (status != Z_OK) return fail();
  }
  waiting_.clear();
  return out;
}

}  // namespace discord
