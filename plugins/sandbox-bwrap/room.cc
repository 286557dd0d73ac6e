#include "room.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace openclaw::bwrap {

namespace {

constexpr const char* kFloor = "/run";
// The few files of the host's /etc that its programs need and that tell nothing.
constexpr std::array kHostFiles = {"/etc/alternatives", "/etc/ld.so.cache",    "/etc/ld.so.conf",
                                   "/etc/ld.so.conf.d", "/etc/localtime",      "/etc/magic",
                                   "/etc/mime.types",   "/etc/protocols",      "/etc/services",
                                   "/etc/ssl/certs",    "/etc/ssl/openssl.cnf"};

enum RoomStage : int {
  kReady,
  kNamespaces,
  kFloorMount,
  kDevices,
  kMount,
  kChanged,
  kScratch,
  kFile
};

struct RoomReport {
  int stage = kReady;
  int index = 0;
  int code = 0;
};

// Everything the child needs, made before the fork: after it, in a process of many threads, memory
// may not be asked for.
struct Work {
  struct Bind {
    const char *source, *place;
    bool directory;
    dev_t device;
    ino_t inode;
  };
  struct Scratch {
    const char *place, *options;
    unsigned long flags;
  };
  struct File {
    const char* place;
    const char* bytes;
    std::size_t size;
  };
  std::vector<Bind> binds, host_files;
  std::vector<Scratch> scratch;
  std::vector<File> files;
  bool own_user_namespace = false;
  const char *user_map = "", *group_map = "";
  int report = -1, go = -1;
};

bool put(const char* path, const char* bytes, std::size_t size, int flags) {
  int fd = ::open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
  bool good = fd >= 0 && ::write(fd, bytes, size) == static_cast<ssize_t>(size);
  if (fd >= 0) {
    int code = errno;
    ::close(fd);
    errno = code;
  }
  return good;
}

[[noreturn]] void give_up(const Work& work, RoomStage stage, std::size_t index, int code) {
  RoomReport report{stage, static_cast<int>(index), code};
  static_cast<void>(!::write(work.report, &report, sizeof report));
  ::_exit(1);
}

void enter_namespaces(const Work& work) {
  bool good = ::unshare(CLONE_NEWNS | (work.own_user_namespace ? CLONE_NEWUSER : 0)) == 0;
  if (good && work.own_user_namespace) {
    good = put("/proc/self/setgroups", "deny", 4, 0) &&
           put("/proc/self/uid_map", work.user_map, std::strlen(work.user_map), 0) &&
           put("/proc/self/gid_map", work.group_map, std::strlen(work.group_map), 0);
  }
  // What is mounted here stays here. What the host unmounts goes here too, or this room would keep
  // its disks busy.
  good = good && ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0;
  if (!good) give_up(work, kNamespaces, 0, errno);
}

// bwrap hands the devices of what is its root to the command. A command of the user 0 is the owner
// of the host's, capabilities or not, and could take them from everybody by chmod.
void make_devices(const Work& work) {
  struct Device {
    const char* path;
    unsigned major, minor;
  };
  static constexpr std::array<Device, 6> kAll = {{{"/dev/null", 1, 3},
                                                  {"/dev/zero", 1, 5},
                                                  {"/dev/full", 1, 7},
                                                  {"/dev/random", 1, 8},
                                                  {"/dev/urandom", 1, 9},
                                                  {"/dev/tty", 5, 0}}};
  if (::mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") != 0)
    give_up(work, kDevices, 0, errno);
  for (const auto& device : kAll) {
    if (::mknod(device.path, S_IFCHR | 0666, ::makedev(device.major, device.minor)) != 0 ||
        ::chmod(device.path, 0666) != 0)
      give_up(work, kDevices, 0, errno);
  }
}

void mount_one(const Work& work, const Work::Bind& bind, RoomStage stage, std::size_t index) {
  bool made =
      bind.directory ? ::mkdir(bind.place, 0755) == 0 : put(bind.place, "", 0, O_CREAT | O_EXCL);
  if (!made || ::mount(bind.source, bind.place, nullptr, MS_BIND | MS_REC, nullptr) != 0)
    give_up(work, stage, index, errno);
  struct stat info {};
  if (::stat(bind.place, &info) != 0 || info.st_dev != bind.device || info.st_ino != bind.inode)
    give_up(work, stage == kMount ? kChanged : stage, index, 0);
}

// Runs in the child: system calls only.
[[noreturn]] void furnish(const Work& work) {
  ::umask(0022);
  enter_namespaces(work);
  if (::mount("tmpfs", kFloor, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=1m") != 0)
    give_up(work, kFloorMount, 0, errno);
  if (!work.own_user_namespace) make_devices(work);
  for (std::size_t i = 0; i < work.binds.size(); ++i) mount_one(work, work.binds[i], kMount, i);
  if (::mkdir("/run/etc", 0755) != 0 || ::mkdir("/run/etc/ssl", 0755) != 0)
    give_up(work, kFile, 0, errno);
  for (const auto& file : work.host_files) mount_one(work, file, kFile, 0);
  for (std::size_t i = 0; i < work.scratch.size(); ++i) {
    const auto& scratch = work.scratch[i];
    if (::mkdir(scratch.place, 0755) != 0 ||
        ::mount("tmpfs", scratch.place, "tmpfs", scratch.flags, scratch.options) != 0)
      give_up(work, kScratch, i, errno);
  }
  for (std::size_t i = 0; i < work.files.size(); ++i) {
    if (!put(work.files[i].place, work.files[i].bytes, work.files[i].size, O_CREAT | O_EXCL))
      give_up(work, kFile, i, errno);
  }
  // In the sandbox's own folders nothing of the host appears later.
  if (::mount(nullptr, kFloor, nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    give_up(work, kFloorMount, 0, errno);
  RoomReport ready;
  static_cast<void>(!::write(work.report, &ready, sizeof ready));
  char end = 0;
  static_cast<void>(!::read(work.go, &end, 1));  // until the other side holds the namespaces
  ::_exit(0);
}

Failure explained(const RoomReport& report, const RuntimePlan& plan) {
  auto index = static_cast<std::size_t>(report.index);
  std::string why = error_text(report.code);
  switch (report.stage) {
    case kMount:
      return failure(OC_FAILED_PRECONDITION,
                     "cannot mount " + plan.mounts[index].source + " into a sandbox: " + why);
    case kChanged:
      return failure(OC_PERMISSION_DENIED, "refused to mount " + plan.mounts[index].source +
                                               " into a sandbox: it changed while it was checked");
    case kScratch:
      return failure(OC_FAILED_PRECONDITION, "agents.defaults.sandbox.docker.tmpfs: cannot make " +
                                                 plan.scratch[index].target + " (" +
                                                 plan.scratch[index].options + "): " + why);
    case kDevices:
      return failure(OC_FAILED_PRECONDITION, "cannot make devices for a sandbox: " + why);
    default:
      return failure(OC_FAILED_PRECONDITION,
                     std::string(report.stage == kNamespaces ? "cannot make namespaces"
                                                             : "cannot mount in a new namespace") +
                         ": " + why);
  }
}

struct Texts {
  std::vector<std::string> places, options;
  std::vector<std::pair<std::string, std::string>> files;
  std::string user_map, group_map;
};

std::string file_place(const std::string& name) {
  return etc_place() + "/" + name;
}

void fill(Work& work, Texts& texts, const RuntimePlan& plan) {
  texts.files = made_files(plan);
  texts.places.reserve(plan.mounts.size() + plan.scratch.size() + texts.files.size() +
                       kHostFiles.size());
  for (const char* path : kHostFiles) {
    struct stat info {};
    if (::access(path, R_OK) != 0 || ::stat(path, &info) != 0) continue;
    texts.places.push_back(kFloor + std::string(path));
    work.host_files.push_back(
        {path, texts.places.back().c_str(), S_ISDIR(info.st_mode), info.st_dev, info.st_ino});
  }
  texts.options.reserve(plan.scratch.size());
  for (std::size_t i = 0; i < plan.mounts.size(); ++i) {
    const auto& mount = plan.mounts[i];
    texts.places.push_back(mount_place(i));
    work.binds.push_back({mount.source.c_str(), texts.places.back().c_str(), mount.directory,
                          mount.device, mount.inode});
  }
  uid_t user = plan.identity.become ? plan.identity.user : ::geteuid();
  gid_t group = plan.identity.become ? plan.identity.group : ::getegid();
  for (std::size_t i = 0; i < plan.scratch.size(); ++i) {
    texts.places.push_back(scratch_place(i));
    texts.options.push_back(plan.scratch[i].options + ",uid=" + std::to_string(user) +
                            ",gid=" + std::to_string(group));
    work.scratch.push_back(
        {texts.places.back().c_str(), texts.options.back().c_str(), plan.scratch[i].flags});
  }
  for (const auto& [name, bytes] : texts.files) {
    texts.places.push_back(file_place(name));
    work.files.push_back({texts.places.back().c_str(), bytes.data(), bytes.size()});
  }
  work.own_user_namespace = !plan.identity.become;
  texts.user_map = std::to_string(user) + " " + std::to_string(user) + " 1";
  texts.group_map = std::to_string(group) + " " + std::to_string(group) + " 1";
  work.user_map = texts.user_map.c_str();
  work.group_map = texts.group_map.c_str();
}

bool read_report(int fd, RoomReport& report) {
  ssize_t n = 0;
  do {
    n = ::read(fd, &report, sizeof report);
  } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(sizeof report);
}

}  // namespace

std::string mount_place(std::size_t index) {
  return std::string(kFloor) + "/mount" + std::to_string(index);
}

std::string scratch_place(std::size_t index) {
  return std::string(kFloor) + "/scratch" + std::to_string(index);
}

std::string etc_place() {
  return std::string(kFloor) + "/etc";
}

std::vector<std::pair<std::string, std::string>> made_files(const RuntimePlan& plan) {
  std::string user = std::to_string(plan.identity.user),
              group = std::to_string(plan.identity.group);
  std::string name = plan.identity.user == 0 ? "root" : "sandbox";
  std::string passwd = name + ":x:" + user + ":" + group + "::" + plan.home + ":/bin/sh\n";
  std::string groups =
      (plan.identity.group == 0 ? "root" : "sandbox") + std::string(":x:") + group + ":\n";
  if (plan.identity.user != 0) passwd += "root:x:0:0::/nonexistent:/usr/sbin/nologin\n";
  if (plan.identity.group != 0) groups += "root:x:0:\n";
  if (plan.identity.user != 65534)
    passwd += "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n";
  if (plan.identity.group != 65534) groups += "nogroup:x:65534:\n";
  std::string hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\tsandbox\n";
  for (const auto& line : plan.host_lines) hosts += line + "\n";
  return {{"passwd", passwd},
          {"group", groups},
          {"hosts", hosts},
          {"nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"}};
}

Outcome<Room> make_room(const RuntimePlan& plan) {
  Work work;
  Texts texts;
  fill(work, texts, plan);
  Descriptor report_read, report_write, go_read, go_write;
  if (!make_pipe(report_read, report_write) || !make_pipe(go_read, go_write))
    return failure(OC_RESOURCE_EXHAUSTED, "cannot make a sandbox: " + error_text(errno));
  work.report = report_write.get();
  work.go = go_read.get();
  pid_t pid = ::fork();
  if (pid == 0) {
    // Else it would wait for itself when the gateway dies.
    ::close(go_write.get());
    furnish(work);
  }
  if (pid < 0) return failure(OC_RESOURCE_EXHAUSTED, "cannot make a sandbox: " + error_text(errno));
  report_write.reset();
  go_read.reset();
  RoomReport report;
  bool told = read_report(report_read.get(), report);
  Room room;
  if (told && report.stage == kReady) {
    std::string folder = "/proc/" + std::to_string(pid) + "/ns/";
    room.mount_namespace = opened(folder + "mnt", O_RDONLY);
    if (work.own_user_namespace) room.user_namespace = opened(folder + "user", O_RDONLY);
  }
  int code = errno;
  go_write.reset();
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!told) return failure(OC_UNAVAILABLE, "making a sandbox ended unexpectedly");
  if (report.stage != kReady) return explained(report, plan);
  if (!room.mount_namespace || (work.own_user_namespace && !room.user_namespace))
    return failure(OC_UNAVAILABLE, "cannot hold the namespaces of a sandbox: " + error_text(code));
  return room;
}

}  // namespace openclaw::bwrap
