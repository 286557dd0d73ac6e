/* A whole tool plugin in C: it answers with the arguments it was given. */
#include <stdlib.h>
#include <string.h>

#include <openclaw/tool.h>

#include "openclaw_manifest.h" /* made from openclaw.plugin.json by openclaw_add_plugin() */

OC_PLUGIN_NOTE(OPENCLAW_PLUGIN_ID);

#define TEXT(literal) ((oc_str){(literal), sizeof(literal) - 1})

/* One per configured account. The host never runs two calls into it at the same time. */
struct oc_instance {
  const oc_host *host;
};

static oc_status create(const oc_host *host, const oc_create_args *args, oc_instance **out, oc_error *err) {
  (void)args;
  oc_instance *self = calloc(1, sizeof *self);
  if (!self) return err->code = OC_RESOURCE_EXHAUSTED;
  self->host = host;
  *out = self;
  return OC_OK;
}

static void destroy(oc_instance *self) { free(self); }

/* Completing before the slot returns is fine. After OC_OK exactly one completion follows. */
static oc_status complete(oc_instance *self, const oc_call *call, oc_str json) {
  self->host->complete(self->host->ctx, call->op, OC_OK, json);
  return OC_OK;
}

static oc_status start(oc_instance *self, const oc_call *call) { return complete(self, call, TEXT("{}")); }
static oc_status stop(oc_instance *self, const oc_call *call) { return complete(self, call, TEXT("{}")); }

/* Nothing here takes long enough to be cancelled. */
static void cancel(oc_instance *self, oc_op op) {
  (void)self;
  (void)op;
}

static oc_status list(oc_instance *self, const oc_call *call) {
  return complete(self, call, TEXT("{\"tools\":[{\"name\":\"echo\"}]}"));
}

/* The arguments are JSON already; they become the result's "details". */
static oc_status invoke(oc_instance *self, const oc_call *call, oc_str tool, oc_str args_json, oc_str context_json) {
  static const char before[] = "{\"content\":[{\"type\":\"text\",\"text\":\"echo\"}],\"details\":";
  (void)context_json;
  /* Not accepted, so not completed. */
  if (tool.len != 4 || memcmp(tool.ptr, "echo", 4) != 0) return OC_NOT_FOUND;
  if (args_json.len == 0) return OC_INVALID_ARGUMENT;
  const size_t head = sizeof before - 1;
  char *json = malloc(head + args_json.len + 1);
  if (!json) return OC_RESOURCE_EXHAUSTED;
  memcpy(json, before, head);
  memcpy(json + head, args_json.ptr, args_json.len);
  json[head + args_json.len] = '}';
  const oc_str text = {json, head + args_json.len + 1};
  complete(self, call, text); /* copies the text before it returns */
  free(json);
  return OC_OK;
}

static const oc_tool_v1 tool_table = {sizeof tool_table, 0, list, invoke};

static const void *get_interface(oc_instance *self, const char *id) {
  (void)self;
  return strcmp(id, OC_TOOL_V1) == 0 ? &tool_table : NULL;
}

const oc_plugin_entry openclaw_plugin_v1 = {
    .magic = OC_ABI_MAGIC,
    .abi_major = OC_ABI_MAJOR,
    .abi_minor = OC_ABI_MINOR,
    .struct_size = sizeof(oc_plugin_entry),
    .manifest_json = {openclaw_manifest_json, sizeof openclaw_manifest_json - 1},
    .create = create,
    .destroy = destroy,
    .get_interface = get_interface,
    .start = start,
    .stop = stop,
    .cancel = cancel,
};
