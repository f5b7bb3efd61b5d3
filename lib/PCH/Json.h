//===- Json.h - Precompiled header of code with exceptions ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Libraries with exceptions are those that read and write JSON.
//
//===----------------------------------------------------------------------===//

#include "Standard.h"
#include <nlohmann/json.hpp>
