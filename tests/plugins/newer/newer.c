/* A plugin of a later minor: its tables have slots at their end that this host has never heard of. */
#define openclaw_plugin_v1 openclaw_plugin_v1_of_1_0
#include <openclaw/tool.h>
#undef openclaw_plugin_v1
#undef OC_ABI_MINOR
#define OC_ABI_MINOR 1

#include <stdlib.h>
#include <string.h>

#include "openclaw_manifest.h"

OC_PLUGIN_NOTE(OPENCLAW_PLUGIN_ID);

typedef struct later_entry {
  oc_plugin_entry base;
  void (*pause)(oc_instance *self);
  void (*unpause)(oc_instance *self);
} later_entry;
typedef struct later_tool {
  oc_tool_v1 base;
  oc_status (*explain)(oc_instance *self, const oc_call *call, oc_str tool);
} later_tool;

struct oc_instance {
  const oc_host *host;
};

static oc_status create(const oc_host *host, const oc_create_args *args, oc_instance **out, oc_error *err) {
  (void)args;
  *out = calloc(1, sizeof **out);
  if (!*out) return err->code = OC_RESOURCE_EXHAUSTED;
  (*out)->host = host;
  return OC_OK;
}
static void destroy(oc_instance *self) { free(self); }

static oc_status answer(oc_instance *self, const oc_call *call) {
  oc_str older = {"{\"host\":\"1.0\"}", 14};
  oc_str newer = {"{\"host\":\"1.1\"}", 14};
  self->host->complete(self->host->ctx, call->op, OC_OK, self->host->abi_minor == 0 ? older : newer);
  return OC_OK;
}
static oc_status invoke(oc_instance *self, const oc_call *call, oc_str tool, oc_str args, oc_str context) {
  (void)tool;
  (void)args;
  (void)context;
  return answer(self, call);
}
static oc_status explain(oc_instance *self, const oc_call *call, oc_str tool) {
  (void)tool;
  return answer(self, call);
}
static void nothing(oc_instance *self) { (void)self; }
static void cancel(oc_instance *self, oc_op op) {
  (void)self;
  (void)op;
}
static const later_tool table = {{sizeof table, 0, answer, invoke}, explain};
static const void *get_interface(oc_instance *self, const char *id) {
  (void)self;
  return strcmp(id, OC_TOOL_V1) == 0 ? &table : NULL;
}

OC_EXPORT extern const later_entry openclaw_plugin_v1;
const later_entry openclaw_plugin_v1 = {
    {OC_ABI_MAGIC, OC_ABI_MAJOR, OC_ABI_MINOR, sizeof(later_entry), 0, 0,
     {openclaw_manifest_json, sizeof openclaw_manifest_json - 1},
     create, destroy, get_interface, answer, answer, cancel, NULL, NULL},
    nothing, nothing};
