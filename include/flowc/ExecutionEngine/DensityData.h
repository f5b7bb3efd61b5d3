//===- DensityData.h - What densities read, for kernels ------- -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EXECUTIONENGINE_DENSITYDATA_H
#define FLOWC_EXECUTIONENGINE_DENSITYDATA_H

#include "flowc/Frontend/Node.h"
#include "flowc/Support/DType.h"

#include <memory>
#include <vector>

namespace flowc {

/// The arrays that a density reads, as kernels take them behind the leaves of a model:
/// numbers in the kernels' element type, positions as int32.
class DensityData {
public:
  DensityData(const Node &density, DType dtype);

  /// One pointer for each array, in the order of the density's arguments.
  const std::vector<const void *> &pointers() const { return arrays; }

private:
  std::vector<std::shared_ptr<const void>> memory;
  std::vector<const void *> arrays;
};

} // namespace flowc

#endif // FLOWC_EXECUTIONENGINE_DENSITYDATA_H
