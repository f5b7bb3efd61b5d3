//===- ModelImpl.h - What is behind Flow and Model --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For the libraries of flowc (kernels, training, files), not for users.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_API_MODELIMPL_H
#define FLOWC_API_MODELIMPL_H

#include "flowc/Frontend/Frontend.h"
#include "flowc/flowc.h"

#include <atomic>
#include <mutex>

namespace flowc {

struct Flow::Impl {
  NodePtr root;
  std::string name;
  std::string text;
  bool isDistribution = false;
  int64_t dim = 0;
  int64_t condDim = 0;
  std::vector<std::string> terms;
  /// All leaves in FlowJAX's order, constants included.
  std::vector<PlacedLeaf> leaves;

  static const Impl &of(const Flow &flow) { return *flow.impl; }
  static Flow make(std::shared_ptr<const Impl> impl) { return Flow(std::move(impl)); }
  /// The flow that `item` is, a part of `text`.
  static Flow make(const ParsedItem &item, std::string_view text);
};

/// Storage of a model: the trainable leaves are contiguous, flat in leaf order,
/// so that an optimiser sees one vector; frozen leaves follow.
struct Model::Impl {
  Impl(Flow flow, DType dtype);
  Impl(const Impl &other);

  Flow flow;
  DType dtype;
  /// The leaves that are data, in leaf order, and which leaf of the flow each is.
  std::vector<ParameterInfo> infos;
  std::vector<size_t> leafIndex;
  /// First element of each leaf in `floats` or, for permutations, in `ints`.
  std::vector<int64_t> offsets;
  int64_t numTrainable = 0;
  /// Float leaves in the model's dtype (the vector of that type is used).
  std::vector<float> f32;
  std::vector<double> f64;
  std::vector<int32_t> ints;
  /// JSON written by training; empty if there is none.
  std::string record;

  /// One pointer for each leaf that is data, as kernels take them: floats in the
  /// model's dtype, permutations as int32.
  std::vector<const void *> leafPointers() const;

  /// The flat trainable vector.
  template <typename T>
  T *trainableData() {
    if constexpr (sizeof(T) == 4)
      return f32.data();
    else
      return f64.data();
  }

  /// Number of this state of the parameters: unique in the process among all
  /// models, so two models of equal version have equal parameters.
  uint64_t version() const { return currentVersion; }
  /// Must be called after every write.
  void bumpVersion();

  /// What kernels computed from the parameters of the current version, by the
  /// kernel's number. Emptied by every write; guarded by `preparedMutex`.
  mutable std::mutex preparedMutex;
  mutable std::map<uint64_t, std::shared_ptr<void>> prepared;
  /// Memory that an earlier version's values of this kernel lay in and nobody
  /// reads any more, or null. Call it with `preparedMutex` held.
  std::shared_ptr<void> takeSpare(uint64_t kernel) const;

private:
  uint64_t currentVersion;
  mutable std::map<uint64_t, std::shared_ptr<void>> spare;
};

} // namespace flowc

#endif // FLOWC_API_MODELIMPL_H
