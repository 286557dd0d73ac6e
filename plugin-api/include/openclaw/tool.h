/* Tool plugins. */
#ifndef OPENCLAW_TOOL_H
#define OPENCLAW_TOOL_H

#include <openclaw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OC_TOOL_V1 "openclaw.tool/1"
typedef struct oc_tool_v1 {
  uint32_t struct_size, reserved;
  oc_status (*list)(oc_instance *, const oc_call *);      /* -> {"tools":[...]}, subset of manifest */
  oc_status (*invoke)(oc_instance *, const oc_call *, oc_str tool, oc_str args_json,
                      oc_str context_json);
} oc_tool_v1;

#ifdef __cplusplus
}
#endif

#endif /* OPENCLAW_TOOL_H */
