//===- FlowLinear.cpp - Linear bijections ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A matrix of parameters becomes a dense layer; what follows from parameters
// alone is emitted where it is used and hoisted from there.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowLinear.h"
#include "flowc/Dialect/Flow/IR/ElementFormula.h"
#include "flowc/Dialect/Sample/IR/ParameterOps.h"

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowLinear.cpp.inc"

//===----------------------------------------------------------------------===//
// TriangularAffine
//===----------------------------------------------------------------------===//

LogicalResult TriangularAffineOp::verify() {
  // triangular_affine_c1: the event is a tensor.
  auto event = dyn_cast<RankedTensorType>(getX().getType());
  if (!event)
    return emitOpError("needs an event of rank 1 but has ") << getX().getType();
  // triangular_affine_c2: loc has the event's type.
  if (failed(verifyPerElement(*this, "loc", getLoc())))
    return failure();
  // triangular_affine_c3: the matrix is square and of the event's size.
  RankedTensorType matrix = getMatrix().getType();
  if (matrix.getDimSize(0) != event.getNumElements() || matrix.getDimSize(1) != event.getNumElements())
    return emitOpError("needs a matrix of ") << event.getNumElements() << " rows and columns but has " << matrix;
  return success();
}

/// A triangular matrix of parameters, as the layers of both directions use it.
/// Masks only describe lower triangles: an upper one acts on reversed events.
static Value buildTriangularDense(ImplicitLocOpBuilder &builder, Value matrix, Value bias, Value x, bool upper) {
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> ranks = llvm::to_vector(llvm::seq<int64_t>(0, type.getNumElements()));
  auto mask = RankMaskAttr::get(builder.getContext(), ranks, ranks, /*strict=*/false);
  if (!upper)
    return buildDense(builder, matrix, bias, x, mask);
  SmallVector<int64_t> descending(llvm::reverse(ranks));
  auto reverse = [&](Value value) -> Value {
    return value ? ReverseOp::create(builder, value.getType(), value).getY() : Value();
  };
  matrix = ReorderOp::create(builder, matrix.getType(), matrix, descending, descending);
  return reverse(buildDense(builder, matrix, reverse(bias), reverse(x), mask));
}

/// Sum of log|matrix[i, i]|.
static Value buildLogDiagonal(ImplicitLocOpBuilder &builder, Value matrix, bool negate) {
  auto type = cast<RankedTensorType>(matrix.getType());
  int64_t size = type.getDimSize(0);
  Value diagonal = DiagonalOp::create(builder, RankedTensorType::get({size}, type.getElementType()), matrix);
  FailureOr<MapOp> map =
      buildMap(builder, size, diagonal, {}, [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        Formula f = formula(at, arguments.front());
        Value term = f.logAbs(arguments.front());
        yields.summands.push_back(negate ? f.neg(term) : term);
        return success();
      });
  return map->getSums().front();
}

FailureOr<Transformed> TriangularAffineOp::buildTransform(Specializer &specializer, Value x) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value matrix = specializer.lookup(getMatrix());
  Value y = buildTriangularDense(builder, matrix, specializer.lookup(getLoc()), x, getUpper());
  return Transformed{y, specializer.wantsLogDets() ? buildLogDiagonal(builder, matrix, /*negate=*/false) : Value()};
}

// loc is subtracted first: next to a large one nothing of the event is lost that
// is still there.
FailureOr<Transformed> TriangularAffineOp::buildInverse(Specializer &specializer, Value y) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value matrix = specializer.lookup(getMatrix()), loc = specializer.lookup(getLoc());
  FailureOr<MapOp> shifted =
      buildMap(builder, getNumElements(y.getType()), {y, loc}, {},
               [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                 yields.stacked.push_back(formula(at, arguments[0]).sub(arguments[0], arguments[1]));
                 return success();
               });
  Value inverse = TriangularInverseOp::create(builder, matrix.getType(), matrix, getUpper());
  Value x = buildTriangularDense(builder, inverse, /*bias=*/{}, shifted->getStacked().front(), getUpper());
  return Transformed{x, specializer.wantsLogDets() ? buildLogDiagonal(builder, matrix, /*negate=*/true) : Value()};
}

//===----------------------------------------------------------------------===//
// Householder
//===----------------------------------------------------------------------===//

LogicalResult HouseholderOp::verify() {
  // householder_c1: the event is a tensor.
  if (!isa<RankedTensorType>(getX().getType()))
    return emitOpError("needs an event of rank 1 but has ") << getX().getType();
  // householder_c2: the normal has the event's type.
  return verifyPerElement(*this, "normal", getNormal());
}

/// The dot product of two tensors.
static Value buildDot(ImplicitLocOpBuilder &builder, Value a, Value b) {
  FailureOr<MapOp> map =
      buildMap(builder, getNumElements(a.getType()), {a, b}, {},
               [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                 yields.summands.push_back(formula(at, arguments[0]).mul(arguments[0], arguments[1]));
                 return success();
               });
  return map->getSums().front();
}

FailureOr<Transformed> HouseholderOp::buildTransform(Specializer &specializer, Value x) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value normal = specializer.lookup(getNormal());
  Value square = buildDot(builder, normal, normal);
  Formula outer = formula(builder, square);
  Value factor = outer.mul(outer.div(outer.constant(-2), square), buildDot(builder, x, normal));
  FailureOr<MapOp> map = buildMap(builder, getNumElements(x.getType()), {x, normal}, factor,
                                  [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    Formula f = formula(at, arguments[0]);
                                    yields.stacked.push_back(f.add(f.mul(arguments[2], arguments[1]), arguments[0]));
                                    return success();
                                  });
  return Transformed{map->getStacked().front(), {}};
}

FailureOr<Transformed> HouseholderOp::buildInverse(Specializer &specializer, Value y) {
  return buildTransform(specializer, y);
}

//===----------------------------------------------------------------------===//
// DiscreteCosine
//===----------------------------------------------------------------------===//

LogicalResult DiscreteCosineOp::verify() {
  // discrete_cosine_c1: the event is a tensor.
  auto event = dyn_cast<RankedTensorType>(getX().getType());
  if (!event)
    return emitOpError("needs an event of rank 1 but has ") << getX().getType();
  // discrete_cosine_c2: groups cover it.
  if (int64_t(getSize()) < 1 || event.getNumElements() % getSize() != 0)
    return emitOpError("cannot split ") << event.getNumElements() << " elements into groups of " << getSize();
  return success();
}

/// Multiplies every group of the event with the matrix or with its transpose,
/// which is its inverse. Several groups are a loop over the rows of a stack.
static Transformed buildCosine(DiscreteCosineOp op, Specializer &specializer, Value event, bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  auto type = cast<RankedTensorType>(event.getType());
  int64_t size = op.getSize(), groups = type.getNumElements() / size;
  auto group = RankedTensorType::get({size}, type.getElementType());
  auto stack = RankedTensorType::get({groups, size}, type.getElementType());
  Value matrix = CosineMatrixOp::create(builder, RankedTensorType::get({size, size}, type.getElementType()));
  auto multiply = [&](ImplicitLocOpBuilder &at, Value weight, Value x) -> Value {
    return DenseOp::create(at, group, weight, x, /*bias=*/Value(), /*transposed=*/inverse, RankMaskAttr());
  };
  if (groups == 1)
    return {multiply(builder, matrix, event), {}};
  Value rows = ReshapeOp::create(builder, stack, event);
  auto scan =
      sample::ScanOp::create(builder, TypeRange(), stack, groups, /*reverse=*/false, ValueRange(), rows, matrix);
  Block &block = scan.getBody().emplaceBlock();
  Location loc = builder.getLoc();
  block.addArguments({group, matrix.getType()}, {loc, loc});
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  sample::YieldOp::create(inner, multiply(inner, block.getArgument(1), block.getArgument(0)));
  return {ReshapeOp::create(builder, type, scan.getStacked().front()), {}};
}

FailureOr<Transformed> DiscreteCosineOp::buildTransform(Specializer &specializer, Value x) {
  return buildCosine(*this, specializer, x, /*inverse=*/false);
}

FailureOr<Transformed> DiscreteCosineOp::buildInverse(Specializer &specializer, Value y) {
  return buildCosine(*this, specializer, y, /*inverse=*/true);
}
