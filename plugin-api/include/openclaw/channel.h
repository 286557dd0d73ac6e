/* Channel plugins: a chat platform. */
#ifndef OPENCLAW_CHANNEL_H
#define OPENCLAW_CHANNEL_H

#include <openclaw/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OC_CHANNEL_V1 "openclaw.channel/1"
typedef struct oc_channel_v1 {
  uint32_t struct_size, reserved;
  oc_status (*send)(oc_instance *, const oc_call *, oc_str message_json);   /* -> {"messageId"} */
  oc_status (*edit)(oc_instance *, const oc_call *, oc_str edit_json);      /* optional from here */
  oc_status (*remove)(oc_instance *, const oc_call *, oc_str ref_json);
  oc_status (*react)(oc_instance *, const oc_call *, oc_str reaction_json);
  oc_status (*presence)(oc_instance *, const oc_call *, oc_str presence_json);
  oc_status (*fetch_media)(oc_instance *, const oc_call *, oc_str media_json); /* -> {"blob"} */
  oc_status (*webhook)(oc_instance *, const oc_call *, oc_str request_json, oc_bytes body);
  oc_status (*probe)(oc_instance *, const oc_call *);                       /* -> health object */
  oc_status (*read)(oc_instance *, const oc_call *, oc_str query_json);     /* -> {"messages"} */
} oc_channel_v1;

#define OC_CHANNEL_HOST_V1 "openclaw.channel-host/1"
typedef struct oc_channel_host_v1 {
  uint32_t struct_size, reserved;
  /* The ack says the event is durable (or a duplicate); only then advance the platform cursor. */
  oc_status (*inbound)(oc_host_ctx *, oc_str event_json, oc_ack_fn ack, void *user);
  void (*link_state)(oc_host_ctx *, oc_str state_json);   /* connecting, online, pairing, loggedOut */
} oc_channel_host_v1;

#ifdef __cplusplus
}
#endif

#endif /* OPENCLAW_CHANNEL_H */
