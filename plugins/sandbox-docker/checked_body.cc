#include "checked_body.h"

#include <chrono>
#include <fstream>

#include "bind_guard.h"
#include "body_check.h"
#include "browser_body.h"
#include "create_body.h"
#include "spec_reader.h"

namespace openclaw::docker {

using sandbox_rules::BindRules;
using sandbox_rules::checked_source;
using sandbox_rules::default_blocked;

namespace {

constexpr std::size_t kMaxProfileBytes = 1024 * 1024;

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Outcome<std::string> profile_text(const std::string& path) {
  std::string text;
  if (path.empty()) return text;
  std::ifstream in(path, std::ios::binary);
  text.resize(kMaxProfileBytes + 1);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.empty() || text.size() > kMaxProfileBytes) {
    return failure(
        OC_INVALID_ARGUMENT,
        "agents.defaults.sandbox.docker.seccompProfile: cannot read a profile from " + path);
  }
  return text;
}

}  // namespace

Outcome<json::object> checked_body(const json::object& spec, const std::string& init,
                                   const std::string& engine_socket) {
  bool browser = is_browser(spec);
  if (!browser && !text_of(spec, "kind").empty()) {
    return failure(OC_UNIMPLEMENTED, "ensure: this backend knows no sandbox of the kind \"" +
                                         text_of(spec, "kind") + "\"");
  }
  CreateContext context;
  context.created_at_ms = now_ms();
  context.init_program = init;
  Outcome<std::string> profile = profile_text(text_of(spec, "seccompProfile"));
  if (profile.has_error()) return profile.error();
  context.seccomp_text = std::move(*profile);
  json::object body = browser ? browser_body(spec, context) : create_body(spec, context);
  const json::object& allow = object_of(spec, "allow");
  Allowances allowances;
  allowances.container_namespace_join = flag_of(allow, "containerNamespaceJoin");
  allowances.reserved_targets = flag_of(allow, "reservedTargets");
  BindRules rules;
  rules.blocked = default_blocked();
  rules.blocked.emplace_back(engine_socket);
  rules.allow_external = flag_of(allow, "externalBindSources");
  for (const auto& item : list_of(spec, "protectedPaths")) {
    if (item.is_string()) rules.protected_dirs.emplace_back(std::string(item.get_string()));
  }
  for (const auto& item : list_of(spec, "bindRoots")) {
    if (item.is_string()) rules.bind_roots.emplace_back(std::string(item.get_string()));
  }
  std::size_t own = 0;
  auto& mounts = body["HostConfig"].as_object()["Mounts"].as_array();
  const json::array& wanted = list_of(spec, "mounts");
  for (std::size_t i = 0; i < mounts.size() && i < wanted.size(); ++i) {
    const json::object* mount = wanted[i].if_object();
    if (!mount) return failure(OC_INVALID_ARGUMENT, "ensure: a mount is no object");
    std::string kind = text_of(*mount, "kind");
    if (kind == "workspace" || kind == "agent") own = i + 1;
    Outcome<std::filesystem::path> source = checked_source(text_of(*mount, "source"), kind, rules);
    if (source.has_error()) {
      Failure why = source.error();
      if (browser) why.message = in_terms_of_browser(why.message);
      return why;
    }
    mounts[i].as_object()["Source"] = source->string();
  }
  auto* check = browser ? browser_body_problem : body_problem;
  std::string problem = check(body, text_of(spec, "workdir"), own, allowances);
  if (!problem.empty())
    return failure(OC_PERMISSION_DENIED, "the sandbox was not created: " + problem);
  return body;
}

}  // namespace openclaw::docker
