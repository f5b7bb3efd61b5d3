//===- FlowBlock.cpp - The block autoregressive bijection -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Labels such as block_autoregressive_network_c1 are those of docs/Spec.md.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowBlock.h"
#include "flowc/Dialect/Flow/IR/FlowCombinators.h"
#include "flowc/Dialect/Sample/IR/BlockNetwork.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowBlock.cpp.inc"

LogicalResult BlockAutoregressiveNetworkOp::verify() {
  // block_autoregressive_network_c1: the event is a tensor.
  auto event = dyn_cast<RankedTensorType>(getX().getType());
  if (!event)
    return emitOpError("needs an event of rank 1 but has ") << getX().getType();
  // block_autoregressive_network_c2: one bias per weight, which fits.
  if (failed(verifyBlockBiases(*this, getWeights(), getBiases())))
    return failure();
  // block_autoregressive_network_c3: each layer fits the one before, in units per
  // coordinate.
  if (failed(verifyBlockNetwork(*this, event.getNumElements(), getWeights())))
    return failure();
  // block_autoregressive_network_c4: condition and cond_weight come together and
  // make one number per unit of the first layer.
  if (bool(getCondition()) != bool(getCondWeight()))
    return emitOpError("needs both or neither of condition and cond_weight");
  if (getCondWeight() && (getCondWeight().getType().getDimSize(1) != getCondition().getType().getNumElements() ||
                          getCondWeight().getType().getDimSize(0) != getNumElements(getBiases().front().getType())))
    return emitOpError("cond_weight ") << getCondWeight().getType() << " does not map the condition "
                                       << getCondition().getType() << " to the first layer";
  // block_autoregressive_network_c5: an activation is named or given, not both.
  if (getActivation() && (!getBijection().empty() || !isActivation(*getActivation())))
    return emitOpError("needs the name of an activation or a bijection, but not both");
  // block_autoregressive_network_c6: the region is a chain of bijections of a scalar.
  if (getBijection().empty())
    return success();
  Block &block = getBijection().front();
  if (block.getNumArguments() != 1 || block.getArgument(0).getType() != event.getElementType())
    return emitOpError("activation must take one ") << event.getElementType();
  return verifyChain(*this, block, event.getElementType());
}
