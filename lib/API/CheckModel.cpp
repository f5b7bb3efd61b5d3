//===- CheckModel.cpp - Are these parameters possible? --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/API/CheckModel.h"
#include "flowc/API/ModelImpl.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

/// FlowJAX stores a permutation of an event of rank r as r arrays of
/// coordinates: `PREFIX[0]` ... `PREFIX[r-1]`.
class PermutationChecker {
public:
  explicit PermutationChecker(const Model::Impl &impl) : impl(impl) {
    for (size_t i = 0; i < impl.infos.size(); ++i)
      if (impl.infos[i].integer)
        byPath[impl.infos[i].path] = i;
  }

  Expected<void> check(const std::string &path, const Node &owner) {
    static const std::string first = ".permutation[0]";
    if (!path.ends_with(first))
      return {};
    std::string stem = path.substr(0, path.size() - first.size());
    std::vector<int64_t> forward, backward;
    if (auto ok = flatIndices(stem + ".permutation", owner.shape, forward); !ok)
      return ok;
    if (auto ok = flatIndices(stem + ".inverse_permutation", owner.shape, backward); !ok)
      return ok;
    // Copies under a scan follow each other.
    const int64_t size = numElements(owner.shape);
    for (size_t i = 0; i < forward.size(); ++i) {
      int64_t copy = static_cast<int64_t>(i) / size * size;
      if (backward[copy + forward[i]] != static_cast<int64_t>(i) - copy)
        return Error{"'" + stem + ".inverse_permutation' is not the inverse of '" + stem + ".permutation'"};
    }
    return {};
  }

private:
  Expected<void> flatIndices(const std::string &prefix, const Shape &shape, std::vector<int64_t> &flat) const {
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      auto it = byPath.find(prefix + "[" + std::to_string(axis) + "]");
      if (it == byPath.end())
        return Error{"the permutation '" + prefix + "' has no coordinates for axis " + std::to_string(axis)};
      const int32_t *values = impl.ints.data() + impl.offsets[it->second];
      flat.resize(static_cast<size_t>(numElements(impl.infos[it->second].shape)));
      for (size_t i = 0; i < flat.size(); ++i) {
        if (values[i] < 0 || values[i] >= shape[axis])
          return Error{"'" + it->first + "' holds " + std::to_string(values[i]) + ", expected numbers from 0 to " +
                       std::to_string(shape[axis] - 1)};
        flat[i] = flat[i] * shape[axis] + values[i];
      }
    }
    const auto size = static_cast<size_t>(numElements(shape));
    std::vector<bool> seen(size);
    for (size_t i = 0; i < flat.size(); ++i) {
      if (i % size == 0)
        seen.assign(size, false);
      if (seen[flat[i]])
        return Error{"'" + prefix + "' is no permutation: it holds element " + std::to_string(flat[i]) + " twice"};
      seen[flat[i]] = true;
    }
    return {};
  }

  const Model::Impl &impl;
  std::map<std::string, size_t> byPath;
};

} // namespace

Expected<void> flowc::checkPermutations(const Model &model) {
  const Model::Impl &impl = model.getImpl();
  PermutationChecker checker(impl);
  for (size_t i = 0; i < impl.infos.size(); ++i)
    if (impl.infos[i].integer)
      if (auto ok = checker.check(impl.infos[i].path, *Flow::Impl::of(impl.flow).leaves[impl.leafIndex[i]].owner); !ok)
        return ok;
  return {};
}

Expected<void> flowc::checkParameters(const Model &model) {
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    std::vector<double> values = model.values(i);
    auto bad = std::find_if(values.begin(), values.end(), [](double value) { return !std::isfinite(value); });
    if (bad != values.end())
      return Error{"parameter '" + model.parameters()[i].path + "' holds " +
                   (std::isnan(*bad) ? "NaN" : "an infinite number") + " (element " +
                   std::to_string(bad - values.begin()) + "), expected finite numbers"};
  }
  return checkPermutations(model);
}
