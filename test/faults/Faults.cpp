//===- Faults.cpp - The N-th call of the system fails ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library to preload. It counts calls by kind and lets one of them fail, or
// it and all after it, as SQLite's tests do: FLOWC_FAULT=KIND:N:ERRNO, with a +
// behind N for all later calls, too. FLOWC_FAULT_COUNTS names a file of one
// 64-bit counter per kind that it adds to. faults.py drives it.
//
//===----------------------------------------------------------------------===//

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

// The order of faults.py.
enum Kind { Open, Read, Write, Sync, Rename, Map, Allocate, NumKinds };
constexpr std::array<const char *, NumKinds> kNames = {"open", "read", "write", "fsync", "rename", "mmap", "malloc"};

std::atomic<int64_t> ownCounts[NumKinds];
std::atomic<int64_t> *counts = ownCounts;
int faultKind = NumKinds, faultErrno = EIO;
int64_t firstFault = 0, lastFault = -1;

void readFault(const char *text) {
  const char *colon = std::strchr(text, ':');
  if (!colon)
    return;
  for (int kind = 0; kind < NumKinds; ++kind)
    if (std::strncmp(text, kNames[kind], colon - text) == 0 && kNames[kind][colon - text] == 0)
      faultKind = kind;
  char *end = nullptr;
  firstFault = std::strtoll(colon + 1, &end, 10);
  lastFault = *end == '+' ? INT64_MAX : firstFault;
  if (const char *code = std::strchr(end, ':'))
    faultErrno = std::atoi(code + 1);
}

/// Before main, and before anything else if the loader can help it: calls until
/// then are those of the loader, which are nobody's business here.
__attribute__((constructor(101))) void initialise() {
  if (const char *path = std::getenv("FLOWC_FAULT_COUNTS")) {
    int fd = static_cast<int>(::syscall(SYS_open, path, O_RDWR));
    auto address = ::syscall(SYS_mmap, nullptr, sizeof(ownCounts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
    ::syscall(SYS_close, fd);
    if (fd >= 0 && address > 0)
      counts = reinterpret_cast<std::atomic<int64_t> *>(address);
  }
  if (const char *fault = std::getenv("FLOWC_FAULT"))
    readFault(fault);
}

/// Counts a call; true if it has to fail, with errno set.
bool fails(Kind kind) {
  int64_t number = ++counts[kind];
  if (kind != faultKind || number < firstFault || number > lastFault)
    return false;
  errno = faultErrno;
  return true;
}

template <typename Function>
Function *next(const char *name) {
  return reinterpret_cast<Function *>(::dlsym(RTLD_NEXT, name));
}

} // namespace

// Each of them calls what it stands for.
#define FAULT(KIND, RESULT, NAME, PARAMETERS, ARGUMENTS, FAILED)                                                       \
  extern "C" RESULT NAME PARAMETERS {                                                                                  \
    static auto *real = next<RESULT PARAMETERS>(#NAME);                                                                \
    return fails(KIND) ? (FAILED) : real ARGUMENTS;                                                                    \
  }

FAULT(Read, ssize_t, read, (int fd, void *buffer, size_t count), (fd, buffer, count), -1)
FAULT(Read, ssize_t, pread, (int fd, void *buffer, size_t count, off_t at), (fd, buffer, count, at), -1)
FAULT(Read, ssize_t, pread64, (int fd, void *buffer, size_t count, off64_t at), (fd, buffer, count, at), -1)
FAULT(Write, ssize_t, write, (int fd, const void *data, size_t count), (fd, data, count), -1)
FAULT(Write, ssize_t, pwrite, (int fd, const void *data, size_t count, off_t at), (fd, data, count, at), -1)
FAULT(Write, ssize_t, pwrite64, (int fd, const void *data, size_t count, off64_t at), (fd, data, count, at), -1)
FAULT(Write, size_t, fwrite, (const void *data, size_t size, size_t count, FILE *file), (data, size, count, file), 0)
FAULT(Write, int, ftruncate, (int fd, off_t size), (fd, size), -1)
FAULT(Sync, int, fsync, (int fd), (fd), -1)
FAULT(Rename, int, rename, (const char *from, const char *to), (from, to), -1)
FAULT(Map, void *, mmap, (void *address, size_t size, int protection, int flags, int fd, off_t at),
      (address, size, protection, flags, fd, at), MAP_FAILED)

extern "C" int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return fails(Open) ? -1 : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

// The allocator, where flowc itself asks for memory (tools/flowc/Memory.cpp).
FAULT(Allocate, void *, __libc_malloc, (size_t size), (size), nullptr)
FAULT(Allocate, void *, __libc_calloc, (size_t count, size_t size), (count, size), nullptr)
FAULT(Allocate, void *, __libc_realloc, (void *old, size_t size), (old, size), nullptr)
FAULT(Allocate, void *, __libc_memalign, (size_t alignment, size_t size), (alignment, size), nullptr)
