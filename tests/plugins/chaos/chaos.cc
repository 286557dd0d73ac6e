// A plugin that does what no plugin may do, written against the C tables because the C++ face would
// prevent it.
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <openclaw/channel.h>
#include <openclaw/plugin.h>
#include <openclaw/services.h>
#include <openclaw/tool.h>

#include "openclaw_manifest.h"

OC_PLUGIN_NOTE(OPENCLAW_PLUGIN_ID);

struct oc_instance {
  const oc_host* host;
  std::string config;
  oc_op kept = 0;      // an operation that was accepted and lies about
  oc_op flood_op = 0;  // pieces still to be sent
  int flood_left = 0;
  oc_op polite = 0;
  std::string cancelled;  // numbers cancel() was called with
  std::vector<std::thread> threads;
  int acks[15] = {};
};

namespace {

std::string text_of(oc_str s) {
  return s.len ? std::string(s.ptr, s.len) : std::string();
}
oc_str lend(const std::string& s) {
  return {s.data(), s.size()};
}

void finish(oc_instance* self, oc_op op, oc_status status, const std::string& json) {
  self->host->complete(self->host->ctx, op, status, lend(json));
}

oc_status create(const oc_host* host, const oc_create_args* args, oc_instance** out,
                 oc_error* err) {
  const std::string config = text_of(args->config_json);
  if (config.find("\"throwCreate\":true") != std::string::npos)
    throw std::runtime_error("thrown by create");
  if (config.find("\"failCreate\":true") != std::string::npos) {
    std::strncpy(err->message, "told to fail", sizeof err->message - 1);
    return err->code = OC_UNAUTHENTICATED;
  }
  *out = new oc_instance{};
  (*out)->host = host;
  (*out)->config = config;
  return OC_OK;
}

void destroy(oc_instance* self) {
  for (auto& thread : self->threads) thread.join();
  delete self;
}

oc_status start(oc_instance* self, const oc_call* call) {
  finish(self, call->op, OC_OK, "{}");
  return OC_OK;
}

oc_status stop(oc_instance* self, const oc_call* call) {
  if (self->config.find("\"slowStop\":true") != std::string::npos) return OC_OK;  // never finishes
  finish(self, call->op, OC_OK, "{}");
  return OC_OK;
}

void cancel(oc_instance* self, oc_op op) {
  self->cancelled += std::to_string(op) + " ";
  if (op == self->polite) finish(self, op, OC_CANCELLED, "{}");
}

void flood(oc_instance* self) {
  const std::string piece(8 * 1024, 'x');
  while (self->flood_left > 0) {
    const oc_bytes data{reinterpret_cast<const uint8_t*>(piece.data()), piece.size()};
    const oc_status status =
        self->host->progress(self->host->ctx, self->flood_op, OC_STREAM_STDOUT, data);
    if (status == OC_WOULD_BLOCK) return;
    if (status != OC_OK) break;
    --self->flood_left;
  }
  finish(self, self->flood_op, OC_OK, "{\"left\":" + std::to_string(self->flood_left) + "}");
}

void resume(oc_instance* self, oc_op op) {
  if (op == self->flood_op) flood(self);
}

oc_status reconfigure(oc_instance* self, const oc_call* call, oc_str config) {
  if (text_of(config).find("\"limit\":13") != std::string::npos) {
    finish(self, call->op, OC_INVALID_ARGUMENT, R"({"message":"not thirteen"})");
    return OC_OK;
  }
  self->config = text_of(config);
  finish(self, call->op, OC_OK, "{}");
  return OC_OK;
}

oc_status list(oc_instance* self, const oc_call* call) {
  finish(self, call->op, OC_OK, R"({"tools":[{"name":"echo"}]})");
  return OC_OK;
}

// Blocks until the other end of the pipe whose descriptor is `args` is closed.
void hang(const std::string& args) {
  pollfd wait{std::atoi(args.c_str()), POLLIN, 0};
  poll(&wait, 1, -1);
}

void on_ack(void* user, oc_status status) {
  auto* self = static_cast<oc_instance*>(user);
  if (status >= 0 && status < 15) ++self->acks[status];
}

std::string report_inbound(oc_instance* self, const std::string& args) {
  const auto* service = static_cast<const oc_channel_host_v1*>(
      self->host->get_service(self->host->ctx, OC_CHANNEL_HOST_V1));
  int taken = 0, refused = 0;
  for (int i = std::atoi(args.c_str()); i > 0; --i) {
    const oc_status status =
        service->inbound(self->host->ctx, lend(R"({"kind":"message"})"), on_ack, self);
    ++(status == OC_OK ? taken : refused);
  }
  service->link_state(self->host->ctx, lend(R"({"state":"online"})"));
  return "{\"taken\":" + std::to_string(taken) + ",\"refused\":" + std::to_string(refused) + "}";
}

std::string state_of(oc_instance* self) {
  auto has = [self](const char* id) {
    return self->host->get_service(self->host->ctx, id) ? "true" : "false";
  };
  return std::string("{\"config\":") + self->config + ",\"cancelled\":\"" + self->cancelled +
         "\",\"acked\":" + std::to_string(self->acks[OC_OK]) + ",\"kv\":" + has(OC_KV_V1) +
         ",\"http\":" + has(OC_HTTP_V1) +
         ",\"hostMinor\":" + std::to_string(self->host->abi_minor) + "}";
}

oc_status invoke(oc_instance* self, const oc_call* call, oc_str tool_text, oc_str args_text,
                 oc_str) {
  const std::string tool = text_of(tool_text);
  const std::string args = text_of(args_text);
  const oc_op op = call->op;
  if (tool == "echo") return finish(self, op, OC_OK, args), OC_OK;
  if (tool == "state") return finish(self, op, OC_OK, state_of(self)), OC_OK;
  if (tool == "double") return finish(self, op, OC_OK, "1"), finish(self, op, OC_OK, "2"), OC_OK;
  if (tool == "foreign")
    return finish(self, op + 1000000, OC_OK, "1"), finish(self, op, OC_OK, "2"), OC_OK;
  if (tool == "missing") return self->kept = op, OC_OK;
  if (tool == "flush")
    return finish(self, self->kept, OC_OK, "1"), finish(self, op, OC_OK, "2"), OC_OK;
  if (tool == "polite") return self->polite = op, OC_OK;
  if (tool == "refuse") return OC_PERMISSION_DENIED;
  if (tool == "strange") return 4711;
  if (tool == "contradict") return finish(self, op, OC_OK, "1"), OC_INTERNAL;
  if (tool == "broken") return finish(self, op, OC_OK, "{\"a\":"), OC_OK;
  if (tool == "huge") return finish(self, op, OC_OK, std::string(17 * 1024 * 1024, ' ')), OC_OK;
  if (tool == "fail") return finish(self, op, OC_RESOURCE_EXHAUSTED, args), OC_OK;
  if (tool == "throw") throw std::runtime_error("thrown by invoke");
  if (tool == "hang") return hang(args), OC_OK;
  if (tool == "inbound") return finish(self, op, OC_OK, report_inbound(self, args)), OC_OK;
  if (tool == "thread") {
    self->threads.emplace_back([self, op] { finish(self, op, OC_OK, "\"from a thread\""); });
    return OC_OK;
  }
  if (tool == "flood") {
    self->flood_op = op;
    self->flood_left = std::atoi(args.c_str());
    flood(self);
    return OC_OK;
  }
  return OC_NOT_FOUND;
}

oc_status send(oc_instance* self, const oc_call* call, oc_str message) {
  finish(self, call->op, OC_OK, text_of(message));
  return OC_OK;
}

const oc_tool_v1 kTool{sizeof(oc_tool_v1), 0, list, invoke};
// Shorter than the host's table, on purpose: everything after `send` is missing.
const oc_channel_v1 kChannel{offsetof(oc_channel_v1, edit),
                             0,
                             send,
                             nullptr,
                             nullptr,
                             nullptr,
                             nullptr,
                             nullptr,
                             nullptr,
                             nullptr,
                             nullptr};

const void* get_interface(oc_instance*, const char* id) {
  if (std::strcmp(id, OC_TOOL_V1) == 0) return &kTool;
  if (std::strcmp(id, OC_CHANNEL_V1) == 0) return &kChannel;
  return nullptr;
}

}  // namespace

extern "C" {
const oc_plugin_entry openclaw_plugin_v1 = {
    OC_ABI_MAGIC,
    OC_ABI_MAJOR,
    OC_ABI_MINOR,
    sizeof(oc_plugin_entry),
    0,
    0,
    {openclaw_manifest_json, sizeof(openclaw_manifest_json) - 1},
    create,
    destroy,
    get_interface,
    start,
    stop,
    cancel,
    resume,
    reconfigure};
}
