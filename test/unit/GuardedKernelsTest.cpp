//===- GuardedKernelsTest.cpp - Kernels keep to their memory --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels of all golden flows, with every array that they are given between pages which
// may not be touched, at the front and at the back in turn: leaves, prepared values,
// rows, results, sums, workspaces. What they only read cannot be written. Rows are as
// ragged as rows can be, and some hold NaN, infinities and huge numbers: a look-up must
// not follow those out of its table.
//
// Each golden flow has a share of the kernels, another one than its neighbours, and one
// of the two types; with FLOWC_EVERY_KERNEL=1 all of them (a quarter of an hour).
//
//===----------------------------------------------------------------------===//

#include "GoldenFlows.h"
#include "GuardedMemory.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/ExecutionEngine/KernelRunner.h"

#include <gtest/gtest-spi.h>

#include <csignal>
#include <deque>
#include <functional>

using namespace flowc;
using namespace flowc::test;

namespace {

constexpr int64_t kRaggedRows[] = {1, 7, 16, 33, 64, 67, 130};
constexpr size_t kKernelAlignment = 64;
/// A byte of huge numbers.
constexpr unsigned char kHuge = 0x7F;
/// A flow has one kernel in so many.
constexpr size_t kShare = 11;

/// What runs, for whoever gets the signal.
char running[300];

void sayWhatRan(int signal) {
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, running, std::strlen(running));
  std::signal(signal, SIG_DFL);
}

/// A kernel in machine code, with the memory that it is given.
template <typename T>
class GuardedKernel {
public:
  /// With `isOdd` some rows hold what no row should.
  GuardedKernel(const Model &model, const KernelSpec &spec, const std::string &object, GuardedEnd end, bool isOdd)
      : model(model), spec(spec), code(take(loadKernel(object))), info(code->info), end(end), isOdd(isOdd) {
    fillLeaves();
    GuardedMemory &memory = make(info.preparedElements * sizeof(T), kKernelAlignment);
    prepared = memory.data();
    ScopedFloatingPointState state;
    forParts(
        code->parts.prepare, [&] { code->prepare(leaves.data(), prepared); },
        [&](int64_t part) { code->preparePart(leaves.data(), prepared, part, part + 1); });
    memory.protect();
  }

  /// The bits of all results.
  std::string run(int64_t rows) {
    random = Random(3);
    std::deque<GuardedMemory> arrays;
    std::vector<const void *> inputs;
    std::vector<void *> outputs;
    for (const RowArray &array : inputsOf(spec, model.flow().condShape().has_value())) {
      arrays.emplace_back(rows * widthOf(array) * sizeof(T), sizeof(T), end);
      fillRows(arrays.back().template as<T>());
      arrays.back().protect();
      inputs.push_back(arrays.back().data());
    }
    size_t firstOutput = arrays.size();
    for (const RowArray &array : outputsOf(spec)) {
      arrays.emplace_back(rows * widthOf(array) * sizeof(T), sizeof(T), end);
      outputs.push_back(arrays.back().data());
    }
    EXPECT_EQ(info.numInputs, int64_t(inputs.size()));
    EXPECT_EQ(info.numOutputs, int64_t(outputs.size()));
    if (info.sumElements > 0) {
      arrays.emplace_back(info.sumElements * sizeof(T), kKernelAlignment, end);
      outputs.push_back(arrays.back().data());
    }
    GuardedMemory workspace(info.workspaceElements * sizeof(T), kKernelAlignment, end);
    ScopedFloatingPointState state;
    code->kernel(prepared, inputs.data(), outputs.data(), workspace.data(), rows, /*first=*/5, /*seed=*/7);
    for (size_t i = firstOutput; i < arrays.size(); ++i) {
      std::string what = running + std::string("output ") + std::to_string(i - firstOutput);
      arrays[i].expectIntact(what);
      // Between the sums there may be gaps, which nobody reads.
      if (i - firstOutput < static_cast<size_t>(info.numOutputs))
        arrays[i].template expectWritten<T>(what);
    }
    workspace.expectIntact(running + std::string(", workspace"));
    std::string results;
    for (int64_t i = 0; i < info.numOutputs; ++i)
      results += arrays[firstOutput + i].contents();
    return code->finish ? results + finish(outputs.back()) : results;
  }

  /// What was prepared has not grown beyond its memory, either.
  void expectIntact() const {
    for (const GuardedMemory &memory : memories)
      memory.expectIntact(running);
  }

private:
  /// Where memory holds huge numbers parts are done one by one, the last one first.
  static void forParts(int64_t parts, const std::function<void()> &doAll, const std::function<void(int64_t)> &doOne) {
    if (parts == 1 || GuardedMemory::pattern != kHuge)
      return doAll();
    for (int64_t part = parts; part-- > 0;)
      doOne(part);
  }

  GuardedMemory &make(size_t bytes, size_t alignment) { return memories.emplace_back(bytes, alignment, end); }

  int64_t widthOf(const RowArray &array) const {
    return array.width == RowWidth::Event       ? model.flow().dim()
           : array.width == RowWidth::Condition ? model.flow().condDim()
                                                : 1;
  }

  /// Copies of the parameters, and directions in them for kernels of tangents.
  void fillLeaves() {
    std::vector<const void *> own = model.getImpl().leafPointers();
    for (size_t i = 0; i < own.size(); ++i) {
      const ParameterInfo &parameter = model.parameters()[i];
      size_t bytes = numElements(parameter.shape) * (parameter.integer ? sizeof(int32_t) : sizeof(T));
      GuardedMemory &memory = make(bytes, sizeof(T));
      std::memcpy(memory.data(), own[i], bytes);
      memory.protect();
      leaves.push_back(memory.data());
    }
    if (spec.tangent != Derivative::Params)
      return;
    for (const ParameterInfo &parameter : model.parameters()) {
      if (!parameter.trainable)
        continue;
      GuardedMemory &memory = make(numElements(parameter.shape) * sizeof(T), sizeof(T));
      for (T &value : memory.as<T>())
        value = static_cast<T>(random.normal());
      memory.protect();
      leaves.push_back(memory.data());
    }
  }

  void fillRows(std::span<T> values) {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    constexpr T odd[] = {std::numeric_limits<T>::quiet_NaN(), infinity, -infinity, T(1e30), T(-1e30), 0, T(-0.0)};
    for (T &value : values)
      value = isOdd && random.chance(0.1) ? odd[random.below(std::size(odd))] : static_cast<T>(random.normal());
  }

  std::string finish(const void *sums) {
    GuardedMemory gradient(info.gradientElements * sizeof(T), sizeof(T), end);
    GuardedMemory workspace(info.finishWorkspaceElements * sizeof(T), kKernelAlignment, end);
    forParts(
        code->parts.finish, [&] { code->finish(leaves.data(), sums, gradient.data(), 0.5, workspace.data()); },
        [&](int64_t part) {
          code->finishPart(leaves.data(), sums, gradient.data(), 0.5, workspace.data(), part, part + 1);
        });
    gradient.expectWritten<T>(running + std::string(", gradient"));
    gradient.expectIntact(running + std::string(", gradient"));
    workspace.expectIntact(running + std::string(", workspace of the gradient"));
    return gradient.contents();
  }

  const Model &model;
  const KernelSpec &spec;
  std::unique_ptr<LoadedKernel> code;
  KernelInfo info;
  GuardedEnd end;
  bool isOdd;
  Random random{3};
  std::deque<GuardedMemory> memories;
  std::vector<const void *> leaves;
  void *prepared = nullptr;
};

/// The results are the same bits, whatever was in memory before and in whatever order parts
/// are done.
template <typename T>
void expectForgetsWhatMemoryHeld(const Model &model, const KernelSpec &spec, const std::string &object) {
  constexpr int64_t rows = 67;
  std::string results[2];
  for (bool isHuge : {false, true}) {
    GuardedMemory::pattern = isHuge ? kHuge : 0xA5;
    results[isHuge] = GuardedKernel<T>(model, spec, object, GuardedEnd::Back, /*isOdd=*/false).run(rows);
  }
  GuardedMemory::pattern = 0xA5;
  EXPECT_TRUE(results[0] == results[1]) << running << "the results depend on what was in memory before";
}

template <typename T>
void expectKeepsToItsMemory(const Model &model, const Flow &target, const KernelSpec &spec, const std::string &name) {
  KernelRequest request{.flow = model.flow(), .kernel = spec.kernel, .dtype = dtypeOf<T>, .target = &target};
  if (!checkKernelExists(request))
    return;
  auto object = compileKernel(request, take(getTarget()));
  ASSERT_TRUE(object) << object.error().message;
  for (GuardedEnd end : {GuardedEnd::Front, GuardedEnd::Back}) {
    std::snprintf(running, sizeof(running), "%s of %s, float%zu, guarded at the %s\n", std::string(spec.name).c_str(),
                  name.c_str(), 8 * sizeof(T), end == GuardedEnd::Front ? "front" : "back");
    GuardedKernel<T> kernel(model, spec, *object, end, /*isOdd=*/true);
    for (int64_t rows : kRaggedRows)
      kernel.run(rows);
    kernel.expectIntact();
  }
  expectForgetsWhatMemoryHeld<T>(model, spec, *object);
}

class GuardedKernels : public testing::TestWithParam<std::string> {};

} // namespace

TEST_P(GuardedKernels, KeepToTheirMemory) {
  std::signal(SIGSEGV, sayWhatRan);
  Model model64 = importGolden(GetParam()), model32 = model64.astype(F32);
  const Flow &flow = model64.flow();
  Flow target = take(Flow::parseDensity("density t(x[" + std::to_string(flow.dim()) + "]) = -sum(log1p((x - 0.3)^2))"));
  std::vector<std::string> cases = goldenCases();
  auto number = static_cast<size_t>(std::find(cases.begin(), cases.end(), GetParam()) - cases.begin());
  bool isEvery = std::getenv("FLOWC_EVERY_KERNEL") != nullptr;
  for (size_t i = 0; i < std::size(kKernels); ++i) {
    if (!isEvery && (i + number) % kShare != 0)
      continue;
    bool isDouble = (i + number) / kShare % 2;
    if (isEvery || isDouble)
      expectKeepsToItsMemory<double>(model64, target, kKernels[i], GetParam());
    if (isEvery || !isDouble)
      expectKeepsToItsMemory<float>(model32, target, kKernels[i], GetParam());
  }
  std::signal(SIGSEGV, SIG_DFL);
}

/// A few weights fit into one vector, with what lies behind them.
TEST(NarrowNetworks, ForgetWhatMemoryHeld) {
  for (int width : {1, 2, 3, 4, 5, 7, 9}) {
    std::string size = std::to_string(width);
    for (std::string text :
         {"coupling_flow(standard_normal([3]), flow_layers = 2, nn_width = " + size + ")",
          "masked_autoregressive_flow(standard_normal([3]), flow_layers = 2, nn_width = " + size + ")"}) {
      Model model64 = initialise("flow f = " + text + "\n", {.dtype = F64}), model32 = model64.astype(F32);
      for (const KernelSpec &spec : kKernels) {
        if (spec.name != "nll_gradient")
          continue;
        for (const Model *model : {&model64, &model32}) {
          KernelRequest request{.flow = model->flow(), .kernel = spec.kernel, .dtype = model->dtype()};
          std::string object = take(compileKernel(request, take(getTarget())));
          std::snprintf(running, sizeof(running), "%s, ", text.c_str());
          if (model->dtype() == F64)
            expectForgetsWhatMemoryHeld<double>(*model, spec, object);
          else
            expectForgetsWhatMemoryHeld<float>(*model, spec, object);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GuardedKernels, testing::ValuesIn(goldenCases()),
                         [](const auto &info) { return info.param; });

/// The guards guard.
TEST(GuardedMemory, TellsWhatIsTouched) {
  for (GuardedEnd end : {GuardedEnd::Front, GuardedEnd::Back}) {
    GuardedMemory memory(48, 16, end);
    auto *bytes = static_cast<volatile unsigned char *>(memory.data());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes) % 16, 0U);
    memory.expectIntact("untouched");
    EXPECT_NONFATAL_FAILURE(memory.expectWritten<float>("untouched"), "element 0 was not written");
    for (int i = 0; i < 48; ++i)
      bytes[i] = 1;
    memory.expectIntact("all of it");
    memory.expectWritten<float>("all of it");
    EXPECT_DEATH(bytes[end == GuardedEnd::Front ? -1 : 48] = 1, "");
    memory.protect();
    EXPECT_DEATH(bytes[0] = 2, "");
  }
  GuardedMemory odd(20, 16, GuardedEnd::Back);
  static_cast<unsigned char *>(odd.data())[20] = 1;
  EXPECT_NONFATAL_FAILURE(odd.expectIntact("what alignment left"), "behind it");
}
