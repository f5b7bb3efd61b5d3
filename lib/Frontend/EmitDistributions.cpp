//===- EmitDistributions.cpp - Emission of distributions ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "flowc/Dialect/Flow/IR/FlowDistributions.h"

#include "llvm/ADT/STLExtras.h"

namespace flowc {

using namespace mlir;
using namespace flow;

/// A distribution whose coordinates are independent, with its positive parameters
/// in the order of the op's operands.
template <typename OpTy>
static Value emitIndependent(Emitter &emitter, const Place &place) {
  Type type = emitter.getFlatType(place.node.shape);
  SmallVector<Value> parameters;
  for (const auto &field : place.node.fields) {
    const Leaf *leaf = std::get_if<Leaf>(&field);
    if (!leaf || leaf->kind == Leaf::Kind::Constant)
      continue;
    StringRef path = leaf->path;
    path.consume_back(".tree");
    parameters.push_back(emitter.getPositiveParameter(place, path.str(), type, /*minimum=*/0));
    if (!parameters.back())
      return {};
  }
  return OpTy::create(emitter.getBuilder(), TypeRange{type}, ValueRange(parameters))->getResult(0);
}

/// A base distribution, with the bijection after it.
static Value emitTransformed(Emitter &emitter, const Place &place) {
  Value draw = emitter.emitDistribution(place.getChild("base_dist", {}));
  if (!draw)
    return {};
  // FlowJAX's `transform` and `inverse` of a flow are its own bijection's.
  Value first;
  for (Operation *op : Specializer::getChain(draw, first))
    op->setAttr(FlowDialect::kBaseAttr, emitter.getBuilder().getUnitAttr());
  return emitter.emitBijection(place.getChild("bijection", draw));
}

static Value emitMixture(Emitter &emitter, const Place &place) {
  Place component = place.getChild("dist", {});
  Value weights =
      emitter.getParameter(place, "log_normalized_weights.args[0]", emitter.getFlatType({place.node.stack}));
  if (!weights)
    return {};
  // All leaves of the component are stacked: its body sees slices of them.
  SmallVector<Value> over, shared;
  SmallVector<Type> arguments;
  std::vector<std::string> paths;
  for (const PlacedLeaf &leaf : flattenLeaves(component.node, /*withValues=*/false)) {
    if (leaf.leaf->kind == Leaf::Kind::Constant)
      continue;
    paths.push_back(component.path + leaf.path);
    over.push_back(emitter.getLeaves().lookup(paths.back()));
    arguments.push_back(sample::ScanOp::getSliceType(over.back().getType()));
  }
  if (component.condition) {
    shared.push_back(component.condition);
    arguments.push_back(component.condition.getType());
  }
  auto op = MixtureOp::create(emitter.getBuilder(), emitter.getFlatType(place.node.shape), weights, over, shared);
  bool emitted = emitter.emitRegion(op.getComponent(), arguments, [&](Block &block) {
    for (auto [path, argument] : llvm::zip(paths, block.getArguments()))
      emitter.getLeaves()[path] = argument;
    if (component.condition)
      component.condition = block.getArguments().back();
    return emitter.emitDistribution(component);
  });
  return emitted ? op.getZ() : Value();
}

ArrayRef<KindEmitter> getDistributionEmitters() {
  static constexpr KindEmitter table[] = {
      {"standard_normal", emitIndependent<StandardNormalOp>},
      {"standard_uniform", emitIndependent<StandardUniformOp>},
      {"standard_gumbel", emitIndependent<StandardGumbelOp>},
      {"standard_cauchy", emitIndependent<StandardCauchyOp>},
      {"standard_student_t", emitIndependent<StandardStudentTOp>},
      {"standard_laplace", emitIndependent<StandardLaplaceOp>},
      {"standard_exponential", emitIndependent<StandardExponentialOp>},
      {"standard_logistic", emitIndependent<StandardLogisticOp>},
      {"standard_gamma", emitIndependent<StandardGammaOp>},
      {"beta", emitIndependent<BetaOp>},
      {"vmap_mixture", emitMixture},
  };
  return table;
}

Value Emitter::emitDistribution(const Place &place) {
  Location outer = builder.getLoc();
  builder.setLoc(getLocation(place.node));
  const KindEmitter *emitter =
      llvm::find_if(getDistributionEmitters(), [&](const KindEmitter &entry) { return entry.kind == place.node.kind; });
  // Whatever is no base distribution has one.
  Value draw = emitter == getDistributionEmitters().end() ? emitTransformed(*this, place) : emitter->emit(*this, place);
  builder.setLoc(outer);
  return draw;
}

} // namespace flowc
