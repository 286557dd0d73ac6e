// Sandboxes of the backend bwrap, by the real program: walls, users, folders.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "bwrap_fixture.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

// ---- walls

TEST_F(Bwrap, R175R176R177R182R196TheWallsAreUp) {
  bwrap();
  Ran ran = sh(
      "grep -E '^(NoNewPrivs|CapEff|CapPrm|CapBnd|Seccomp):' /proc/self/status | tr '\\t' ' ';"
      "touch /x 2>/dev/null || echo root-read-only; touch /usr/x 2>/dev/null || echo usr-read-only;"
      "touch /etc/x /dev/x 2>/dev/null || echo etc-read-only; touch /tmp/x && echo tmp-ok;"
      "sed -n '3,$p' /proc/net/dev; cat /proc/1/comm; hostname; pwd");
  EXPECT_THAT(ran.out, HasSubstr("NoNewPrivs: 1\n")) << ran.message() << ran.err;
  for (const char* set : {"CapEff", "CapPrm", "CapBnd"})
    EXPECT_THAT(ran.out, HasSubstr(std::string(set) + ": 0000000000000000\n"));
  EXPECT_THAT(ran.out, HasSubstr("Seccomp: 2\n"));
  EXPECT_THAT(ran.out, HasSubstr("root-read-only\nusr-read-only\netc-read-only\ntmp-ok\n"));
  EXPECT_THAT(ran.out, HasSubstr("lo:"));
  EXPECT_THAT(ran.out, Not(HasSubstr("eth")));
  EXPECT_THAT(ran.out, HasSubstr("bwrap\nsandbox\n/workspace\n"));
}

TEST_F(Bwrap, R165NothingOfTheHostIsVisible) {
  std::ofstream(workspace() / "secret.txt") << "x";
  std::ofstream(paths_.state_dir / "token") << "leak-me";
  bwrap();
  Ran ran = sh("ls -d /root /home /var/run/docker.sock /run/docker.sock /etc/shadow /sys " +
               paths_.state_dir.string() + " 2>/dev/null; cat /etc/passwd; cat secret.txt");
  EXPECT_THAT(ran.out, Not(HasSubstr("docker.sock")));
  for (const char* gone : {"/root\n", "/home\n", "/etc/shadow", "/sys\n", "state"})
    EXPECT_THAT(ran.out, Not(HasSubstr(gone)));
  EXPECT_NE(ran.code(), 0);
  // No path of the host on any command line or in the list of mounts either, no other processes.
  ran = sh("cat /proc/*/cmdline | tr '\\0' ' '; cat /proc/self/mounts; ls -d /proc/[0-9]* | wc -l");
  EXPECT_THAT(ran.out, Not(HasSubstr(paths_.state_dir.string())));
  EXPECT_THAT(ran.out, Not(HasSubstr("--bind")));
  EXPECT_LE(std::atoi(ran.out.substr(ran.out.rfind('\n', ran.out.size() - 2) + 1).c_str()), 6);
}

TEST_F(Bwrap, R183HostEnvironmentStaysOutside) {
  ::setenv("OPENCLAW_TEST_SECRET", "leak-me", 1);
  bwrap({}, {{"env", {{"LANG", "C.UTF-8"}, {"EXTRA", "a b$HOME `id`"}}}});
  Ran ran = sh("env; cat /proc/1/environ /proc/self/environ");
  ::unsetenv("OPENCLAW_TEST_SECRET");
  EXPECT_THAT(ran.out, HasSubstr("LANG=C.UTF-8\n"));
  EXPECT_THAT(ran.out, HasSubstr("EXTRA=a b$HOME `id`\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("leak-me")));
}

TEST_F(Bwrap, A8R196DangerousCallsAreRefused) {
  bwrap();
  EXPECT_THAT(sh("unshare -U true 2>&1; unshare -m true 2>&1; mount -t tmpfs x /tmp 2>&1").out,
              Not(HasSubstr("ok")));
  // unshare, clone with a new user namespace, keyctl, bpf, perf_event_open, userfaultfd,
  // add_key, io_uring_setup, setns, ptrace of nobody, clone3; then the sockets vsock and alg.
  Ran ran = perl(
      "for my $c "
      "([272,0x10000000],[56,0x10000011,0,0,0,0],[250,0,0,0,0,0],[321,0,0,0],[298,0,0,0,0,0],"
      "[323,0],[248,0,0,0,0,0],[425,1,0],[308,0,0]){ my ($n,@a)=@$c; $!=0; my $r=syscall($n,@a);"
      "print \"$n \", ($r==-1 ? $!+0 : 'allowed'), \"\\n\"; exit if $r==0 && $n==56 }"
      "$!=0; my $r=syscall(435,0,0); print '435 ', ($r==-1 ? $!+0 : 'allowed'), \"\\n\";"
      "for my $f (40,38){ $!=0; my $r=syscall(41,$f,1,0); print \"s$f \", ($r==-1 ? $!+0 : "
      "'allowed'), \"\\n\" }");
  EXPECT_EQ(ran.out,
            "272 1\n56 1\n250 1\n321 1\n298 1\n323 1\n248 1\n425 1\n308 1\n435 38\ns40 1\ns38 1\n")
      << ran.err;
}

TEST_F(Bwrap, A8TheHostsKernelSettingsCannotBeWritten) {
  bwrap();
  Ran ran =
      sh("for f in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger; do "
         "(echo 1 > $f) 2>/dev/null && echo wrote $f; done; ls /proc/acpi 2>/dev/null | wc -l");
  EXPECT_EQ(ran.out, "0\n");
}

// A gateway of root gives its workspaces to root, so that is who the commands are: the owner of
// whatever file of the host they see.
TEST_F(Bwrap, A8RootInTheSandboxChangesNothingOfTheHost) {
  bwrap();
  auto mode = [](const char* path) {
    struct stat info {};
    return ::stat(path, &info) == 0 ? info.st_mode & 07777 : 0;
  };
  auto full = mode("/dev/full");
  Ran ran =
      sh("chmod 600 /proc/version 2>/dev/null && echo proc; chmod 600 /usr/bin/env 2>/dev/null && "
         "echo usr; for f in /etc/passwd /etc/services /etc/alternatives /etc/ssl; do chmod 700 $f "
         "2>/dev/null && echo $f; done; touch /etc/alternatives/x 2>/dev/null && echo etc; "
         "perl -e 'print \"no name\\n\" if sysopen(F, \".\", 020200002, 04755)'; "
         "chmod 600 /dev/full; cp /bin/true t; chmod 4755 t 2>/dev/null && echo setuid; "
         "echo x > /dev/null && head -c 3 /dev/zero | wc -c; test -c /dev/tty && echo tty");
  EXPECT_EQ(ran.out, "3\ntty\n") << ran.err;
  EXPECT_EQ(mode("/dev/full"), full);
  EXPECT_EQ(
      sh("touch a && chmod 755 a && chmod g+s . && install -m 755 /bin/true b && echo modes").out,
      "modes\n");
}

TEST_F(Bwrap, NoDescriptorsOfTheGatewayReachACommand) {
  bwrap();
  ExecRequest request;
  request.argv = {"ls", "/proc/self/fd"};
  EXPECT_EQ(exec(request, "agent:main:x", Limits::within(30s)).out, "0\n1\n2\n3\n");
}

// ---- users and folders

TEST_F(Bwrap, R181UserIsTheConfiguredOne) {
  bwrap({}, {{"user", "1000:1001"}});
  Ran ran = sh("id -u; id -g; id -G; touch /workspace/mine && stat -c %u:%g /workspace/mine");
  EXPECT_EQ(ran.out, "1000\n1001\n1001\n1000:1001\n") << ran.message() << ran.err;
  if (::geteuid() != 0) return;  // then it is this user outside, whatever it is inside
  struct stat info {};
  fs::path made = manager_->resolve("", "agent:main:x").host_workspace / "mine";
  ASSERT_EQ(::stat(made.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 1000u);
  EXPECT_EQ(info.st_gid, 1001u);
}

TEST_F(Bwrap, D1UserIsTheOwnerOfTheWorkspace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(::chown(workspace().c_str(), 1234, 1235), 0);
  bwrap({{"workspaceAccess", "rw"}});
  EXPECT_EQ(sh("id -u; id -g; id -un; touch f && stat -c %u f").out, "1234\n1235\nsandbox\n1234\n");
  EXPECT_THAT(sh("grep -E '^(CapEff|CapBnd|Seccomp):' /proc/self/status | tr '\\t' ' '").out,
              HasSubstr("CapEff: 0000000000000000\nCapBnd: 0000000000000000\nSeccomp: 2\n"));
}

TEST_F(Bwrap, R166ReadOnlyAccessShowsTheAgentWorkspace) {
  std::ofstream(workspace() / "f") << "content";
  bwrap({{"workspaceAccess", "ro"}});
  Ran ran = sh("cat /agent/f; touch /agent/x");
  EXPECT_EQ(ran.out, "content");
  EXPECT_NE(ran.code(), 0);
  EXPECT_THAT(ran.err, HasSubstr("Read-only file system"));
}

TEST_F(Bwrap, R163R168WriteAccessWritesToTheAgentWorkspace) {
  bwrap({{"workspaceAccess", "rw"}});
  ASSERT_EQ(sh("pwd; echo hello > from-sandbox").code(), 0);
  EXPECT_TRUE(fs::exists(paths_.state_dir / "workspace/from-sandbox"));
}

TEST_F(Bwrap, R176ScratchFoldersAreBoundedAndLastFromCommandToCommand) {
  bwrap({}, {{"tmpfs", json::array{"/tmp:size=1m,exec", "/run"}}});
  EXPECT_EQ(
      sh("echo kept > /tmp/a; printf '#!/bin/sh\\necho ran' > /tmp/b; chmod +x /tmp/b").code(), 0);
  EXPECT_EQ(sh("cat /tmp/a; /tmp/b").out, "kept\nran\n");
  EXPECT_NE(sh("head -c 3000000 /dev/zero > /tmp/big").code(), 0);
  EXPECT_NE(sh("cp /bin/true /run/t && /run/t").code(), 0) << "noexec by default";
}

TEST_F(Bwrap, R160R161ScopesShareSandboxesAsTheySay) {
  bwrap({{"scope", "session"}});
  sh("touch mine; touch /tmp/mine", "agent:main:a");
  EXPECT_NE(sh("cat mine", "agent:main:b").code(), 0);
  EXPECT_NE(sh("cat /tmp/mine", "agent:main:b").code(), 0);
  EXPECT_EQ(sh("cat mine /tmp/mine", "agent:main:a").code(), 0);
}

TEST_F(Bwrap, A9R197DangerousBindsAreRefusedBeforeAnythingIsMade) {
  fs::create_directory_symlink("/etc", temp_.path() / "innocent");
  for (const std::string& source :
       {std::string("/var/run/docker.sock"), std::string("/etc"), std::string("/proc"),
        (temp_.path() / "innocent").string(), paths_.state_dir.string()}) {
    json::object docker = {{"dangerouslyAllowExternalBindSources", true},
                           {"binds", json::array{source + ":/x"}}};
    json::object sandbox = {{"mode", "all"}, {"backend", "bwrap"}, {"docker", docker}};
    configure_unchecked({{"agents", {{"defaults", {{"sandbox", sandbox}}}}}});
    EXPECT_THAT(sh("true").message(),
                ::testing::AnyOf(HasSubstr("refused to mount"), HasSubstr("cannot mount")))
        << source;
    close();
  }
}

TEST_F(Bwrap, R195BindsAreMountedAsAsked) {
  fs::create_directories(workspace() / "data");
  std::ofstream(workspace() / "data/f") << "x";
  bwrap({}, {{"binds", json::array{(workspace() / "data").string() + ":/data:ro"}}});
  Ran ran = sh("cat /data/f; touch /data/g");
  EXPECT_EQ(ran.out, "x");
  EXPECT_THAT(ran.err, HasSubstr("Read-only"));
}

TEST_F(Bwrap, R177R191R192WhatItCannotDoIsRefusedByKey) {
  for (auto [docker, key] : std::initializer_list<std::pair<json::object, const char*>>{
           {{{"network", "bridge"}}, "docker.network"},
           {{{"readOnlyRoot", false}}, "docker.readOnlyRoot"},
           {{{"seccompProfile", "/etc/profile.json"}}, "docker.seccompProfile"},
           {{{"apparmorProfile", "x"}}, "docker.apparmorProfile"},
           {{{"runtime", "runsc"}}, "docker.runtime"},
           {{{"user", "node"}}, "docker.user"}}) {
    bwrap({}, docker);
    EXPECT_THAT(sh("true").message(), HasSubstr(key));
  }
}

TEST_F(Bwrap, AMissingProgramIsNamedWithTheNextCommand) {
  configure_whole(R"({"agents":{"defaults":{"sandbox":{"mode":"all","backend":"bwrap"}}},
      "plugins":{"entries":{"sandbox-bwrap":{"config":{"program":"/nowhere/bwrap"}}}}})");
  EXPECT_THAT(sh("true").message(), HasSubstr("apt-get install bubblewrap"));
}

}  // namespace
}  // namespace openclaw::sandbox
