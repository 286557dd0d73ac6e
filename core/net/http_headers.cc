#include "net/http_headers.h"

#include <algorithm>

namespace openclaw::net {

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool is_http_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

Result<void> check_headers(const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_http_token(name)) {
      return Error(Code::kInvalidArgument, "a header name is not a token");
    }
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return Error(Code::kInvalidArgument, "the header " + name + " holds a line break");
    }
  }
  return {};
}

}  // namespace openclaw::net
