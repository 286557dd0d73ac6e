#include "net/proxy_handshake.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <utility>

#include <openssl/evp.h>

namespace openclaw::net {
namespace {

constexpr std::size_t kMaxHead = 16 * 1024;
constexpr std::string_view kHttpBegin = "HTTP/1.";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

// SOCKS5: the bytes that RFC 1928 and RFC 1929 name.
constexpr char kSocksVersion = 5;
constexpr char kLoginVersion = 1;
constexpr char kNoLogin = 0;
constexpr char kLogin = 2;
constexpr char kConnectCommand = 1;
constexpr char kIpv4 = 1;
constexpr char kName = 3;
constexpr char kIpv6 = 4;
constexpr std::size_t kReplyHead = 5;  // version, verdict, zero, kind, first byte of the address

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the zero byte that it writes
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

// 200 of "HTTP/1.1 200 Connection established"; 0 when that is no status line.
int http_status(std::string_view line) {
  constexpr std::size_t kDigitsAt = kHttpBegin.size() + 2;
  if (line.size() < kDigitsAt + 3 || line[kDigitsAt - 1] != ' ') return 0;
  int status = 0;
  const char* const digits = line.data() + kDigitsAt;
  const auto [end, failure] = std::from_chars(digits, digits + 3, status);
  return failure == std::errc() && end == digits + 3 && status >= 100 ? status : 0;
}

std::string with_length(const std::string& text) {
  return static_cast<char>(text.size()) + text;
}

std::string socks_address(const Url& target) {
  std::array<char, sizeof(in6_addr)> bytes{};
  std::string out;
  if (::inet_pton(AF_INET, target.host.c_str(), bytes.data()) == 1) {
    out = kIpv4 + std::string(bytes.data(), sizeof(in_addr));
  } else if (::inet_pton(AF_INET6, target.host.c_str(), bytes.data()) == 1) {
    out = kIpv6 + std::string(bytes.data(), sizeof(in6_addr));
  } else {
    out = kName + with_length(target.host);  // parse_url() takes 255 bytes at most
  }
  out += static_cast<char>(target.port >> 8U);
  out += static_cast<char>(target.port & 0xFFU);
  return out;
}

std::string_view socks_refusal(unsigned char reply) {
  constexpr std::array<std::string_view, 9> kWords{"",
                                                   "a failure of its own",
                                                   "its rules forbid it",
                                                   "the network is unreachable",
                                                   "the host is unreachable",
                                                   "the connection was refused",
                                                   "the connection timed out",
                                                   "it does not connect",
                                                   "it does not take such an address"};
  return reply < kWords.size() ? kWords[reply] : "for a reason that it does not name";
}

}  // namespace

ProxyHandshake::ProxyHandshake(const ProxyAddress& proxy, const Url& target)
    : proxy_(proxy.authority()), target_(target) {
  if (proxy.kind == ProxyAddress::Kind::kSocks5) {
    greet_socks(proxy);
  } else {
    connect_by_http(proxy);
  }
}

Error ProxyHandshake::failed(Code code, const std::string& what) const {
  return Error(code, "the proxy " + proxy_ + " " + what);
}

std::string ProxyHandshake::take_output() {
  return std::exchange(output_, {});
}

void ProxyHandshake::expect(State state, std::size_t bytes) {
  state_ = state;
  needed_ = bytes;
}

std::size_t ProxyHandshake::wanted() const {
  if (done()) return 0;
  return (state_ == State::kHttpHead ? kMaxHead : needed_) - input_.size();
}

Result<void> ProxyHandshake::feed(std::string_view bytes) {
  if (bytes.size() > wanted()) return failed(Code::kInternal, "was read for too much");
  input_ += bytes;
  if (state_ == State::kHttpHead) return read_http_head();
  return input_.size() < needed_ ? Result<void>() : read_socks();
}

void ProxyHandshake::connect_by_http(const ProxyAddress& proxy) {
  const std::string target = target_.authority();
  output_ = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (proxy.has_credentials())
    output_ += "Proxy-Authorization: Basic " + base64(proxy.user + ":" + proxy.password) + "\r\n";
  output_ += "\r\n";
  state_ = State::kHttpHead;
}

Result<void> ProxyHandshake::read_http_head() {
  const std::string_view head = input_;
  // Whatever else listens there is known by its first bytes, and not only at the time limit.
  if (head.substr(0, kHttpBegin.size()) != kHttpBegin.substr(0, head.size()))
    return failed(Code::kProtocol, "does not answer as an HTTP proxy does");
  const std::size_t end = head.find(kHeadEnd);
  if (end == std::string_view::npos) {
    if (head.size() < kMaxHead) return {};
    return failed(Code::kProtocol, "answered with more than 16384 bytes of headers");
  }
  const int status = http_status(head.substr(0, head.find("\r\n")));
  if (status == 0) return failed(Code::kProtocol, "does not answer as an HTTP proxy does");
  if (status == 407)
    return failed(Code::kUnauthenticated,
                  "does not let us through without a user and password that it knows (HTTP 407)");
  if (status < 200 || status > 299)
    return failed(Code::kUnavailable, "did not connect to " + target_.authority() +
                                          ": it answered HTTP " + std::to_string(status));
  // The target speaks only after we did, so this is none of its words.
  if (end + kHeadEnd.size() != head.size())
    return failed(Code::kProtocol, "sent more than its answer");
  state_ = State::kDone;
  return {};
}

void ProxyHandshake::greet_socks(const ProxyAddress& proxy) {
  if (proxy.has_credentials()) {
    socks_login_ = kLoginVersion + with_length(proxy.user) + with_length(proxy.password);
    output_ = {kSocksVersion, 2, kNoLogin, kLogin};
  } else {
    output_ = {kSocksVersion, 1, kNoLogin};
  }
  expect(State::kSocksMethod, 2);
}

void ProxyHandshake::connect_by_socks() {
  output_ = std::string{kSocksVersion, kConnectCommand, 0} + socks_address(target_);
  expect(State::kSocksReply, kReplyHead);
}

Result<void> ProxyHandshake::read_socks() {
  const bool login = state_ == State::kSocksVerdict;
  if (input_[0] != (login ? kLoginVersion : kSocksVersion))
    return failed(Code::kProtocol, "does not answer as a SOCKS5 proxy does");
  switch (state_) {
    case State::kSocksMethod:
      return read_socks_method();
    case State::kSocksVerdict:
      if (input_[1] != 0)
        return failed(Code::kUnauthenticated, "does not accept the user and password given for it");
      input_.clear();
      connect_by_socks();
      return {};
    case State::kSocksReply:
      return read_socks_reply();
    default:
      state_ = State::kDone;  // the address it connects from is of no interest
      return {};
  }
}

Result<void> ProxyHandshake::read_socks_method() {
  const char method = std::exchange(input_, {})[1];
  if (method == kNoLogin) {
    connect_by_socks();
    return {};
  }
  if (method != kLogin || socks_login_.empty())
    return failed(Code::kUnauthenticated,
                  "does not let us through without a user and password that it knows");
  output_ = std::exchange(socks_login_, {});
  expect(State::kSocksVerdict, 2);
  return {};
}

Result<void> ProxyHandshake::read_socks_reply() {
  if (const auto reply = static_cast<unsigned char>(input_[1]); reply != 0)
    return failed(Code::kUnavailable, "did not connect to " + target_.authority() + ": " +
                                          std::string(socks_refusal(reply)));
  constexpr std::size_t kBeforeAddress = 4;
  constexpr std::size_t kPort = 2;
  std::size_t address = 0;
  if (input_[3] == kIpv4) address = sizeof(in_addr);
  if (input_[3] == kIpv6) address = sizeof(in6_addr);
  if (input_[3] == kName) address = 1U + static_cast<unsigned char>(input_[4]);
  if (address == 0) return failed(Code::kProtocol, "does not answer as a SOCKS5 proxy does");
  expect(State::kSocksAddress, kBeforeAddress + address + kPort);
  return {};
}

}  // namespace openclaw::net
