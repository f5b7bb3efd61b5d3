//===- Initialise.cpp - Initial parameters of a flow ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Initialise.h"

#include "flowc/Support/Philox.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

// A compiler that contracts a * b + c to one rounding would make values depend
// on the machine.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

namespace flowc {

namespace {

/// The random numbers of one leaf: entry `index` has its own counter.
class LeafStream {
public:
  LeafStream(uint64_t seed, uint32_t leaf)
      : key{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}, leaf(leaf) {}

  /// Uniform on the midpoints of 2^52 equal parts of (0, 1).
  double uniform(uint64_t index) const {
    // The last word keeps these draws apart from those of samples, which use
    // the same generator with small numbers there.
    constexpr uint32_t domain = 0x696E6974; // "init"
    auto words = philox4x32({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), leaf, domain}, key);
    uint64_t bits = uint64_t(words[1]) << 32 | words[0];
    return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
  }

private:
  std::array<uint32_t, 2> key;
  uint32_t leaf;
};

} // namespace

/// The logarithm from basic operations only, which every machine rounds alike
/// (libraries differ in the last bit). Accurate to a few units in the last
/// place on (0, 1).
static double portableLog(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent); // in [1/2, 1)
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  // log m = 2 atanh(t) with |t| <= 0.172: the terms fall by 34 each.
  double t = (mantissa - 1) / (mantissa + 1), square = t * t;
  constexpr int terms = 11;
  double sum = 0;
  for (int k = terms; k >= 0; --k)
    sum = sum * square + 1.0 / (2 * k + 1);
  constexpr double ln2 = 0.69314718055994531;
  return exponent * ln2 + 2 * t * sum;
}

template <size_t n>
static double polynomial(const double (&coefficients)[n], double x) {
  double sum = 0;
  for (size_t k = n; k-- > 0;)
    sum = sum * x + coefficients[k];
  return sum;
}

double normalQuantile(double p) {
  static constexpr double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                 1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                 3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr double b[] = {1.0,
                                 4.2313330701600911252e+1,
                                 6.8718700749205790830e+2,
                                 5.3941960214247511077e+3,
                                 2.1213794301586595867e+4,
                                 3.9307895800092710610e+4,
                                 2.8729085735721942674e+4,
                                 5.2264952788528545610e+3};
  static constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                 3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double d[] = {1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};
  static constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                 2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double f[] = {1.0,
                                 5.99832206555887937690e-1,
                                 1.36929880922735805310e-1,
                                 1.48753612908506148525e-2,
                                 7.86869131145613259100e-4,
                                 1.84631831751005468180e-5,
                                 1.42151175831644588870e-7,
                                 2.04426310338993978564e-15};
  double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  double r = std::sqrt(-portableLog(q < 0 ? p : 1 - p));
  double tail = r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6) : polynomial(e, r - 5) / polynomial(f, r - 5);
  return q < 0 ? -tail : tail;
}

/// The quantile of a standard normal between -2 and 2.
static double truncatedNormalQuantile(double p) {
  constexpr double below = 0.022750131948179207; // of all normal numbers are less than -2
  return normalQuantile(below + p * (1 - 2 * below));
}

/// One random permutation for each copy of a leaf.
static void shuffle(std::vector<double> &values, int64_t size, const LeafStream &stream) {
  for (size_t first = 0; first < values.size(); first += size) {
    double *copy = values.data() + first;
    std::iota(copy, copy + size, 0.0);
    for (int64_t i = size - 1; i > 0; --i) {
      // Below i + 1 also after rounding; the bias is below (i + 1) * 2^-52.
      auto pick = static_cast<int64_t>(stream.uniform(first + i) * static_cast<double>(i + 1));
      std::swap(copy[i], copy[pick]);
    }
  }
}

/// Puts one number on the diagonals of all copies of a square matrix.
static void setDiagonal(std::vector<double> &values, int64_t size, double diagonal) {
  for (size_t first = 0; first < values.size(); first += size * size)
    for (int64_t i = 0; i < size; ++i)
      values[first + i * size + i] = diagonal;
}

/// A leaf that follows from `source`, the one before it, copy by copy.
static std::vector<double> deriveCopies(const Init &init, const PlacedLeaf &source) {
  std::vector<double> result;
  auto count = static_cast<std::ptrdiff_t>(numElements(source.leaf->shape));
  for (auto copy = source.values.begin(); copy != source.values.end(); copy += count) {
    std::vector<double> derived = init.derive(std::vector<double>(copy, copy + count));
    result.insert(result.end(), derived.begin(), derived.end());
  }
  return result;
}

/// Where each index of each permutation went.
static std::vector<double> invertPermutations(const std::vector<double> &permutations, int64_t size) {
  std::vector<double> inverse(permutations.size());
  for (size_t first = 0; first < permutations.size(); first += size)
    for (int64_t i = 0; i < size; ++i)
      inverse[first + static_cast<size_t>(permutations[first + i])] = static_cast<double>(i);
  return inverse;
}

std::vector<PlacedLeaf> initialParameters(const Node &root, uint64_t seed) {
  std::vector<PlacedLeaf> parameters;
  uint32_t randomLeaves = 0;
  for (PlacedLeaf &leaf : flattenLeaves(root)) {
    const Init &init = leaf.leaf->init;
    if (leaf.leaf->kind == Leaf::Kind::Constant)
      continue;
    // Only random leaves are counted: their values do not change when a layer of
    // given numbers (standardisation) is put around a flow.
    bool isRandom = init.kind == Init::Kind::Uniform || init.kind == Init::Kind::Normal ||
                    init.kind == Init::Kind::TruncatedNormal || init.kind == Init::Kind::Shuffled;
    LeafStream stream(seed, isRandom ? randomLeaves++ : 0);
    int64_t count = numElements(leaf.shape);
    if (init.kind != Init::Kind::Values)
      leaf.values.resize(count);
    switch (init.kind) {
    case Init::Kind::Values:
      break;
    case Init::Kind::Uniform:
      for (int64_t i = 0; i < count; ++i)
        leaf.values[i] = init.offset + (2 * stream.uniform(i) - 1) * init.scale;
      break;
    case Init::Kind::Normal:
      for (int64_t i = 0; i < count; ++i)
        leaf.values[i] = normalQuantile(stream.uniform(i)) * init.scale;
      break;
    case Init::Kind::TruncatedNormal:
      for (int64_t i = 0; i < count; ++i)
        leaf.values[i] = truncatedNormalQuantile(stream.uniform(i)) * init.scale;
      break;
    case Init::Kind::Shuffled:
      shuffle(leaf.values, numElements(leaf.leaf->shape), stream);
      break;
    case Init::Kind::InversePermutation:
      leaf.values = invertPermutations(parameters.back().values, numElements(leaf.leaf->shape));
      break;
    case Init::Kind::Derived:
      leaf.values = deriveCopies(init, parameters.back());
      break;
    }
    if (init.diagonal)
      setDiagonal(leaf.values, leaf.leaf->shape.back(), *init.diagonal);
    parameters.push_back(std::move(leaf));
  }
  return parameters;
}

} // namespace flowc
