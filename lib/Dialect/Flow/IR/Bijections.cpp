//===- Bijections.cpp - Constraints of the flow graph's ops ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Labels such as affine_c1 are those of docs/Spec.md.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/ElementFormula.h"
#include "flowc/Dialect/Flow/IR/FlowCombinators.h"
#include "flowc/Dialect/Sample/IR/WellFormed.h"

#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowOps.cpp.inc"

LogicalResult flowc::flow::verifyPerElement(Operation *op, StringRef name, Value parameter) {
  Type event = op->getResult(0).getType();
  if (parameter.getType() == event)
    return success();
  return op->emitOpError() << name << " must have the event's type " << event << " but has " << parameter.getType();
}

/// Checks that `op` takes no draw among `operands`, and nothing of it inside.
static LogicalResult verifyNoDraws(Operation *op, ValueRange operands) {
  for (Value operand : operands)
    if (Operation *source = operand.getDefiningOp(); isa_and_nonnull<DistributionOpInterface>(source))
      return op->emitOpError("has a draw of '") << source->getName() << "' as a parameter";
  return success();
}

LogicalResult flowc::flow::verifyBijectionOperands(Operation *op) {
  if (op->getNumOperands() == 0)
    return success();
  SetVector<Value> parameters(op->operand_begin() + 1, op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), parameters);
  if (parameters.contains(op->getOperand(0)))
    return op->emitOpError("takes its own event as a parameter, too");
  return verifyNoDraws(op, parameters.getArrayRef());
}

LogicalResult flowc::flow::verifyDistributionOperands(Operation *op) { return verifyNoDraws(op, op->getOperands()); }

// affine_c1: loc has the event's type; affine_c2: so has scale.
LogicalResult AffineOp::verify() {
  return failure(failed(verifyPerElement(*this, "loc", getLoc())) ||
                 failed(verifyPerElement(*this, "scale", getScale())));
}

LogicalResult RationalQuadraticSplineOp::verify() {
  // rational_quadratic_spline_c1: the event is a scalar.
  if (isa<ShapedType>(getX().getType()))
    return emitOpError("needs a scalar event but has ") << getX().getType();
  // rational_quadratic_spline_c2: as many knots on both axes as slopes, at least two.
  int64_t knots = getNumElements(getXPos().getType());
  if (knots < 2 || getNumElements(getYPos().getType()) != knots || getNumElements(getDerivatives().getType()) != knots)
    return emitOpError("x_pos, y_pos and derivatives need the same number of elements, at least 2");
  // rational_quadratic_spline_c3: parameters have the event's element type.
  for (Value parameter : getOperands())
    if (getElementTypeOrSelf(parameter.getType()) != getX().getType())
      return emitOpError("parameters must have elements of type ") << getX().getType();
  // rational_quadratic_spline_c4: the interval is not empty.
  if (!(getLower() < getUpper()))
    return emitOpError("lower must be less than upper");
  return success();
}

LogicalResult PermuteOp::verify() {
  // permute_c1: the event is a tensor.
  auto event = dyn_cast<RankedTensorType>(getX().getType());
  if (!event)
    return emitOpError("needs an event of rank 1 but has ") << getX().getType();
  // permute_c2: one index per element, in both directions.
  if (getNumElements(getPermutation().getType()) != event.getNumElements() ||
      getNumElements(getInversePermutation().getType()) != event.getNumElements())
    return emitOpError("permutation and inverse_permutation need ") << event.getNumElements() << " elements";
  // permute_c3: a constant permutation is one.
  return verifyPermutation(*this, getPermutation(), getInversePermutation());
}

LogicalResult flowc::flow::verifyChain(Operation *op, Block &block, Type type) {
  Operation *yield = block.getTerminator();
  if (yield->getNumOperands() != 1 || yield->getOperand(0).getType() != type)
    return op->emitOpError("region must yield one ") << type;
  Value first;
  Specializer::getChain(yield->getOperand(0), first);
  if (first != block.getArgument(0))
    return op->emitOpError("region must yield its event after bijections only");
  return success();
}

LogicalResult InvertOp::verify() {
  // invert_c1: the region takes the event.
  Block &block = getBody().front();
  if (block.getNumArguments() != 1 || block.getArgument(0).getType() != getX().getType())
    return emitOpError("region must take one ") << getX().getType();
  // invert_c2: the region is a chain of bijections.
  return verifyChain(*this, block, getX().getType());
}

LogicalResult flow::ScanOp::verify() {
  // graph_scan_c1: there is a layer.
  if (getLayers() < 1)
    return emitOpError("number of layers must be positive but is ") << getLayers();
  // graph_scan_c2: stacks have a leading axis of `layers`.
  SmallVector<Type> arguments{getX().getType()};
  for (Type type : getOver().getTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getDimSize(0) != static_cast<int64_t>(getLayers()))
      return emitOpError("stack of type ") << type << " needs a leading extent of " << getLayers();
    arguments.push_back(sample::ScanOp::getSliceType(type));
  }
  // graph_scan_c3: the layer takes the event, slices, shared operands.
  llvm::append_range(arguments, getShared().getTypes());
  Block &block = getBody().front();
  if (TypeRange(block.getArgumentTypes()) != TypeRange(arguments))
    return emitOpError("layer must take ") << arguments << " but takes " << block.getArgumentTypes();
  // graph_scan_c4: it is a chain of bijections.
  return verifyChain(*this, block, getX().getType());
}

/// Checks a network with hidden layers: _c3 to _c5 of the ops that hold one.
static LogicalResult verifyNetwork(Operation *op, OperandRange weights, OperandRange biases, int64_t inputs,
                                   StringRef activation) {
  // coupling_c3, masked_autoregressive_c3: one bias per weight.
  if (weights.empty() || weights.size() != biases.size())
    return op->emitOpError("needs as many biases as weights, at least one, but has ")
           << weights.size() << " weights and " << biases.size() << " biases";
  // coupling_c4, masked_autoregressive_c4: each layer fits the one before.
  for (auto [layer, weight, bias] : llvm::enumerate(weights, biases)) {
    auto type = cast<RankedTensorType>(weight.getType());
    if (type.getDimSize(1) != inputs)
      return op->emitOpError("layer ") << layer << " takes " << type.getDimSize(1) << " inputs but gets " << inputs;
    if (getNumElements(bias.getType()) != type.getDimSize(0))
      return op->emitOpError("bias of layer ") << layer << " needs " << type.getDimSize(0) << " elements";
    inputs = type.getDimSize(0);
  }
  // coupling_c5, masked_autoregressive_c5: the activation is known.
  if (!isActivation(activation))
    return op->emitOpError("has unknown activation '") << activation << "'";
  return success();
}

/// Checks the scalar bijection of a network's op: takes a coordinate and the
/// network's outputs for it.
static LogicalResult verifyTransformer(Operation *op, Region &region, int64_t outputs, int64_t coordinates) {
  Block &block = region.front();
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  // coupling_c6, masked_autoregressive_c6: outputs are shared out evenly.
  if (outputs == 0 || outputs % coordinates != 0)
    return op->emitOpError("network has ") << outputs << " outputs for " << coordinates << " transformed coordinates";
  // coupling_c7, masked_autoregressive_c7: the transformer takes a coordinate and its raw parameters.
  auto all = RankedTensorType::get({outputs}, element);
  Type raw = MapOp::getElementType(all, coordinates);
  if (block.getArgumentTypes() != TypeRange{element, raw})
    return op->emitOpError("transformer must take ") << element << " and " << raw;
  // coupling_c8, masked_autoregressive_c8: it uses nothing from outside.
  WalkResult result = region.walk([&](Operation *nested) {
    for (Value operand : nested->getOperands())
      if (!region.isAncestor(operand.getParentRegion()))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return op->emitOpError("transformer must not use values from outside");
  // coupling_c9, masked_autoregressive_c9: it is a chain of bijections.
  return verifyChain(op, block, element);
}

LogicalResult CouplingOp::verify() {
  // coupling_c1: the event is a tensor.
  auto event = dyn_cast<RankedTensorType>(getX().getType());
  if (!event)
    return emitOpError("needs an event of rank 1 but has ") << getX().getType();
  // coupling_c2: there is something to transform, and something to condition on.
  int64_t head = getUntransformedDim(), dim = event.getNumElements();
  if (head < 0 || head >= dim || (head == 0 && !getCondition()))
    return emitOpError("cannot leave ") << head << " of " << dim << " coordinates untransformed";
  int64_t inputs = head + (getCondition() ? getNumElements(getCondition().getType()) : 0);
  if (failed(verifyNetwork(*this, getWeights(), getBiases(), inputs, getActivation())))
    return failure();
  return verifyTransformer(*this, getTransformer(), getNumElements(getBiases().back().getType()), dim - head);
}

LogicalResult MaskedAutoregressiveOp::verify() {
  // masked_autoregressive_c1: the event is a tensor.
  auto event = dyn_cast<RankedTensorType>(getX().getType());
  if (!event)
    return emitOpError("needs an event of rank 1 but has ") << getX().getType();
  int64_t dim = event.getNumElements();
  int64_t inputs = dim + (getCondition() ? getNumElements(getCondition().getType()) : 0);
  // masked_autoregressive_c2: coordinate d has rank d, the condition rank -1.
  SmallVector<int64_t> ranks(inputs, -1);
  for (int64_t d = 0; d < dim; ++d)
    ranks[d] = d;
  if (getInRanks() != ArrayRef(ranks))
    return emitOpError("in_ranks must be 0 ... ") << dim - 1 << ", then -1 for every element of the condition";
  if (failed(verifyNetwork(*this, getWeights(), getBiases(), inputs, getActivation())))
    return failure();
  int64_t outputs = getNumElements(getBiases().back().getType());
  if (failed(verifyTransformer(*this, getTransformer(), outputs, dim)))
    return failure();
  // masked_autoregressive_c10: hidden layers have one unit per hidden rank.
  for (Value bias : getBiases().drop_back())
    if (getNumElements(bias.getType()) != int64_t(getHiddenRanks().size()))
      return emitOpError("hidden layer of ")
             << getNumElements(bias.getType()) << " units needs as many ranks, not " << getHiddenRanks().size();
  // masked_autoregressive_c11: a hidden unit has a rank that some output sees (D = 1 has none).
  for (int64_t rank : getHiddenRanks())
    if (dim > 1 && (rank < -1 || rank > dim - 2))
      return emitOpError("hidden rank ") << rank << " is not in -1 ... " << dim - 2;
  // masked_autoregressive_c12: outputs are grouped by coordinate.
  SmallVector<int64_t> out;
  for (int64_t i = 0; i < outputs; ++i)
    out.push_back(i / (outputs / dim));
  if (getOutRanks() != ArrayRef(out))
    return emitOpError("out_ranks must repeat each of 0 ... ") << dim - 1 << " " << outputs / dim << " times";
  return success();
}
