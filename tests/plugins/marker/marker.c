/* Leaves a file behind as soon as any of its code runs: proof of what was, or was not, executed. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openclaw/tool.h>

#include "openclaw_manifest.h"

OC_PLUGIN_NOTE(OPENCLAW_PLUGIN_ID);

struct oc_instance {
  const oc_host *host;
};

__attribute__((constructor)) static void leave_mark(void) {
  const char *path = getenv("OPENCLAW_TEST_MARKER");
  int fd = path ? open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;
  if (fd >= 0) close(fd);
}

static oc_status create(const oc_host *host, const oc_create_args *args, oc_instance **out, oc_error *err) {
  (void)args;
  *out = calloc(1, sizeof **out);
  if (!*out) return err->code = OC_RESOURCE_EXHAUSTED;
  (*out)->host = host;
  return OC_OK;
}
static void destroy(oc_instance *self) { free(self); }

static oc_status answer(oc_instance *self, const oc_call *call) {
  oc_str text = {"{}", 2};
  self->host->complete(self->host->ctx, call->op, OC_OK, text);
  return OC_OK;
}
static oc_status invoke(oc_instance *self, const oc_call *call, oc_str tool, oc_str args, oc_str context) {
  (void)tool;
  (void)args;
  (void)context;
  return answer(self, call);
}
static void cancel(oc_instance *self, oc_op op) {
  (void)self;
  (void)op;
}
static const oc_tool_v1 table = {sizeof table, 0, answer, invoke};
static const void *get_interface(oc_instance *self, const char *id) {
  (void)self;
  return strcmp(id, OC_TOOL_V1) == 0 ? &table : NULL;
}

const oc_plugin_entry openclaw_plugin_v1 = {
    OC_ABI_MAGIC, OC_ABI_MAJOR, OC_ABI_MINOR, sizeof(oc_plugin_entry), 0, 0,
    {openclaw_manifest_json, sizeof openclaw_manifest_json - 1},
    create, destroy, get_interface, answer, answer, cancel, NULL, NULL};
