#include "multipart.h"

#include <array>
#include <cstdio>
#include <random>
#include <utility>

namespace parts {
namespace {

using openclaw::Flow;

constexpr std::uint32_t kPiece = 1U << 20;

// Long and random: that the file holds it is out of the question.
std::string make_boundary() {
  std::random_device random;
  std::string out = "openclaw-";
  for (int i = 0; i < 4; ++i) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%08x", random());
    out += text.data();
  }
  return out;
}

// Nothing that would end the header or the quotes around it.
std::string quotable(std::string_view text) {
  std::string out(text.substr(0, 255));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7f) c = '_';
  }
  return out;
}

std::string fields_of(const std::string& boundary, const json::object& params) {
  std::string out;
  for (const auto& [key, value] : params) {
    out += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + std::string(key) +
           "\"\r\n\r\n" +
           (value.is_string() ? std::string(value.get_string()) : json::serialize(value)) + "\r\n";
  }
  return out;
}

std::string head_of(const std::string& boundary, const FormFile& file) {
  return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + file.field +
         "\"; filename=\"" + quotable(file.name) + "\"\r\nContent-Type: " + quotable(file.mime) +
         "\r\n\r\n";
}

struct Created : openclaw::Waiter {
  oc_status status = OC_INTERNAL;
  std::uint64_t blob = 0;
};
struct Piece : openclaw::Waiter {
  oc_status status = OC_INTERNAL;
  std::string bytes;
};
struct Sealed : openclaw::Waiter {
  oc_status status = OC_INTERNAL;
};

Flow<oc_status> append_file(openclaw::Plugin& plugin, std::uint64_t to, std::uint64_t from) {
  for (std::uint64_t offset = 0;;) {
    Piece piece;
    openclaw::Value got = [&piece](oc_status status, std::string_view bytes) {
      piece.status = status;
      piece.bytes = bytes;
      piece.arrived();
    };
    plugin.blob().read(from, offset, kPiece, std::move(got));
    co_await piece;
    if (piece.status != OC_OK || piece.bytes.empty()) co_return piece.status;
    offset += piece.bytes.size();
    const oc_status added = plugin.blob().append(to, piece.bytes);
    if (added != OC_OK) co_return added;
  }
}

Flow<oc_status> fill(openclaw::Plugin& plugin, std::uint64_t blob, const std::string& boundary,
                     const json::object& params, const std::vector<FormFile>& files) {
  oc_status status = plugin.blob().append(blob, fields_of(boundary, params));
  for (std::size_t i = 0; i < files.size() && status == OC_OK; ++i) {
    status = plugin.blob().append(blob, head_of(boundary, files[i]));
    if (status != OC_OK) break;
    if (files[i].blob == 0) {
      status = plugin.blob().append(blob, files[i].text);
    } else {
      Flow<oc_status> copying = append_file(plugin, blob, files[i].blob);
      status = co_await copying;
    }
    if (status == OC_OK) status = plugin.blob().append(blob, "\r\n");
  }
  if (status == OC_OK) status = plugin.blob().append(blob, "--" + boundary + "--\r\n");
  if (status != OC_OK) co_return status;
  Sealed sealed;
  openclaw::Ack done = [&sealed](oc_status answer) {
    sealed.status = answer;
    sealed.arrived();
  };
  plugin.blob().seal(blob, std::move(done));
  co_await sealed;
  co_return sealed.status;
}

}  // namespace

Flow<Multipart> make_multipart(openclaw::Plugin& plugin, json::object params,
                               std::vector<FormFile> files) {
  Multipart out;
  const std::string boundary = make_boundary();
  out.content_type = "multipart/form-data; boundary=" + boundary;
  Created created;
  openclaw::Callback<void(oc_status, std::uint64_t)> made = [&created](oc_status status,
                                                                       std::uint64_t blob) {
    created.status = status;
    created.blob = blob;
    created.arrived();
  };
  plugin.blob().create("multipart/form-data", std::move(made));
  co_await created;
  out.status = created.status;
  if (out.status != OC_OK) co_return out;
  Flow<oc_status> filling = fill(plugin, created.blob, boundary, params, files);
  out.status = co_await filling;
  if (out.status == OC_OK) {
    out.blob = created.blob;
  } else {
    plugin.blob().drop(created.blob);
  }
  co_return out;
}

}  // namespace parts
