// A folder of a test's own, gone when it ends: "root" to be confined to, "outside" to be kept out
// of.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace openclaw::workspace {

class Scratch {
 public:
  Scratch() {
    std::string name =
        (std::filesystem::temp_directory_path() / "openclaw-workspace-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    std::filesystem::create_directories(root());
    std::filesystem::create_directories(outside());
    put(outside() / "file.txt", "SECRET");
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  std::filesystem::path root() const { return dir_ / "root"; }
  std::filesystem::path outside() const { return dir_ / "outside"; }

  static void put(const std::filesystem::path& file, std::string_view text) {
    std::ofstream(file, std::ios::binary) << text;
  }
  static std::string get(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Names and contents of all that is in a folder.
  static std::map<std::string, std::string> snapshot(const std::filesystem::path& dir) {
    std::map<std::string, std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
      out[entry.path().string()] = entry.is_regular_file() ? get(entry.path()) : "-";
    }
    return out;
  }

 private:
  std::filesystem::path dir_;
};

}  // namespace openclaw::workspace
