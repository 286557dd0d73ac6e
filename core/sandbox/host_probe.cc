#include "sandbox/host_probe.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "json_fields.h"
#include "sandbox/workspace_setup.h"

namespace openclaw::sandbox {

namespace {

// A workspace is made at the first use. Until then no backend finds it, and that is no problem.
View without_folders_to_come(View view) {
  json::array there;
  for (const auto& mount : view.spec.at("mounts").as_array()) {
    std::error_code failed;
    if (std::filesystem::exists(text_of(mount.as_object(), "source"), failed) || failed)
      there.push_back(mount);
  }
  view.spec["mounts"] = std::move(there);
  return view;
}

struct Look {
  View view;
  std::vector<Finding> findings;
};

Result<Look> look_at_folders(View view) {
  Look look;
  if (auto mismatch = owner_mismatch(view)) look.findings.push_back(std::move(*mismatch));
  look.view = without_folders_to_come(std::move(view));
  return look;
}

}  // namespace

Awaitable<Result<std::vector<Finding>>> probe_host(Runtime& runtime,
                                                   plugin::PluginInstance& backend, View view,
                                                   Limits limits) {
  std::function<Result<Look>()> work = [view = std::move(view)] { return look_at_folders(view); };
  auto look = co_await run_blocking<Look>(runtime, limits, std::move(work));
  if (look.has_error()) co_return look.error();
  std::vector<std::string> texts = {json::serialize(look->view.spec)};
  auto answer = co_await backend.call("sandbox.probe", std::move(texts), limits);
  if (answer.has_error() && answer.error().code != Code::kUnimplemented) co_return answer.error();
  const json::object* object = answer.has_value() ? answer->if_object() : nullptr;
  const json::value* findings = object ? object->if_contains("findings") : nullptr;
  if (findings && findings->is_array()) {
    for (const auto& item : findings->get_array()) {
      if (const json::object* one = item.if_object())
        look->findings.push_back(
            {flag_of(*one, "ok"), text_of(*one, "detail"), text_of(*one, "fix")});
    }
  }
  co_return std::move(look->findings);
}

}  // namespace openclaw::sandbox
