// libcurl, loaded when the first request needs it: linked in, it and the thirty libraries behind it would cost every
// start of the program, also of each CLI command, about 30 ms and the gateway 5 MB.
#pragma once

#include <curl/curl.h>

#include "result.h"

namespace openclaw::net {

// The functions of libcurl that this room calls, under their own names without the prefix.
struct Libcurl {
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_pause) easy_pause;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_multi_init) multi_init;
  decltype(&::curl_multi_cleanup) multi_cleanup;
  decltype(&::curl_multi_setopt) multi_setopt;
  decltype(&::curl_multi_add_handle) multi_add_handle;
  decltype(&::curl_multi_remove_handle) multi_remove_handle;
  decltype(&::curl_multi_perform) multi_perform;
  decltype(&::curl_multi_info_read) multi_info_read;
  decltype(&::curl_multi_poll) multi_poll;
  decltype(&::curl_multi_wakeup) multi_wakeup;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
};

// Loads and initializes libcurl at the first call, which may take tens of milliseconds. kFailedPrecondition: it is
// not there or too old. The answer holds for the life of the process. [any-thread]
Result<const Libcurl*> load_libcurl();

// What load_libcurl() has given before. [any-thread]
const Libcurl& libcurl();

}  // namespace openclaw::net
