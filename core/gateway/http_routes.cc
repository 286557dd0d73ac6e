#include "gateway/http_routes.h"

#include <algorithm>
#include <array>

#include "gateway/agents_catalogue.h"
#include "gateway/auth.h"
#include "gateway/chat_completions.h"
#include "gateway/origin.h"
#include "gateway/page.h"
#include "gateway/server_state.h"
#include "gateway/tool_entry.h"

namespace openclaw::gateway {
namespace {

constexpr std::size_t kToolBody = 2097152;
constexpr std::size_t kChatBody = 20 * 1024 * 1024;

#define OPENCLAW_FIXED_HEADERS          \
  "X-Content-Type-Options: nosniff\r\n" \
  "Referrer-Policy: no-referrer\r\n"    \
  "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n"
#define OPENCLAW_LIVE_HEAD                                                                      \
  "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n" OPENCLAW_FIXED_HEADERS \
  "Cache-Control: no-store\r\nContent-Length: 27\r\n\r\n"
constexpr std::string_view kLiveBody = R"({"ok":true,"status":"live"})";
constexpr std::string_view kLive = OPENCLAW_LIVE_HEAD R"({"ok":true,"status":"live"})";
static_assert(kLiveBody.size() == 27);

HttpResponse with_no_store(HttpResponse response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse serve_live(ServerState&, const HttpExchange&) {
  HttpResponse response;
  response.body = kLiveBody;
  return with_no_store(std::move(response));
}

// Names, times and counts are for people who may know them; a stranger gets the bare answer.
bool may_see_details(ServerState& state, const HttpExchange& exchange) {
  if (exchange.peer().local) return true;
  auto authorization = exchange.header("Authorization");
  if (authorization.empty()) return false;
  auto header = [&](std::string_view name) { return exchange.header(name); };
  return check_bearer(state.auth(), state.guard, exchange.peer(), authorization, header).ok;
}

HttpResponse serve_ready(ServerState& state, const HttpExchange& exchange) {
  auto failing = state.services.channels.failing();
  bool ready = failing.empty() && !state.stopping;
  json::object body{{"ready", ready}};
  if (may_see_details(state, exchange)) {
    json::array names;
    for (const auto& name : failing) names.emplace_back(name);
    body["failing"] = std::move(names);
    body["uptimeMs"] = state.uptime_ms();
  }
  return with_no_store(json_response(ready ? 200 : 503, body));
}

HttpResponse serve_page_config(ServerState& state, const HttpExchange& exchange) {
  auto config = state.snapshot();
  auto agent = session::default_agent(*config);
  auto identity = agent_identity(*config, agent);
  json::object body;
  body["basePath"] = state.auth().base_path;
  body["assistantName"] = identity["name"];
  body["assistantAvatar"] = identity["avatar"];
  body["assistantAgentId"] = agent;
  // The version helps the page and an attacker alike: only for this machine.
  if (exchange.peer().local) body["serverVersion"] = state.options.version;
  auto response = json_response(200, body);
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

HttpResponse serve_avatar(ServerState&, const HttpExchange& exchange) {
  auto path = exchange.path();
  auto id = path.substr(std::string_view("/avatar/").size());
  bool meta = exchange.query().find("meta=1") != std::string_view::npos;
  bool good = !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (!good || !meta) return text_response(404, "Not Found");
  return json_response(200, json::object{{"avatarUrl", nullptr}});
}

// Only hosts that are plain words come into the policy: a header value must not write policy.
std::string own_sockets(const HttpExchange& exchange) {
  auto host = exchange.peer().host;
  bool plain = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
  return plain ? " ws://" + host + " wss://" + host : std::string();
}

HttpResponse page_response(const HttpExchange& exchange, const PageFile& file) {
  HttpResponse response;
  response.content_type = file.type;
  response.body = file.bytes;
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("X-Frame-Options", "DENY");
  response.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'none'; "
      "frame-ancestors 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
      "connect-src 'self'" +
          own_sockets(exchange));
  return response;
}

bool has_static_extension(std::string_view path) {
  static constexpr std::array<std::string_view, 11> kExtensions = {
      ".js", ".css", ".json", ".map", ".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico"};
  auto ends = [&](std::string_view end) {
    return path.size() > end.size() && path.substr(path.size() - end.size()) == end;
  };
  return ends(".txt") || std::any_of(kExtensions.begin(), kExtensions.end(), ends);
}

bool under(std::string_view path, std::string_view base) {
  return path == base || (path.size() > base.size() && path.substr(0, base.size()) == base &&
                          path[base.size()] == '/');
}

HttpResponse serve_page(ServerState& state, const HttpExchange& exchange) {
  const auto& settings = state.auth();
  auto path = exchange.path();
  if (!settings.control_ui_enabled) return text_response(404, "Not Found");
  if (!settings.base_path.empty()) {
    if (path == settings.base_path) {
      auto response = text_response(302, "");
      response.headers.emplace_back("Location", settings.base_path + "/");
      return response;
    }
    if (!under(path, settings.base_path)) return text_response(404, "Not Found");
    path.remove_prefix(settings.base_path.size());
  }
  for (std::string_view taken : {"/ui", "/api", "/plugins"}) {
    if (under(path, taken)) return text_response(404, "Not Found");
  }
  auto name = path.substr(path.rfind('/') + 1);
  if (const auto* file = page_file(name.empty() ? "index.html" : name))
    return page_response(exchange, *file);
  if (has_static_extension(path)) return text_response(404, "Not Found");
  return page_response(exchange, *page_file("index.html"));
}

bool chat_completions_enabled(ServerState& state) {
  return state.snapshot()->get_bool("gateway.http.endpoints.chatCompletions.enabled", false);
}

Route probe(std::string_view path, SyncHandler handler) {
  Route route;
  route.path = path;
  route.get = true;
  route.access = Access::kOpen;
  route.handler = handler;
  return route;
}

std::vector<Route> make_routes() {
  std::vector<Route> routes;
  Route tools;
  tools.path = "/tools/invoke";
  tools.post = true;
  tools.handler = serve_tools_invoke;
  tools.max_body = kToolBody;
  routes.push_back(tools);
  Route chat;
  chat.path = "/v1/chat/completions";
  chat.post = true;
  chat.handler = serve_chat_completions;
  chat.max_body = kChatBody;
  chat.body_time = std::chrono::seconds(60);
  chat.enabled = chat_completions_enabled;
  // A GET shows the page, as any unknown path does.
  chat.claims_all_methods = false;
  chat.watch_client = true;
  routes.push_back(chat);
  auto config = probe("/__openclaw/control-ui-config.json", serve_page_config);
  config.access = Access::kPage;
  routes.push_back(config);
  auto avatar = probe("/avatar/", serve_avatar);
  avatar.prefix = true;
  avatar.access = Access::kPage;
  routes.push_back(avatar);
  for (auto path : {"/health", "/healthz"}) routes.push_back(probe(path, serve_live));
  for (auto path : {"/ready", "/readyz"}) routes.push_back(probe(path, serve_ready));
  auto page = probe("/", serve_page);
  page.prefix = true;
  page.access = Access::kPage;
  page.claims_all_methods = false;
  routes.push_back(page);
  return routes;
}

bool matches(const Route& route, std::string_view path) {
  return route.prefix ? path.substr(0, route.path.size()) == route.path : path == route.path;
}

HttpResponse wrong_method(const Route& route) {
  auto response = text_response(405, "Method Not Allowed");
  response.headers.emplace_back("Allow", route.post ? "POST" : "GET, HEAD");
  return response;
}

HttpResponse auth_refused(const AuthResult& result) {
  if (result.reason == "rate_limited") {
    auto response = error_response(
        429, "Too many failed authentication attempts. Please try again later.", "rate_limited");
    response.headers.emplace_back("Retry-After",
                                  std::to_string((result.retry_after.count() + 999) / 1000));
    return response;
  }
  return error_response(401, "Unauthorized", "unauthorized");
}

// A page of a stranger that made its name point here would be of our origin: what it may read
// without a secret must not exist under that name.
HttpResponse unexpected_host() {
  return text_response(
      403,
      "Forbidden: this host name is not known to the gateway. Open it by address or localhost, or "
      "add its origin to gateway.controlUi.allowedOrigins");
}

std::optional<HttpResponse> check_access(ServerState& state, const HttpExchange& exchange,
                                         const Route& route) {
  if (route.access == Access::kOpen) return std::nullopt;
  const auto& settings = state.auth();
  const auto& peer = exchange.peer();
  bool expected = peer.trusted_proxy || is_expected_host(peer.host, settings);
  if (route.access == Access::kPage) {
    if (!expected) return unexpected_host();
    return std::nullopt;
  }
  if (settings.mode == AuthSettings::Mode::kNone && !expected) return unexpected_host();
  // A browser page of another origin has no business at the API, whatever it knows.
  if (!peer.origin.empty() && !origin_refusal(peer, settings).empty()) {
    return error_response(403, "origin not allowed", "forbidden");
  }
  auto header = [&](std::string_view name) { return exchange.header(name); };
  auto result = check_bearer(settings, state.guard, peer, exchange.header("Authorization"), header);
  if (!result.ok) return auth_refused(result);
  return std::nullopt;
}

}  // namespace

HttpResponse text_response(unsigned status, std::string_view text) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = text;
  return response;
}

HttpResponse json_response(unsigned status, const json::value& body) {
  HttpResponse response;
  response.status = status;
  response.body = json::serialize(body);
  return response;
}

HttpResponse error_response(unsigned status, std::string_view message, std::string_view type) {
  json::object error{{"message", message}, {"type", type}};
  json::object body;
  body["error"] = std::move(error);
  return json_response(status, body);
}

const std::vector<Route>& http_routes() {
  static const std::vector<Route> routes = make_routes();
  return routes;
}

const std::string& fixed_headers() {
  static const std::string headers = OPENCLAW_FIXED_HEADERS;
  return headers;
}

Admission admit(ServerState& state, const HttpExchange& exchange) {
  Admission out;
  auto path = exchange.path();
  auto method = exchange.method();
  bool reads = method == HttpMethod::kGet || method == HttpMethod::kHead;
  for (const auto& route : http_routes()) {
    if (!matches(route, path)) continue;
    bool fits = (reads && route.get) || (method == HttpMethod::kPost && route.post);
    if (route.enabled && !route.enabled(state)) continue;
    if (!fits) {
      if (!route.claims_all_methods) continue;
      out.response = wrong_method(route);
      return out;
    }
    const auto* sync = std::get_if<SyncHandler>(&route.handler);
    if (method == HttpMethod::kGet && sync && *sync == serve_live && state.auth().hsts.empty()) {
      out.prepared = kLive;
      out.route = &route;
    }
    out.response = check_access(state, exchange, route);
    if (!out.response) out.route = &route;
    return out;
  }
  out.response = text_response(404, "Not Found");
  return out;
}

}  // namespace openclaw::gateway
