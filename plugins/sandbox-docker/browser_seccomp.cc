#include "browser_seccomp.h"

#include <cerrno>
#include <initializer_list>

#include <boost/json.hpp>

namespace openclaw::docker {

namespace {

namespace json = boost::json;

json::object refusal(std::initializer_list<const char*> calls, int error) {
  json::array names;
  for (const char* name : calls) names.emplace_back(name);
  return {{"names", std::move(names)}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", error}};
}

}  // namespace

std::string browser_seccomp_profile() {
  json::array rules = {
      // In a user namespace of its own a process has every capability: what they would open is
      // shut.
      refusal({"mount",       "umount",         "umount2",       "pivot_root", "setns",
               "fsopen",      "fsconfig",       "fsmount",       "fspick",     "move_mount",
               "open_tree",   "open_tree_attr", "mount_setattr", "statmount",  "listmount",
               "sethostname", "setdomainname",  "mknod",         "mknodat",    "quotactl",
               "quotactl_fd", "acct",           "swapon",        "swapoff",    "syslog",
               "vhangup"},
              EPERM),
      // Other processes, and parts of the kernel that outsiders have broken in by.
      refusal({"ptrace",
               "process_vm_readv",
               "process_vm_writev",
               "process_madvise",
               "kcmp",
               "pidfd_getfd",
               "bpf",
               "perf_event_open",
               "userfaultfd",
               "keyctl",
               "add_key",
               "request_key",
               "io_uring_setup",
               "io_uring_enter",
               "io_uring_register",
               "fanotify_init",
               "move_pages",
               "open_by_handle_at",
               "name_to_handle_at",
               "lookup_dcookie",
               "nfsservctl",
               "personality",
               "uselib",
               "ustat",
               "sysfs",
               "_sysctl",
               "vm86",
               "vm86old"},
              EPERM),
      // The machine itself.
      refusal({"kexec_load", "kexec_file_load", "create_module", "init_module", "finit_module",
               "delete_module", "get_kernel_syms", "query_module", "reboot", "iopl", "ioperm",
               "settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime",
               "clock_adjtime64", "adjtimex"},
              EPERM),
      // Its flags lie in memory, where no filter can look: clone is what programs fall back to.
      refusal({"clone3"}, ENOSYS)};
  json::object profile = {{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", std::move(rules)}};
  return json::serialize(profile);
}

}  // namespace openclaw::docker
