//===- GradientsTest.cpp - Gradients against finite differences -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The judge differentiates nothing: it takes central differences of the
// reference interpreter in `long double`.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Reference/Reference.h"

using namespace flowc;
using namespace flowc::test;

namespace {

using Exact = long double;
using ExactInterpreter = reference::Interpreter<Exact>;

constexpr int64_t kRows = 5;
/// Balances truncation (step^2) and rounding (1e-19 / step) of the differences.
constexpr Exact kStep = 1e-7L;
/// What compiled float64 code loses, with the 1e-12 of the differences, against
/// the largest entry of a parameter's gradient.
constexpr double kTolerance = 1e-8;
/// Entries of a gradient in parameters that are judged one by one. Of larger ones
/// these are spread evenly, and all entries are judged along random directions.
constexpr size_t kEntries = 200;

struct Case {
  const char *name;
  std::string text;
};

void PrintTo(const Case &flow, std::ostream *os) { *os << flow.text; }

template <typename Vector, typename Function>
std::vector<double> differences(Vector &x, Function f) {
  return test::differences(x, f, [](Exact) { return kStep; });
}

template <typename T>
Column<Exact> exactRow(const Rows<T> &rows, int64_t row) {
  return rows.rows() > 0 ? Column<Exact>(rows.row(row).transpose().template cast<Exact>()) : Column<Exact>();
}

class Gradients : public testing::TestWithParam<Case> {
protected:
  Gradients()
      : model(makeModel(GetParam().text, F64)), exact(model), dim(model.flow().dim()),
        x(Random(3).normals<double>(kRows, dim)), conditions(makeConditions<double>(model.flow(), kRows)),
        kernels(compileFresh(model)) {
    // Points of the support.
    if (model.flow().isDistribution())
      for (int64_t row = 0; row < kRows; ++row)
        x.row(row) = exact.transform(exactRow(x, row), exactRow(conditions, row)).value.cast<double>();
  }

  std::vector<const void *> inputs(std::initializer_list<const void *> more = {}) const {
    std::vector<const void *> result = {x.data()};
    if (conditions.rows() > 0)
      result.push_back(conditions.data());
    result.insert(result.end(), more);
    return result;
  }

  void run(const Kernels::Call &call) {
    auto ok = kernels->run(model, call);
    ASSERT_TRUE(ok) << ok.error().message;
  }

  /// Compares a flat gradient with differences of the reference's `f`, parameter by
  /// parameter.
  template <typename Function>
  void expectParameters(const std::vector<double> &got, Function f) {
    const std::vector<Exact> parameters = exact.trainable();
    ASSERT_EQ(got.size(), parameters.size());
    auto differenceAlong = [&](size_t begin, const std::vector<double> &direction) {
      auto at = [&](Exact step) {
        std::vector<Exact> moved = parameters;
        for (size_t i = 0; i < direction.size(); ++i)
          moved[begin + i] += step * Exact(direction[i]);
        exact.setTrainable(moved);
        return f();
      };
      double result = static_cast<double>((at(kStep) - at(-kStep)) / (2 * kStep));
      exact.setTrainable(parameters);
      return result;
    };
    double largest = maxAbs(got, 0, got.size());
    size_t begin = 0, stride = 1 + (got.size() - 1) / kEntries;
    for (const ParameterInfo &info : model.parameters()) {
      if (!info.trainable)
        continue;
      size_t size = numElements(info.shape);
      // A parameter of little influence is judged less strictly.
      double scale = std::max(maxAbs(got, begin, size), 1e-3 * largest);
      for (size_t i = begin; i < begin + size; ++i)
        if (i % stride == 0) {
          ASSERT_NEAR(got[i], differenceAlong(i, {1}), kTolerance * scale + 1e-10)
              << info.path << ", element " << i - begin;
        }
      for (int repetition = 0; stride > 1 && repetition < 2; ++repetition) {
        std::vector<double> direction(size);
        double sum = 0;
        for (size_t i = 0; i < size; ++i) {
          direction[i] = random.uniform(-1, 1);
          sum += got[begin + i] * direction[i];
        }
        // Errors of the entries add up like random numbers.
        ASSERT_NEAR(sum, differenceAlong(begin, direction), kTolerance * scale * std::sqrt(double(size)) + 1e-10)
            << info.path << ", along a direction";
      }
      begin += size;
    }
  }

  void expectRow(const Rows<double> &got, int64_t row, const std::vector<double> &expected) {
    double scale = maxAbs(expected, 0, expected.size());
    for (int64_t i = 0; i < dim; ++i)
      ASSERT_NEAR(got(row, i), expected[i], kTolerance * scale + 1e-10) << "row " << row << ", element " << i;
  }

  static double maxAbs(const std::vector<double> &values, size_t from, size_t count) {
    double largest = 0;
    for (size_t i = from; i < from + count; ++i)
      largest = std::max(largest, std::abs(values[i]));
    return largest;
  }

  Model model;
  ExactInterpreter exact;
  int64_t dim;
  Rows<double> x, conditions;
  std::shared_ptr<Kernels> kernels;
  Random random{8};
};

} // namespace

TEST_P(Gradients, OfTheDensity) {
  if (!model.flow().isDistribution())
    return; // has none
  double loss = 0;
  std::vector<double> gradient(model.numTrainable());
  run({.kernel = Kernel::NllGradient, .inputs = inputs(), .rows = kRows, .loss = &loss, .gradient = gradient.data()});
  auto meanNll = [&] {
    Exact sum = 0;
    for (int64_t row = 0; row < kRows; ++row)
      sum -= exact.logProb(exactRow(x, row), exactRow(conditions, row));
    return sum / kRows;
  };
  EXPECT_NEAR(loss, static_cast<double>(meanNll()), 1e-12 * (1 + std::abs(loss)));
  expectParameters(gradient, meanNll);

  Rows<double> score(kRows, dim);
  run({.kernel = Kernel::Score, .inputs = inputs(), .outputs = {score.data()}, .rows = kRows});
  for (int64_t row = 0; row < kRows; ++row) {
    Column<Exact> event = exactRow(x, row), condition = exactRow(conditions, row);
    expectRow(score, row, differences(event, [&] { return exact.logProb(event, condition); }));
  }
}

TEST_P(Gradients, OfTheTransform) {
  Rows<double> cotangents = Random(4).normals<double>(kRows, dim);
  Column<double> logDetCotangents = Random(5).normals<double>(kRows, 1);
  x = Random(6).normals<double>(kRows, dim);
  auto more = {static_cast<const void *>(cotangents.data()), static_cast<const void *>(logDetCotangents.data())};
  // <cotangent, y> + cotangent * log_det of a row.
  auto product = [&](int64_t row, const Column<Exact> &event) {
    auto [value, logDet] = exact.transform(event, exactRow(conditions, row));
    return exactRow(cotangents, row).dot(value) + logDetCotangents[row] * logDet;
  };

  std::vector<double> gradient(model.numTrainable());
  run({.kernel = Kernel::VjpParams, .inputs = inputs(more), .rows = kRows, .mean = false, .gradient = gradient.data()});
  expectParameters(gradient, [&] {
    Exact sum = 0;
    for (int64_t row = 0; row < kRows; ++row)
      sum += product(row, exactRow(x, row));
    return sum;
  });

  Rows<double> gradX(kRows, dim);
  run({.kernel = Kernel::VjpInputs, .inputs = inputs(more), .outputs = {gradX.data()}, .rows = kRows});
  for (int64_t row = 0; row < kRows; ++row) {
    Column<Exact> event = exactRow(x, row);
    expectRow(gradX, row, differences(event, [&] { return product(row, event); }));
  }
}

//===----------------------------------------------------------------------===//
// Flows
//===----------------------------------------------------------------------===//

static std::string nameOf(const testing::TestParamInfo<Case> &info) { return info.param.name; }

/// A small flow of two layers; `options` are added.
static std::string coupling(const std::string &options) {
  return "flow f = coupling_flow(standard_normal([4]), flow_layers = 2, nn_width = 5, " + options + ")";
}
static std::string autoregressive(const std::string &options) {
  return "flow f = masked_autoregressive_flow(standard_normal([4]), flow_layers = 2, nn_width = 7, " + options + ")";
}
static const std::string spline = "transformer = rational_quadratic_spline(knots = 4, interval = 3), ";

static std::vector<Case> activations() {
  std::vector<Case> cases;
  for (const char *name : {"relu", "tanh", "silu", "gelu", "elu", "softplus", "sigmoid", "leaky_relu"}) {
    bool inCoupling = cases.size() % 2;
    std::string options = std::string("nn_depth = 2, nn_activation = ") + name;
    cases.push_back({name, inCoupling ? coupling(options) : autoregressive(options)});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Activation, Gradients, testing::ValuesIn(activations()), nameOf);

INSTANTIATE_TEST_SUITE_P(Coupling, Gradients,
                         testing::Values(Case{"Affine", coupling("nn_depth = 1")},
                                         Case{"Forward", coupling("invert = false")},
                                         Case{"Spline", coupling(spline + "nn_depth = 1")},
                                         Case{"SplineForward", coupling(spline + "invert = false")},
                                         Case{"Conditional", coupling("cond_dim = 2, nn_depth = 2")},
                                         Case{"SplineConditional", coupling(spline + "cond_dim = 2")},
                                         Case{"WithoutHiddenLayer", coupling("nn_depth = 0")},
                                         Case{"Deep", coupling("nn_depth = 3, nn_activation = tanh")}),
                         nameOf);

INSTANTIATE_TEST_SUITE_P(
    Autoregressive, Gradients,
    testing::Values(Case{"Affine", autoregressive("nn_depth = 1")}, Case{"Forward", autoregressive("invert = false")},
                    Case{"Spline", autoregressive(spline + "nn_depth = 1")},
                    Case{"SplineForward", autoregressive(spline + "invert = false")},
                    Case{"Conditional", autoregressive("cond_dim = 2, nn_depth = 2, nn_activation = tanh")},
                    Case{"ConditionalForward", autoregressive("cond_dim = 2, nn_depth = 2, invert = false")},
                    Case{"WithoutHiddenLayer", autoregressive("nn_depth = 0")},
                    Case{"WithoutHiddenLayerForward", autoregressive("nn_depth = 0, invert = false")},
                    Case{"Deep", autoregressive("nn_depth = 3, nn_activation = softplus")},
                    Case{"OneCoordinate", "flow f = masked_autoregressive_flow(standard_normal([1]), flow_layers = 2, "
                                          "nn_width = 4)"},
                    Case{"OneCoordinateConditional",
                         "flow f = masked_autoregressive_flow(standard_normal([1]), flow_layers = 2, nn_width = 4, "
                         "cond_dim = 1, invert = false)"}),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Transformer, Gradients,
    testing::Values(Case{"Chain", coupling("transformer = chain([affine(0.1, 1.2), rational_quadratic_spline(knots = "
                                           "3, interval = [-2, 3])])")},
                    Case{"InvertedSpline", coupling("transformer = invert(rational_quadratic_spline(knots = 3, "
                                                    "interval = 2))")},
                    Case{"Softplus", autoregressive("transformer = chain([softplus(), scale(1.1), "
                                                    "invert(softplus())])")},
                    Case{"Scan", autoregressive("transformer = scan(affine(), layers = 2)")},
                    Case{"Bounded", autoregressive("transformer = bounded_affine(bound = 1)")},
                    Case{"BoundedSpline", autoregressive("transformer = bounded_spline(bins = 3, interval = 2)")},
                    Case{"BoundedSplineOfTwoBins", coupling("transformer = invert(bounded_spline(2, [-1, 2], 0.1))")},
                    Case{"BoundedCoupling", coupling("transformer = bounded_affine(0.1, 0.2)")},
                    Case{"Frozen", coupling("transformer = chain([affine(), non_trainable(affine(0.5, 2))])")}),
    nameOf);

/// A small block neural autoregressive flow; `options` are added.
static std::string blocks(const std::string &options) {
  return "flow f = block_neural_autoregressive_flow(standard_normal([3]), " + options + ")";
}

INSTANTIATE_TEST_SUITE_P(
    Block, Gradients,
    testing::Values(
        Case{"Default", blocks("nn_block_dim = 3, flow_layers = 2")},
        Case{"Forward", blocks("nn_block_dim = 3, flow_layers = 2, invert = false")},
        Case{"Conditional", blocks("nn_block_dim = 2, cond_dim = 2")},
        Case{"ConditionalForward", blocks("nn_block_dim = 2, nn_depth = 2, cond_dim = 2, invert = false")},
        Case{"WithoutHiddenLayer", blocks("nn_depth = 0, invert = false")},
        Case{"Wide", "bijection f = block_autoregressive_network(2, depth = 2, block_dim = 18)"},
        Case{"Function", blocks("nn_block_dim = 2, nn_depth = 2, activation = softplus, invert = false")},
        Case{"Bijection", blocks("nn_block_dim = 2, activation = chain([affine(0.2, 1.3), leaky_tanh(2)])")},
        Case{"BijectionForward", blocks("nn_block_dim = 2, nn_depth = 2, invert = false, activation = "
                                        "chain([affine(0.2, 1.3), leaky_tanh(2)])")},
        Case{"OneCoordinate", "flow f = block_neural_autoregressive_flow(standard_normal([1]), nn_block_dim "
                              "= 3, invert = false)"},
        Case{"Inverse", "bijection f = invert(block_autoregressive_network(2, cond_dim = 1, depth = 1, "
                        "block_dim = 3))"}),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Simple, Gradients,
    testing::Values(
        Case{"Exp", "flow f = transformed(standard_normal([3]), chain([affine([0, 1, 2], 0.5), exp([3])]))"},
        Case{"Sigmoid", "flow f = transformed(standard_normal([3]), chain([affine([0, 1, -2], 2), sigmoid([3])]))"},
        Case{"BoundedAffine", "bijection f = chain([bounded_affine([0, 1, -2], [-3, 0.5, 2]), tanh([3]), "
                              "invert(bounded_affine(log_scale = [1, 2, 3], bound = 0.7))])"},
        Case{"Ordered", "flow f = transformed(standard_normal([3]), chain([affine([0, 1, 2], 0.5), ordered(3)]))"},
        Case{"OrderedBackwards",
             "bijection f = chain([scale(full(4, 2)), ordered(4), softplus([4]), invert(ordered(4))])"},
        Case{"LeakyTanh", "bijection f = chain([affine([0, 1, -2], 2), leaky_tanh(1.5, [3]), scale([1, 2, 3])])"},
        Case{"LeakyTanhInverse", "bijection f = chain([affine([0, 1, -2], 2), invert(leaky_tanh(1.5, [3]))])"},
        Case{"Power", "bijection f = chain([exp([2]), scale([1, 2]), power(1.7, [2]), power(-0.5, [2])])"},
        Case{"Householder", "flow f = transformed(normal([1, 2, 3], 2), householder([0.3, -1, 0.7]))"},
        Case{"DiscreteCosine",
             "flow f = transformed(normal([[1, 2, 3], [4, 5, 6]], 2), "
             "chain([discrete_cosine([2, 3], axis = 0), softplus([2, 3]), discrete_cosine([2, 3])]))"},
        Case{"Lower",
             "flow f = transformed(normal([1, 2, 3], 1), triangular_affine([1, 2, 3], [[1, 0, 0], [0.5, 2, 0], "
             "[-0.4, 0.6, 0.5]]))"},
        Case{"Upper",
             "flow f = transformed(normal([1, 2, 3], 1), scan(triangular_affine([1, 2, 3], [[1, 0.3, -0.2], [0, "
             "2, 0.7], [0, 0, 0.5]], lower = false), layers = 2))"},
        Case{"WeightNormalized", "flow f = transformed(standard_normal([3]), scan(weight_normalized("
                                 "triangular_affine(zeros(3), glorot_uniform([3, 3]))), layers = 2))"},
        Case{"WeightNormalizedInverse", "flow f = transformed(standard_normal([3]), invert(weight_normalized("
                                        "triangular_affine(0, glorot_uniform([3, 3]), lower = false))))"},
        Case{"AdditiveCondition", "flow f = transformed(standard_normal([3]), additive_condition(mlp(2, 3, 4, 1, "
                                  "activation = tanh), shape = [3], cond_shape = [2]))"},
        Case{"AdditiveBroadcast",
             "flow f = transformed(standard_normal([2, 3]), chain([additive_condition(linear(2, 3), "
             "[2, 3], [2]), additive_condition(linear(2, 1), [2, 3], [2])]))"},
        Case{"TriangularSpline", "flow f = triangular_spline_flow(standard_normal([3]), flow_layers = 2, knots = 4)"},
        Case{"TriangularSplineConditional", "flow f = triangular_spline_flow(standard_normal([2]), cond_dim = 2, "
                                            "flow_layers = 2, knots = 3, tanh_max_val = 1.5, invert = false)"}),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Composition, Gradients,
    testing::Values(
        Case{"TrainableBase", "flow f = coupling_flow(normal([1, 2, 3], [0.5, 1, 2]), flow_layers = 1, nn_width = 4)"},
        Case{"NestedBases", "flow f = transformed(transformed(normal([0.1, 0.2], [0.5, 0.8]), affine([0.5, 0], [1, "
                            "0.7])), chain([tanh([2]), softplus([2])]))"},
        Case{"Elementwise", "flow f = transformed(standard_normal([3]), chain([loc([0.1, 0.2, 0.3]), tanh([3]), "
                            "scale([1, 2, 3]), softplus([3]), affine([0, 1, 2], [1, 2, 3])]))"},
        Case{"Scan", "flow f = transformed(standard_normal([3]), scan(chain([affine([0, 1, 2], [1, 2, 0.5]), "
                     "permute(shuffled(3)), softplus([3])]), layers = 3))"},
        Case{"NestedScans", "flow f = transformed(standard_normal([3]), invert(scan(chain([scan(coupling(affine(), 1, "
                            "3, nn_width = 3, nn_depth = 1, nn_activation = tanh), layers = 2), flip([3])]), layers = "
                            "2)))"},
        Case{"Matrix", "flow f = transformed(standard_normal([2, 3]), chain([affine([[1, 2, 3], [4, 5, 6]], 2), "
                       "flip([2, 3]), softplus([2, 3])]))"},
        Case{"MatrixPermutation", "flow f = transformed(normal([[1, 2], [3, 4]], 2), permute([[3, 1], [0, 2]]))"},
        Case{"Scalar", "flow f = transformed(standard_normal([]), chain([affine(0.2, 0.7), "
                       "rational_quadratic_spline(knots = 5, interval = 3), softplus()]))"},
        Case{"ScalarInverted", "flow f = transformed(standard_normal([]), invert(rational_quadratic_spline(knots = 5, "
                               "interval = [-2, 3])))"},
        Case{"Frozen", "flow f = transformed(non_trainable(normal([1, 2], [3, 4])), chain([affine([1, 2], [3, 4]), "
                       "non_trainable(affine([1, 2], [3, 4])), loc([3, 4])]))"},
        Case{"LinearEmbedding", "flow f = embed_condition(coupling_flow(standard_normal([2]), cond_dim = 2, "
                                "flow_layers = 2, nn_width = 4), linear(3, 2), [3])"},
        Case{"NetworkEmbedding", "flow f = embed_condition(masked_autoregressive_flow(standard_normal([2]), cond_dim "
                                 "= 2, flow_layers = 2, nn_width = 4), mlp(3, 2, 4, 2, activation = tanh), [3])"},
        Case{"EmbeddingForNothing", "flow f = transformed(standard_normal([2]), embed_condition(affine([1, 2], [3, "
                                    "4]), mlp(3, 2, 4, 1), [3]))"},
        // Whole numbers are prepared beside weights in another order.
        Case{"PermutedScan", "bijection f = scan(chain([masked_autoregressive(affine(), 8, nn_width = 11, nn_depth = "
                             "1), reshape(permute([[2, 5, 4, 6], [7, 1, 0, 3]]), [8])]), layers = 2)"},
        Case{"Bijection", "bijection f = chain([masked_autoregressive(affine(), 3, nn_width = 4, nn_depth = 1), "
                          "invert(coupling(affine(), 2, 3, nn_width = 4, nn_depth = 1)), tanh([3])])"}),
    nameOf);

/// Gradients through roots, alone, in scans and with parameters of every row.
INSTANTIATE_TEST_SUITE_P(
    Planar, Gradients,
    testing::Values(Case{"Tanh", "flow f = planar_flow(standard_normal([3]), flow_layers = 2)"},
                    Case{"TanhForward", "flow f = planar_flow(standard_normal([3]), flow_layers = 2, invert = false)"},
                    Case{"Leaky", "flow f = planar_flow(standard_normal([3]), flow_layers = 2, negative_slope = 0.3)"},
                    Case{"LeakyForward", "flow f = planar_flow(standard_normal([3]), flow_layers = 2, negative_slope "
                                         "= 0.3, invert = false)"},
                    Case{"Conditional", "flow f = planar_flow(standard_normal([2]), flow_layers = 2, cond_dim = 2, "
                                        "width_size = 4, depth = 1, activation = tanh)"},
                    Case{"ConditionalForward", "flow f = planar_flow(standard_normal([2]), flow_layers = 2, cond_dim = "
                                               "2, width_size = 4, depth = 1, activation = tanh, invert = false)"},
                    Case{"OneCoordinate", "flow f = planar_flow(standard_normal([1]), invert = false)"},
                    Case{"Bijection", "bijection f = invert(planar(4))"}),
    nameOf);
