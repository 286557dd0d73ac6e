/* Sandbox backends: where commands of an agent run. */
#ifndef OPENCLAW_SANDBOX_H
#define OPENCLAW_SANDBOX_H

#include <openclaw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OC_SANDBOX_BACKEND_V1 "openclaw.sandbox-backend/1"
typedef struct oc_sandbox_backend_v1 {
  uint32_t struct_size, reserved;
  oc_status (*ensure)(oc_instance *, const oc_call *, oc_str spec_json);    /* -> {"runtimeId","workdir"} */
  oc_status (*exec)(oc_instance *, const oc_call *, oc_str runtime_id, oc_str exec_json);
  oc_status (*exec_input)(oc_instance *, const oc_call *, oc_op exec_op, oc_bytes data, uint32_t eof);
  void      (*exec_signal)(oc_instance *, oc_op exec_op, int32_t signo);
  oc_status (*describe)(oc_instance *, const oc_call *, oc_str runtime_id);
  oc_status (*remove)(oc_instance *, const oc_call *, oc_str runtime_id);
  oc_status (*list)(oc_instance *, const oc_call *);                        /* for the sweeper */
  oc_status (*read_file)(oc_instance *, const oc_call *, oc_str runtime_id, oc_str path);
  oc_status (*write_file)(oc_instance *, const oc_call *, oc_str runtime_id, oc_str path, uint64_t blob);
  /* May be NULL. What would keep ensure() of this spec from working; makes nothing. */
  oc_status (*probe)(oc_instance *, const oc_call *, oc_str spec_json);     /* -> {"findings":[{"ok","detail","fix"?}]} */
} oc_sandbox_backend_v1;

#ifdef __cplusplus
}
#endif

#endif /* OPENCLAW_SANDBOX_H */
