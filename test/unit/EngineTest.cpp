//===- EngineTest.cpp - Compiling and running flows -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/flowc.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <unistd.h>

using namespace flowc;
namespace fs = std::filesystem;

static constexpr const char *kAffine = "flow f = transformed(standard_normal([2]), affine([1.5, -2], [0.5, 3]))";
static constexpr const char *kCoupling =
    "flow f = coupling_flow(standard_normal([3]), cond_dim = 2, flow_layers = 3, nn_width = 20)";
static constexpr const char *kSpline = "flow f = masked_autoregressive_flow(standard_normal([3]), transformer = "
                                       "rational_quadratic_spline(knots = 8, interval = 4), flow_layers = 2)";

namespace {

/// What a test needs of a flow, in element type T.
template <typename T>
struct Compiled {
  explicit Compiled(const char *text, CompileOptions options = {}) : flow(Flow::parse(text)) {
    options.dtype = sizeof(T) == 4 ? F32 : F64;
    EXPECT_TRUE(flow) << flow.error().message;
    model.emplace(*Model::initialise(*flow, {.seed = 3, .dtype = options.dtype}));
    auto compiled = compile(*flow, options);
    EXPECT_TRUE(compiled) << compiled.error().message;
    kernels = *compiled;
  }

  Expected<Flow> flow;
  std::optional<Model> model;
  std::shared_ptr<Kernels> kernels;
};

class EngineTest : public ::testing::Test {
protected:
  // A cache of its own, empty for every test.
  void SetUp() override {
    directory = fs::temp_directory_path() / ("flowc-engine-" + std::to_string(getpid()));
    fs::remove_all(directory);
    setenv("XDG_CACHE_HOME", directory.c_str(), 1);
  }
  void TearDown() override { fs::remove_all(directory); }

  /// Files with code; those that name the kernel of a request are much smaller.
  std::vector<fs::path> cachedObjects() const {
    std::vector<fs::path> paths;
    if (fs::exists(directory / "flowc"))
      for (const auto &entry : fs::directory_iterator(directory / "flowc"))
        if (entry.path().filename() != "llvmcache.timestamp" && fs::file_size(entry.path()) > 1000)
          paths.push_back(entry.path());
    return paths;
  }

  fs::path directory;
};

template <typename T>
Rows<T> someRows(int64_t rows, int64_t columns) {
  Rows<T> x(rows, columns);
  for (int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = T(3 * std::sin(double(i)));
  return x;
}

/// A condition for each of `rows` rows, if `flow` takes one.
Rows<float> someConditions(const Flow &flow, int64_t rows) {
  return flow.condShape() ? someRows<float>(rows, flow.condDim()) : Rows<float>();
}

template <typename T>
void expectSame(const T &a, const T &b, const std::string &what) {
  ASSERT_EQ(a.rows(), b.rows()) << what;
  for (int64_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(a.data()[i], b.data()[i]) << what << ", element " << i;
}

template <typename T>
void expectAffineDensity(T tolerance) {
  Compiled<T> affine(kAffine);
  Rows<T> x = someRows<T>(100, 2);
  auto logProb = affine.kernels->template logProb<T>(*affine.model, x);
  ASSERT_TRUE(logProb) << logProb.error().message;
  for (int64_t i = 0; i < 100; ++i) {
    double a = (double(x(i, 0)) - 1.5) / 0.5, b = (double(x(i, 1)) + 2) / 3;
    double expected = -0.5 * (a * a + b * b) - std::log(2 * M_PI) - std::log(1.5);
    // A few roundings of terms that are not larger than the result.
    EXPECT_NEAR((*logProb)[i], expected, tolerance * std::abs(expected)) << "row " << i;
  }
}

} // namespace

TEST_F(EngineTest, DensityOfAnAffineFlow) {
  expectAffineDensity<float>(1e-6f);
  expectAffineDensity<double>(1e-14);
}

TEST_F(EngineTest, RowsDoNotDependOnBatchesOrThreads) {
  for (const char *text : {kAffine, kCoupling, kSpline}) {
    Compiled<float> one(text, {.threads = 1}), two(text, {.threads = 2});
    Rows<float> x = someRows<float>(1000, one.flow->dim()), c = someConditions(*one.flow, 1000);
    auto all = one.kernels->logProb<float>(*one.model, x, c);
    ASSERT_TRUE(all) << all.error().message;
    expectSame(*all, *two.kernels->logProb<float>(*one.model, x, c), "two threads");
    for (int64_t size : {1, 7, 64}) {
      for (int64_t first = 0; first + size <= 1000; first += 97) {
        Rows<float> xs = x.middleRows(first, size), cs;
        if (c.rows() > 0)
          cs = c.middleRows(first, size);
        auto some = one.kernels->logProb<float>(*one.model, xs, cs);
        ASSERT_TRUE(some) << some.error().message;
        expectSame<Column<float>>(*some, all->segment(first, size), "batches of " + std::to_string(size));
      }
    }
  }
}

TEST_F(EngineTest, LossesAndGradientsDoNotDependOnThreads) {
  for (const char *text : {kCoupling, kSpline}) {
    Compiled<float> one(text, {.threads = 1}), two(text, {.threads = 2}), three(text, {.threads = 3});
    for (int64_t rows : {1, 65, 100, 5000, 100000}) {
      Rows<float> x = someRows<float>(rows, one.flow->dim()), c = someConditions(*one.flow, rows);
      auto expected = one.kernels->nllValueAndGradient<float>(*one.model, x, c);
      ASSERT_TRUE(expected) << expected.error().message;
      for (Kernels *kernels : {two.kernels.get(), three.kernels.get()})
        EXPECT_EQ(*expected, *kernels->nllValueAndGradient<float>(*one.model, x, c)) << text << ", " << rows;
    }
  }
}

namespace {
/// A row that no parameters bring into the support adds nothing to the gradient, first
/// or last: lanes behind the last row repeat it.
template <typename T>
void expectNoGradientOutside(const Rows<T> &inside, const Rows<T> &outside, T tolerance) {
  Compiled<T> bounded("flow f = transformed(standard_normal([2]), chain([affine([0.5, 0.25], [1, 2]), tanh([2])]))");
  Rows<T> first(inside.rows() + outside.rows(), 2), last(first.rows(), 2);
  first << outside, inside;
  last << inside, outside;
  auto expected = bounded.kernels->template nllValueAndGradient<T>(*bounded.model, inside);
  ASSERT_TRUE(expected);
  EXPECT_TRUE(std::isfinite(expected->first));
  double share = double(inside.rows()) / double(first.rows());
  for (const Rows<T> &all : {first, last}) {
    auto found = bounded.kernels->template nllValueAndGradient<T>(*bounded.model, all);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->first, std::numeric_limits<double>::infinity());
    for (size_t i = 0; i < expected->second.size(); ++i)
      EXPECT_NEAR(found->second[i], share * expected->second[i], tolerance) << "parameter " << i;
  }
  auto found = bounded.kernels->template nllValueAndGradient<T>(*bounded.model, outside);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->second, std::vector<double>(expected->second.size(), 0.0));
}
} // namespace

TEST_F(EngineTest, RowsOutsideOfTheSupportHaveNoGradient) {
  Rows<double> inside(3, 2), outside(2, 2);
  inside << 0.5, 0.25, -0.3, 0.9, 0.1, -0.7;
  outside << 2, 0.1, 0.2, -1.5;
  // The means of two and of five rows are rounded once each.
  expectNoGradientOutside<double>(inside, outside, 1e-15);
  expectNoGradientOutside<float>(inside.cast<float>(), outside.cast<float>(), 1e-6F);
}

TEST_F(EngineTest, ScoresNextToOverflowAreNumbers) {
  Rows<float> x(1, 3);
  x << -1e15F, 1e15F, 1;
  auto flow = Flow::parse("flow f = masked_autoregressive_flow(standard_normal([3]), invert = false)");
  ASSERT_TRUE(flow);
  auto kernels = compile(*flow, {.dtype = F32});
  ASSERT_TRUE(kernels);
  int64_t finite = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    auto model = Model::initialise(*flow, {.seed = seed, .dtype = F32});
    auto logProb = (*kernels)->logProb<float>(*model, x);
    auto score = (*kernels)->score<float>(*model, x);
    ASSERT_TRUE(logProb && score);
    // Slopes are larger than the density, and may overflow before it.
    if (!(std::abs((*logProb)[0]) < 1e37F))
      continue;
    finite += std::abs((*logProb)[0]) > 1e34F;
    for (int64_t d = 0; d < 3; ++d)
      EXPECT_FALSE(std::isnan((*score)(0, d))) << "seed " << seed << ", log_prob " << (*logProb)[0];
  }
  EXPECT_GT(finite, 1) << "the densities are not close to overflow";
}

TEST_F(EngineTest, SamplesDoNotDependOnThePieces) {
  Compiled<float> spline(kSpline);
  auto all = spline.kernels->sample<float>(*spline.model, 5000, 42);
  ASSERT_TRUE(all) << all.error().message;
  for (int64_t first : {0, 1, 64, 4000}) {
    auto some = spline.kernels->sample<float>(*spline.model, 1000, 42, {}, first);
    expectSame<Rows<float>>(*some, all->middleRows(first, 1000), "from " + std::to_string(first));
  }
}

TEST_F(EngineTest, WritingParametersTakesEffect) {
  Compiled<double> affine(kAffine);
  Rows<double> x = Rows<double>::Zero(1, 2);
  double before = (*affine.kernels->logProb<double>(*affine.model, x))[0];
  Model moved = *affine.model;
  std::vector<double> origin = {0, 0};
  ASSERT_TRUE(moved.setValues(0, origin));
  double after = (*affine.kernels->logProb<double>(moved, x))[0];
  EXPECT_NEAR(after - before, 0.5 * (9 + 4.0 / 9), 1e-13);
  EXPECT_EQ((*affine.kernels->logProb<double>(*affine.model, x))[0], before) << "the original is untouched";
}

TEST_F(EngineTest, ObjectsAreCached) {
  {
    Compiled<float> first(kAffine);
    ASSERT_TRUE(first.kernels->prepare(Kernel::LogProb));
  }
  std::vector<fs::path> objects = cachedObjects();
  ASSERT_EQ(objects.size(), 1u);
  auto written = fs::last_write_time(objects[0]);
  Compiled<float> second(kAffine);
  Rows<float> x = someRows<float>(10, 2);
  auto expected = second.kernels->logProb<float>(*second.model, x);
  ASSERT_TRUE(expected);
  EXPECT_EQ(fs::last_write_time(objects[0]), written) << "nothing was compiled";
  // A damaged object is compiled anew.
  fs::resize_file(objects[0], fs::file_size(objects[0]) / 2);
  Compiled<float> third(kAffine);
  expectSame(*expected, *third.kernels->logProb<float>(*third.model, x), "after damage");
  EXPECT_EQ(cachedObjects(), objects);
  // Another kernel, another type and another flow are other objects.
  ASSERT_TRUE(third.kernels->prepare(Kernel::Score));
  ASSERT_TRUE(Compiled<double>(kAffine).kernels->prepare(Kernel::LogProb));
  ASSERT_TRUE(Compiled<float>(kSpline).kernels->prepare(Kernel::LogProb));
  EXPECT_EQ(cachedObjects().size(), 4u);
}

// What a kernel's code depends on is in its keys: change one thing at a time.
TEST_F(EngineTest, KeysTellKernelsApart) {
  constexpr const char *two = "flow a = normal([0], [1])\nflow b = cauchy([0], [1])";
  Flow a = *Flow::parse(two, "a"), b = *Flow::parse(two, "b"), other = *Flow::parse("flow a = normal([0, 0], [3, 3])");
  constexpr const char *targets = "density t(x[1]) = -x[0]^2\ndensity u(x[1]) = -x[0]^4";
  Flow t = *Flow::parse(targets, "t"), u = *Flow::parse(targets, "u"),
       sameName = *Flow::parse("density t(x[1]) = -x[0]^6");
  TargetSpec native = *getTarget("x86-64"), cpu = native, features = native, triple = native;
  cpu.cpu = "x86-64-v3";
  features.features += ",+avx2";
  triple.triple += "-musl";
  std::vector<std::pair<KernelRequest, TargetSpec>> requests = {
      {{a, Kernel::LogProb, F32}, native},
      {{b, Kernel::LogProb, F32}, native},
      {{other, Kernel::LogProb, F32}, native},
      {{a, Kernel::Score, F32}, native},
      {{a, Kernel::LogProb, F64}, native},
      {{a, Kernel::LogProb, F32}, cpu},
      {{a, Kernel::LogProb, F32}, features},
      {{a, Kernel::LogProb, F32}, triple},
      {{a, Kernel::ElboGradient, F32, &t}, native},
      {{a, Kernel::ElboGradient, F32, &u}, native},
      {{a, Kernel::ElboGradient, F32, &sameName}, native},
  };
  auto kernelKey = [](const KernelRequest &request, const TargetSpec &target) {
    return KernelCompilation::begin(request, target)->key().digest;
  };
  std::set<std::string> digests;
  for (const auto &[request, target] : requests) {
    digests.insert(makeRequestKey(request, target).digest);
    digests.insert(kernelKey(request, target));
  }
  EXPECT_EQ(digests.size(), 2 * requests.size());
  // A target that the kernel does not look at changes nothing.
  KernelRequest plain{a, Kernel::LogProb, F32}, withTarget{a, Kernel::LogProb, F32, &t};
  EXPECT_EQ(makeRequestKey(withTarget, native).digest, makeRequestKey(plain, native).digest);
  EXPECT_EQ(kernelKey(withTarget, native), kernelKey(plain, native));
}

// Flows that begin with other parameters, as those that standardise other data do, have the
// same code, and each its own values.
TEST_F(EngineTest, FlowsWithOtherParametersShareTheirCode) {
  constexpr const char *text = "flow a = normal(0, 1)\nflow b = normal(0, 2)";
  Rows<float> x = Rows<float>::Constant(1, 1, 3);
  for (auto [name, deviation] : {std::pair("a", 1.0), std::pair("b", 2.0)}) {
    Flow flow = *Flow::parse(text, name);
    Model model = *Model::initialise(flow, {.dtype = F32});
    auto logProb = (*compile(flow, {.dtype = F32}))->logProb<float>(model, x);
    ASSERT_TRUE(logProb) << logProb.error().message;
    double expected = -0.5 * 9 / deviation / deviation - std::log(deviation) - 0.5 * std::log(2 * M_PI);
    EXPECT_NEAR((*logProb)[0], expected, 1e-5) << name;
  }
  EXPECT_EQ(cachedObjects().size(), 1u);
}

// Two items of one text share its objects' cache, but not their objects.
TEST_F(EngineTest, ItemsOfOneTextHaveTheirOwnObjects) {
  constexpr const char *text = "flow a = normal(0, 1)\nflow b = laplace(0, 2)";
  Rows<float> x = Rows<float>::Constant(1, 1, 3);
  for (auto [name, expected] :
       {std::pair("a", -4.5 - 0.5 * std::log(2 * M_PI)), std::pair("b", -1.5 - std::log(4.0))}) {
    Flow flow = *Flow::parse(text, name);
    Model model = *Model::initialise(flow, {.dtype = F32});
    auto logProb = (*compile(flow, {.dtype = F32}))->logProb<float>(model, x);
    ASSERT_TRUE(logProb) << logProb.error().message;
    EXPECT_NEAR((*logProb)[0], expected, 1e-5) << name;
  }
  EXPECT_EQ(cachedObjects().size(), 2u);
}

TEST_F(EngineTest, TheCacheCanBeSwitchedOff) {
  Compiled<float> affine(kAffine, {.useCache = false});
  ASSERT_TRUE(affine.kernels->prepare(Kernel::LogProb));
  EXPECT_TRUE(cachedObjects().empty());
}

TEST_F(EngineTest, ThreadsCompileAndRunAtOnce) {
  Compiled<float> shared(kCoupling);
  Rows<float> x = someRows<float>(300, 3), c = someRows<float>(300, 2);
  std::vector<Column<float>> results(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      auto own = compile(*shared.flow, {.useCache = false});
      results[i] = *(i % 2 ? shared.kernels : *own)->logProb<float>(*shared.model, x, c);
    });
  for (std::thread &thread : threads)
    thread.join();
  for (int i = 1; i < 4; ++i)
    expectSame(results[0], results[i], "thread " + std::to_string(i));
}

TEST_F(EngineTest, TheCallersFloatingPointStateIsKept) {
  // The kernel is compiled under the odd rounding mode, too: constants of the
  // code must not depend on it.
  Compiled<float> affine(kAffine), usual(kAffine, {.useCache = false});
  Rows<float> x = someRows<float>(100, 2);
  std::fesetround(FE_DOWNWARD);
  auto logProb = affine.kernels->logProb<float>(*affine.model, x);
  EXPECT_TRUE(logProb);
  volatile float one = 1, tiny = 1e-30f;
  EXPECT_LT(one - tiny, 1.0f) << "still rounds down";
  std::fesetround(FE_TONEAREST);
  expectSame(*logProb, *usual.kernels->logProb<float>(*usual.model, x), "rounding mode");
}

TEST_F(EngineTest, ConstantsDoNotDependOnTheRoundingModeOfWhoCompiles) {
  // Constants whose logarithms and roots are no floats, all folded during compilation.
  const char *text = "bijection g(x) = log(3)*x + log(2)*asinh(x) + exp(-0.3)*atan(x/7) + sqrt(5)*x + log(7)\n"
                     "flow f = transformed(standard_normal([2]), invert(g(shape = [2])))";
  Rows<double> x = someRows<double>(100, 2);
  Compiled<double> usual(text, {.useCache = false});
  auto expected = usual.kernels->logProb<double>(*usual.model, x);
  ASSERT_TRUE(expected) << expected.error().message;
  for (int mode : {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO}) {
    Compiled<double> odd(text, {.useCache = false});
    std::fesetround(mode);
    auto logProb = odd.kernels->logProb<double>(*odd.model, x);
    std::fesetround(FE_TONEAREST);
    ASSERT_TRUE(logProb) << logProb.error().message;
    expectSame(*logProb, *expected, "rounding mode " + std::to_string(mode));
  }
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

static std::string errorOf(const Expected<void> &result) {
  return result ? std::string("no error") : result.error().message;
}

TEST_F(EngineTest, WrongCallsAreErrors) {
  Compiled<float> affine(kAffine), coupling(kCoupling);
  Kernels &kernels = *affine.kernels;
  float x[2] = {}, y[2];
  double loss;
  EXPECT_EQ(errorOf(kernels.run(*affine.model, {.kernel = Kernel::LogProb, .inputs = {}, .outputs = {y}, .rows = 1})),
            "log_prob of 'f' takes 1 input arrays, got 0");
  EXPECT_EQ(errorOf(kernels.run(*affine.model, {.kernel = Kernel::LogProb, .inputs = {x}, .rows = 1})),
            "log_prob of 'f' gives 1 output arrays, got 0");
  EXPECT_EQ(
      errorOf(kernels.run(*affine.model, {.kernel = Kernel::LogProb, .inputs = {nullptr}, .outputs = {y}, .rows = 1})),
      "log_prob of 'f' got a null array");
  EXPECT_EQ(errorOf(kernels.run(*affine.model, {.kernel = Kernel::LogProb, .inputs = {x}, .outputs = {y}, .rows = -1})),
            "the number of rows is negative: -1");
  EXPECT_EQ(errorOf(kernels.run(*affine.model, {.kernel = Kernel::NllGradient, .inputs = {x}, .loss = &loss})),
            "nll_gradient of 'f': there is no mean over 0 rows");
  Kernels::Call good = {.kernel = Kernel::LogProb, .inputs = {x}, .outputs = {y}, .rows = 1};
  EXPECT_EQ(errorOf(kernels.run(affine.model->astype(F64), good)),
            "the model holds float64 and the kernels were compiled for float32; convert it with 'astype'");
  EXPECT_EQ(errorOf(kernels.run(*coupling.model, good)),
            "the model is one of flow 'f', the kernels are those of another flow, 'f'");
  EXPECT_EQ(errorOf(kernels.run(*affine.model, good)), "no error");
}

TEST_F(EngineTest, BijectionsHaveNoDensity) {
  Compiled<float> bijection("bijection b = affine([1, 2], [3, 4])");
  auto logProb = bijection.kernels->logProb<float>(*bijection.model, someRows<float>(1, 2));
  ASSERT_FALSE(logProb);
  EXPECT_EQ(logProb.error().message, "'b' is a bijection, which has no log_prob; write 'flow b = "
                                     "transformed(BASE, BIJECTION)' for a distribution");
  EXPECT_TRUE(bijection.kernels->transform<float>(*bijection.model, someRows<float>(1, 2)));
}

TEST_F(EngineTest, BadOptionsAreErrors) {
  auto flow = Flow::parse(kAffine);
  auto unknown = compile(*flow, {.cpu = "pentium9"});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("unknown CPU 'pentium9'"), std::string::npos) << unknown.error().message;
  auto negative = compile(*flow, {.threads = -2});
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().message, "the number of threads is negative: -2");
}

TEST_F(EngineTest, EveryLevelCanBeEmitted) {
  auto flow = Flow::parse(kAffine);
  for (auto [level, expected] : {std::pair("flow", "flow.affine"), std::pair("tile", "vector"),
                                 std::pair("llvm", "llvm.func"), std::pair("asm", "kernel:")}) {
    auto text = emitKernel({*flow, Kernel::LogProb, F32}, level);
    ASSERT_TRUE(text) << level << ": " << text.error().message;
    EXPECT_NE(text->find(expected), std::string::npos) << level << ":\n" << *text;
  }
  auto object = emitKernel({*flow, Kernel::LogProb, F64}, "obj", "x86-64-v3");
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->substr(1, 3), "ELF");
  auto unknown = emitKernel({*flow, Kernel::LogProb, F32}, "bytecode");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "unknown level 'bytecode', expected one of flow, sample, tile, llvm, asm, obj");
}

// With 512 bits, knots are looked up in two registers, as long as these hold them.
TEST_F(EngineTest, SplinesOfAnyNumberOfKnotsCompile) {
  for (DType dtype : {F32, F64})
    for (int knots : {1, 2, 6, 7, 13, 14, 15, 16, 29, 30, 31, 32, 33, 63}) {
      auto flow = Flow::parse("flow f = transformed(standard_normal([]), rational_quadratic_spline(knots = " +
                              std::to_string(knots) + ", interval = 3))");
      ASSERT_TRUE(flow) << flow.error().message;
      auto object = emitKernel({*flow, Kernel::LogProb, dtype}, "obj", "x86-64-v4");
      EXPECT_TRUE(object) << knots << " knots: " << object.error().message;
    }
}

TEST_F(EngineTest, CodeForOlderProcessorsRunsHere) {
  // Without the cache: it must be this code that runs.
  Rows<float> x = someRows<float>(100, 3);
  auto expected = Compiled<float>(kSpline).kernels->logProb<float>(*Compiled<float>(kSpline).model, x);
  ASSERT_TRUE(expected) << expected.error().message;
  for (const char *cpu : {"x86-64-v3", "x86-64"}) {
    Compiled<float> old(kSpline, {.cpu = cpu, .useCache = false});
    auto logProb = old.kernels->logProb<float>(*old.model, x);
    ASSERT_TRUE(logProb) << cpu << ": " << logProb.error().message;
    // Without FMA, sums of some 50 terms are rounded twice as often.
    for (int64_t i = 0; i < 100; ++i)
      EXPECT_NEAR((*logProb)[i], (*expected)[i], 2e-5 * (1 + std::abs((*expected)[i]))) << cpu << ", row " << i;
  }
}
