#include "init_program.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

namespace openclaw::docker {

namespace {
constexpr const char* kName = "openclaw-sandbox-init";
}

Outcome<std::filesystem::path> init_program() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&init_program), &info) == 0 || !info.dli_fname)
    return failure(OC_NOT_FOUND, "the folder of the plugin is not known");
  std::error_code failed;
  auto library = std::filesystem::canonical(info.dli_fname, failed);
  auto program = library.parent_path() / kName;
  struct stat file {};
  if (failed || ::lstat(program.c_str(), &file) != 0)
    return failure(OC_NOT_FOUND, program.string() + " is missing; install openclaw again");
  // As for plugins: it runs in every sandbox, so nobody else may be able to change it.
  bool ours = file.st_uid == 0 || file.st_uid == ::geteuid();
  if (!S_ISREG(file.st_mode) || !ours || (file.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return failure(
        OC_PERMISSION_DENIED,
        program.string() + " can be changed by others. Type: chmod 755 " + program.string());
  if ((file.st_mode & S_IXOTH) == 0)
    return failure(
        OC_PERMISSION_DENIED,
        program.string() + " cannot be run by others. Type: chmod 755 " + program.string());
  return program;
}

}  // namespace openclaw::docker
