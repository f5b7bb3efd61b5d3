//===- FlowOrdered.cpp - Increasing vectors -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Forwards a loop over the elements, whose code does not grow with them;
// backwards every difference stands alone.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowOrdered.h"
#include "flowc/Dialect/Flow/IR/ElementFormula.h"

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowOrdered.cpp.inc"

// ordered_c1: the event is a tensor.
LogicalResult OrderedOp::verify() {
  if (isa<RankedTensorType>(getX().getType()))
    return success();
  return emitOpError("needs an event of rank 1 but has ") << getX().getType();
}

/// The first element and the others, or the others and the last one.
static SplitOp cut(ImplicitLocOpBuilder &builder, Value event, bool atFront) {
  auto type = cast<RankedTensorType>(event.getType());
  Type element = type.getElementType(), others = RankedTensorType::get({type.getNumElements() - 1}, element);
  return SplitOp::create(builder, atFront ? TypeRange{element, others} : TypeRange{others, element}, event);
}

FailureOr<Transformed> OrderedOp::buildTransform(Specializer &specializer, Value x) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  int64_t steps = getNumElements(x.getType()) - 1;
  if (steps == 0)
    return Transformed{x, {}};
  SplitOp pieces = cut(builder, x, /*atFront=*/true);
  Value first = pieces.getPieces()[0], logs = pieces.getPieces()[1];
  auto scan = sample::ScanOp::create(builder, first.getType(), logs.getType(), steps, /*reverse=*/false, first, logs,
                                     /*shared=*/ValueRange());
  Block &block = scan.getBody().emplaceBlock();
  block.addArguments({first.getType(), first.getType()}, {builder.getLoc(), builder.getLoc()});
  ImplicitLocOpBuilder inner = getBodyBuilder(builder.getLoc(), block);
  Formula f = formula(inner, first);
  Value next = f.add(block.getArgument(0), f.exp(block.getArgument(1)));
  sample::YieldOp::create(inner, ValueRange{next, next});
  Value y = buildConcat(builder, {first, scan.getStacked().front()});
  if (!specializer.wantsLogDets())
    return Transformed{y, {}};
  FailureOr<MapOp> sum =
      buildMap(builder, steps, logs, {}, [](ImplicitLocOpBuilder &, ValueRange arguments, MapYields &yields) {
        yields.summands.push_back(arguments.front());
        return success();
      });
  return Transformed{y, sum->getSums().front()};
}

FailureOr<Transformed> OrderedOp::buildInverse(Specializer &specializer, Value y) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  int64_t steps = getNumElements(y.getType()) - 1;
  if (steps == 0)
    return Transformed{y, {}};
  SplitOp pieces = cut(builder, y, /*atFront=*/true);
  Value first = pieces.getPieces()[0], upper = pieces.getPieces()[1];
  Value lower = cut(builder, y, /*atFront=*/false).getPieces()[0];
  FailureOr<MapOp> logs = buildMap(builder, steps, {upper, lower}, {},
                                   [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                     Formula f = formula(at, arguments[0]);
                                     Value log = f.log(f.sub(arguments[0], arguments[1]));
                                     yields.stacked.push_back(log);
                                     if (specializer.wantsLogDets())
                                       yields.summands.push_back(f.neg(log));
                                     return success();
                                   });
  Value x = buildConcat(builder, {first, logs->getStacked().front()});
  return Transformed{x, specializer.wantsLogDets() ? logs->getSums().front() : Value()};
}
