/* The entry symbol, the host table, the life cycle and the ELF note of a plugin. */
#ifndef OPENCLAW_PLUGIN_H
#define OPENCLAW_PLUGIN_H

#include <openclaw/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { OC_LOG_TRACE, OC_LOG_DEBUG, OC_LOG_INFO, OC_LOG_WARN, OC_LOG_ERROR };
enum { OC_STREAM_JSON, OC_STREAM_STDOUT, OC_STREAM_STDERR, OC_STREAM_BINARY };

typedef struct oc_host {
  uint32_t     struct_size;
  uint16_t     abi_major, abi_minor;
  oc_host_ctx *ctx;

  /* NULL when the host lacks the service or the manifest did not ask for it.
     The table lives until after destroy() returns. [any-thread] */
  const void *(*get_service)(oc_host_ctx *ctx, const char *id);

  /* Ends an accepted operation. Exactly once per operation; a second or a late call is
     dropped and counted against the plugin. Copies `json` before it returns. [any-thread] */
  void (*complete)(oc_host_ctx *ctx, oc_op op, oc_status status, oc_str json);

  /* Streams a piece of an accepted operation. OC_WOULD_BLOCK = nothing taken, pause until
     resume(op). OC_NOT_FOUND = nobody listens any more, stop producing. [any-thread] */
  oc_status (*progress)(oc_host_ctx *ctx, oc_op op, uint32_t stream, oc_bytes data);

  /* Fire and forget. `fields_json` is an object or empty. [any-thread] */
  void (*log)(oc_host_ctx *ctx, int32_t level, oc_str message, oc_str fields_json);
} oc_host;

typedef struct oc_create_args {
  uint32_t struct_size;
  uint32_t flags;
  oc_str   instance_id;          /* "telegram/default": plugin id, slash, account */
  oc_str   config_json;          /* already validated against configSchema, secrets as references */
  oc_str   state_dir;            /* private directory, 0700, absolute */
} oc_create_args;

typedef struct oc_plugin_entry {
  uint32_t magic;                /* OC_ABI_MAGIC */
  uint16_t abi_major;            /* what the plugin was built against */
  uint16_t abi_minor;
  uint32_t struct_size;
  uint16_t host_min_minor;       /* the oldest host minor it can live with */
  uint16_t reserved;
  oc_str   manifest_json;        /* the same text as the sidecar */

  /* Must not block, open sockets or start threads. [strand] */
  oc_status (*create)(const oc_host *host, const oc_create_args *args,
                      oc_instance **out, oc_error *err);
  void (*destroy)(oc_instance *self);                                     /* [strand] */
  const void *(*get_interface)(oc_instance *self, const char *id);       /* [strand] */
  oc_status (*start)(oc_instance *self, const oc_call *call);             /* [strand] async */
  oc_status (*stop)(oc_instance *self, const oc_call *call);              /* [strand] async */
  void (*cancel)(oc_instance *self, oc_op op);                            /* [strand] advisory */
  void (*resume)(oc_instance *self, oc_op op);                            /* [strand] optional */
  oc_status (*reconfigure)(oc_instance *self, const oc_call *call,
                           oc_str config_json);                           /* [strand] optional */
} oc_plugin_entry;

/* The one exported symbol. */
OC_EXPORT extern const oc_plugin_entry openclaw_plugin_v1;

/* Identity that can be read from the file without loading it: an ELF note. */
typedef struct oc_note {
  uint32_t namesz, descsz, type;
  char     name[12];             /* "OpenClaw" */
  uint16_t abi_major, abi_minor;
  char     id[60];
} oc_note;
#define OC_PLUGIN_NOTE(plugin_id)                                                       \
  __attribute__((section(".note.openclaw"), used, aligned(4)))                          \
  static const oc_note oc_plugin_note_ = {9, 64, 1, "OpenClaw",                         \
                                          OC_ABI_MAJOR, OC_ABI_MINOR, plugin_id}

#ifdef __cplusplus
}
#endif

#endif /* OPENCLAW_PLUGIN_H */
