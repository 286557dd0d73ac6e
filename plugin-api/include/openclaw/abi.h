/* Ground types of the openclaw plugin ABI: status codes, counted text, operation head. */
#ifndef OPENCLAW_ABI_H
#define OPENCLAW_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OC_EXPORT __attribute__((visibility("default")))

#define OC_ABI_MAGIC 0x314C434FU /* "OCL1" in memory on a little-endian machine */
#define OC_ABI_MAJOR 1
#define OC_ABI_MINOR 0

/* True when the table `p` is long enough to contain `field` and the slot is filled.
   Every optional slot, on either side, is read through this macro and no other way. */
#define OC_HAS(p, field)                                                              \
  ((p) != NULL &&                                                                     \
   (p)->struct_size >= (offsetof(__typeof__(*(p)), field) + sizeof((p)->field)) &&    \
   (p)->field != NULL)

typedef struct oc_str   { const char    *ptr; size_t len; } oc_str;   /* UTF-8, no NUL promised */
typedef struct oc_bytes { const uint8_t *ptr; size_t len; } oc_bytes;

typedef uint64_t oc_op;          /* one operation; never 0, never reused in a process lifetime */
typedef int32_t  oc_status;
typedef struct oc_instance oc_instance;   /* owned by the plugin, opaque to the host */
typedef struct oc_host_ctx oc_host_ctx;   /* owned by the host, opaque to the plugin */

enum {                       /* values are forever; new ones only at the end */
  OC_OK                  = 0,
  OC_CANCELLED           = 1,
  OC_INVALID_ARGUMENT    = 2,
  OC_DEADLINE_EXCEEDED   = 3,
  OC_NOT_FOUND           = 4,
  OC_ALREADY_EXISTS      = 5,
  OC_PERMISSION_DENIED   = 6,   /* policy or allowlist said no: never retried */
  OC_UNAUTHENTICATED     = 7,   /* credential missing, expired or revoked */
  OC_RESOURCE_EXHAUSTED  = 8,   /* rate limit or quota: honour retryAfterMs */
  OC_FAILED_PRECONDITION = 9,
  OC_UNAVAILABLE         = 10,  /* transient: retry with backoff */
  OC_UNIMPLEMENTED       = 11,
  OC_PROTOCOL            = 12,  /* the remote side sent what it should not */
  OC_WOULD_BLOCK         = 13,  /* queue full, nothing was taken, wait for resume */
  OC_INTERNAL            = 14
};

typedef void (*oc_ack_fn)(void *user, oc_status status);

typedef struct oc_error {        /* caller-owned, filled by the callee on a failed create */
  uint32_t  struct_size;
  oc_status code;
  char      message[504];        /* UTF-8, NUL-terminated, truncated at a character */
} oc_error;

typedef struct oc_call {         /* the head of every host-to-plugin operation */
  uint32_t struct_size;
  uint32_t flags;
  oc_op    op;
  uint64_t deadline_ns;          /* CLOCK_MONOTONIC; 0 = none */
  oc_str   trace;                /* W3C traceparent, may be empty */
} oc_call;

#ifdef __cplusplus
}
#endif

#endif /* OPENCLAW_ABI_H */
