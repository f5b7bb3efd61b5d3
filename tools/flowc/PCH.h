//===- PCH.h - Precompiled header of the tool -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../lib/PCH/Json.h"
#include <CLI/CLI.hpp>
