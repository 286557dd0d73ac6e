#include "seccomp_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace openclaw::bwrap {

namespace {

// Names that the library or the machine does not know are passed over: then there is no such call.
constexpr std::array kDenied = {"mount",
                                "umount",
                                "umount2",
                                "pivot_root",
                                "chroot",
                                "fsopen",
                                "fsconfig",
                                "fsmount",
                                "fspick",
                                "move_mount",
                                "open_tree",
                                "mount_setattr",
                                "unshare",
                                "setns",
                                "keyctl",
                                "add_key",
                                "request_key",
                                "bpf",
                                "perf_event_open",
                                "userfaultfd",
                                "kexec_load",
                                "kexec_file_load",
                                "create_module",
                                "init_module",
                                "finit_module",
                                "delete_module",
                                "get_kernel_syms",
                                "query_module",
                                "open_by_handle_at",
                                "name_to_handle_at",
                                "iopl",
                                "ioperm",
                                "swapon",
                                "swapoff",
                                "reboot",
                                "settimeofday",
                                "stime",
                                "clock_settime",
                                "clock_settime64",
                                "acct",
                                "quotactl",
                                "quotactl_fd",
                                "lookup_dcookie",
                                "nfsservctl",
                                "syslog",
                                "sethostname",
                                "setdomainname",
                                "vhangup",
                                "uselib",
                                "ustat",
                                "sysfs",
                                "_sysctl",
                                "vm86",
                                "vm86old",
                                "io_uring_setup",
                                "io_uring_enter",
                                "io_uring_register",
                                "fanotify_init",
                                "move_pages",
                                "kcmp",
                                "process_madvise"};

constexpr std::array<unsigned, 7> kCloneFlags = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                                 CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                                 CLONE_NEWCGROUP};

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

bool add_rules(scmp_filter_ctx filter) {
  const std::uint32_t no = SCMP_ACT_ERRNO(EPERM), absent = SCMP_ACT_ERRNO(ENOSYS);
  for (const char* name : kDenied) {
    int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR) continue;
    if (seccomp_rule_add(filter, no, call, 0) != 0) return false;
  }
  for (unsigned flag : kCloneFlags) {
    scmp_arg_cmp has = {0, SCMP_CMP_MASKED_EQ, flag, flag};
    if (seccomp_rule_add_array(filter, no, SCMP_SYS(clone), 1, &has) != 0) return false;
  }
  if (seccomp_rule_add(filter, absent, SCMP_SYS(clone3), 0) != 0) return false;
  // Typing into the terminal of whoever reads it.
  scmp_arg_cmp types = {1, SCMP_CMP_MASKED_EQ, 0xffffffffU, TIOCSTI};
  if (seccomp_rule_add_array(filter, no, SCMP_SYS(ioctl), 1, &types) != 0) return false;
  // A network namespace does not part these two from the host.
  for (unsigned family : {static_cast<unsigned>(AF_VSOCK), static_cast<unsigned>(AF_ALG)}) {
    scmp_arg_cmp is = {0, SCMP_CMP_MASKED_EQ, 0xffffffffU, family};
    if (seccomp_rule_add_array(filter, no, SCMP_SYS(socket), 1, &is) != 0) return false;
  }
  return true;
}

// A file in the workspace lies on the host, where the bit would work: for the user 0 that is root.
bool add_setuid_rules(scmp_filter_ctx filter) {
  const std::uint32_t no = SCMP_ACT_ERRNO(EPERM);
  struct Call {
    int number;
    unsigned mode, flags;  // which argument; flags 0: the call always makes a file or sets a mode
    unsigned making = O_CREAT;  // the flag with which it does
  };
  // Without the O_DIRECTORY that is a part of it: a file without a name is given one later.
  constexpr unsigned kNoName = O_TMPFILE & ~O_DIRECTORY;
  const std::array<Call, 10> calls = {{{SCMP_SYS(chmod), 1, 0},
                                       {SCMP_SYS(fchmod), 1, 0},
                                       {SCMP_SYS(fchmodat), 2, 0},
                                       {SCMP_SYS(creat), 1, 0},
                                       {SCMP_SYS(mknod), 1, 0},
                                       {SCMP_SYS(mknodat), 2, 0},
                                       {SCMP_SYS(open), 2, 1},
                                       {SCMP_SYS(openat), 3, 2},
                                       {SCMP_SYS(open), 2, 1, kNoName},
                                       {SCMP_SYS(openat), 3, 2, kNoName}}};
  for (const auto& call : calls) {
    std::array<scmp_arg_cmp, 2> when = {
        {{call.mode, SCMP_CMP_MASKED_EQ, S_ISUID, S_ISUID},
         {call.flags, SCMP_CMP_MASKED_EQ, call.making, call.making}}};
    if (seccomp_rule_add_array(filter, no, call.number, call.flags == 0 ? 1 : 2, when.data()) != 0)
      return false;
  }
  // Their modes cannot be seen or have no name yet; libc does without them.
  const std::uint32_t absent = SCMP_ACT_ERRNO(ENOSYS);
  constexpr int kFchmodat2 = 452;
  return seccomp_rule_add(filter, absent, SCMP_SYS(openat2), 0) == 0 &&
         seccomp_rule_add(filter, absent, kFchmodat2, 0) == 0;
}

}  // namespace

Outcome<std::string> seccomp_program() {
  Context filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  // Calls by the numbers of another architecture would pass by the names above.
  bool made =
      filter &&
      seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)) == 0 &&
      add_rules(filter.get()) && add_setuid_rules(filter.get());
  Descriptor file = memory_file("seccomp", "");
  if (!made || !file || seccomp_export_bpf(filter.get(), file.get()) != 0) {
    return failure(OC_INTERNAL, "the filter of system calls for sandboxes could not be made");
  }
  std::string program(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
  ssize_t n = ::pread(file.get(), program.data(), program.size(), 0);
  if (program.empty() || n != static_cast<ssize_t>(program.size()))
    return failure(OC_INTERNAL, "the filter of system calls for sandboxes could not be read");
  return program;
}

}  // namespace openclaw::bwrap
