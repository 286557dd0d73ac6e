#include "probe.h"

#include "checked_body.h"
#include "host_paths.h"
#include "image_source.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {

constexpr std::uint32_t kProbeTimeoutMs = 5'000;

json::object good(std::string detail) {
  return {{"ok", true}, {"detail", std::move(detail)}};
}

json::object bad(std::string detail, std::string fix) {
  return {{"ok", false}, {"detail", std::move(detail)}, {"fix", std::move(fix)}};
}

}  // namespace

Flow<json::array> probe(Engine& engine, json::object spec) {
  json::array out;
  std::string image = text_of(spec, "image");
  std::string path = "/images/" + url_encoded(image) + "/json";
  Outcome<Reply> found = co_await engine.call("GET", path, "", kProbeTimeoutMs);
  if (found.has_error()) {
    const Failure& why = found.error();
    Engine::Trouble trouble = engine.trouble(why.code);
    if (why.code == OC_FAILED_PRECONDITION) {
      out.emplace_back(bad(why.message, ""));
      co_return out;
    }
    bool told = why.code == OC_PROTOCOL || why.code == OC_DEADLINE_EXCEEDED;
    out.emplace_back(bad(told ? why.message : trouble.what, trouble.fix));
    co_return out;
  }
  if (found->status == 404) {
    out.emplace_back(bad("the image " + image + " is not there", how_to_get(image)));
  } else if (found->status != 200) {
    out.emplace_back(bad("the Docker engine does not tell about the image " + image + ": " +
                             Engine::message_of(*found),
                         "docker image inspect " + image));
  } else {
    out.emplace_back(good("the Docker engine answers and has the image " + image));
  }
  Outcome<json::object> body = checked_body(spec, "", engine.socket_path());
  if (body.has_error()) {
    out.emplace_back(
        bad(body.error().message, "openclaw sandbox explain --agent " + text_of(spec, "agentId")));
    co_return out;
  }
  json::array* mounts = &(*body)["HostConfig"].as_object()["Mounts"].as_array();
  Outcome<Nothing> mapped = co_await to_host_paths(engine, mounts);
  if (mapped.has_error()) out.emplace_back(bad(mapped.error().message, ""));
  co_return out;
}

}  // namespace openclaw::docker
