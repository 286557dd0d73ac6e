/* Model providers. */
#ifndef OPENCLAW_MODEL_H
#define OPENCLAW_MODEL_H

#include <openclaw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OC_MODEL_PROVIDER_V1 "openclaw.model-provider/1"
typedef struct oc_model_provider_v1 {
  uint32_t struct_size, reserved;
  oc_status (*list_models)(oc_instance *, const oc_call *);
  oc_status (*chat)(oc_instance *, const oc_call *, oc_str request_json);   /* streams deltas */
  oc_status (*embed)(oc_instance *, const oc_call *, oc_str request_json);  /* optional */
  oc_status (*count_tokens)(oc_instance *, const oc_call *, oc_str request_json); /* optional */
} oc_model_provider_v1;

#ifdef __cplusplus
}
#endif

#endif /* OPENCLAW_MODEL_H */
