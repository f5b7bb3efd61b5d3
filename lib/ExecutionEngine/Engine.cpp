//===- Engine.cpp - Compiled kernels of a flow ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `flowc::compile`: each kernel is compiled, or loaded from the object cache,
// when it is first asked for. What a kernel prepares from the parameters is kept
// beside them until they are written.
//
//===----------------------------------------------------------------------===//

#include "flowc/API/ModelImpl.h"
#include "flowc/ExecutionEngine/AlignedBuffer.h"
#include "flowc/ExecutionEngine/DensityData.h"
#include "flowc/ExecutionEngine/JIT.h"
#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/ExecutionEngine/KernelRunner.h"
#include "flowc/ExecutionEngine/ObjectCache.h"
#include "flowc/Support/Clock.h"

#include <algorithm>
#include <array>
#include <cfenv>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>

using namespace flowc;

namespace {

/// Elements per row of the arrays of a kernel.
struct KernelShape {
  std::vector<int64_t> inputs, outputs;
};

/// A kernel that is ready to run.
struct ReadyKernel {
  ReadyKernel(std::unique_ptr<LoadedKernel> code, KernelShape shape, std::shared_ptr<const DensityData> data,
              double seconds)
      : code(std::move(code)), shape(std::move(shape)), data(std::move(data)), seconds(seconds),
        cost(this->code->info.macsPerRow), prepareCost(this->code->info.preparedElements / this->code->parts.prepare),
        finishCost(this->code->info.gradientElements / this->code->parts.finish) {
    static std::atomic<uint64_t> count = 0;
    number = ++count;
  }

  std::unique_ptr<LoadedKernel> code;
  KernelShape shape;
  /// Of the density that it evaluates; null if there is none.
  std::shared_ptr<const DensityData> data;
  double seconds; ///< What compiling or loading it took.
  RowCost cost;
  /// Of the parts of `prepare` and `finish`.
  RowCost prepareCost, finishCost;
  /// Unique in the process: the key of what it prepares.
  uint64_t number;
};

/// A kernel that may not have been asked for yet.
struct Slot {
  std::once_flag once;
  std::unique_ptr<ReadyKernel> ready;
  std::optional<Error> error;
};

class Engine : public Kernels {
public:
  Engine(const Flow &flow, const CompileOptions &options, TargetSpec target)
      : ourFlow(flow), options(options), target(std::move(target)),
        cache(options.useCache ? ObjectCache::userDirectory() : std::string()), runner(options.threads) {}

  DType dtype() const override { return options.dtype; }
  const Flow &flow() const override { return ourFlow; }
  Expected<double> prepare(Kernel kernel) override;
  Expected<void> run(const Model &model, const Call &call) override;
  Expected<int64_t> macsPerRow(Kernel kernel) override;

private:
  std::vector<const void *> leafPointers(const ReadyKernel &kernel, const Model &model) const;
  std::unique_ptr<LoadedKernel> loadCached(const CacheKey &key) const;
  Expected<std::unique_ptr<LoadedKernel>> findCode(const KernelRequest &request) const;
  std::shared_ptr<const DensityData> getData(const KernelRequest &request) const;
  size_t elementSize() const { return options.dtype == F32 ? 4 : 8; }
  KernelShape shapeOf(const KernelSpec &spec) const;
  Expected<ReadyKernel *> get(Kernel kernel);
  Expected<std::unique_ptr<ReadyKernel>> load(const KernelSpec &spec) const;
  Expected<void> check(const Model &model, const Call &call, const ReadyKernel &kernel) const;
  std::shared_ptr<const void> getPrepared(ReadyKernel &kernel, const Model &model);
  std::shared_ptr<const void> prepareTangent(const ReadyKernel &kernel, const Model &model,
                                             std::span<const double> tangent) const;
  void runKernel(ReadyKernel &kernel, const void *prepared, const Call &call, void *sums);
  template <typename T>
  Expected<void> leaveOutInfinite(ReadyKernel &kernel, const void *prepared, const Model &model, const Call &call,
                                  T *sums);
  template <typename T>
  void finish(ReadyKernel &kernel, const Model &model, const Call &call, const T *sums);

  Flow ourFlow;
  CompileOptions options;
  TargetSpec target;
  ObjectCache cache;
  KernelRunner runner;
  /// One for each row of the table.
  std::array<Slot, std::size(kKernels)> slots;
  /// Of the target, and of the flow itself if it is a density.
  mutable std::mutex dataMutex;
  mutable std::map<const Node *, std::shared_ptr<const DensityData>> densityData;
};

} // namespace

//===----------------------------------------------------------------------===//
// Getting a kernel
//===----------------------------------------------------------------------===//

KernelShape Engine::shapeOf(const KernelSpec &spec) const {
  auto width = [&](const RowArray &array) -> int64_t {
    switch (array.width) {
    case RowWidth::Event:
      return ourFlow.dim();
    case RowWidth::Condition:
      return ourFlow.condDim();
    case RowWidth::Number:
    case RowWidth::None:
      break;
    }
    return 1;
  };
  KernelShape shape;
  for (const RowArray &array : inputsOf(spec, ourFlow.condShape().has_value()))
    shape.inputs.push_back(width(array));
  for (const RowArray &array : outputsOf(spec))
    shape.outputs.push_back(width(array));
  return shape;
}

namespace {
/// The state in which programs start. Constants are folded during compilation,
/// and must not depend on the rounding mode of whoever asks first.
class ScopedDefaultFloatingPointState {
public:
  ScopedDefaultFloatingPointState() {
    std::fegetenv(&saved);
    std::fesetenv(FE_DFL_ENV);
  }
  ~ScopedDefaultFloatingPointState() { std::fesetenv(&saved); }

private:
  std::fenv_t saved;
};
} // namespace

/// The code of an object that the cache holds; one that does not link is one more way of
/// being damaged.
std::unique_ptr<LoadedKernel> Engine::loadCached(const CacheKey &key) const {
  auto object = cache.load(key);
  auto code = object ? loadKernel(*object) : Expected<std::unique_ptr<LoadedKernel>>(nullptr);
  return code ? std::move(*code) : nullptr;
}

/// From the cache, or compiled. The cache knows the kernel of a request, and the code of a
/// kernel: a request that it does not know may be for a kernel that it has.
Expected<std::unique_ptr<LoadedKernel>> Engine::findCode(const KernelRequest &request) const {
  CacheKey requestKey = makeRequestKey(request, target);
  if (auto digest = cache.load(requestKey))
    if (auto code = loadCached({*digest}))
      return code;
  auto compilation = KernelCompilation::begin(request, target);
  if (!compilation)
    return compilation.takeError();
  CacheKey key = compilation->key();
  // Others who want the same wait for it instead of compiling it, too.
  std::unique_lock<std::mutex> lock = cache.claim(key);
  auto code = loadCached(key);
  if (!code) {
    auto object = compilation->compile();
    if (!object)
      return object.takeError();
    auto compiled = loadKernel(*object);
    if (!compiled)
      return compiled;
    cache.store(key, *object);
    code = std::move(*compiled);
  }
  cache.store(requestKey, key.digest);
  return code;
}

Expected<std::unique_ptr<ReadyKernel>> Engine::load(const KernelSpec &spec) const {
  ScopedDefaultFloatingPointState state;
  Clock::time_point begin = Clock::now();
  KernelShape shape = shapeOf(spec);
  KernelRequest request{ourFlow, spec.kernel, options.dtype, options.target ? &*options.target : nullptr};
  if (auto exists = checkKernelExists(request); !exists)
    return exists.takeError();
  auto code = findCode(request);
  if (!code)
    return code.takeError();
  const KernelInfo &info = (*code)->info;
  if (info.numInputs != int64_t(shape.inputs.size()) || info.numOutputs != int64_t(shape.outputs.size()))
    return Error{"the compiled " + std::string(spec.name) + " of '" + ourFlow.name() + "' takes " +
                 std::to_string(info.numInputs) + " and gives " + std::to_string(info.numOutputs) +
                 " arrays, expected " + std::to_string(shape.inputs.size()) + " and " +
                 std::to_string(shape.outputs.size())};
  return std::make_unique<ReadyKernel>(std::move(*code), shape, getData(request), secondsSince(begin));
}

std::shared_ptr<const DensityData> Engine::getData(const KernelRequest &request) const {
  const Node *density = findDensity(request);
  if (!density)
    return nullptr;
  std::lock_guard<std::mutex> lock(dataMutex);
  std::shared_ptr<const DensityData> &data = densityData[density];
  if (!data)
    data = std::make_shared<DensityData>(*density, options.dtype);
  return data;
}

/// What @prepare and @finish take: the leaves of the model, then data.
std::vector<const void *> Engine::leafPointers(const ReadyKernel &kernel, const Model &model) const {
  std::vector<const void *> pointers = model.getImpl().leafPointers();
  if (kernel.data)
    pointers.insert(pointers.end(), kernel.data->pointers().begin(), kernel.data->pointers().end());
  return pointers;
}

Expected<ReadyKernel *> Engine::get(Kernel kernel) {
  const KernelSpec *spec = findKernel(kernel);
  if (!spec)
    return Error{"unknown kernel"};
  Slot &slot = slots[spec - kKernels];
  std::call_once(slot.once, [&] {
    auto ready = load(*spec);
    if (ready)
      slot.ready = std::move(*ready);
    else
      slot.error = ready.takeError();
  });
  if (slot.error)
    return *slot.error;
  return slot.ready.get();
}

Expected<double> Engine::prepare(Kernel kernel) {
  auto ready = get(kernel);
  if (!ready)
    return ready.takeError();
  return (*ready)->seconds;
}

Expected<int64_t> Engine::macsPerRow(Kernel kernel) {
  auto ready = get(kernel);
  if (!ready)
    return ready.takeError();
  return (*ready)->code->info.macsPerRow;
}

//===----------------------------------------------------------------------===//
// Running a kernel
//===----------------------------------------------------------------------===//

/// Whether two flows have the same parameters and the same kernels.
static bool isSameFlow(const Flow &a, const Flow &b) {
  return &a.root() == &b.root() || (a.name() == b.name() && a.text() == b.text());
}

Expected<void> Engine::check(const Model &model, const Call &call, const ReadyKernel &kernel) const {
  const KernelShape &shape = kernel.shape;
  auto name = [&] { return std::string(getKernelName(call.kernel)); };
  if (model.dtype() != options.dtype)
    return Error{std::string("the model holds ") + (model.dtype() == F32 ? "float32" : "float64") +
                 " and the kernels were compiled for " + (options.dtype == F32 ? "float32" : "float64") +
                 "; convert it with 'astype'"};
  if (!isSameFlow(model.flow(), ourFlow))
    return Error{"the model is one of flow '" + model.flow().name() + "', the kernels are those of another flow, '" +
                 ourFlow.name() + "'"};
  if (call.inputs.size() != shape.inputs.size())
    return Error{name() + " of '" + ourFlow.name() + "' takes " + std::to_string(shape.inputs.size()) +
                 " input arrays, got " + std::to_string(call.inputs.size())};
  if (call.outputs.size() != shape.outputs.size())
    return Error{name() + " of '" + ourFlow.name() + "' gives " + std::to_string(shape.outputs.size()) +
                 " output arrays, got " + std::to_string(call.outputs.size())};
  bool hasTangent = findKernel(call.kernel)->tangent == Derivative::Params;
  if (size_t expected = hasTangent ? model.numTrainable() : 0; call.tangent.size() != expected)
    return Error{name() + " of '" + ourFlow.name() + "' takes a tangent of " + std::to_string(expected) +
                 " trainable parameters, got " + std::to_string(call.tangent.size()) + " numbers"};
  if (call.rows < 0)
    return Error{"the number of rows is negative: " + std::to_string(call.rows)};
  auto isNull = [](const void *array) { return array == nullptr; };
  if (call.rows > 0 && (std::ranges::any_of(call.inputs, isNull) || std::ranges::any_of(call.outputs, isNull)))
    return Error{name() + " of '" + ourFlow.name() + "' got a null array"};
  if (kernel.code->info.sumElements > 0 && call.mean && call.rows == 0)
    return Error{name() + " of '" + ourFlow.name() + "': there is no mean over 0 rows"};
  return {};
}

std::shared_ptr<const void> Engine::getPrepared(ReadyKernel &kernel, const Model &model) {
  const Model::Impl &impl = model.getImpl();
  std::lock_guard<std::mutex> lock(impl.preparedMutex);
  std::shared_ptr<void> &entry = impl.prepared[kernel.number];
  if (!entry) {
    // Training writes the parameters at every step: the memory is used again.
    std::shared_ptr<void> memory = impl.takeSpare(kernel.number);
    if (!memory) {
      auto buffer = std::make_shared<AlignedBuffer>(kernel.code->info.preparedElements * elementSize());
      memory = std::shared_ptr<void>(buffer, buffer->data());
    }
    std::vector<const void *> leaves = leafPointers(kernel, model);
    const LoadedKernel &code = *kernel.code;
    runner.runParts(code.parts.prepare, kernel.prepareCost, [&](int64_t first, int64_t last) {
      code.preparePart ? code.preparePart(leaves.data(), memory.get(), first, last)
                       : code.prepare(leaves.data(), memory.get());
    });
    entry = memory;
  }
  return entry;
}

/// Converts `values` to `memory`, an array of T; returns its end.
template <typename T>
static void *convert(std::span<const double> values, void *memory) {
  return std::copy(values.begin(), values.end(), static_cast<T *>(memory));
}

/// What a kernel prepares from the parameters and a direction in them. That is another
/// one in every call, so that nothing is kept.
std::shared_ptr<const void> Engine::prepareTangent(const ReadyKernel &kernel, const Model &model,
                                                   std::span<const double> tangent) const {
  auto buffer = std::make_shared<AlignedBuffer>(kernel.code->info.preparedElements * elementSize());
  std::vector<std::byte> converted(tangent.size() * elementSize());
  std::vector<const void *> leaves = leafPointers(kernel, model);
  void *next = converted.data();
  for (const ParameterInfo &info : model.parameters()) {
    if (!info.trainable)
      continue;
    leaves.push_back(next);
    std::span<const double> part = tangent.first(numElements(info.shape));
    next = options.dtype == F32 ? convert<float>(part, next) : convert<double>(part, next);
    tangent = tangent.subspan(part.size());
  }
  ScopedFloatingPointState state;
  kernel.code->prepare(leaves.data(), buffer->data());
  return {buffer, buffer->data()};
}

template <typename T>
void Engine::finish(ReadyKernel &kernel, const Model &model, const Call &call, const T *sums) {
  thread_local std::vector<T> gradient;
  thread_local AlignedBuffer workspace;
  double scale = call.mean ? 1.0 / double(call.rows) : 1.0;
  if (call.loss)
    *call.loss = double(sums[0]) * scale;
  if ((!call.gradient && !call.rawGradient) || !kernel.code->finish)
    return;
  const KernelInfo &info = kernel.code->info;
  T *result = static_cast<T *>(call.rawGradient);
  if (!result) {
    gradient.resize(info.gradientElements);
    result = gradient.data();
  }
  std::vector<const void *> leaves = leafPointers(kernel, model);
  void *memory = workspace.reserve(info.finishWorkspaceElements * sizeof(T));
  const LoadedKernel &code = *kernel.code;
  runner.runParts(code.parts.finish, kernel.finishCost, [&](int64_t first, int64_t last) {
    code.finishPart ? code.finishPart(leaves.data(), sums, result, scale, memory, first, last)
                    : code.finish(leaves.data(), sums, result, scale, memory);
  });
  if (call.gradient)
    std::copy_n(result, info.gradientElements, call.gradient);
}

void Engine::runKernel(ReadyKernel &kernel, const void *prepared, const Call &call, void *sums) {
  runner.run({.kernel = *kernel.code,
              .elementSize = elementSize(),
              .prepared = prepared,
              .inputs = call.inputs,
              .inputWidths = kernel.shape.inputs,
              .outputs = call.outputs,
              .outputWidths = kernel.shape.outputs,
              .rows = call.rows,
              .first = call.first,
              .seed = call.seed,
              .sums = sums},
             kernel.cost);
}

/// Rows of density zero make the loss infinite, whatever the parameters are a little
/// further: they count for nothing in its gradient, which is summed up again without
/// them. Rows of weight zero count for nothing at all. In the kernels that would cost
/// every row something.
template <typename T>
Expected<void> Engine::leaveOutInfinite(ReadyKernel &kernel, const void *prepared, const Model &model, const Call &call,
                                        T *sums) {
  const KernelSpec &spec = *findKernel(call.kernel);
  bool isLikelihood = spec.program == Program::Nll || spec.program == Program::LogProb;
  if (!isLikelihood || !(call.gradient || call.rawGradient) || std::isfinite(sums[0]))
    return {};
  T loss = sums[0];
  const T *weights = spec.weighted ? static_cast<const T *>(call.inputs.back()) : nullptr;
  std::vector<T> logProb(call.rows);
  Call score{.kernel = Kernel::LogProb, .inputs = call.inputs, .outputs = {logProb.data()}, .rows = call.rows};
  score.inputs.resize(1 + ourFlow.condShape().has_value()); // without weights
  if (auto ok = run(model, score); !ok)
    return ok;
  std::vector<std::vector<T>> kept(call.inputs.size());
  Call rest{.kernel = call.kernel, .inputs = {}, .outputs = {}, .rows = 0};
  bool isInfinite = false;
  for (int64_t row = 0; row < call.rows; ++row) {
    bool counts = !weights || weights[row] != 0;
    isInfinite |= counts && std::isinf(logProb[row]);
    if (!counts || std::isinf(logProb[row]))
      continue;
    ++rest.rows;
    for (size_t i = 0; i < kept.size(); ++i) {
      int64_t width = kernel.shape.inputs[i];
      const T *values = static_cast<const T *>(call.inputs[i]) + row * width;
      kept[i].insert(kept[i].end(), values, values + width);
    }
  }
  for (const std::vector<T> &input : kept)
    rest.inputs.push_back(input.data());
  runKernel(kernel, prepared, rest, sums);
  if (isInfinite)
    sums[0] = loss;
  return {};
}

Expected<void> Engine::run(const Model &model, const Call &call) {
  thread_local AlignedBuffer sums;
  auto ready = get(call.kernel);
  if (!ready)
    return ready.takeError();
  ReadyKernel &kernel = **ready;
  const KernelInfo &info = kernel.code->info;
  if (auto valid = check(model, call, kernel); !valid)
    return valid;
  std::shared_ptr<const void> prepared = findKernel(call.kernel)->tangent == Derivative::Params
                                             ? prepareTangent(kernel, model, call.tangent)
                                             : getPrepared(kernel, model);
  void *sum = info.sumElements > 0 ? sums.reserve(info.sumElements * elementSize()) : nullptr;
  runKernel(kernel, prepared.get(), call, sum);
  if (!sum)
    return {};
  auto complete = [&](auto *typedSum) -> Expected<void> {
    if (auto ok = leaveOutInfinite(kernel, prepared.get(), model, call, typedSum); !ok)
      return ok;
    finish(kernel, model, call, typedSum);
    return {};
  };
  return options.dtype == F32 ? complete(static_cast<float *>(sum)) : complete(static_cast<double *>(sum));
}

//===----------------------------------------------------------------------===//
// flowc::compile
//===----------------------------------------------------------------------===//

Expected<std::shared_ptr<Kernels>> flowc::compile(const Flow &flow, CompileOptions options) {
  auto target = getTarget(options.cpu);
  if (!target)
    return target.takeError();
  if (auto runs = checkRunsOnHost(*target); !runs)
    return runs.takeError();
  if (options.threads < 0)
    return Error{"the number of threads is negative: " + std::to_string(options.threads)};
  if (options.target && !options.target->isDensity())
    return Error{"the target '" + options.target->name() + "' is no density: write 'density NAME(x[" +
                 std::to_string(flow.dim()) + "]) = ...'"};
  if (options.target && options.target->dim() != flow.dim())
    return Error{"the target '" + options.target->name() + "' has " + std::to_string(options.target->dim()) +
                 " coordinates, but '" + flow.name() + "' has " + std::to_string(flow.dim())};
  return std::shared_ptr<Kernels>(std::make_shared<Engine>(flow, options, std::move(*target)));
}
