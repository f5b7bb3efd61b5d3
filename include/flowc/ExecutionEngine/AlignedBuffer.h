//===- AlignedBuffer.h - Memory that kernels work in ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EXECUTIONENGINE_ALIGNEDBUFFER_H
#define FLOWC_EXECUTIONENGINE_ALIGNEDBUFFER_H

#include <cstddef>
#include <new>
#include <utility>

namespace flowc {

/// Uninitialised memory, aligned as kernels expect it.
class AlignedBuffer {
public:
  static constexpr std::align_val_t alignment{64};

  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes) { reserve(bytes); }
  AlignedBuffer(AlignedBuffer &&other) noexcept
      : memory(std::exchange(other.memory, nullptr)), capacity(std::exchange(other.capacity, 0)) {}
  AlignedBuffer &operator=(AlignedBuffer other) noexcept {
    std::swap(memory, other.memory);
    std::swap(capacity, other.capacity);
    return *this;
  }
  ~AlignedBuffer() { ::operator delete(memory, alignment); }

  /// At least `bytes` bytes; what was in them is lost if they have to be
  /// allocated anew. Never null.
  void *reserve(size_t bytes) {
    if (!memory || bytes > capacity) {
      ::operator delete(std::exchange(memory, nullptr), alignment);
      capacity = bytes;
      memory = ::operator new(bytes, alignment);
    }
    return memory;
  }
  void *data() const { return memory; }

private:
  void *memory = nullptr;
  size_t capacity = 0;
};

} // namespace flowc

#endif // FLOWC_EXECUTIONENGINE_ALIGNEDBUFFER_H
