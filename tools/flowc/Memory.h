//===- Memory.h - Lack of memory is a message -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_MEMORY_H
#define FLOWC_TOOLS_MEMORY_H

namespace flowc::tool {

/// From now on an allocation that fails, in whatever library, ends the process
/// with a message, exit code 1 and no temporary file left behind. (Most of the
/// code is compiled without exceptions: nobody there could answer one.)
void reportLackOfMemory();

} // namespace flowc::tool

#endif
