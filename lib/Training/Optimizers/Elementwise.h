//===- Elementwise.h - Optimisers of one parameter at a time ----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Most optimisers do the same to each parameter, with a few numbers that they
// keep beside it. They are a function over a stretch of parameters, compiled for
// each vector width without contraction to fused multiply-adds.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_OPTIMIZERS_ELEMENTWISE_H
#define FLOWC_LIB_TRAINING_OPTIMIZERS_ELEMENTWISE_H

#include "../ParameterShares.h"

#include "flowc/ExecutionEngine/KernelRunner.h"
#include "flowc/Support/ForEachCPU.h"
#include "flowc/Training/Archive.h"
#include "flowc/Training/Optimizer.h"

#include <array>

namespace flowc {

/// A stretch of parameters with their gradient and what is kept beside them.
template <typename T>
struct Stretch {
  T *parameters;
  const T *gradient;
  std::array<T *, 2> kept;
  int64_t count;
  int64_t step; ///< From 1.
  double rate;
  const double *settings; ///< In the order of the row.
};

/// An array that is kept, and the setting its elements start at (none: 0).
struct KeptArray {
  const char *name;
  int startSetting = -1;
};

template <typename T, void (*Update)(const Stretch<T> &)>
class ElementwiseOptimizer : public Optimizer<T> {
public:
  ElementwiseOptimizer(std::span<const KeptArray> arrays, const std::vector<double> &settings, int64_t count)
      : arrays(arrays.begin(), arrays.end()), settings(settings) {
    for (size_t i = 0; i < arrays.size(); ++i)
      kept[i].assign(count, arrays[i].startSetting < 0 ? T(0) : T(settings[arrays[i].startSetting]));
  }

  void describe(Archive &archive) override {
    for (size_t i = 0; i < arrays.size(); ++i)
      archive.array(std::string("optimizer.") + arrays[i].name, kept[i].data(), static_cast<int64_t>(kept[i].size()));
  }

  Expected<void> step(const OptimizerStep<T> &step) override {
    auto keptFrom = [&](size_t i, int64_t begin) { return kept[i].empty() ? nullptr : kept[i].data() + begin; };
    forEachShare(step.threads, step.count, [&](int64_t share, int64_t shares) {
      // The means of a gradient that has become 0 for good, as of a dead unit, decay into the
      // subnormal numbers and would stay there: arithmetic that costs a hundred times as much.
      ScopedFloatingPointState state;
      for (auto [begin, end] : *step.active) {
        auto [first, last] = getShare(end - begin, share, shares);
        Update({step.parameters + begin + first,
                step.gradient + begin + first,
                {keptFrom(0, begin + first), keptFrom(1, begin + first)},
                last - first,
                step.number,
                step.rate,
                settings.data()});
      }
    });
    return {};
  }

private:
  std::vector<KeptArray> arrays;
  std::vector<double> settings;
  std::array<std::vector<T>, 2> kept;
};

/// What a row of the table makes from its two functions and its arrays.
template <typename T, void (*Update)(const Stretch<T> &), const auto &Arrays>
std::unique_ptr<Optimizer<T>> makeElementwise(const std::vector<double> &settings, int64_t count) {
  return std::make_unique<ElementwiseOptimizer<T, Update>>(std::span<const KeptArray>(Arrays), settings, count);
}

} // namespace flowc

/// Compiles the template `UPDATE` of a file for both element types and each
/// vector width.
#define FLOWC_ELEMENTWISE(UPDATE)                                                                                      \
  FLOWC_FOR_EACH_CPU static void updateFloats(const Stretch<float> &stretch) { UPDATE(stretch); }                      \
  FLOWC_FOR_EACH_CPU static void updateDoubles(const Stretch<double> &stretch) { UPDATE(stretch); }

#endif // FLOWC_LIB_TRAINING_OPTIMIZERS_ELEMENTWISE_H
