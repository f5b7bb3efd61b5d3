//===- MixModels.h - Several trainings as one model -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FIT_MIXMODELS_H
#define FLOWC_LIB_FIT_MIXMODELS_H

#include "flowc/flowc.h"

namespace flowc {

/// The mixture, in equal parts, of models of one flow: `vmap_mixture` of it.
Expected<Model> mixModels(std::span<const Model> models);

} // namespace flowc

#endif // FLOWC_LIB_FIT_MIXMODELS_H
