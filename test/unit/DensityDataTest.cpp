//===- DensityDataTest.cpp - Compiled densities that read data ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The judge evaluates the formula in `long double` as it was written, and takes
// central differences of that.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"
#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/IO/Npy.h"
#include "flowc/Reference/Reference.h"

using namespace flowc;
using namespace flowc::test;

namespace {

using Exact = long double;

/// Balances truncation (step^2) and rounding (1e-19 / step) of the differences.
constexpr Exact kStep = 1e-7L;
constexpr int64_t kRows = 70; // more than one tile of either type

template <typename T>
std::string toNpy(const std::vector<T> &values, const Shape &shape, bool fortranOrder = false) {
  std::string text = makeNpyHeader(dtypeOf<T>, shape);
  if (fortranOrder)
    text.replace(text.find("False"), 5, "True "); // of the same length
  return text + std::string(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}

/// A folder with data of `length` rows: `t.csv` with columns y, z and group (1 to 3),
/// the matrix `X.npy` of 3 columns in Fortran order, `w.npy` in float32.
struct Files {
  TemporaryDirectory folder;

  explicit Files(int64_t length, uint64_t seed = 1) { write(length, seed); }

  void write(int64_t length, uint64_t seed) {
    Random random(seed);
    std::string table = "y,the z,group\n";
    std::vector<double> matrix;
    std::vector<float> weights;
    for (int64_t i = 0; i < length; ++i) {
      table += std::to_string(random.normal()) + "," + std::to_string(random.uniform(0.2, 2)) + "," +
               std::to_string(1 + random.below(3)) + "\n";
      weights.push_back(static_cast<float>(random.normal()));
    }
    for (int64_t i = 0; i < 3 * length; ++i)
      matrix.push_back(random.normal());
    folder.write("t.csv", table);
    folder.write("X.npy", toNpy(matrix, {length, 3}, /*fortranOrder=*/true));
    folder.write("w.npy", toNpy(weights, {length}));
    folder.write("s.json", "{\"N\": " + std::to_string(length) + ", \"k\": " + std::to_string(1 + seed % 2) +
                               ", \"A\": [[0.5, 1], [2, -1], [0.25, 3]]}");
  }

  std::string text(const std::string &formula) const {
    return "data t = table(\"t.csv\")\ndata X = array(\"X.npy\")\ndata w = array(\"w.npy\")\ndata s = "
           "table(\"s.json\")\ndensity d(x[3]) = " +
           formula;
  }
  Flow density(const std::string &formula) const {
    return take(Flow::parseDensity(text(formula), {}, folder / "d.flow"), formula);
  }
};

const char *const kFormulas[] = {
    "-sum((t.y - x[0] - x[1]*t[\"the z\"])^2)/exp(x[2])",
    "dot(t.y, w)*x[0] + x[1]*x[2]", // what depends on data only is prepared
    "-sum(log1p((dot(X, x) - w)^2))",
    "dot(dot(w, X), x)^2 + sum(dot(X, dot(w, X)))*x[1]",
    "sum(dot(X, tanh(dot(t.y, X)*x)))",
    "-sum((t.y - x[t.group - 1])^2) + sum(sin(x)[[2, 0, 0, 1]])",
    "sum(t.y[t.group - 1]*t.y[:]) * x[0] - x[1]^2", // positions in data
    "-sum(cumsum(t.y - x[0])^2)*exp(x[1])/100 + sum(cumsum(x)) + sum(cumsum(w))*x[2]",
    "sum(scan s = x[0] over (a = t.y, b = t[\"the z\"]) in tanh(x[1])*s + a*sin(b*x[2]))",
    ("let v = scan h = 1 over (e = t.y - x[0]) in exp(x[1] - 2) + 0.2*e^2 + 0.5*h in "
     "-0.5*sum((t.y - x[0])^2/v + log(v)) - x[2]^2"), // GARCH
    "sum(scan s = 0 over (row = X) in 0.5*s + sin(dot(row, x)))",
    "sum(scan s = 0 over (a = x) in (scan u = s over (b = sin(x)) in 0.3*u + a*b)[-1])",
    "let r = t.y[2:] - x[0] - x[1]*t.y[1:-1] - x[2]*t.y[:-2] in -0.5*sum(r^2)", // AR(2)
    "sum(where(t.y > x[0], t.y*x[1], x[2]^2))",
    "logsumexp(t.y*x[0] + w*x[1]) + max(t.y + x[2]) - min(w*x[0])",
    "let t = x in sum(t^2)",                                     // a `let` hides a table
    "s.N*x[s.k] + sum(dot(x, s.A)^2)/s.N - sum(t.y[:s.k])*x[0]", // numbers
};

class Densities : public testing::TestWithParam<const char *> {};
INSTANTIATE_TEST_SUITE_P(All, Densities, testing::ValuesIn(kFormulas));

template <typename T>
std::shared_ptr<Kernels> compileDensity(const Flow &density, int threads = 1) {
  return take(compile(density, {.dtype = dtypeOf<T>, .threads = threads, .cpu = {}, .useCache = false}));
}

template <typename T>
Model emptyModel(const Flow &density) {
  return take(Model::initialise(density, {.seed = 0, .dtype = dtypeOf<T>}));
}

/// Compares log-densities and scores at `x` with the judge's, relative to 1 or the
/// largest entry.
template <typename T>
void judge(const Flow &density, const Rows<T> &x, double tolerance, double scoreTolerance) {
  Model model = emptyModel<T>(density);
  auto kernels = compileDensity<T>(density);
  Column<T> logProb = take(kernels->template logProb<T>(model, x));
  Rows<T> score = take(kernels->template score<T>(model, x));
  reference::Interpreter<Exact> interpreter(model);
  for (int64_t i = 0; i < x.rows(); ++i) {
    Column<Exact> at = x.row(i).template cast<Exact>().transpose();
    Exact expected = interpreter.logProb(at);
    EXPECT_NEAR(double((Exact(logProb[i]) - expected) / std::max<Exact>(1, std::abs(expected))), 0, tolerance);
    std::vector<double> slopes = differences(at, [&] { return interpreter.logProb(at); }, [](Exact) { return kStep; });
    double largest = 1;
    for (double slope : slopes)
      largest = std::max(largest, std::abs(slope));
    for (int64_t d = 0; d < density.dim(); ++d)
      EXPECT_NEAR((double(score(i, d)) - slopes[size_t(d)]) / largest, 0, scoreTolerance) << "entry " << d;
  }
}

template <typename T>
void judge(const Flow &density, int64_t rows, double tolerance, double scoreTolerance) {
  judge<T>(density, Random(7).normals<T>(rows, density.dim()), tolerance, scoreTolerance);
}

} // namespace

TEST_P(Densities, AgreeWithTheJudgeInFloat64) {
  // Sums of some tens of terms of order 1 to 100, each rounded a few times; the
  // differences are exact to 1e-11.
  judge<double>(Files(37).density(GetParam()), kRows, 1e-12, 1e-9);
}

TEST_P(Densities, AgreeWithTheJudgeInFloat32) {
  // Data are rounded to float32, too, which the judge's are not.
  judge<float>(Files(37).density(GetParam()), kRows, 1e-4, 2e-4);
}

TEST_P(Densities, GiveARowTheSameBitsWhereverItLies) {
  Flow density = Files(37).density(GetParam());
  Rows<float> x = Random(7).normals<float>(kRows, 3);
  Model model = emptyModel<float>(density);
  auto kernels = compileDensity<float>(density);
  Rows<float> all = take(kernels->score<float>(model, x));
  Column<float> logProb = take(kernels->logProb<float>(model, x));
  for (int64_t i : {int64_t(0), int64_t(5), kRows - 1}) {
    EXPECT_TRUE(isSameBits(take(kernels->score<float>(model, Rows<float>(x.row(i)))), Rows<float>(all.row(i))));
    EXPECT_EQ(take(kernels->logProb<float>(model, Rows<float>(x.row(i))))[0], logProb[i]);
  }
}

TEST(DensityData, AreTargets) {
  // y = loc + scale z: the gradient of the ELBO follows from the score.
  Files files(37);
  Flow density = files.density(kFormulas[0]),
       flow = parse("flow f = transformed(standard_normal([3]), loc([1, -1, 0.5]))");
  Model model = take(Model::initialise(flow, {.seed = 0, .dtype = F64}));
  Rows<double> z = Random(3).normals<double>(kRows, 3), y = z;
  y.rowwise() += Eigen::RowVector3d(1, -1, 0.5);
  Rows<double> score = take(compileDensity<double>(density)->score<double>(emptyModel<double>(density), y));
  auto kernels = take(compile(flow, {.dtype = F64, .threads = 2, .cpu = {}, .useCache = false, .target = density}));
  for (bool stl : {false, true}) {
    auto [loss, gradient] = take(kernels->elboValueAndGradient<double>(model, z, {}, stl));
    ASSERT_EQ(gradient.size(), 3u);
    // Sticking the landing adds d log q / dy = -z.
    Rows<double> slope = stl ? Rows<double>(-z - score) : Rows<double>(-score);
    for (int64_t d = 0; d < 3; ++d) // sums of 70 numbers, in another order
      EXPECT_NEAR(gradient[size_t(d)], slope.col(d).mean(), 1e-11 * std::max(1.0, slope.col(d).cwiseAbs().maxCoeff()));
  }
}

/// A posterior in test/data/posteriors, a point of its support, and its log-density there by
/// numpy, from Stan's model and data as posteriordb has them.
struct Posterior {
  std::string name;
  std::vector<double> point;
  double logDensity;
};

const Posterior kPosteriors[] = {
    {"eight_schools", {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 4, 3}, -43.880607877970235},
    {"kidiq", {26, 0.6, 18}, -1882.1437591680942},
    {"arK", {0.01, 0.7, 0.4, 0.1, -0.1, -0.3, 0.15}, 64.16519879653369},
    {"low_dim_gauss_mix", {-2.7, 2.9, 1, 1.1, 0.6}, -2108.3559133026324},
    {"arma11", {0.01, 0.9, -0.1, 0.2}, 58.379023449442975},
    {"garch11", {5, 1.5, 0.5, 0.6}, -448.1390353830563},
    {"sblrc", {1, 1.001, 0.999, 1, 0.998, 1.1}, -171.60651089449902},
    {"mesquite", {5.3, 0.4, 0.4, -0.3, 0.4, -0.5, 0.35}, -11.699312162491427},
    {"kilpisjarvi", {-60, 0.0175, 1.1}, -100.53249846778263},
    {"earnings", {8.4, 0.017, -0.08, 0.0074, 0.88}, -1538.7144261976014},
};

TEST(DensityData, OfPosteriors) {
  for (const Posterior &posterior : kPosteriors) {
    SCOPED_TRACE(posterior.name);
    std::string path = std::string(FLOWC_TEST_DATA) + "/posteriors/" + posterior.name + ".flow";
    std::string text = TemporaryDirectory::read(path);
    Flow density = take(Flow::parseDensity(text, {}, path)), flow = take(Flow::parse(text, {}, path));
    auto kernels = compileDensity<double>(density);
    Rows<double> point = Eigen::Map<const Rows<double>>(posterior.point.data(), 1, density.dim());
    EXPECT_NEAR(take(kernels->logProb<double>(emptyModel<double>(density), point))[0], posterior.logDensity,
                1e-10 * std::abs(posterior.logDensity));
    Model model = take(Model::initialise(flow, {.seed = 1, .dtype = F64}));
    // Draws of the flow that is to approximate it lie in its support.
    Rows<double> x = take(compileDensity<double>(flow)->sample<double>(model, 20, /*seed=*/2));
    EXPECT_TRUE(take(kernels->logProb<double>(emptyModel<double>(density), x)).allFinite());
    // Sums of up to 1192 terms; sigma may be small, so that the differences lose digits.
    judge<double>(density, x, 1e-11, 1e-6);
  }
}

/// All that loops over data.
constexpr const char *kEverything =
    "-sum((t.y - x[0])^2)/exp(x[2]) - sum(log1p((dot(X, x) - w)^2)) - sum(cumsum(x[t.group - 1]*w)^2)/1000 + "
    "(scan s = x[1] over (a = t.y) in 0.5*s + a*x[0])[-1] + dot(dot(w, X), x)";

TEST(DensityData, MayBeLong) {
  // Longer than what one table of a matrix product describes.
  judge<double>(Files(5000).density(kEverything), 3, 1e-11, 1e-8);
}

TEST(DensityData, AreSummedInBlocks) {
  // One after the other, these 10^5 terms near 1 lose 8e-6 of their sum in float32:
  // each is rounded to a multiple of 2^-7 in the end.
  constexpr int64_t length = 100000;
  std::string column = "y\n";
  for (int64_t i = 0; i < length; ++i)
    column += "1.0" + std::to_string(100 + i % 899) + "\n";
  Files files(4);
  files.folder.write("t.csv", column);
  Flow density = files.density("sum(t.y + 0.001*x[0])");
  Rows<float> x(1, 3);
  x << 0.3f, 0, 0;
  Model model = emptyModel<float>(density);
  Exact expected = reference::Interpreter<Exact>(model).logProb(x.row(0).cast<Exact>().transpose());
  float logProb = take(compileDensity<float>(density)->logProb<float>(model, x))[0];
  // Of 256 + 391 roundings by half an ULP most cancel.
  EXPECT_NEAR(double(logProb / expected), 1, 5e-7);
}

TEST(DensityData, DoNotMakeCodeLonger) {
  Flow few = Files(40).density(kEverything), many = Files(100000).density(kEverything);
  for (Kernel kernel : {Kernel::LogProb, Kernel::Score}) {
    std::string small = take(emitKernel({few, kernel, F32}, "obj")),
                large = take(emitKernel({many, kernel, F32}, "obj"));
    // Tables of a matrix product end at 2048 rows, of 8 bytes each; there are two.
    EXPECT_LT(large.size(), small.size() + 2 * 2048 * 8);
    // In the IR, too.
    EXPECT_LT(take(emitKernel({many, kernel, F32}, "sample")).size(), 20000u);
  }
}

TEST(DensityData, AreNotMistakenByTheObjectCache) {
  TemporaryDirectory cache;
  setenv("XDG_CACHE_HOME", (cache / "").c_str(), /*overwrite=*/1);
  Files files(4);
  Rows<double> x = Random(3).normals<double>(1, 3);
  // The same text with other lengths, other numbers, and another position.
  for (auto [length, seed] : {std::pair(4, 1), std::pair(9, 1), std::pair(9, 3), std::pair(9, 2)}) {
    files.write(length, static_cast<uint64_t>(seed));
    Flow density = files.density(std::string("x[s.k - 1]^2 ") + kFormulas[0]);
    Model model = emptyModel<double>(density);
    auto kernels = take(compile(density, {.dtype = F64}));
    Exact expected = reference::Interpreter<Exact>(model).logProb(x.row(0).cast<Exact>().transpose());
    EXPECT_NEAR(take(kernels->logProb<double>(model, x))[0], double(expected), 1e-12 * std::abs(double(expected)));
  }
  // That of the second length served two files.
  int64_t objects = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(cache / ""))
    // Files that name the kernel of a request are smaller.
    objects += entry.is_regular_file() && entry.path().extension() != ".timestamp" && entry.file_size() > 1000;
  EXPECT_EQ(objects, 3);
}
