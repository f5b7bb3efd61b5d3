//===- CompiledFlow.cpp - The kernels of a model, to be checked -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowUnderTest.h"
#include "RandomNumbers.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Frontend/Base.h"
#include "flowc/Frontend/Support.h"
#include "flowc/Support/WithType.h"

#include <cmath>

using namespace flowc;
using namespace flowc::verification;

namespace {

/// A model with its kernels in both types, and its neighbours.
class Evaluated {
public:
  Evaluated(const Model &model, const VerifyOptions &options)
      : options{.threads = options.threads, .useCache = options.useCache}, models{model.astype(F32),
                                                                                  model.astype(F64)} {}

  /// Kernels of this type, compiled for this flow when they are first asked for.
  Expected<Kernels *> kernels(DType type) {
    std::shared_ptr<Kernels> &place = compiled[type];
    if (!place) {
      options.dtype = type;
      auto made = compile(models[type].flow(), options);
      if (!made)
        return made.takeError();
      place = std::move(*made);
    }
    return place.get();
  }

  const Model &model(Arithmetic how) {
    if (how.neighbour == 0)
      return models[how.type];
    std::vector<Model> &place = neighbours[how.rounding];
    while (static_cast<int>(place.size()) < how.neighbour)
      place.push_back(makeNeighbour(static_cast<int>(place.size()) + 1, how.rounding));
    return place[static_cast<size_t>(how.neighbour - 1)];
  }

private:
  Model makeNeighbour(int number, DType rounding) const {
    Model result = models[F64];
    RandomNumbers random(static_cast<uint64_t>(number), rounding == F32 ? Stream::Neighbour32 : Stream::Neighbour64);
    for (size_t i = 0; i < result.parameters().size(); ++i) {
      if (result.parameters()[i].integer)
        continue;
      std::vector<double> values = result.values(i);
      for (double &value : values)
        value = moveByRounding(value, rounding, random);
      // What a rounding makes infinite stays as it is.
      [[maybe_unused]] auto ok = result.setValues(i, values);
    }
    return result;
  }

  CompileOptions options;
  Model models[2];
  std::shared_ptr<Kernels> compiled[2];
  std::vector<Model> neighbours[2];
};

class CompiledFlow final : public FlowUnderTest {
public:
  CompiledFlow(const Model &model, const VerifyOptions &options) : flow(model, options), seed(options.seed) {
    describe(model.flow());
  }

  /// Prepares the log-density of the base distribution, if there is one behind the map.
  Expected<void> addBase(const Model &model, const VerifyOptions &options);

  const FlowFacts &facts() const override { return known; }
  Expected<Mapped> transform(const Rows<double> &z, const Rows<double> &condition, Arithmetic how) override {
    return map(flow, Kernel::Transform, z, condition, how);
  }
  Expected<Mapped> inverse(const Rows<double> &x, const Rows<double> &condition, Arithmetic how) override {
    return map(flow, Kernel::Inverse, x, condition, how);
  }
  Expected<Rows<double>> jvp(const Rows<double> &z, const Rows<double> &direction, const Rows<double> &condition,
                             Arithmetic how) override;
  Expected<Column<double>> logProb(const Rows<double> &x, const Rows<double> &condition, Arithmetic how) override {
    return density(flow, x, condition, how);
  }
  Expected<Column<double>> baseLogProb(const Rows<double> &z, const Rows<double> &condition, Arithmetic how) override {
    return density(*base, z, condition, how);
  }
  Expected<Rows<double>> toBase(const Rows<double> &x, const Rows<double> &condition) override;
  Expected<Mapped> sample(int64_t rows, uint64_t first, const Rows<double> &condition, DType type) override;

private:
  void describe(const Flow &flow);
  static Expected<Mapped> map(Evaluated &of, Kernel kernel, const Rows<double> &rows, const Rows<double> &condition,
                              Arithmetic how);
  static Expected<Column<double>> density(Evaluated &of, const Rows<double> &x, const Rows<double> &condition,
                                          Arithmetic how);

  Evaluated flow;
  std::unique_ptr<Evaluated> base;
  FlowFacts known;
  uint64_t seed;
};

} // namespace

void CompiledFlow::describe(const Flow &flow) {
  known.name = flow.name();
  known.kind = flow.isDistribution() ? "flow" : flow.isDensity() ? "density" : "bijection";
  known.dim = flow.dim();
  known.condDim = flow.condDim();
  known.isConditional = flow.condShape().has_value();
  known.hasMap = !flow.isDensity();
  known.hasDensity = flow.isDensity() || flow.isDistribution();
  known.hasSampler = flow.isDistribution();
  if (!flow.isDistribution())
    return;
  known.hasNormalBase = hasStandardNormalBase(flow.root());
  Support support = getSupport(flow.root());
  for (const Range &range : support.coordinates)
    known.ends.push_back(support.isKnown ? std::pair(range.lower, range.upper) : std::pair(std::nan(""), std::nan("")));
}

/// The distribution `node` that the map of `model` starts from, as a model of its own.
static Model takeBase(const Model &model, const Node &node) {
  auto impl = std::make_shared<Flow::Impl>();
  // The node is held by that of the flow.
  impl->root = NodePtr(Flow::Impl::of(model.flow()).root, &node);
  impl->name = model.flow().name();
  impl->text = model.flow().text() + "\n# base of " + model.flow().name() + "\n";
  impl->isDistribution = true;
  impl->dim = model.flow().dim();
  impl->condDim = node.condShape ? numElements(*node.condShape) : 0;
  impl->leaves = flattenLeaves(node);
  Model base = Model::zeros(Flow::Impl::make(std::move(impl)), F64);
  for (size_t i = 0; i < base.parameters().size(); ++i) {
    std::string path = ".base_dist" + base.parameters()[i].path;
    for (size_t j = 0; j < model.parameters().size(); ++j)
      if (model.parameters()[j].path == path)
        if (auto ok = base.setValues(i, model.values(j)); !ok)
          detail::endMisuse("the parameter '" + path + "' of a base distribution: " + ok.error().message);
  }
  return base;
}

Expected<void> CompiledFlow::addBase(const Model &model, const VerifyOptions &options) {
  const Node *node = model.flow().isDistribution() ? findBase(model.flow().root()) : nullptr;
  if (!node)
    return {};
  base = std::make_unique<Evaluated>(takeBase(model.astype(F64), *node), options);
  known.hasBase = true;
  return {};
}

Expected<Mapped> CompiledFlow::map(Evaluated &of, Kernel kernel, const Rows<double> &rows,
                                   const Rows<double> &condition, Arithmetic how) {
  auto kernels = of.kernels(how.type);
  if (!kernels)
    return kernels.takeError();
  return withType(how.type, [&]<typename T>() -> Expected<Mapped> {
    Rows<T> in = rows.cast<T>();
    auto result = detail::runMap<T>(**kernels, kernel, of.model(how), in, condition.cast<T>().eval());
    if (!result)
      return result.takeError();
    return Mapped{result->first.template cast<double>(), result->second.template cast<double>()};
  });
}

Expected<Column<double>> CompiledFlow::density(Evaluated &of, const Rows<double> &x, const Rows<double> &condition,
                                               Arithmetic how) {
  auto kernels = of.kernels(how.type);
  if (!kernels)
    return kernels.takeError();
  bool takesCondition = (*kernels)->flow().condShape().has_value();
  return withType(how.type, [&]<typename T>() -> Expected<Column<double>> {
    Rows<T> in = x.cast<T>(), given = takesCondition ? condition.cast<T>().eval() : Rows<T>();
    auto result = (*kernels)->template logProb<T>(of.model(how), in, given);
    if (!result)
      return result.takeError();
    return Column<double>(result->template cast<double>());
  });
}

Expected<Rows<double>> CompiledFlow::jvp(const Rows<double> &z, const Rows<double> &direction,
                                         const Rows<double> &condition, Arithmetic how) {
  auto kernels = flow.kernels(F64);
  if (!kernels)
    return kernels.takeError();
  auto result = (*kernels)->jvp<double>(flow.model(how), z, direction, condition);
  if (!result)
    return result.takeError();
  return std::move(result->yTangent);
}

Expected<Rows<double>> CompiledFlow::toBase(const Rows<double> &x, const Rows<double> &condition) {
  auto kernels = flow.kernels(F64);
  if (!kernels)
    return kernels.takeError();
  Rows<double> z(x.rows(), x.cols());
  Kernels::Call call{.kernel = Kernel::ToBase, .outputs = {z.data()}};
  if (auto ok = detail::runRows<double>(**kernels, flow.model({}), x.data(), x.cols(), x.rows(), condition, call); !ok)
    return ok.takeError();
  return z;
}

Expected<Mapped> CompiledFlow::sample(int64_t rows, uint64_t first, const Rows<double> &condition, DType type) {
  auto kernels = flow.kernels(type);
  if (!kernels)
    return kernels.takeError();
  return withType(type, [&]<typename T>() -> Expected<Mapped> {
    auto result = (*kernels)->template sampleAndLogProb<T>(flow.model({.type = type}), rows, seed,
                                                           condition.cast<T>().eval(), first);
    if (!result)
      return result.takeError();
    return Mapped{result->first.template cast<double>(), result->second.template cast<double>()};
  });
}

Expected<std::unique_ptr<FlowUnderTest>> verification::makeFlowUnderTest(const Model &model,
                                                                         const VerifyOptions &options) {
  auto result = std::make_unique<CompiledFlow>(model, options);
  if (auto ok = result->addBase(model, options); !ok)
    return ok.takeError();
  return std::unique_ptr<FlowUnderTest>(std::move(result));
}
