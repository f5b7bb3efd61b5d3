//===- Memory.cpp - Lack of memory is a message ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include "flowc/IO/File.h"

#include <cerrno>
#include <cstdlib>
#include <new>
#include <string_view>
#include <unistd.h>

/// Neither formats nor allocates, nor waits for the lock of a stream.
[[noreturn]] static void handleLackOfMemory() {
  static constexpr std::string_view message = "flowc: error: out of memory\n";
  flowc::OutputFile::removeTemporaries();
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
  ::_exit(1);
}

void flowc::tool::reportLackOfMemory() { std::set_new_handler(handleLackOfMemory); }

// MLIR and other libraries write through what malloc gave them without a look.
// So malloc gives memory or ends the process: glibc lets a program stand before
// its allocator. Sanitizers do the same, hence not with them.
#if defined(__GLIBC__) && !defined(FLOWC_SANITIZED)

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static void *orEnd(void *memory, size_t size) {
  if (!memory && size > 0)
    handleLackOfMemory();
  return memory;
}

void *malloc(size_t size) { return orEnd(__libc_malloc(size), size); }
void *calloc(size_t count, size_t size) { return orEnd(__libc_calloc(count, size), count && size ? 1 : 0); }
void *realloc(void *old, size_t size) { return orEnd(__libc_realloc(old, size), size); }
void *memalign(size_t alignment, size_t size) { return orEnd(__libc_memalign(alignment, size), size); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  *result = memalign(alignment, size);
  return 0;
}
}

#endif
