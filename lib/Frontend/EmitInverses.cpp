//===- EmitInverses.cpp - Emission of bijections with roots ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "flowc/Dialect/Flow/IR/FlowPlanar.h"
#include "flowc/Dialect/Sample/IR/Root.h"

namespace flowc {

using namespace mlir;
using namespace flow;

static Value emitPlanar(Emitter &emitter, const Place &place) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  Type type = emitter.getFlatType({2 * getNumElements(place.event.getType()) + 1});
  // The direction of the move is a quotient of small numbers: it amplifies what
  // the network loses.
  Value parameters = place.node.condShape
                         ? emitNetwork(emitter, place.getChild("conditioner", place.condition), /*biasLast=*/true)
                         : emitter.getParameter(place, "params", type);
  if (!parameters)
    return {};
  FloatAttr slope;
  if (place.node.attributes.count("negative_slope"))
    slope = builder.getF64FloatAttr(place.node.attribute<double>("negative_slope"));
  return PlanarOp::create(builder, place.event.getType(), place.event, parameters, slope);
}

/// Tells the bijections that make `last` from `first` how exact a root has to be.
static void setTolerance(OpBuilder &builder, Value last, Value first, double tolerance) {
  for (Value value = last; value && value != first;) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return;
    op->walk([&](BijectionOpInterface bijection) {
      if (bijection.getInverseKind() == InverseKind::Root)
        bijection->setAttr(kToleranceAttr, builder.getF64FloatAttr(tolerance));
    });
    value = isa<BijectionOpInterface>(op) ? op->getOperand(0) : Value();
  }
}

/// The bijection itself: each op knows its inverse.
static Value emitNumericalInverse(Emitter &emitter, const Place &place) {
  Value result = emitter.emitBijection(place.getChild("bijection", place.event));
  if (result && place.node.attributes.count("tolerance"))
    setTolerance(emitter.getBuilder(), result, place.event, place.node.attribute<double>("tolerance"));
  return result;
}

ArrayRef<KindEmitter> getInverseEmitters() {
  static constexpr KindEmitter table[] = {
      {"planar", emitPlanar},
      {"numerical_inverse", emitNumericalInverse},
  };
  return table;
}

} // namespace flowc
