/* Browser backends. */
#ifndef OPENCLAW_BROWSER_H
#define OPENCLAW_BROWSER_H

#include <openclaw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OC_BROWSER_BACKEND_V1 "openclaw.browser-backend/1"
typedef struct oc_browser_backend_v1 {
  uint32_t struct_size, reserved;
  oc_status (*open)(oc_instance *, const oc_call *, oc_str spec_json);      /* -> {"browserId"} */
  oc_status (*command)(oc_instance *, const oc_call *, oc_str browser_id, oc_str command_json);
  oc_status (*watch)(oc_instance *, const oc_call *, oc_str browser_id, oc_str filter_json);
  oc_status (*screenshot)(oc_instance *, const oc_call *, oc_str browser_id, oc_str options_json);
  oc_status (*viewer)(oc_instance *, const oc_call *, oc_str browser_id);   /* -> one-time noVNC URL */
  oc_status (*close)(oc_instance *, const oc_call *, oc_str browser_id);
} oc_browser_backend_v1;

#ifdef __cplusplus
}
#endif

#endif /* OPENCLAW_BROWSER_H */
