#include "sandbox/runtimes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "json_fields.h"

namespace openclaw::sandbox {

namespace {

Awaitable<Result<void>> list_into(const BackendOf& backend_of, std::string backend,
                                  std::string gateway_id, std::string kind, Limits limits,
                                  std::vector<RuntimeRow>& out) {
  auto instance = co_await backend_of(backend, limits);
  if (instance.has_error()) co_return instance.error();
  auto answer = co_await (*instance)->call("sandbox.list", {}, limits);
  if (answer.has_error()) co_return answer.error();
  const json::object* object = answer->if_object();
  const json::value* runtimes = object ? object->if_contains("runtimes") : nullptr;
  if (!runtimes || !runtimes->is_array()) co_return Result<void>();
  for (const auto& item : runtimes->get_array()) {
    const json::object* runtime = item.if_object();
    if (!runtime || text_of(*runtime, "gatewayId") != gateway_id) continue;
    if (text_of(*runtime, "kind") == kind) out.push_back({backend, *runtime});
  }
  co_return Result<void>();
}

}  // namespace

Awaitable<Result<RuntimeList>> list_runtimes(const BackendOf& backend_of,
                                             std::vector<std::string> backends,
                                             std::string gateway_id, std::string kind,
                                             Limits limits) {
  RuntimeList out;
  std::optional<Error> first;
  for (const auto& id : backends) {
    auto listed = co_await list_into(backend_of, id, gateway_id, kind, limits, out.rows);
    if (listed.has_value()) {
      out.answered.push_back(id);
      continue;
    }
    if (!first) first = listed.error();
    out.problems.push_back("sandbox backend " + id + ": " + listed.error().message);
  }
  if (first && out.answered.empty()) co_return *first;
  std::sort(out.rows.begin(), out.rows.end(), [](const RuntimeRow& a, const RuntimeRow& b) {
    return text_of(a.runtime, "name") < text_of(b.runtime, "name");
  });
  co_return out;
}

std::vector<std::string> with_recorded(std::vector<std::string> backends,
                                       const ContainerRegistry& registry) {
  for (auto& id : registry.backends()) {
    if (std::find(backends.begin(), backends.end(), id) == backends.end())
      backends.push_back(std::move(id));
  }
  return backends;
}

Awaitable<Result<void>> remove_runtime(const BackendOf& backend_of, std::string backend,
                                       std::string runtime_id, Limits limits) {
  auto instance = co_await backend_of(std::move(backend), limits);
  if (instance.has_error()) co_return instance.error();
  std::vector<std::string> texts = {std::move(runtime_id)};
  auto answer = co_await (*instance)->call("sandbox.remove", std::move(texts), limits);
  if (answer.has_error() && answer.error().code != Code::kNotFound) co_return answer.error();
  co_return Result<void>();
}

ContainerInfo info_of_row(const RuntimeRow& row, const ContainerRegistry& registry,
                          std::int64_t now_ms) {
  const json::object& runtime = row.runtime;
  ContainerInfo info;
  info.backend = row.backend;
  info.name = text_of(runtime, "name");
  info.runtime_id = text_of(runtime, "runtimeId");
  info.session_key = text_of(runtime, "sessionKey");
  info.image = text_of(runtime, "image");
  info.config_hash = text_of(runtime, "configHash");
  info.state = text_of(runtime, "state");
  info.created_at_ms = number_of(runtime, "createdAtMs");
  const RegistryEntry* entry = registry.find(info.name);
  info.last_used_at_ms = entry ? registry.last_used_ms(*entry, now_ms) : info.created_at_ms;
  return info;
}

}  // namespace openclaw::sandbox
