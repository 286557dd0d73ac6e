#include "net/libcurl.h"

#include <boost/dll/shared_library.hpp>

namespace openclaw::net {
namespace {

constexpr const char* kFile = "libcurl.so.4";

Result<Libcurl> load() {
  // Never unloaded: its threads and at-exit handlers would outlive it.
  static auto* const library = new boost::dll::shared_library;
  std::error_code failure;
  library->load(kFile, boost::dll::load_mode::search_system_folders, failure);
  if (failure) {
    return Error(Code::kFailedPrecondition,
                 std::string(kFile) + " cannot be loaded (" + failure.message() + "); install it: apt-get install libcurl4");
  }
  std::string missing;
  auto take = [&]<class F>(F& into, const char* name) {
    if (library->has(name)) {
      into = &library->get<std::remove_pointer_t<F>>(name);
    } else {
      missing = name;
    }
  };
  Libcurl out{};
  decltype(&::curl_global_init) global_init = nullptr;
  take(global_init, "curl_global_init");
  take(out.easy_init, "curl_easy_init");
  take(out.easy_cleanup, "curl_easy_cleanup");
  take(out.easy_setopt, "curl_easy_setopt");
  take(out.easy_getinfo, "curl_easy_getinfo");
  take(out.easy_pause, "curl_easy_pause");
  take(out.easy_strerror, "curl_easy_strerror");
  take(out.multi_init, "curl_multi_init");
  take(out.multi_cleanup, "curl_multi_cleanup");
  take(out.multi_setopt, "curl_multi_setopt");
  take(out.multi_add_handle, "curl_multi_add_handle");
  take(out.multi_remove_handle, "curl_multi_remove_handle");
  take(out.multi_perform, "curl_multi_perform");
  take(out.multi_info_read, "curl_multi_info_read");
  take(out.multi_poll, "curl_multi_poll");
  take(out.multi_wakeup, "curl_multi_wakeup");
  take(out.slist_append, "curl_slist_append");
  take(out.slist_free_all, "curl_slist_free_all");
  if (!missing.empty()) {
    return Error(Code::kFailedPrecondition, std::string(kFile) + " has no " + missing + "; it must be 7.68 or later");
  }
  if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return Error(Code::kInternal, "libcurl cannot be initialized");
  return out;
}

const Result<Libcurl>& loaded() {
  static const Result<Libcurl> result = load();
  return result;
}

}  // namespace

Result<const Libcurl*> load_libcurl() {
  if (loaded().has_error()) return loaded().error();
  return &loaded().value();
}

const Libcurl& libcurl() { return loaded().value(); }

}  // namespace openclaw::net
