//===- Small.cpp - Ops of small tensors, in ONNX --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#include <numeric>

using namespace flowc;
using namespace flowc::onnx;
using namespace mlir;

static LogicalResult convertClip(Converter &c, sample::ClipOp op) {
  Number x = c.number(op.getX());
  Number lower = x.constant(op.getLower().convertToDouble()), upper = x.constant(op.getUpper().convertToDouble());
  x = select(x < lower, lower, x);
  c.set(op, select(upper < x, upper, x));
  return success();
}

static LogicalResult convertReduceSum(Converter &c, sample::ReduceSumOp op) {
  c.set(op, c.b.sum(c.get(op.getX()), -1));
  return success();
}

static LogicalResult convertReduceMax(Converter &c, sample::ReduceMaxOp op) {
  c.set(op, c.b.max(c.get(op.getX())));
  return success();
}

static LogicalResult convertCumsum(Converter &c, sample::CumsumOp op) {
  c.set(op, c.b.make("CumSum", {c.get(op.getX()), c.b.integer(-1)}, {{"reverse", int64_t(op.getReverse())}}));
  return success();
}

/// The number of inner knots below v, which is what clipping the bin amounts to.
static LogicalResult convertBinSearch(Converter &c, sample::BinSearchOp op) {
  Tensor inner = c.b.slice(c.get(op.getKnots()), -1, 1, countElements(op.getKnots()) - 1);
  Number knots{&c.b, inner}, v{&c.b, c.b.addLastAxis(c.get(op.getV()))};
  c.set(op, c.b.sum(c.b.makeAs(ElementType::Int32, "Cast", {knots < v}, {{"to", ElementType::Int32}}), -1));
  return success();
}

/// Whether an element of a tensor of `extent` is at `index + offset`.
static Truth isAt(Converter &c, Value index, int64_t offset, int64_t extent) {
  Tensor position = c.b.makeAs(ElementType::Int64, "Cast", {c.get(index)}, {{"to", ElementType::Int64}});
  std::vector<int64_t> here(extent);
  std::iota(here.begin(), here.end(), -offset);
  return {&c.b, c.b.makeAs(ElementType::Bool, "Equal", {c.b.addLastAxis(position), c.b.integers(here)})};
}

static LogicalResult convertTake(Converter &c, sample::TakeOp op) {
  Truth here = isAt(c, op.getIndex(), static_cast<int64_t>(op.getOffset()), countElements(op.getX()));
  c.set(op, c.b.sum(select(here, c.number(op.getX()), 0), -1));
  return success();
}

static LogicalResult convertOneHot(Converter &c, sample::OneHotOp op) {
  Truth here = isAt(c, op.getIndex(), static_cast<int64_t>(op.getOffset()), countElements(op));
  c.set(op, select(here, {&c.b, c.b.addLastAxis(c.get(op.getX()))}, 0));
  return success();
}

void flowc::onnx::addSmall(Patterns &patterns) {
  patterns.add(convertClip);
  patterns.add(convertReduceSum);
  patterns.add(convertReduceMax);
  patterns.add(convertCumsum);
  patterns.add(convertBinSearch);
  patterns.add(convertTake);
  patterns.add(convertOneHot);
}
