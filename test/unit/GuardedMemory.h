//===- GuardedMemory.h - Memory between pages of nobody ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sanitizers do not see into machine code that is made at run time: it has to come
// upon a page that may not be touched.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_GUARDEDMEMORY_H
#define FLOWC_TEST_UNIT_GUARDEDMEMORY_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace flowc::test {

/// At which end of the memory a page follows at once. (Alignment may leave a few bytes
/// at the back: these are looked at by `expectIntact`.)
enum class GuardedEnd { Front, Back };

/// `bytes` bytes, aligned to `alignment`, filled with a pattern, between two pages that
/// may be neither read nor written.
class GuardedMemory {
public:
  /// What all memory is filled with; may be changed while there is none.
  static inline unsigned char pattern = 0xA5;

  GuardedMemory(size_t bytes, size_t alignment, GuardedEnd end) : bytes(bytes) {
    auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    inner = std::max<size_t>(1, (bytes + page - 1) / page) * page;
    total = inner + 2 * page;
    void *mapped = ::mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
      std::abort();
    base = static_cast<unsigned char *>(mapped);
    begin = base + page;
    ::mprotect(begin, inner, PROT_READ | PROT_WRITE);
    std::memset(begin, pattern, inner);
    start = end == GuardedEnd::Front ? begin : begin + (inner - bytes) / alignment * alignment;
  }
  GuardedMemory(GuardedMemory &&other) noexcept
      : bytes(other.bytes), inner(other.inner), total(other.total), base(std::exchange(other.base, nullptr)),
        begin(other.begin), start(other.start) {}
  GuardedMemory &operator=(GuardedMemory) = delete;
  ~GuardedMemory() {
    if (base)
      ::munmap(base, total);
  }

  void *data() const { return start; }
  template <typename T>
  std::span<T> as() const {
    return {reinterpret_cast<T *>(start), bytes / sizeof(T)};
  }
  std::string contents() const { return {reinterpret_cast<const char *>(start), bytes}; }

  /// From now on a write is an error.
  void protect() const { ::mprotect(begin, inner, PROT_READ); }

  /// Nothing was written before or behind the memory.
  void expectIntact(const std::string &what) const {
    auto isPattern = [](unsigned char byte) { return byte == pattern; };
    EXPECT_TRUE(std::all_of(begin, start, isPattern)) << what << ": something was written before it";
    EXPECT_TRUE(std::all_of(start + bytes, begin + inner, isPattern)) << what << ": something was written behind it";
  }

  /// Every element of type T was written.
  template <typename T>
  void expectWritten(const std::string &what) const {
    T untouched;
    std::memset(&untouched, pattern, sizeof(T));
    for (size_t i = 0; i < bytes / sizeof(T); ++i)
      if (std::memcmp(start + i * sizeof(T), &untouched, sizeof(T)) == 0) {
        ADD_FAILURE() << what << ": element " << i << " was not written";
        return;
      }
  }

private:
  size_t bytes, inner, total;
  unsigned char *base, *begin, *start;
};

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_GUARDEDMEMORY_H
