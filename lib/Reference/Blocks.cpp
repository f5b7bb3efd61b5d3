//===- Blocks.cpp - Block autoregressive networks -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include <algorithm>
#include <limits>
#include <numbers>

namespace flowc::reference {

/// The derivative of an activation function.
template <typename T>
static T activationSlope(const std::string &name, T x) {
  T s = 1 / (1 + std::exp(-x)), t = std::tanh(x);
  if (name == "relu")
    return x > 0 ? 1 : 0;
  if (name == "leaky_relu")
    return x >= 0 ? T(1) : T(0.01L);
  if (name == "elu")
    return x > 0 ? T(1) : std::exp(x);
  if (name == "tanh")
    return 1 - t * t;
  if (name == "sigmoid")
    return s * (1 - s);
  if (name == "silu")
    return s + x * s * (1 - s);
  if (name == "softplus")
    return s;
  // gelu
  T root = std::sqrt(2 / std::numbers::pi_v<T>), c = T(0.044715L);
  T h = std::tanh(root * (x + c * x * x * x));
  return (1 + h) / 2 + x / 2 * (1 - h * h) * root * (1 + 3 * c * x * x);
}

/// log(sum of e^terms).
template <typename T>
static T logSumExp(const Column<T> &terms) {
  T largest = terms.maxCoeff();
  if (!std::isfinite(largest))
    return largest;
  return largest + std::log((terms.array() - largest).exp().sum());
}

template <typename T>
std::vector<BlockLayer<T>> Evaluator<T>::blockLayers(const Place &place) const {
  int64_t dim = place.node.shape[0];
  std::vector<BlockLayer<T>> layers;
  for (int64_t layer = 0; layer <= place.node.attribute<int64_t>("depth"); ++layer) {
    std::string path = "layers[" + std::to_string(layer) + "][0].";
    Column<T> flat = leaf(place, path + "weight.weight.args[0]"), bias = leaf(place, path + "bias");
    Column<T> scale = positiveLeaf(place, path + "weight.scale.args[0]", 0);
    int64_t rows = bias.size(), columns = flat.size() / rows, units = columns / dim;
    Rows<T> weight = Eigen::Map<Rows<T>>(flat.data(), rows, columns), logOwn(rows, units);
    for (int64_t r = 0; r < rows; ++r) {
      int64_t block = r * dim / rows;
      for (int64_t c = 0; c < columns; ++c) {
        if (c / units > block)
          weight(r, c) = 0;
        else if (c / units == block)
          weight(r, c) = reference::softplus(weight(r, c));
      }
      weight.row(r) *= scale[r] / weight.row(r).norm();
      logOwn.row(r) = weight.row(r).segment(block * units, units).array().log();
    }
    layers.push_back({weight, logOwn, bias});
  }
  return layers;
}

template <typename T>
Mapped<T> Evaluator<T>::blockNetwork(const Place &place, const std::vector<BlockLayer<T>> &layers,
                                     const Column<T> &event, const Column<T> &condition) const {
  const Node &node = place.node;
  int64_t dim = event.size(), depth = node.attribute<int64_t>("depth");
  Column<T> values = event;
  // The logarithm of the derivative of every unit by its own coordinate.
  Column<T> logSlopes = Column<T>::Zero(dim);
  for (int64_t layer = 0; layer <= depth; ++layer) {
    const auto &[weight, logOwn, bias] = layers[layer];
    int64_t rows = bias.size(), units = logOwn.cols();
    Column<T> next(rows);
    for (int64_t r = 0; r < rows; ++r)
      next[r] = logSumExp<T>(logOwn.row(r).transpose() + logSlopes.segment(r * dim / rows * units, units));
    values = (weight * values + bias).eval();
    logSlopes = next;
    if (layer == depth)
      break;
    if (layer == 0 && node.condShape) {
      Column<T> extra = leaf(place, "cond_linear.weight");
      values += Eigen::Map<Rows<T>>(extra.data(), rows, condition.size()) * condition;
    }
    bool isNamed = node.attributes.count("activation");
    bool isBijection = std::any_of(node.fields.begin(), node.fields.end(),
                                   [](const auto &field) { return std::holds_alternative<Child>(field); });
    for (int64_t i = 0; i < rows; ++i) {
      T x = values[i], logSlope;
      if (!isNamed && !isBijection) {
        values[i] = std::tanh(x) + T(0.01L) * x;
        T logOfTanh = -2 * (x + reference::softplus(-2 * x) - std::numbers::ln2_v<T>);
        logSlope = logSumExp<T>(Column<T>{{logOfTanh, std::log(T(0.01L))}});
      } else if (isNamed) {
        const auto &name = node.attribute<std::string>("activation");
        values[i] = activate(name, x);
        logSlope = std::log(std::abs(activationSlope(name, x)));
      } else {
        Mapped<T> mapped = apply(place.child("activation"), /*inverse=*/false, Column<T>::Constant(1, x), Column<T>());
        values[i] = mapped.value[0];
        logSlope = mapped.logDet;
      }
      logSlopes[i] += logSlope;
    }
  }
  return {values, logSlopes.sum()};
}

template <typename T>
Mapped<T> Evaluator<T>::blockAutoregressiveNetwork(const Place &place, bool inverse, const Column<T> &event,
                                                   const Column<T> &condition) const {
  std::vector<BlockLayer<T>> layers = blockLayers(place);
  if (!inverse)
    return blockNetwork(place, layers, event, condition);
  // Each coordinate of the image increases with its own, given those before it.
  Column<T> x = Column<T>::Zero(event.size());
  for (int64_t d = 0; d < event.size(); ++d) {
    auto excess = [&](T t) {
      x[d] = t;
      return blockNetwork(place, layers, x, condition).value[d] - event[d];
    };
    constexpr T largest = std::numeric_limits<T>::max() / 4;
    T lower = -1, upper = 1;
    while (excess(lower) > 0 && -lower < largest)
      lower *= 2;
    while (excess(upper) < 0 && upper < largest)
      upper *= 2;
    bool hasRoot = excess(lower) <= 0 && excess(upper) >= 0;
    x[d] = hasRoot ? bisect(lower, upper, excess) : std::numeric_limits<T>::quiet_NaN();
  }
  return {x, -blockNetwork(place, layers, x, condition).logDet};
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
