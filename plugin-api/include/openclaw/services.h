/* Host services: what a plugin may ask the host for by id. */
#ifndef OPENCLAW_SERVICES_H
#define OPENCLAW_SERVICES_H

#include <openclaw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OC_TIMER_V1 "openclaw.timer/1"
typedef void (*oc_timer_fn)(void *user, uint64_t timer_id);                 /* [strand] */
typedef struct oc_timer_v1 {
  uint32_t struct_size, reserved;
  void (*arm)(oc_host_ctx *, uint64_t timer_id, uint64_t delay_ms, uint64_t period_ms,
              oc_timer_fn fn, void *user);                                  /* [any-thread] */
  void (*disarm)(oc_host_ctx *, uint64_t timer_id);   /* on the strand: no call after it returns */
} oc_timer_v1;

#define OC_TASK_V1 "openclaw.task/1"
typedef void (*oc_task_fn)(void *user);
typedef struct oc_task_v1 {
  uint32_t struct_size, reserved;
  void (*post)(oc_host_ctx *, oc_task_fn fn, void *user);                   /* to the strand */
  oc_status (*run_blocking)(oc_host_ctx *, oc_task_fn work, oc_task_fn done, void *user);
} oc_task_v1;

/* Flags of a request. Unknown ones are ignored. */
enum {
  OC_HTTP_SECRETS_IN_BODY = 1, /* expand {{secret:NAME}} in a JSON or form body too; never set it when the
                                  body holds text of users or models, who could then ask for the secret */
  OC_HTTP_BODY_TO_BLOB    = 2, /* the response body becomes a blob whatever its size */
  OC_HTTP_FOLLOW          = 4, /* follow up to 5 redirects, each to a granted address */
  OC_HTTP_ONCE            = 8  /* never written twice, not even when a kept connection breaks before an
                                  answer; no redirects. For what the server must not do twice */
};

typedef struct oc_http_request {
  uint32_t struct_size, flags;
  uint64_t id;                   /* chosen by the plugin; the handle for cancel */
  oc_str   method, url;          /* may contain {{secret:NAME}}, expanded by the host */
  oc_str   headers_json;         /* likewise */
  oc_bytes body;
  uint64_t body_blob;            /* used when body is empty */
  uint32_t timeout_ms;           /* whole request, 0 = 30 s; with on_chunk: without a byte, 0 = 300 s */
  uint32_t max_response_bytes;   /* 0 = 16 MiB, with on_chunk 256 MiB */
} oc_http_request;
typedef struct oc_http_response {
  uint32_t struct_size, http_status;
  oc_str   headers_json;
  oc_bytes body;                 /* empty when streamed or spilled; when not OC_OK, what went wrong */
  uint64_t body_blob;            /* 0, or the sealed blob a body above 1 MiB was spilled to; drop it */
  uint32_t unsent, reserved;     /* 1: not OC_OK, and nothing was written, so repeating it is safe */
} oc_http_response;
typedef void (*oc_http_chunk_fn)(void *user, oc_bytes chunk);               /* [strand] */
typedef void (*oc_http_done_fn)(void *user, oc_status, const oc_http_response *); /* [strand] */
#define OC_HTTP_V1 "openclaw.http/1"
typedef struct oc_http_v1 {
  uint32_t struct_size, reserved;
  oc_status (*request)(oc_host_ctx *, const oc_http_request *, oc_http_chunk_fn on_chunk,
                       oc_http_done_fn done, void *user);
  void (*cancel)(oc_host_ctx *, uint64_t id);
} oc_http_v1;

typedef struct oc_ws_events {
  uint32_t struct_size, reserved;
  void (*on_open)(void *user, oc_str subprotocol);
  void (*on_message)(void *user, oc_bytes data, uint32_t is_text);
  void (*on_writable)(void *user);                     /* after send said OC_WOULD_BLOCK */
  void (*on_close)(void *user, oc_status, uint32_t code, oc_str reason);    /* always last, once */
} oc_ws_events;
#define OC_WEBSOCKET_V1 "openclaw.websocket/1"
typedef struct oc_websocket_v1 {
  uint32_t struct_size, reserved;
  oc_status (*connect)(oc_host_ctx *, uint64_t id, oc_str url, oc_str headers_json,
                       const oc_ws_events *events, void *user);
  oc_status (*send)(oc_host_ctx *, uint64_t id, oc_bytes data, uint32_t is_text);
  void (*close)(oc_host_ctx *, uint64_t id, uint32_t code, oc_str reason);
} oc_websocket_v1;

typedef void (*oc_value_fn)(void *user, oc_status, oc_bytes value);         /* [strand] */
#define OC_KV_V1 "openclaw.kv/1"
typedef struct oc_kv_v1 {        /* keys are scoped to the instance by the host */
  uint32_t struct_size, reserved;
  void (*get)(oc_host_ctx *, oc_str key, oc_value_fn fn, void *user);
  void (*put)(oc_host_ctx *, oc_str key, oc_bytes value, oc_ack_fn fn, void *user);
  void (*erase)(oc_host_ctx *, oc_str key, oc_ack_fn fn, void *user);
  void (*scan)(oc_host_ctx *, oc_str prefix, oc_value_fn fn, void *user);   /* JSON array of keys */
} oc_kv_v1;

#define OC_SECRETS_V1 "openclaw.secrets/1"
typedef struct oc_secrets_v1 {   /* prefer {{secret:NAME}}; the buffer is wiped after fn returns */
  uint32_t struct_size, reserved;
  void (*get)(oc_host_ctx *, oc_str name, oc_value_fn fn, void *user);
} oc_secrets_v1;

#define OC_METRICS_V1 "openclaw.metrics/1"
typedef struct oc_metrics_v1 {
  uint32_t struct_size, reserved;
  void (*add)(oc_host_ctx *, oc_str counter, oc_str labels_json, double delta);
  void (*set)(oc_host_ctx *, oc_str gauge, oc_str labels_json, double value);
  void (*observe)(oc_host_ctx *, oc_str histogram, oc_str labels_json, double value);
} oc_metrics_v1;

#define OC_BLOB_V1 "openclaw.blob/1"
typedef struct oc_blob_v1 {      /* attachments and frames, by handle, spilled to disk when large */
  uint32_t struct_size, reserved;
  void (*create)(oc_host_ctx *, oc_str mime, oc_value_fn fn, void *user);   /* value: u64, native endian */
  oc_status (*append)(oc_host_ctx *, uint64_t blob, oc_bytes data);
  void (*seal)(oc_host_ctx *, uint64_t blob, oc_ack_fn fn, void *user);
  void (*read)(oc_host_ctx *, uint64_t blob, uint64_t offset, uint32_t len, oc_value_fn fn, void *user);
  void (*drop)(oc_host_ctx *, uint64_t blob);
} oc_blob_v1;

/* A raw duplex byte stream, for protocols that the http and websocket services do not speak (the Docker
   Engine's hijacked connections, for one). `address` is "unix:/path" or "tcp:host:port" and must be
   granted in permissions.net. Since 1.0. */
typedef struct oc_stream_events {
  uint32_t struct_size, reserved;
  void (*on_open)(void *user);                                              /* [strand] */
  void (*on_data)(void *user, oc_bytes data);                               /* [strand] */
  void (*on_writable)(void *user);                     /* after send said OC_WOULD_BLOCK */
  void (*on_close)(void *user, oc_status, oc_str reason);                   /* always last, once */
} oc_stream_events;
#define OC_STREAM_V1 "openclaw.stream/1"
typedef struct oc_stream_v1 {
  uint32_t struct_size, reserved;
  oc_status (*connect)(oc_host_ctx *, uint64_t id, oc_str address, uint32_t connect_timeout_ms,
                       const oc_stream_events *events, void *user);
  oc_status (*send)(oc_host_ctx *, uint64_t id, oc_bytes data);  /* OC_WOULD_BLOCK = nothing taken */
  void (*shut_write)(oc_host_ctx *, uint64_t id);      /* half close: no more data from this side */
  void (*pause)(oc_host_ctx *, uint64_t id, uint32_t paused);    /* 1 stops on_data, 0 goes on */
  void (*close)(oc_host_ctx *, uint64_t id);
} oc_stream_v1;

#ifdef __cplusplus
}
#endif

#endif /* OPENCLAW_SERVICES_H */
