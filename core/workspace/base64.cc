#include "workspace/base64.h"

#include <openssl/evp.h>

namespace openclaw::workspace {

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                             reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  // OpenSSL passes over blanks and line breaks at both ends; here they are no base64.
  const bool blank = text.find_first_of(" \t\r\n\f\v=-") != std::string_view::npos;
  if (blank || text.size() % 4 == 1) return Error(Code::kInvalidArgument, "it is not base64");
  std::string padded(text);
  const std::size_t padding = (4 - text.size() % 4) % 4;
  padded.append(padding, '=');
  std::string out(padded.size() / 4 * 3, '\0');
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                             reinterpret_cast<const unsigned char*>(padded.data()),
                             static_cast<int>(padded.size()));
  if (size < 0) return Error(Code::kInvalidArgument, "it is not base64");
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

}  // namespace openclaw::workspace
