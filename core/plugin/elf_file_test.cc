// The reader on a real library, and on every damaged form of it that is cheap to make.
#include "plugin/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::plugin {
namespace {

using ::testing::HasSubstr;

// Any shared object will do for the structure; this very program is one.
std::vector<std::byte> own_image() {
  const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const DescriptorSource source(fd);
  // Headers, notes and dynamic symbols lie in front; the rest of a test program is large and of no
  // interest.
  std::vector<std::byte> all(static_cast<std::size_t>(source.size()));
  EXPECT_TRUE(source.read(0, all));
  close(fd);
  return all;
}

std::string refusal(const std::vector<std::byte>& image) {
  auto facts = read_elf(MemorySource(image));
  return facts ? "" : facts.error().message;
}

class ElfFile : public ::testing::Test {
 protected:
  template <class T>
  void put(std::size_t at, T value) {
    std::memcpy(image_.data() + at, &value, sizeof value);
  }
  std::vector<std::byte> image_ = own_image();
};

TEST_F(ElfFile, ALibraryThatIsNoPluginHasNeitherNoteNorEntry) {
  auto facts = read_elf(MemorySource(image_));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_FALSE(facts->has_note);
  EXPECT_FALSE(facts->has_entry);
}

TEST_F(ElfFile, EachWrongHeaderHasItsOwnMessage) {
  EXPECT_THAT(refusal({}), HasSubstr("shorter than an ELF header"));
  auto good = image_;
  put(EI_CLASS, std::uint8_t{ELFCLASS32});
  EXPECT_THAT(refusal(image_), HasSubstr("not 64-bit"));
  image_ = good;
  put(EI_DATA, std::uint8_t{ELFDATA2MSB});
  EXPECT_THAT(refusal(image_), HasSubstr("not little-endian"));
  image_ = good;
  put(offsetof(Elf64_Ehdr, e_machine), std::uint16_t{EM_MIPS});
  EXPECT_THAT(refusal(image_), HasSubstr("another machine"));
  image_ = good;
  put(offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_REL});
  EXPECT_THAT(refusal(image_), HasSubstr("not a shared object"));
  image_ = good;
  put(offsetof(Elf64_Ehdr, e_phoff), ~std::uint64_t{0});
  EXPECT_THAT(refusal(image_), HasSubstr("program headers"));
  image_ = good;
  put(offsetof(Elf64_Ehdr, e_phnum), std::uint16_t{0xffff});
  EXPECT_THAT(refusal(image_), HasSubstr("program headers"));
}

TEST_F(ElfFile, EveryTruncationIsRefusedOrReadWithinBounds) {
  for (std::size_t size = 0; size < 4096; size += 7) {
    const std::vector<std::byte> cut(image_.begin(),
                                     image_.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(refusal(cut), "") << size;
  }
}

TEST_F(ElfFile, RandomDamageNeverLeavesTheFile) {
  std::mt19937 random(20240501);  // fixed: a failure must come again
  Elf64_Ehdr head{};
  std::memcpy(&head, image_.data(), sizeof head);
  const std::size_t interesting = std::min<std::size_t>(image_.size(), 64 * 1024);
  const auto good = image_;
  for (int round = 0; round < 300; ++round) {
    image_ = good;
    for (int i = 0; i < 8; ++i) {
      // Half of the damage goes to the headers, where it does most.
      const std::size_t range =
          i % 2 == 0 ? head.e_phoff + std::size_t{head.e_phnum} * sizeof(Elf64_Phdr) : interesting;
      image_[random() % range] = static_cast<std::byte>(random());
    }
    (void)read_elf(MemorySource(image_));
  }
}

}  // namespace
}  // namespace openclaw::plugin
