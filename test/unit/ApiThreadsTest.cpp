//===- ApiThreadsTest.cpp - The interface from several threads ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/ExecutionEngine/ObjectCache.h"

#include <atomic>
#include <gmock/gmock.h>
#include <thread>

using namespace flowc;
using namespace flowc::test;
using testing::HasSubstr;

namespace {

class ApiThreads : public testing::Test {
protected:
  void SetUp() override { setenv("XDG_CACHE_HOME", (directory / "cache").c_str(), 1); }

  static std::string flowOf(int number) {
    std::string layers = std::to_string(1 + number % 3);
    if (number % 2)
      return "flow f = coupling_flow(standard_normal([3]), nn_width = 6, flow_layers = " + layers + ")";
    return "flow f = masked_autoregressive_flow(standard_normal([3]), nn_width = 6, flow_layers = " + layers + ")";
  }

  /// Calls `work(i)` for i = 0 ... count-1, all at once.
  static void atOnce(int count, const std::function<void(int)> &work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
      threads.emplace_back(work, i);
    for (std::thread &thread : threads)
      thread.join();
  }

  TemporaryDirectory directory;
};

} // namespace

TEST_F(ApiThreads, BuildCompileRunAndFreeAtOnce) {
  constexpr int count = 6;
  auto everything = [&](int i) {
    Model model = makeModel(flowOf(i), F64, i);
    auto kernels = take(compile(model.flow(), {.dtype = F64, .threads = 2, .cpu = {}, .useCache = i % 2 == 0}));
    Rows<double> x = Random(i).normals<double>(300, 3);
    Column<double> logProb = take(kernels->logProb<double>(model, x));
    Rows<double> samples = take(kernels->sample<double>(model, 300, i));
    std::string file = directory / ("model" + std::to_string(i) + ".safetensors");
    EXPECT_TRUE(model.save(file));
    EXPECT_EQ(take(Model::load(file)).trainable(), model.trainable());
    Rows<double> both(300, 4);
    both << logProb, samples;
    return both;
  };
  std::vector<Rows<double>> alone(count), together(count);
  for (int i = 0; i < count; ++i)
    alone[i] = everything(i);
  atOnce(count, [&](int i) { together[i] = everything(i); });
  for (int i = 0; i < count; ++i)
    EXPECT_TRUE(isSameBits(alone[i], together[i])) << "flow " << i;
}

TEST_F(ApiThreads, OneKernelsObjectAndModelServeAll) {
  Model model = makeModel(flowOf(1), F32);
  auto kernels = take(compile(model.flow(), {.dtype = F32, .threads = 2, .cpu = {}}));
  // Each thread is the first to ask for some kernel.
  std::vector<Rows<float>> scores(6);
  std::vector<Column<float>> densities(6);
  std::vector<std::vector<double>> gradients(6);
  Rows<float> x = Random(1).normals<float>(5000, 3);
  atOnce(6, [&](int i) {
    for (int step = 0; step < 3; ++step)
      switch ((i + step) % 3) {
      case 0:
        scores[i] = take(kernels->score<float>(model, x));
        break;
      case 1:
        densities[i] = take(kernels->logProb<float>(model, x));
        break;
      default:
        gradients[i] = take(kernels->nllValueAndGradient<float>(model, x)).second;
      }
  });
  for (int i = 1; i < 6; ++i) {
    EXPECT_TRUE(isSameBits(scores[i], scores[0]));
    EXPECT_TRUE(isSameBits(densities[i], densities[0]));
    EXPECT_EQ(gradients[i], gradients[0]);
  }
}

TEST_F(ApiThreads, CopiesOfAModelAreWrittenIndependently) {
  Model model = makeModel(flowOf(2), F64);
  auto kernels = take(compile(model.flow(), {.dtype = F64, .threads = 1, .cpu = {}}));
  Rows<double> x = Random(1).normals<double>(20, 3);
  auto descend = [&](Model &own, int thread) {
    for (int step = 0; step < 20; ++step) {
      auto [loss, gradient] = take(kernels->nllValueAndGradient<double>(own, x));
      std::vector<double> values = own.trainable();
      for (size_t i = 0; i < values.size(); ++i)
        values[i] -= 0.01 * (thread + 1) * gradient[i];
      EXPECT_TRUE(own.setTrainable(values));
    }
  };
  std::vector<Model> alone(4, model), together(4, model);
  for (int i = 0; i < 4; ++i)
    descend(alone[i], i);
  atOnce(4, [&](int i) { descend(together[i], i); });
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(alone[i].trainable(), together[i].trainable()) << "thread " << i;
    EXPECT_NE(alone[i].trainable(), alone[(i + 1) % 4].trainable());
  }
}

TEST_F(ApiThreads, TrainingAtOnce) {
  Rows<float> x = Random(3).normals<float>(400, 3);
  auto train = [&](int i) {
    Model model = makeModel(flowOf(i), F32, i);
    auto result =
        take(fitToData(model, x, {.maxEpochs = 3, .seed = uint64_t(i), .threads = 1}));
    EXPECT_EQ(result.trainLosses.size(), 3u);
    EXPECT_LT(result.trainLosses.back(), result.trainLosses.front());
    return model.trainable();
  };
  std::vector<std::vector<double>> alone(3), together(3);
  for (int i = 0; i < 3; ++i)
    alone[i] = train(i);
  atOnce(3, [&](int i) { together[i] = train(i); });
  EXPECT_EQ(alone, together);
}

//===----------------------------------------------------------------------===//
// Many threads
//===----------------------------------------------------------------------===//

namespace {

/// Several flows with a model, kernels and a file each, and all that threads may do with
/// them at the same time.
class MixedCalls {
public:
  explicit MixedCalls(const TemporaryDirectory &directory, const std::vector<std::string> &texts)
      : cache(directory / "objects") {
    for (const std::string &text : texts) {
      Model model = makeModel(text, F32, subjects.size());
      std::string file = directory / ("model" + std::to_string(subjects.size()) + ".safetensors");
      if (auto ok = model.save(file); !ok)
        ADD_FAILURE() << ok.error().message;
      subjects.push_back({text, file, model, compileKernels(model.flow(), true)});
    }
  }

  static constexpr int numCalls = 9;
  /// The numbers that call number `call` gives for a flow.
  std::vector<float> run(int call, int flow) const {
    const Subject &own = subjects[flow];
    switch (call) {
    case 0:
      return numbers(take(own.kernels->logProb<float>(own.model, x)));
    case 1:
      return numbers(take(own.kernels->sample<float>(own.model, 500, flow)));
    case 2:
      return gradient(*own.kernels, own.model);
    case 3:
      return numbers(take(own.kernels->transform<float>(own.model, x)).first);
    case 4:
      return numbers(take(own.kernels->logProb<float>(take(Model::load(own.file)), x)));
    case 5: { // from the cache
      Flow again = parse(own.text);
      return gradient(*compileKernels(again, true), makeModel(own.text, F32, flow));
    }
    case 6: // anew
      return numbers(take(compileKernels(own.model.flow(), false)->logProb<float>(own.model, x)));
    case 7:
      return train(own.model);
    default:
      return useCache(own.text);
    }
  }

private:
  struct Subject {
    std::string text, file;
    Model model;
    std::shared_ptr<Kernels> kernels;
  };

  static std::shared_ptr<Kernels> compileKernels(const Flow &flow, bool useCache) {
    return take(compile(flow, {.dtype = F32, .threads = 2, .cpu = {}, .useCache = useCache}));
  }
  template <typename Array>
  static std::vector<float> numbers(const Array &array) {
    return {array.data(), array.data() + array.size()};
  }
  std::vector<float> gradient(Kernels &kernels, const Model &model) const {
    auto [loss, slopes] = take(kernels.nllValueAndGradient<float>(model, x));
    std::vector<float> result(slopes.begin(), slopes.end());
    result.push_back(static_cast<float>(loss));
    return result;
  }
  std::vector<float> train(Model model) const {
    take(fitToData(model, x, {.maxEpochs = 1, .batchSize = 500, .seed = 1, .threads = 2}));
    return numbers(model.trainable());
  }
  /// Stores an object that others store, too; whoever finds it finds all of it.
  std::vector<float> useCache(const std::string &text) const {
    std::string object;
    for (int i = 0; i < 1000; ++i)
      object += text;
    CacheKey key = makeCacheKey({text});
    cache.store(key, object);
    auto found = cache.load(key);
    return {float(found.has_value()), float(found == object)};
  }

  ObjectCache cache;
  std::vector<Subject> subjects;
  Rows<float> x = Random(9).normals<float>(3000, 3);
};

} // namespace

TEST_F(ApiThreads, SixtyFourThreadsOfMixedCallsEndWithTheSameNumbers) {
  constexpr int numFlows = 3, numThreads = 64, steps = 4;
  MixedCalls calls(directory, {flowOf(0), flowOf(1), flowOf(3)});
  std::vector<std::vector<float>> alone;
  for (int call = 0; call < MixedCalls::numCalls; ++call)
    for (int flow = 0; flow < numFlows; ++flow)
      alone.push_back(calls.run(call, flow));
  std::atomic<int> waiting = numThreads, wrong = 0;
  atOnce(numThreads, [&](int i) {
    for (--waiting; waiting > 0;)
      std::this_thread::yield();
    for (int step = 0; step < steps; ++step) {
      // Every call of every flow meets every other one; few compile anew.
      int call = (i + step * 2) % MixedCalls::numCalls, flow = (i / MixedCalls::numCalls + step) % numFlows;
      if (call == 6 && step > 0)
        call = 0;
      wrong += calls.run(call, flow) != alone[call * numFlows + flow];
    }
  });
  EXPECT_EQ(wrong, 0) << "of " << numThreads * steps << " results";
}

//===----------------------------------------------------------------------===//
// Errors are values
//===----------------------------------------------------------------------===//

namespace {
template <typename T>
std::string errorOf(const Expected<T> &result) {
  return result ? "no error" : result.error().message;
}
} // namespace

TEST_F(ApiThreads, EveryKindOfMistakeHasAMessage) {
  Model model = makeModel("flow f = coupling_flow(standard_normal([3]), cond_dim = 2, nn_width = 4)", F32);
  auto kernels = take(compile(model.flow(), {.dtype = F32, .threads = 1, .cpu = {}}));
  Rows<float> x = Rows<float>::Zero(4, 3), c = Rows<float>::Zero(4, 2);
  EXPECT_THAT(errorOf(kernels->sample<float>(model, 3, 1)), HasSubstr("needs a condition of 2 numbers"));
  EXPECT_THAT(errorOf(kernels->sampleAndLogProb<float>(model, 3, 1, c)), HasSubstr("3 rows, but 4 conditions"));
  EXPECT_THAT(errorOf(kernels->score<float>(model, Rows<float>(x.leftCols(2)), c)), HasSubstr("3 coordinates"));
  EXPECT_THAT(errorOf(kernels->transform<float>(model, x, Rows<float>(c.leftCols(1)))), HasSubstr("got 1"));
  EXPECT_THAT(errorOf(kernels->inverse<double>(model, Rows<double>::Zero(4, 3))), HasSubstr("compiled for float"));
  EXPECT_THAT(errorOf(kernels->nllValueAndGradient<float>(model.astype(F64), x, c)), HasSubstr("astype"));
  EXPECT_EQ(errorOf(kernels->nllValueAndGradient<float>(model, x, c.topRows(1))), "no error");

  Model other = makeModel("flow f = coupling_flow(standard_normal([3]), cond_dim = 2, nn_width = 5)", F32);
  EXPECT_THAT(errorOf(kernels->logProb<float>(other, x, c)), HasSubstr("another flow"));
  EXPECT_THAT(errorOf(kernels->run(model, {.kernel = Kernel::VjpParams, .inputs = {x.data(), c.data()}, .rows = 4})),
              HasSubstr("takes 4 input arrays, got 2"));

  Model bijection = makeModel("bijection b = affine(zeros(3), ones(3))", F32);
  auto plain = take(compile(bijection.flow(), {.dtype = F32, .threads = 1, .cpu = {}}));
  for (Kernel kernel : {Kernel::LogProb, Kernel::Sample, Kernel::SampleAndLogProb, Kernel::NllGradient, Kernel::Score})
    EXPECT_THAT(errorOf(plain->prepare(kernel)), HasSubstr("'b' is a bijection"));
  EXPECT_THAT(errorOf(fitToData(bijection, x)), HasSubstr("'b' is a bijection"));

  EXPECT_THAT(errorOf(Flow::parse("flow f = coupling_flow(standard_normal([1]))")), HasSubstr("dim >= 2"));
  EXPECT_THAT(errorOf(Flow::parse("flow f = standard_normal([2])", "g")), HasSubstr("g"));
  EXPECT_THAT(errorOf(Model::load(directory / "none.safetensors")), HasSubstr("none.safetensors"));
  EXPECT_THAT(errorOf(model.save(directory / "no/folder.safetensors")), HasSubstr("no/folder.safetensors"));
}

TEST_F(ApiThreads, CorruptedFilesAreErrorsOrTheSameModel) {
  // Every byte of the header and some of the data, each changed: a message, or a
  // model that passed all checks; never a crash.
  Model model = makeModel("flow f = coupling_flow(standard_normal([3]), flow_layers = 1, nn_width = 3)", F32);
  std::string good = directory / "good.safetensors";
  ASSERT_TRUE(model.save(good));
  const std::string bytes = TemporaryDirectory::read(good);
  int refused = 0, tried = 0;
  for (size_t at = 0; at < bytes.size(); at += at < 900 ? 3 : 17) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    auto loaded = Model::load(directory.write("bad.safetensors", damaged));
    ++tried;
    refused += !loaded;
    if (!loaded) {
      EXPECT_THAT(loaded.error().message, HasSubstr("bad.safetensors"));
    }
  }
  EXPECT_GT(tried, 300);
  EXPECT_GT(refused, tried / 4);
}
