//===- InvarianceTest.cpp - Results do not depend on how they are asked ---===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every comparison is of bits: row i of a result is the same in every batch, at
// every place in it and for every number of threads, and so are sums over rows
// for every number of threads.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

using namespace flowc;
using namespace flowc::test;

namespace {

struct Case {
  const char *name;
  std::string text;
};

void PrintTo(const Case &flow, std::ostream *os) { *os << flow.text; }

/// Enough rows that a second thread takes part, with a tail in the last tile.
constexpr int64_t kManyRows = 20011;
/// Where batches of every size are cut out.
constexpr int64_t kWindow = 1000;

/// The number of threads changes nothing else.
template <typename T>
class Flows {
public:
  explicit Flows(const std::string &text)
      : model(makeModel(text, dtypeOf<T>)), one(compileWith(1)), two(compileWith(2)), dim(model.flow().dim()),
        x(Random(2).normals<T>(kManyRows, dim)), conditions(makeConditions<T>(model.flow(), kManyRows)) {}

  /// Compares `evaluate(kernels, first, rows)` for all batches and threads; its
  /// results are matrices of one row for each.
  template <typename Evaluate>
  void expectInvariant(const char *what, Evaluate evaluate) {
    auto all = evaluate(*one, 0, kManyRows);
    EXPECT_TRUE(isSameBits(evaluate(*two, 0, kManyRows), all)) << what << ", two threads";
    for (int64_t size : {1, 7, 64, 1000}) {
      // Some places of a batch of this size; all of them for the large ones.
      int64_t stride = std::max<int64_t>(size, 37);
      for (Kernels *kernels : {one.get(), two.get()})
        for (int64_t first = 0; first + size <= kWindow; first += stride)
          ASSERT_TRUE(isSameBits(evaluate(*kernels, first, size), all.middleRows(first, size)))
              << what << ", batch of " << size << " rows from " << first
              << (kernels == two.get() ? ", two threads" : "");
    }
    // The end of the rows, which lies in a tile that is not full.
    ASSERT_TRUE(isSameBits(evaluate(*two, kManyRows - 70, 70), all.bottomRows(70))) << what << ", last rows";
  }

  void checkRows() {
    expectInvariant("log_prob", [&](Kernels &kernels, int64_t first, int64_t rows) {
      return take(kernels.logProb<T>(model, part(first, rows), condition(first, rows)));
    });
    expectInvariant("transform", [&](Kernels &kernels, int64_t first, int64_t rows) {
      return joined(take(kernels.transform<T>(model, part(first, rows), condition(first, rows))));
    });
    expectInvariant("inverse", [&](Kernels &kernels, int64_t first, int64_t rows) {
      return joined(take(kernels.inverse<T>(model, part(first, rows), condition(first, rows))));
    });
    expectInvariant("score", [&](Kernels &kernels, int64_t first, int64_t rows) {
      return take(kernels.score<T>(model, part(first, rows), condition(first, rows)));
    });
  }

  void checkSamples() {
    constexpr uint64_t seed = 42, far = uint64_t(1) << 40;
    for (uint64_t start : {uint64_t(0), far})
      expectInvariant("sample", [&](Kernels &kernels, int64_t first, int64_t rows) {
        return take(kernels.sample<T>(model, rows, seed, condition(first, rows), start + first));
      });
    Rows<T> samples = take(one->sample<T>(model, kWindow, seed, condition(0, kWindow)));
    auto both = take(two->sampleAndLogProb<T>(model, kWindow, seed, condition(0, kWindow)));
    EXPECT_TRUE(isSameBits(both.first, samples)) << "sample_and_log_prob draws other samples";
    EXPECT_FALSE(isSameBits(take(one->sample<T>(model, kWindow, seed + 1, condition(0, kWindow))), samples))
        << "the seed has no effect";
  }

  void checkSums() {
    Rows<T> cotangents = Random(8).normals<T>(kManyRows, dim), logDetCotangents = Random(9).normals<T>(kManyRows, 1);
    for (int64_t rows : {int64_t(1), int64_t(100), int64_t(777), kManyRows}) {
      auto nllOne = take(one->nllValueAndGradient<T>(model, part(0, rows), condition(0, rows)));
      auto nllTwo = take(two->nllValueAndGradient<T>(model, part(0, rows), condition(0, rows)));
      EXPECT_EQ(nllOne.first, nllTwo.first) << rows << " rows";
      EXPECT_EQ(nllOne.second, nllTwo.second) << rows << " rows";
      EXPECT_TRUE(std::isfinite(nllOne.first));
      std::vector<double> gradients[2];
      for (int threads : {1, 2}) {
        std::vector<double> &gradient = gradients[threads - 1];
        gradient.resize(model.numTrainable());
        Kernels::Call call{
            .kernel = Kernel::VjpParams, .inputs = {x.data()}, .rows = rows, .gradient = gradient.data()};
        if (conditions.rows() > 0)
          call.inputs.push_back(conditions.data());
        call.inputs.insert(call.inputs.end(), {cotangents.data(), logDetCotangents.data()});
        auto ok = (threads == 1 ? one : two)->run(model, call);
        ASSERT_TRUE(ok) << ok.error().message;
      }
      EXPECT_EQ(gradients[0], gradients[1]) << rows << " rows";
    }
  }

private:
  std::shared_ptr<Kernels> compileWith(int threads) {
    // The same object for both: the cache of the test's own folder.
    return take(compile(model.flow(), {.dtype = dtypeOf<T>, .threads = threads, .cpu = {}}));
  }
  Rows<T> part(int64_t first, int64_t rows) const { return x.middleRows(first, rows); }
  Rows<T> condition(int64_t first, int64_t rows) const { return sliceRows(conditions, first, rows); }
  static Rows<T> joined(const std::pair<Rows<T>, Column<T>> &result) {
    Rows<T> both(result.first.rows(), result.first.cols() + 1);
    both << result.first, result.second;
    return both;
  }

  Model model;
  std::shared_ptr<Kernels> one, two;
  int64_t dim;
  Rows<T> x, conditions;
};

class Invariance : public testing::TestWithParam<Case> {
protected:
  void SetUp() override { setenv("XDG_CACHE_HOME", (cache / "cache").c_str(), 1); }

private:
  TemporaryDirectory cache;
};

} // namespace

TEST_P(Invariance, OfRowsInFloat32) { Flows<float>(GetParam().text).checkRows(); }
TEST_P(Invariance, OfRowsInFloat64) { Flows<double>(GetParam().text).checkRows(); }
TEST_P(Invariance, OfSamplesInFloat32) { Flows<float>(GetParam().text).checkSamples(); }
TEST_P(Invariance, OfSamplesInFloat64) { Flows<double>(GetParam().text).checkSamples(); }
TEST_P(Invariance, OfSumsInFloat32) { Flows<float>(GetParam().text).checkSums(); }
TEST_P(Invariance, OfSumsInFloat64) { Flows<double>(GetParam().text).checkSums(); }

static std::string nameOf(const testing::TestParamInfo<Case> &info) { return info.param.name; }

static std::vector<Case> flows() {
  const std::string couplingFlow = "flow f = coupling_flow(standard_normal([5]), flow_layers = 3";
  const std::string autoregressiveFlow = "flow f = masked_autoregressive_flow(standard_normal([5]), flow_layers = 3";
  const std::string spline = ", transformer = rational_quadratic_spline(knots = 8, interval = 4)";
  const std::string conditional = ", cond_dim = 2, nn_depth = 2";
  return {{"Coupling", couplingFlow + ")"},
          {"CouplingConditional", couplingFlow + conditional + ")"},
          {"CouplingSpline", couplingFlow + spline + ")"},
          {"CouplingSplineConditional", couplingFlow + spline + conditional + ")"},
          {"Autoregressive", autoregressiveFlow + ")"},
          {"AutoregressiveConditional", autoregressiveFlow + conditional + ")"},
          {"AutoregressiveSpline", autoregressiveFlow + spline + ")"},
          {"AutoregressiveSplineConditional", autoregressiveFlow + spline + conditional + ")"},
          {"TriangularSpline", "flow f = triangular_spline_flow(standard_normal([5]), flow_layers = 3)"},
          {"TriangularSplineConditional", "flow f = triangular_spline_flow(standard_normal([3]), flow_layers = 2, "
                                          "cond_dim = 2, invert = false)"},
          {"Linear", "flow f = transformed(standard_normal([5]), chain([householder([1, 2, 3, 4, 5]), "
                     "discrete_cosine([5]), triangular_affine(1, full([5, 5], 0.5)), leaky_tanh(1, [5])]))"},
          {"Ordered", "flow f = transformed(standard_normal([5]), chain([bounded_affine(zeros(5), -1), ordered(5), "
                      "leaky_tanh(2, [5]), invert(ordered(5))]))"},
          {"Elementwise", "flow f = transformed(normal([1, 2, 3], [1, 2, 3]), chain([affine([1, 2, 3], [2, 3, 4]), "
                          "softplus([3]), scale([1, 2, 3]), invert(softplus([3]))]))"}};
}

INSTANTIATE_TEST_SUITE_P(Flow, Invariance, testing::ValuesIn(flows()), nameOf);

TEST(InvarianceTest, AMillionSamplesInPieces) {
  constexpr int64_t count = 1000000;
  Model model = makeModel("flow f = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 8)", F32);
  auto one = compileFresh(model, 1), two = compileFresh(model, 2);
  Rows<float> all = take(two->sample<float>(model, count, /*seed=*/7));
  Rows<float> pieces(count, 2);
  // Pieces that start and end at every place of a tile.
  for (int64_t first = 0, size = 1; first < count; first += size, size = size * 3 + 5) {
    size = std::min(size, count - first);
    Kernels &kernels = size % 2 ? *one : *two;
    pieces.middleRows(first, size) = take(kernels.sample<float>(model, size, 7, {}, first));
  }
  EXPECT_TRUE(isSameBits(all, pieces));
}
