//===- SpecializeTest.cpp - Sample programs compute what flows mean -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emission and flow-specialize, judged by the interpreter: against FlowJAX's
// values, and by what must hold of every bijection.
//
//===----------------------------------------------------------------------===//

#include "SampleInterpreter.h"

#include "flowc/Dialect/Flow/Transforms/Passes.h"
#include "flowc/Frontend/Emit.h"
#include "flowc/Frontend/Frontend.h"
#include "flowc/IO/Npy.h"
#include "flowc/IO/Safetensors.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"

#include <Eigen/LU>

#include <cmath>
#include <limits>
#include <random>

using namespace flowc;
using namespace flowc::test;
using namespace mlir;

namespace {

/// A flow with parameters, whose kernels run on single rows.
class Subject {
public:
  explicit Subject(llvm::StringRef text) {
    auto item = parseFlow(text.str());
    EXPECT_TRUE(bool(item)) << item.error().message;
    root = item->root;
    for (const PlacedLeaf &leaf : flattenLeaves(*root))
      if (leaf.leaf->kind != Leaf::Kind::Constant)
        leaves.push_back(leaf);
    values.resize(leaves.size());
  }

  /// Parameters from what FlowJAX saved: one array for each leaf, constants too.
  void readEquinox(const std::string &path) {
    auto file = InputFile::open(path);
    ASSERT_TRUE(bool(file)) << file.error().message;
    int64_t offset = 0;
    size_t next = 0;
    for (const PlacedLeaf &leaf : flattenLeaves(*root, /*withValues=*/false)) {
      auto layout = readNpyHeader(*file, offset, path);
      ASSERT_TRUE(bool(layout)) << layout.error().message;
      offset = layout->offset + layout->numBytes();
      if (leaf.leaf->kind == Leaf::Kind::Constant)
        continue;
      auto array = readArray(*file, *layout);
      ASSERT_TRUE(bool(array)) << array.error().message;
      values[next++].assign(array->begin(), array->end());
    }
  }

  /// Parameters off their initial values.
  void randomise(std::mt19937 &random) {
    std::normal_distribution<double> normal;
    for (auto [i, leaf] : llvm::enumerate(leaves)) {
      Array &array = values[i];
      array.assign(leaf.values.begin(), leaf.values.end());
      array.resize(numElements(leaf.shape));
      int64_t size = leaf.shape.empty() ? 1 : leaf.shape.back();
      for (int64_t row = 0; row < int64_t(array.size()); row += size)
        for (int64_t j = 0; j < size; ++j)
          if (leaf.leaf->kind != Leaf::Kind::Permutation)
            array[row + j] += 0.4 * normal(random);
          else if (leaf.leaf->init.kind == Init::Kind::InversePermutation)
            array[row + int64_t(values[i - 1][row + j])] = j;
          else if (leaf.leaf->init.kind == Init::Kind::Shuffled)
            array[row + j] = j;
      if (leaf.leaf->init.kind == Init::Kind::Shuffled)
        for (int64_t row = 0; row < int64_t(array.size()); row += size)
          std::shuffle(array.begin() + row, array.begin() + row + size, random);
    }
  }

  /// Results of a kernel for one row.
  std::vector<Array> run(const char *kernel, const Array &event, const Array &condition, const Array &draws = {}) {
    auto &module = modules[kernel];
    if (!module)
      module = build(kernel);
    auto function = module->lookupSymbol<func::FuncOp>("kernel");
    std::vector<Array> arguments;
    size_t next = 0;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, sample::SampleDialect::kConditionAttr))
        arguments.push_back(condition);
      else if (function.getArgAttr(i, sample::SampleDialect::kRowAttr))
        arguments.push_back(event);
      else
        arguments.push_back(values[next++]);
    return SampleInterpreter(draws).run(function, arguments);
  }

  const Node &getRoot() const { return *root; }
  int64_t getDim() const { return numElements(root->shape); }
  int64_t getCondDim() const { return root->condShape ? numElements(*root->condShape) : 0; }

private:
  OwningOpRef<ModuleOp> build(const char *kernel) {
    std::string error;
    OwningOpRef<ModuleOp> module = emitFlowGraph(context, *root, F64, "test.flow", error);
    EXPECT_TRUE(bool(module)) << error;
    PassManager passes(&context);
    flow::SpecializePassOptions options;
    options.program = kernel;
    if (options.program.starts_with("sample"))
      options.rows = "drawn";
    passes.addPass(flow::createSpecializePass(options));
    EXPECT_TRUE(succeeded(passes.run(*module)));
    return module;
  }

  MLIRContext context;
  NodePtr root;
  std::vector<PlacedLeaf> leaves;
  std::vector<Array> values;
  std::map<std::string, OwningOpRef<ModuleOp>> modules;
};

/// Compares with FlowJAX's double: the difference of two stable formulas.
void expectNear(const Array &found, const Array &expected, const std::string &what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < found.size(); ++i)
    if (!(found[i] == expected[i])) {
      EXPECT_NEAR(double(found[i]), double(expected[i]), 1e-10 * std::max(1.0, std::fabs(double(expected[i]))))
          << what << ", element " << i;
    }
}

//===----------------------------------------------------------------------===//
// FlowJAX's values
//===----------------------------------------------------------------------===//

std::vector<std::string> getGoldenCases() {
  std::vector<std::string> names;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(FLOWC_GOLDEN_DIR, error), end; it != end && !error; it.increment(error))
    if (llvm::StringRef name = llvm::sys::path::filename(it->path()); llvm::sys::fs::exists(it->path() + "/model.eqx"))
      names.push_back(name.str());
  llvm::sort(names);
  return names;
}

class SpecializeGoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(SpecializeGoldenTest, AgreesWithFlowJAX) {
  std::string folder = std::string(FLOWC_GOLDEN_DIR) + "/" + GetParam();
  auto text = llvm::MemoryBuffer::getFile(folder + "/model.flow");
  ASSERT_TRUE(bool(text));
  Subject subject((*text)->getBuffer());
  subject.readEquinox(folder + "/model.eqx");
  auto arrays = SafetensorsReader::open(folder + "/arrays.safetensors");
  ASSERT_TRUE(bool(arrays)) << arrays.error().message;
  auto has = [&](const char *name) { return arrays->find(name) != nullptr; };
  auto read = [&](const char *name) {
    auto values = readArray(arrays->file(), *arrays->find(name));
    EXPECT_TRUE(bool(values));
    return *values;
  };
  // Calls `visit(row, rows, event, condition)` for every row of `input`.
  auto forEachRow = [&](const char *input, auto visit) {
    auto events = read(input);
    auto conditions = has("condition") ? read("condition") : std::vector<double>();
    int64_t dim = subject.getDim(), condDim = subject.getCondDim(), rows = int64_t(events.size()) / dim;
    for (int64_t row = 0; row < rows; ++row) {
      Array event(events.begin() + row * dim, events.begin() + (row + 1) * dim), condition;
      if (condDim)
        condition.assign(conditions.begin() + row * condDim, conditions.begin() + (row + 1) * condDim);
      visit(row, rows, event, condition);
    }
  };
  auto compare = [&](const char *kernel, const char *input, std::vector<const char *> outputs) {
    forEachRow(input, [&](int64_t row, int64_t rows, const Array &event, const Array &condition) {
      std::vector<Array> results = subject.run(kernel, event, condition, /*draws=*/event);
      for (auto [result, name] : llvm::zip(results, outputs)) {
        auto all = read(name);
        int64_t size = int64_t(all.size()) / rows;
        expectNear(result, Array(all.begin() + row * size, all.begin() + (row + 1) * size),
                   std::string(kernel) + ", " + name + " of row " + std::to_string(row));
      }
    });
  };
  auto roundTrip = [&](const char *input, const char *there, const char *back) {
    forEachRow(input, [&](int64_t row, int64_t, const Array &event, const Array &condition) {
      std::vector<Array> image = subject.run(there, event, condition);
      std::vector<Array> preimage = subject.run(back, image[0], condition);
      expectNear(preimage[0], event, "there and back, row " + std::to_string(row));
      expectNear({-preimage[1][0]}, image[1], "log_det there and back, row " + std::to_string(row));
    });
  };
  if (subject.getRoot().category == Node::Category::Bijection) {
    compare("transform", "x", {"y", "log_det"});
    if (has("inverse_x"))
      compare("inverse", "y", {"inverse_x", "inverse_log_det"});
    return;
  }
  // FlowJAX searches for the inverse of a block network until a mean residual of 1e-5:
  // what rests on that is judged by the way back.
  if (llvm::StringRef(GetParam()).starts_with("bnaf_")) {
    bool isInverted = subject.getRoot().child("bijection").kind == "invert";
    if (isInverted)
      compare("log_prob", "x", {"log_prob"});
    else
      compare("transform", "z", {"y", "log_det"});
    return roundTrip(isInverted ? "z" : "x", isInverted ? "transform" : "inverse",
                     isInverted ? "inverse" : "transform");
  }
  compare("log_prob", "x", {"log_prob"});
  if (!has("y"))
    return;
  compare("transform", "z", {"y", "log_det"});
  compare("inverse", "y", {"z"});
  // `z` are draws of the base: those of the generator only for a plain base.
  if (subject.getRoot().child("base_dist").kind == "standard_normal") {
    compare("sample", "z", {"y"});
    compare("sample_and_log_prob", "z", {"y", "y_log_prob"});
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, SpecializeGoldenTest, testing::ValuesIn(getGoldenCases()),
                         [](const auto &info) { return info.param; });

//===----------------------------------------------------------------------===//
// What holds of every bijection
//===----------------------------------------------------------------------===//

struct Composition {
  const char *name, *text;
};

class SpecializeBijectionTest : public testing::TestWithParam<Composition> {};

/// log|det| of the Jacobian by central differences.
long double getNumericLogDet(Subject &subject, const Array &x, const Array &condition) {
  constexpr long double step = 1e-6; // error about step^2, in long double far above rounding
  int64_t dim = subject.getDim();
  Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic> jacobian(dim, dim);
  for (int64_t i = 0; i < dim; ++i) {
    Array above = x, below = x;
    above[i] += step;
    below[i] -= step;
    Array up = subject.run("transform", above, condition)[0], down = subject.run("transform", below, condition)[0];
    for (int64_t j = 0; j < dim; ++j)
      jacobian(j, i) = (up[j] - down[j]) / (2 * step);
  }
  return std::log(std::fabs(jacobian.determinant()));
}

TEST_P(SpecializeBijectionTest, InverseAndLogDeterminant) {
  Subject subject(GetParam().text);
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  for (int repetition = 0; repetition < 4; ++repetition) {
    subject.randomise(random);
    for (int row = 0; row < 8; ++row) {
      Array x(subject.getDim()), condition(subject.getCondDim());
      for (auto &value : x)
        value = 1.5 * normal(random);
      for (auto &value : condition)
        value = normal(random);
      std::vector<Array> forward = subject.run("transform", x, condition);
      std::vector<Array> back = subject.run("inverse", forward[0], condition);
      // Rounding of long double (1e-19), amplified by slopes of at most 1e6.
      for (size_t i = 0; i < x.size(); ++i)
        EXPECT_NEAR(double(back[0][i]), double(x[i]), 1e-11);
      EXPECT_NEAR(double(forward[1][0] + back[1][0]), 0, 1e-11);
      EXPECT_NEAR(double(forward[1][0]), double(getNumericLogDet(subject, x, condition)), 1e-6);
    }
  }
}

constexpr Composition compositions[] = {
    {"maf_one_coordinate", "flow a = masked_autoregressive_flow(standard_normal([1]), flow_layers = 2, nn_width = 4)"},
    {"maf_without_hidden_layers",
     "flow a = masked_autoregressive_flow(standard_normal([4]), flow_layers = 2, nn_width = 4, nn_depth = 0)"},
    {"maf_narrow", "flow a = masked_autoregressive_flow(standard_normal([5]), cond_dim = 3, flow_layers = 2,"
                   "  nn_width = 2, nn_depth = 3, nn_activation = gelu)"},
    {"maf_of_one_parameter", "flow a = masked_autoregressive_flow(standard_normal([3]), transformer = loc(0.5),"
                             "  flow_layers = 2, nn_width = 7, nn_activation = elu)"},
    {"maf_of_chain",
     "flow a = masked_autoregressive_flow(standard_normal([3]), flow_layers = 2, nn_width = 7, nn_activation = silu,"
     "  transformer = chain([affine(0.2, 1.5), invert(rational_quadratic_spline(knots = 3, interval = [-2, 3])),"
     "                       scale(2), identity()]))"},
    {"coupling_of_scan",
     "flow a = coupling_flow(standard_normal([3]), flow_layers = 2, nn_width = 7, nn_activation = leaky_relu,"
     "  transformer = scan(rational_quadratic_spline(knots = 3, interval = 2), layers = 2), invert = false)"},
    {"coupling_of_frozen",
     "flow a = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 7, nn_activation = softplus,"
     "  transformer = chain([scale(2), non_trainable(affine(1, 3))]))"},
    {"coupling_of_last", "bijection a = coupling(affine(), untransformed_dim = 4, dim = 5, cond_dim = 1, nn_width = 3,"
                         "  nn_depth = 0, nn_activation = sigmoid)"},
    {"scans_of_matrices",
     "bijection l = chain([affine([[1, 2, 3], [4, 5, 6]], full([2, 3], 0.5)), permute([[1, 0, 2], [5, 4, 3]]),"
     "                     flip([2, 3]), loc(ones([2, 3]))])\n"
     "bijection a = scan(chain([scan(l, layers = 2), invert(scan(invert(l), layers = 3)),"
     "                          non_trainable(scale(full([2, 3], 2)))]), layers = 2)"},
    {"embedded_flow", "flow a = embed_condition(coupling_flow(standard_normal([3]), cond_dim = 2, flow_layers = 2,"
                      "  nn_width = 5), mlp(4, 2, 6, 2, activation = tanh), [4])"},
    {"embedded_in_scan",
     "bijection a = scan(embed_condition(masked_autoregressive(affine(), dim = 3, cond_dim = 2, nn_width = 4,"
     "  nn_depth = 1), chain([affine(zeros(2), ones(2)), tanh([2])]), [2]), layers = 3)"},
    {"embedded_linear", "bijection a = embed_condition(coupling(affine(), untransformed_dim = 1, dim = 3, cond_dim = 2,"
                        "  nn_width = 4, nn_depth = 1), linear(3, 2, use_bias = false), [3])"},
    {"embedded_for_nothing",
     "bijection a = chain([embed_condition(chain([coupling(affine(), 1, 3, nn_width = 4, nn_depth = 1),"
     "  vmap(loc(1), axis_size = 3, in_axes_condition = 5)]), mlp(2, 5, 4, 1), [2]), softplus([3])])"},
    {"scalar",
     "bijection a = chain([affine(), rational_quadratic_spline(knots = 5, interval = 3), flip(), softplus()])"},
    {"one_element", "bijection a = chain([affine([0], [1]), scan(loc([3]), layers = 2), softplus([1])])"},
};

INSTANTIATE_TEST_SUITE_P(Compositions, SpecializeBijectionTest, testing::ValuesIn(compositions),
                         [](const auto &info) { return std::string(info.param.name); });

//===----------------------------------------------------------------------===//
// NaN and the support
//===----------------------------------------------------------------------===//

constexpr long double nan = std::numeric_limits<long double>::quiet_NaN();
constexpr long double infinity = std::numeric_limits<long double>::infinity();

TEST(SpecializeNaN, OutsideOfTheSupportIsImpossible) {
  Subject subject("flow a = transformed(standard_normal([2]), softplus([2]))");
  EXPECT_EQ(subject.run("log_prob", {1, -1}, {})[0][0], -infinity);
  EXPECT_EQ(subject.run("log_prob", {1, 0}, {})[0][0], -infinity);
  EXPECT_EQ(subject.run("nll", {1, -1}, {})[0][0], infinity);
  EXPECT_TRUE(std::isfinite(subject.run("log_prob", {1, 2}, {})[0][0]));
}

TEST(SpecializeNaN, StaysInRowsWithNaN) {
  Subject subject("flow a = coupling_flow(standard_normal([2]), cond_dim = 1, flow_layers = 1, nn_width = 3)");
  std::mt19937 random(1);
  subject.randomise(random);
  EXPECT_TRUE(std::isnan(subject.run("log_prob", {1, nan}, {0})[0][0]));
  EXPECT_TRUE(std::isnan(subject.run("log_prob", {1, 2}, {nan})[0][0]));
  EXPECT_EQ(subject.run("log_prob", {infinity, 0}, {0})[0][0], -infinity);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST(EmitErrors, UnknownKindNamesItsPlace) {
  auto node = std::make_shared<Node>();
  node->kind = "wormhole";
  node->location = {3, 7};
  MLIRContext context;
  std::string error;
  EXPECT_FALSE(bool(emitFlowGraph(context, *node, F32, "a.flow", error)));
  EXPECT_EQ(error, "a.flow:3:7: error: `wormhole` cannot be compiled");
}

} // namespace
