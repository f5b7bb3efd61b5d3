//===- Held.h - A pointer that is not null unless moved from ----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_HELD_H
#define FLOWC_SUPPORT_HELD_H

#include "flowc/Support/Expected.h"

namespace flowc::detail {

/// What a class consists of, behind a (unique or shared) pointer. Use of an object that
/// was moved from ends the program with a message.
template <typename Pointer>
class Held {
public:
  Held(Pointer pointer) : pointer(std::move(pointer)) {}

  decltype(auto) operator*() const { return *get(); }
  auto *operator->() const { return get(); }

private:
  auto *get() const {
    if (!pointer)
      endMisuse("use of a flow or a model that was moved from");
    return pointer.get();
  }

  Pointer pointer;
};

} // namespace flowc::detail

#endif // FLOWC_SUPPORT_HELD_H
