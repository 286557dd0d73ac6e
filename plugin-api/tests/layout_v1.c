/* The layout of ABI 1.0, frozen. A table may grow at its end: add the new slots here, change nothing that stands.
   Sizes are least sizes for the same reason. */
#include <openclaw/abi.h>
#include <openclaw/browser.h>
#include <openclaw/channel.h>
#include <openclaw/model.h>
#include <openclaw/plugin.h>
#include <openclaw/sandbox.h>
#include <openclaw/services.h>
#include <openclaw/tool.h>

#define AT(table, slot, offset) _Static_assert(offsetof(table, slot) == (offset), #table "." #slot " has moved")
#define LEAST(table, size) _Static_assert(sizeof(table) >= (size), #table " has shrunk")
#define EXACT(type, size) _Static_assert(sizeof(type) == (size), #type " has changed")
#define VALUE(name, value) _Static_assert((name) == (value), #name " has changed")


EXACT(oc_str, 16);
AT(oc_str, ptr, 0);
AT(oc_str, len, 8);

EXACT(oc_bytes, 16);
AT(oc_bytes, ptr, 0);
AT(oc_bytes, len, 8);

EXACT(oc_error, 512);
AT(oc_error, struct_size, 0);
AT(oc_error, code, 4);
AT(oc_error, message, 8);

LEAST(oc_call, 40);
AT(oc_call, struct_size, 0);
AT(oc_call, flags, 4);
AT(oc_call, op, 8);
AT(oc_call, deadline_ns, 16);
AT(oc_call, trace, 24);

LEAST(oc_host, 48);
AT(oc_host, struct_size, 0);
AT(oc_host, abi_major, 4);
AT(oc_host, abi_minor, 6);
AT(oc_host, ctx, 8);
AT(oc_host, get_service, 16);
AT(oc_host, complete, 24);
AT(oc_host, progress, 32);
AT(oc_host, log, 40);

LEAST(oc_create_args, 56);
AT(oc_create_args, struct_size, 0);
AT(oc_create_args, flags, 4);
AT(oc_create_args, instance_id, 8);
AT(oc_create_args, config_json, 24);
AT(oc_create_args, state_dir, 40);

LEAST(oc_plugin_entry, 96);
AT(oc_plugin_entry, magic, 0);
AT(oc_plugin_entry, abi_major, 4);
AT(oc_plugin_entry, abi_minor, 6);
AT(oc_plugin_entry, struct_size, 8);
AT(oc_plugin_entry, host_min_minor, 12);
AT(oc_plugin_entry, reserved, 14);
AT(oc_plugin_entry, manifest_json, 16);
AT(oc_plugin_entry, create, 32);
AT(oc_plugin_entry, destroy, 40);
AT(oc_plugin_entry, get_interface, 48);
AT(oc_plugin_entry, start, 56);
AT(oc_plugin_entry, stop, 64);
AT(oc_plugin_entry, cancel, 72);
AT(oc_plugin_entry, resume, 80);
AT(oc_plugin_entry, reconfigure, 88);

EXACT(oc_note, 88);
AT(oc_note, namesz, 0);
AT(oc_note, descsz, 4);
AT(oc_note, type, 8);
AT(oc_note, name, 12);
AT(oc_note, abi_major, 24);
AT(oc_note, abi_minor, 26);
AT(oc_note, id, 28);

LEAST(oc_channel_v1, 80);
AT(oc_channel_v1, struct_size, 0);
AT(oc_channel_v1, reserved, 4);
AT(oc_channel_v1, send, 8);
AT(oc_channel_v1, edit, 16);
AT(oc_channel_v1, remove, 24);
AT(oc_channel_v1, react, 32);
AT(oc_channel_v1, presence, 40);
AT(oc_channel_v1, fetch_media, 48);
AT(oc_channel_v1, webhook, 56);
AT(oc_channel_v1, probe, 64);
AT(oc_channel_v1, read, 72);

LEAST(oc_channel_host_v1, 24);
AT(oc_channel_host_v1, struct_size, 0);
AT(oc_channel_host_v1, reserved, 4);
AT(oc_channel_host_v1, inbound, 8);
AT(oc_channel_host_v1, link_state, 16);

LEAST(oc_tool_v1, 24);
AT(oc_tool_v1, struct_size, 0);
AT(oc_tool_v1, reserved, 4);
AT(oc_tool_v1, list, 8);
AT(oc_tool_v1, invoke, 16);

LEAST(oc_sandbox_backend_v1, 88);
AT(oc_sandbox_backend_v1, struct_size, 0);
AT(oc_sandbox_backend_v1, reserved, 4);
AT(oc_sandbox_backend_v1, ensure, 8);
AT(oc_sandbox_backend_v1, exec, 16);
AT(oc_sandbox_backend_v1, exec_input, 24);
AT(oc_sandbox_backend_v1, exec_signal, 32);
AT(oc_sandbox_backend_v1, describe, 40);
AT(oc_sandbox_backend_v1, remove, 48);
AT(oc_sandbox_backend_v1, list, 56);
AT(oc_sandbox_backend_v1, read_file, 64);
AT(oc_sandbox_backend_v1, write_file, 72);
AT(oc_sandbox_backend_v1, probe, 80);

LEAST(oc_browser_backend_v1, 56);
AT(oc_browser_backend_v1, struct_size, 0);
AT(oc_browser_backend_v1, reserved, 4);
AT(oc_browser_backend_v1, open, 8);
AT(oc_browser_backend_v1, command, 16);
AT(oc_browser_backend_v1, watch, 24);
AT(oc_browser_backend_v1, screenshot, 32);
AT(oc_browser_backend_v1, viewer, 40);
AT(oc_browser_backend_v1, close, 48);

LEAST(oc_model_provider_v1, 40);
AT(oc_model_provider_v1, struct_size, 0);
AT(oc_model_provider_v1, reserved, 4);
AT(oc_model_provider_v1, list_models, 8);
AT(oc_model_provider_v1, chat, 16);
AT(oc_model_provider_v1, embed, 24);
AT(oc_model_provider_v1, count_tokens, 32);

LEAST(oc_timer_v1, 24);
AT(oc_timer_v1, struct_size, 0);
AT(oc_timer_v1, reserved, 4);
AT(oc_timer_v1, arm, 8);
AT(oc_timer_v1, disarm, 16);

LEAST(oc_task_v1, 24);
AT(oc_task_v1, struct_size, 0);
AT(oc_task_v1, reserved, 4);
AT(oc_task_v1, post, 8);
AT(oc_task_v1, run_blocking, 16);

LEAST(oc_http_request, 96);
AT(oc_http_request, struct_size, 0);
AT(oc_http_request, flags, 4);
AT(oc_http_request, id, 8);
AT(oc_http_request, method, 16);
AT(oc_http_request, url, 32);
AT(oc_http_request, headers_json, 48);
AT(oc_http_request, body, 64);
AT(oc_http_request, body_blob, 80);
AT(oc_http_request, timeout_ms, 88);
AT(oc_http_request, max_response_bytes, 92);

LEAST(oc_http_response, 48);
AT(oc_http_response, struct_size, 0);
AT(oc_http_response, http_status, 4);
AT(oc_http_response, headers_json, 8);
AT(oc_http_response, body, 24);
AT(oc_http_response, body_blob, 40);
AT(oc_http_response, unsent, 48);

LEAST(oc_http_v1, 24);
AT(oc_http_v1, struct_size, 0);
AT(oc_http_v1, reserved, 4);
AT(oc_http_v1, request, 8);
AT(oc_http_v1, cancel, 16);

LEAST(oc_ws_events, 40);
AT(oc_ws_events, struct_size, 0);
AT(oc_ws_events, reserved, 4);
AT(oc_ws_events, on_open, 8);
AT(oc_ws_events, on_message, 16);
AT(oc_ws_events, on_writable, 24);
AT(oc_ws_events, on_close, 32);

LEAST(oc_websocket_v1, 32);
AT(oc_websocket_v1, struct_size, 0);
AT(oc_websocket_v1, reserved, 4);
AT(oc_websocket_v1, connect, 8);
AT(oc_websocket_v1, send, 16);
AT(oc_websocket_v1, close, 24);

LEAST(oc_kv_v1, 40);
AT(oc_kv_v1, struct_size, 0);
AT(oc_kv_v1, reserved, 4);
AT(oc_kv_v1, get, 8);
AT(oc_kv_v1, put, 16);
AT(oc_kv_v1, erase, 24);
AT(oc_kv_v1, scan, 32);

LEAST(oc_secrets_v1, 16);
AT(oc_secrets_v1, struct_size, 0);
AT(oc_secrets_v1, reserved, 4);
AT(oc_secrets_v1, get, 8);

LEAST(oc_metrics_v1, 32);
AT(oc_metrics_v1, struct_size, 0);
AT(oc_metrics_v1, reserved, 4);
AT(oc_metrics_v1, add, 8);
AT(oc_metrics_v1, set, 16);
AT(oc_metrics_v1, observe, 24);

LEAST(oc_blob_v1, 48);
AT(oc_blob_v1, struct_size, 0);
AT(oc_blob_v1, reserved, 4);
AT(oc_blob_v1, create, 8);
AT(oc_blob_v1, append, 16);
AT(oc_blob_v1, seal, 24);
AT(oc_blob_v1, read, 32);
AT(oc_blob_v1, drop, 40);

LEAST(oc_stream_events, 40);
AT(oc_stream_events, struct_size, 0);
AT(oc_stream_events, reserved, 4);
AT(oc_stream_events, on_open, 8);
AT(oc_stream_events, on_data, 16);
AT(oc_stream_events, on_writable, 24);
AT(oc_stream_events, on_close, 32);

LEAST(oc_stream_v1, 48);
AT(oc_stream_v1, struct_size, 0);
AT(oc_stream_v1, reserved, 4);
AT(oc_stream_v1, connect, 8);
AT(oc_stream_v1, send, 16);
AT(oc_stream_v1, shut_write, 24);
AT(oc_stream_v1, pause, 32);
AT(oc_stream_v1, close, 40);

EXACT(oc_op, 8);
EXACT(oc_status, 4);
VALUE(OC_OK, 0);
VALUE(OC_CANCELLED, 1);
VALUE(OC_INVALID_ARGUMENT, 2);
VALUE(OC_DEADLINE_EXCEEDED, 3);
VALUE(OC_NOT_FOUND, 4);
VALUE(OC_ALREADY_EXISTS, 5);
VALUE(OC_PERMISSION_DENIED, 6);
VALUE(OC_UNAUTHENTICATED, 7);
VALUE(OC_RESOURCE_EXHAUSTED, 8);
VALUE(OC_FAILED_PRECONDITION, 9);
VALUE(OC_UNAVAILABLE, 10);
VALUE(OC_UNIMPLEMENTED, 11);
VALUE(OC_PROTOCOL, 12);
VALUE(OC_WOULD_BLOCK, 13);
VALUE(OC_INTERNAL, 14);
VALUE(OC_LOG_TRACE, 0);
VALUE(OC_LOG_DEBUG, 1);
VALUE(OC_LOG_INFO, 2);
VALUE(OC_LOG_WARN, 3);
VALUE(OC_LOG_ERROR, 4);
VALUE(OC_STREAM_JSON, 0);
VALUE(OC_STREAM_STDOUT, 1);
VALUE(OC_STREAM_STDERR, 2);
VALUE(OC_STREAM_BINARY, 3);
VALUE(OC_ABI_MAGIC, 0x314C434FU);
VALUE(OC_ABI_MAJOR, 1);
