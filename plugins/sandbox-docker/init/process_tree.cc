#include "process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace openclaw::sandbox_init {

namespace {

constexpr int kMaxProcesses = 4096;
constexpr int kGentleRounds = 3;

struct Process {
  pid_t pid, parent;
  char state;
  bool chosen;
};
Process processes[kMaxProcesses];
int process_count = 0;

bool read_one(const char* name, Process& out) {
  char path[64] = "/proc/";
  if (strlen(name) > 20) return false;
  strcat(path, name);
  strcat(path, "/stat");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[512];
  ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  if (size <= 0) return false;
  text[size] = 0;
  char* after_name = strrchr(text, ')');  // the name may hold anything
  if (!after_name || strlen(after_name) < 5) return false;
  out.pid = atoi(name);
  out.state = after_name[2];
  out.parent = atoi(after_name + 4);
  out.chosen = false;
  return true;
}

bool read_processes() {
  process_count = 0;
  DIR* proc = opendir("/proc");
  if (!proc) return false;
  while (dirent* entry = readdir(proc)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (process_count < kMaxProcesses && read_one(entry->d_name, processes[process_count]))
      ++process_count;
  }
  closedir(proc);
  return true;
}

bool is_chosen(pid_t pid) {
  for (int i = 0; i < process_count; ++i) {
    if (processes[i].pid == pid) return processes[i].chosen;
  }
  return false;
}

// Marks the descendants of what is marked.
void spread() {
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < process_count; ++i) {
      if (processes[i].chosen || !is_chosen(processes[i].parent)) continue;
      processes[i].chosen = changed = true;
    }
  }
}

void choose_descendants(pid_t keeper) {
  for (int i = 0; i < process_count; ++i) processes[i].chosen = processes[i].pid == keeper;
  spread();
}

int signal_chosen(pid_t except, int signo) {
  int living = 0;
  for (int i = 0; i < process_count; ++i) {
    if (!processes[i].chosen || processes[i].pid == except || processes[i].state == 'Z') continue;
    ++living;
    kill(processes[i].pid, signo);
  }
  return living;
}

// All of them stand still at once (the kernel signals every process under one lock), so none can
// fork meanwhile.
void kill_frozen(pid_t keeper) {
  if (!read_processes()) return;
  static pid_t stopped_before[kMaxProcesses];
  int stopped = 0;
  for (int i = 0; i < process_count; ++i) {
    if (processes[i].state == 'T') stopped_before[stopped++] = processes[i].pid;
  }
  kill(-1, SIGSTOP);
  if (!read_processes()) {
    kill(-1, SIGCONT);
    return;
  }
  choose_descendants(keeper);
  signal_chosen(keeper, SIGKILL);
  for (int i = 0; i < process_count; ++i) {
    bool was_stopped = false;
    for (int j = 0; j < stopped; ++j)
      was_stopped = was_stopped || stopped_before[j] == processes[i].pid;
    if (!was_stopped && processes[i].pid != 1) kill(processes[i].pid, SIGCONT);
  }
}

}  // namespace

bool signal_tree(pid_t keeper, int signo) {
  if (!read_processes()) return false;
  choose_descendants(keeper);
  signal_chosen(keeper, signo);
  return true;
}

void kill_tree(pid_t keeper) {
  for (int round = 0; round < kGentleRounds; ++round) {
    if (!read_processes()) break;
    choose_descendants(keeper);
    if (signal_chosen(keeper, SIGKILL) == 0) return;
  }
  kill_frozen(keeper);
}

void kill_strays(const pid_t* keepers, int count) {
  if (!read_processes()) return;
  for (int i = 0; i < process_count; ++i) {
    bool keeper = false;
    for (int j = 0; j < count; ++j) keeper = keeper || keepers[j] == processes[i].pid;
    processes[i].chosen = processes[i].parent == 1 && !keeper;
  }
  spread();
  signal_chosen(0, SIGKILL);
}

}  // namespace openclaw::sandbox_init
