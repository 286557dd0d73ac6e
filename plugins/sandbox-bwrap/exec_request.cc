#include "exec_request.h"

#include "spec_fields.h"

namespace openclaw::bwrap {

using sandbox_rules::flag_of;
using sandbox_rules::list_of;
using sandbox_rules::object_of;
using sandbox_rules::text_of;

namespace {

// Texts end at a zero on their way to a process.
bool has_zero(const json::string& text) {
  return text.find('\0') != json::string::npos;
}

}  // namespace

Outcome<ExecRequest> read_exec_request(std::string_view exec_json) {
  boost::system::error_code failed;
  json::value parsed = json::parse(json::string_view(exec_json.data(), exec_json.size()), failed);
  if (failed || !parsed.is_object())
    return failure(OC_INVALID_ARGUMENT, "exec: the request is no JSON object");
  const json::object& request = parsed.get_object();
  ExecRequest out;
  for (const auto& item : list_of(request, "argv")) {
    if (!item.is_string() || has_zero(item.get_string()))
      return failure(OC_INVALID_ARGUMENT, "exec: argv must hold strings without zeros");
    out.argv.emplace_back(item.get_string());
  }
  if (out.argv.empty()) return failure(OC_INVALID_ARGUMENT, "exec: argv is empty");
  for (const auto& [name, value] : object_of(request, "env")) {
    bool plain = value.is_string() && !has_zero(value.get_string()) && !name.empty() &&
                 name.find('=') == json::string_view::npos &&
                 name.find('\0') == json::string_view::npos;
    if (!plain) return failure(OC_INVALID_ARGUMENT, "exec: env holds what is no variable");
    out.env.emplace_back(std::string(name), std::string(value.get_string()));
  }
  out.cwd = text_of(request, "cwd");
  if (out.cwd.find('\0') != std::string::npos)
    return failure(OC_INVALID_ARGUMENT, "exec: cwd holds a zero");
  if (!text_of(request, "user").empty()) {
    return failure(OC_INVALID_ARGUMENT,
                   "exec: the backend bwrap runs every command as the sandbox's own user");
  }
  out.tty = flag_of(request, "tty");
  out.input = flag_of(request, "stdin");
  return out;
}

}  // namespace openclaw::bwrap
