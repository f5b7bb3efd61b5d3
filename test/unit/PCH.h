//===- PCH.h - Precompiled header of unit tests ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../lib/PCH/Standard.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
