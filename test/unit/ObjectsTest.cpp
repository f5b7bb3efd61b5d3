//===- ObjectsTest.cpp - Functions for programs in C ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Objects of all golden flows are linked to shared libraries and loaded; their functions
// give the bits of the JIT. Each flow has a share of the functions, another one than its
// neighbours; with FLOWC_EVERY_KERNEL=1 all of them.
//
//===----------------------------------------------------------------------===//

#include "GoldenFlows.h"
#include "TemporaryDirectory.h"

#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/Objects/Objects.h"
#include "flowc/Target/CpuLevel.h"

#include <dlfcn.h>

using namespace flowc;
using namespace flowc::test;

namespace {

constexpr int64_t kRows = 131;
/// A flow has one function in so many.
constexpr size_t kShare = 5;
constexpr uint64_t kSeed = 7, kFirst = 5;

/// The best of the levels that this machine runs.
std::string findBestLevel() {
  std::string best;
  for (const CpuLevel &level : take(getCpuLevels({})))
    if (checkRunsOnHost(level.target))
      best = level.target.cpu;
  return best;
}

/// An object in this process. Its functions take pointers and whole numbers, of which more
/// than there are do no harm.
class LoadedObject {
public:
  explicit LoadedObject(const ObjectFiles &files) {
    path = folder.write("object.so", take(linkSharedLibrary(files.object, "object.so")));
    handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      ADD_FAILURE() << ::dlerror();
  }
  ~LoadedObject() { ::dlclose(handle); }

  uint64_t call(const std::string &name, std::vector<uint64_t> a) const {
    using Function = uint64_t (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                  uint64_t, uint64_t, uint64_t, uint64_t);
    auto function = reinterpret_cast<Function>(::dlsym(handle, ("f_" + name).c_str()));
    if (!function) {
      ADD_FAILURE() << ::dlerror();
      return 99;
    }
    a.resize(12);
    return function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
  }
  int status(const std::string &name, const std::vector<uint64_t> &arguments) const {
    return static_cast<int>(call(name, arguments));
  }
  std::string message(int status) const {
    return reinterpret_cast<const char *>(call("error_message", {static_cast<uint64_t>(status)}));
  }

private:
  TemporaryDirectory folder;
  std::string path;
  void *handle = nullptr;
};

uint64_t address(const void *memory) { return reinterpret_cast<uint64_t>(memory); }

/// Rows for a kernel, and room for its results.
template <typename T>
struct KernelArrays {
  KernelArrays(const Flow &flow, const KernelSpec &spec, bool hasCondition) {
    Random random(3);
    auto width = [&](const RowArray &array) {
      return array.width == RowWidth::Event ? flow.dim() : array.width == RowWidth::Condition ? flow.condDim() : 1;
    };
    for (const RowArray &array : inputsOf(spec, hasCondition))
      inputs.push_back(random.normals<T>(kRows, width(array)));
    for (const RowArray &array : outputsOf(spec))
      outputs.push_back(Rows<T>::Constant(kRows, width(array), T(77)));
  }
  std::vector<Rows<T>> inputs, outputs;
};

/// Where the results of two runs differ in bits.
template <typename T>
void expectEqualBits(const KernelArrays<T> &found, const KernelArrays<T> &expected, const std::string &what) {
  for (size_t i = 0; i < found.outputs.size(); ++i)
    EXPECT_EQ(std::memcmp(found.outputs[i].data(), expected.outputs[i].data(), found.outputs[i].size() * sizeof(T)), 0)
        << what << ", output " << i << ": " << found.outputs[i].row(0) << " and " << expected.outputs[i].row(0);
}

template <typename T>
void runJit(Kernels &kernels, const Model &model, const KernelSpec &spec, KernelArrays<T> &arrays) {
  Kernels::Call call{.kernel = spec.kernel, .rows = kRows, .first = kFirst, .seed = kSeed};
  for (const Rows<T> &input : arrays.inputs)
    call.inputs.push_back(input.data());
  for (Rows<T> &output : arrays.outputs)
    call.outputs.push_back(output.data());
  auto ok = kernels.run(model, call);
  ASSERT_TRUE(ok) << ok.error().message;
}

template <typename T>
void runObject(const LoadedObject &object, const KernelSpec &spec, KernelArrays<T> &arrays, const void *prepared) {
  std::vector<uint64_t> arguments;
  if (prepared)
    arguments.push_back(address(prepared));
  for (const Rows<T> &input : arrays.inputs)
    arguments.push_back(address(input.data()));
  arguments.push_back(kRows);
  if (spec.rows == RowSource::Drawn)
    arguments.insert(arguments.end(), {kSeed, kFirst});
  for (Rows<T> &output : arrays.outputs)
    arguments.push_back(address(output.data()));
  std::vector<char> workspace(object.call("workspace_size", {}));
  arguments.insert(arguments.end(), {address(workspace.data()), workspace.size()});
  int status = object.status(std::string(spec.name), arguments);
  EXPECT_EQ(status, 0) << spec.name << ": " << object.message(status);
}

/// The functions of `flow` that have number `share` among `kShare`.
std::vector<Kernel> getShare(const Flow &flow, size_t share) {
  std::vector<Kernel> functions;
  bool isEvery = std::getenv("FLOWC_EVERY_KERNEL") != nullptr;
  size_t number = 0;
  for (const KernelSpec &spec : kKernels)
    if (checkObjectFunction(spec.kernel) && checkKernelExists({flow, spec.kernel, F64}) &&
        (isEvery || number++ % kShare == share % kShare))
      functions.push_back(spec.kernel);
  return functions;
}

/// What PREFIX_prepare writes.
std::vector<char> prepareObject(const LoadedObject &object, const std::string &parameters) {
  std::vector<char> prepared(object.call("prepared_size", {}));
  int status = object.status(
      "prepare", {address(parameters.data()), parameters.size(), address(prepared.data()), prepared.size()});
  EXPECT_EQ(status, 0) << object.message(status);
  return prepared;
}

template <typename T>
void expectBitsOfJit(const Model &model, size_t share) {
  std::string cpu = share % 2 ? findBestLevel() : std::string();
  bool isApart = share % 3 == 1;
  std::vector<Kernel> functions = getShare(model.flow(), share);
  ObjectOptions options{.functions = functions, .prefix = "f", .cpus = {cpu}, .parametersApart = isApart};
  LoadedObject object(take(makeObject(model, options)));
  std::vector<char> prepared;
  if (isApart)
    prepared = prepareObject(object, take(makeParameters(model)));
  auto kernels = take(compile(model.flow(), {.dtype = model.dtype(), .threads = 1, .cpu = cpu}));
  for (Kernel kernel : functions) {
    const KernelSpec &spec = *findKernel(kernel);
    KernelArrays<T> found(model.flow(), spec, model.flow().condShape().has_value()), expected = found;
    runJit(*kernels, model, spec, expected);
    runObject(object, spec, found, isApart ? prepared.data() : nullptr);
    expectEqualBits(found, expected, std::string(spec.name));
  }
}

class GoldenObjects : public testing::TestWithParam<std::string> {};

} // namespace

TEST_P(GoldenObjects, GiveTheBitsOfTheJit) {
  std::vector<std::string> cases = goldenCases();
  auto number = static_cast<size_t>(std::find(cases.begin(), cases.end(), GetParam()) - cases.begin());
  Model model = importGolden(GetParam());
  expectBitsOfJit<double>(model, number);
  expectBitsOfJit<float>(model.astype(F32), number + 1);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenObjects, testing::ValuesIn(goldenCases()),
                         [](const auto &info) { return info.param; });

namespace {
/// Cases whose flow takes a condition.
std::vector<std::string> conditionalCases() {
  std::vector<std::string> cases = goldenCases();
  std::erase_if(cases, [](const std::string &name) { return !parse(goldenText(name)).condShape(); });
  return cases;
}

class ConditionalObjects : public testing::TestWithParam<std::string> {};
} // namespace

/// A condition that is the same for all rows gives what it gives as an argument, but for
/// roundings: what depends on it alone is computed by other code.
TEST_P(ConditionalObjects, MayHaveAFixedCondition) {
  Model model = importGolden(GetParam());
  const Flow &flow = model.flow();
  std::vector<double> condition;
  for (int64_t i = 0; i < flow.condDim(); ++i)
    condition.push_back(0.75 - 0.5 * static_cast<double>(i));
  LoadedObject object(take(makeObject(model, {.prefix = "f", .cpus = {""}, .condition = condition})));
  auto kernels = compileFresh(model);
  for (Kernel kernel : getDefaultFunctions(flow)) {
    const KernelSpec &spec = *findKernel(kernel);
    KernelArrays<double> expected(flow, spec, true), found(flow, spec, false);
    size_t at = spec.rows == RowSource::Given;
    if (at)
      found.inputs[0] = expected.inputs[0];
    for (int64_t i = 0; i < flow.condDim(); ++i)
      expected.inputs[at].col(i).setConstant(condition[i]);
    runJit(*kernels, model, spec, expected);
    runObject(object, spec, found, nullptr);
    for (size_t i = 0; i < found.outputs.size(); ++i)
      EXPECT_LE((found.outputs[i] - expected.outputs[i]).cwiseAbs().maxCoeff(),
                1e-10 * (1 + expected.outputs[i].cwiseAbs().maxCoeff()))
          << spec.name << ", output " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, ConditionalObjects, testing::ValuesIn(conditionalCases()),
                         [](const auto &info) { return info.param; });

/// Code for several processors chooses the best one that there is.
TEST(Objects, ChooseTheBestLevel) {
  Model model = makeModel("flow f = coupling_flow(standard_normal([3]), nn_width = 8)", F32);
  LoadedObject object(take(makeObject(model, {.functions = {Kernel::SampleAndLogProb}, .prefix = "f"})));
  auto kernels = take(compile(model.flow(), {.threads = 1, .cpu = findBestLevel()}));
  const KernelSpec &spec = *findKernel(Kernel::SampleAndLogProb);
  KernelArrays<float> found(model.flow(), spec, false), expected = found;
  runJit(*kernels, model, spec, expected);
  runObject(object, spec, found, nullptr);
  expectEqualBits(found, expected, "the best level");
}

/// A processor of which nobody has heard runs nothing, and says so.
TEST(Objects, RefuseProcessorsThatCannotRunThem) {
  std::string cpu = "x86-64-v4";
  if (checkRunsOnHost(take(getTarget(cpu))))
    GTEST_SKIP() << "this machine runs code of any level";
  Model model = makeModel("flow f = coupling_flow(standard_normal([3]), nn_width = 8)", F32);
  LoadedObject object(take(makeObject(model, {.functions = {Kernel::Sample}, .prefix = "f", .cpus = {cpu}})));
  std::vector<float> x(3);
  std::vector<char> workspace(object.call("workspace_size", {}));
  int status =
      object.status("sample", {1, kSeed, kFirst, address(x.data()), address(workspace.data()), workspace.size()});
  EXPECT_NE(object.message(status).find("this processor lacks instructions"), std::string::npos)
      << object.message(status);
}

/// Densities that users write, with data, are functions of rows, too.
TEST(Objects, AreMadeOfDensities) {
  Flow flow = take(Flow::parseDensity("density d(x[2]) = -sum(x^2) / 2 + x[0] * 3"));
  Model model = take(Model::initialise(flow, {.dtype = F64}));
  LoadedObject object(take(makeObject(model, {.prefix = "f"})));
  const KernelSpec &spec = *findKernel(Kernel::LogProb);
  KernelArrays<double> arrays(flow, spec, false);
  runObject(object, spec, arrays, nullptr);
  for (int64_t i = 0; i < kRows; ++i) {
    double a = arrays.inputs[0](i, 0), b = arrays.inputs[0](i, 1);
    EXPECT_NEAR(arrays.outputs[0](i, 0), -(a * a + b * b) / 2 + 3 * a, 1e-12);
  }
}

TEST(CpuLevels, RequireWhatTheyAreMadeOf) {
  std::vector<CpuLevel> levels =
      take(getCpuLevels({"x86-64-v4", "x86-64", "x86-64-v3", "x86-64-v2"}, "x86_64-linux-gnu"));
  EXPECT_EQ(levels[0].target.cpu, "x86-64");
  EXPECT_EQ(levels[0].required, CpuWords());
  EXPECT_EQ(levels[1].target.cpu, "x86-64-v2");
  EXPECT_EQ(levels[2].target.cpu, "x86-64-v3");
  EXPECT_EQ(levels[3].target.cpu, "x86-64-v4");
  // cpuid 7, 0, ebx, and xgetbv 0.
  constexpr size_t leaf7Ebx = 1, savedState = 3;
  EXPECT_EQ(levels[2].required[savedState], 0x06U);
  EXPECT_EQ(levels[3].required[savedState], 0xe6U);
  EXPECT_EQ(levels[3].required[leaf7Ebx] & ~levels[2].required[leaf7Ebx], 0xd0030000U);
  // Instruction sets beyond the last level are left out, so that nobody has to ask for them.
  CpuLevel zen = take(getCpuLevels({"znver4"}, "x86_64-linux-gnu")).front();
  EXPECT_EQ(zen.required[leaf7Ebx], levels[3].required[leaf7Ebx]);
  EXPECT_NE(zen.target.features.find("-avx512vbmi"), std::string::npos);
  EXPECT_NE(zen.target.features.find("+avx512bw"), std::string::npos);
}
