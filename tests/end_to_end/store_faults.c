/* Preloaded into the gateway by faults.test.mjs: while the file that OPENCLAW_STORE_FAULT names holds an errno, every
 * write to the gateway's store of messages fails with it, as on a full disk or a broken one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* 0: the call goes through. */
static int fault_for(int fd) {
  const char *control = getenv("OPENCLAW_STORE_FAULT");
  if (control == NULL) return 0;
  char name[64];
  char target[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(name, target, sizeof target - 1);
  if (length <= 0) return 0;
  target[length] = '\0';
  if (strstr(target, "/channels.db") == NULL) return 0;
  const int file = open(control, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[16] = "";
  const ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  return got > 0 ? atoi(text) : 0;
}

#define FAIL_IF_ASKED(fd)            \
  do {                               \
    const int fault = fault_for(fd); \
    if (fault != 0) {                \
      errno = fault;                 \
      return -1;                     \
    }                                \
  } while (0)

#define REAL(type, name)                                               \
  static type real;                                                    \
  if (real == NULL) real = (type)(uintptr_t)dlsym(RTLD_NEXT, name)

typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off64_t);
typedef int (*sync_call)(int);

ssize_t write(int fd, const void *data, size_t size) {
  REAL(write_call, "write");
  if (fd > 2) FAIL_IF_ASKED(fd);
  return real(fd, data, size);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  REAL(pwrite_call, "pwrite64");
  FAIL_IF_ASKED(fd);
  return real(fd, data, size, at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  REAL(pwrite_call, "pwrite64");
  FAIL_IF_ASKED(fd);
  return real(fd, data, size, at);
}
int fsync(int fd) {
  REAL(sync_call, "fsync");
  FAIL_IF_ASKED(fd);
  return real(fd);
}
int fdatasync(int fd) {
  REAL(sync_call, "fdatasync");
  FAIL_IF_ASKED(fd);
  return real(fd);
}
