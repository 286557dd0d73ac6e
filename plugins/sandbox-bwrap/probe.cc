#include "probe.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>

#include "descriptor.h"
#include "runtime_plan.h"

namespace openclaw::bwrap {

namespace {

long number_in(const char* file, long otherwise) {
  std::ifstream in(file);
  long value = otherwise;
  return in >> value ? value : otherwise;
}

// The errno that namespaces are refused with; 0: they can be had.
int namespace_refusal() {
  long flags = CLONE_NEWNS | CLONE_NEWPID | SIGCHLD;
  if (::geteuid() != 0) flags |= CLONE_NEWUSER;
  long child = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
  // Nothing but the kernel: other threads may have held locks when this copy was made, and a
  // sanitizer's _exit takes some.
  if (child == 0) ::syscall(SYS_exit_group, 0);
  if (child < 0) return errno;
  while (::waitpid(static_cast<pid_t>(child), nullptr, 0) < 0 && errno == EINTR) {
  }
  return 0;
}

json::object bad(std::string detail, std::string fix) {
  return {{"ok", false}, {"detail", std::move(detail)}, {"fix", std::move(fix)}};
}

}  // namespace

std::string namespace_fix() {
  if (number_in("/proc/sys/user/max_user_namespaces", 1) == 0)
    return "sudo sysctl -w user.max_user_namespaces=15000";
  if (number_in("/proc/sys/kernel/unprivileged_userns_clone", 1) == 0)
    return "sudo sysctl -w kernel.unprivileged_userns_clone=1";
  if (number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 1)
    return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   # or write an AppArmor "
           "profile for bwrap that allows userns";
  return {};  // a container's engine forbids them, for one
}

json::array probe(const std::string& program, const json::object& spec) {
  json::array out;
  if (::access(program.c_str(), X_OK) != 0) {
    out.emplace_back(
        bad("the program " + program + " is not there", "sudo apt-get install bubblewrap"));
  }
  if (int refusal = namespace_refusal(); refusal != 0) {
    out.emplace_back(
        bad("this host gives no namespaces (" + error_text(refusal) + ")", namespace_fix()));
  }
  auto plan = read_runtime_plan(spec, ::geteuid(), ::getegid());
  if (plan.has_error()) {
    out.emplace_back(bad(plan.error().message, "openclaw sandbox explain --agent " +
                                                   sandbox_rules::text_of(spec, "agentId")));
  }
  if (out.empty()) {
    out.emplace_back(
        json::object{{"ok", true}, {"detail", program + " is there and this host has namespaces"}});
  }
  return out;
}

}  // namespace openclaw::bwrap
