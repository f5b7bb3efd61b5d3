//===- EmitParameters.cpp - Matrices of parameters ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops over whole matrices in @prepare and @finish, vectorised along rows.
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"
#include "flowc/Conversion/ExpandMath.h"
#include "flowc/Dialect/Sample/IR/ParameterOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

/// `scalar`, or a vector of it if `type` is one.
static Value spread(ImplicitLocOpBuilder &b, Type type, Value scalar) {
  return isa<VectorType>(type) ? vector::BroadcastOp::create(b, type, scalar).getResult() : scalar;
}

static Value buildZero(ImplicitLocOpBuilder &b, Type type) {
  return arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(type)));
}

static Value buildFma(ImplicitLocOpBuilder &b, Value x, Value y, Value sum) {
  return math::FmaOp::create(b, x, y, sum);
}

/// Where the columns from `column` on, as many as `type` has lanes, lie strictly
/// left of the diagonal of `row` (right of it if `upper`).
static Value isOffDiagonal(ImplicitLocOpBuilder &b, Type type, Value row, Value column, bool upper) {
  if (auto vector = dyn_cast<VectorType>(type)) {
    auto columns = VectorType::get(vector.getShape(), b.getIndexType());
    row = spread(b, columns, row);
    column = arith::AddIOp::create(b, spread(b, columns, column), vector::StepOp::create(b, columns));
  }
  return arith::CmpIOp::create(b, upper ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt, column, row);
}

/// Sum over i = from ... to-1 of the products that `step` adds to a value of `type`.
Value TileEmitter::sumOver(Value from, Value to, Type type, llvm::function_ref<Value(Value, Value)> step) {
  auto loop = scf::ForOp::create(b, from, to, index(1), ValueRange{buildZero(b, type)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b, step(loop.getInductionVar(), loop.getRegionIterArg(0)));
  return loop.getResult(0);
}

/// Dot product of `count` consecutive elements of two arrays: whole vectors into
/// one accumulator, then the rest.
Value TileEmitter::dot(int64_t count, const Storage &x, Value xFirst, const Storage &y, Value yFirst) {
  int64_t whole = count / shape.lanes * shape.lanes;
  Value total = buildZero(b, shape.element);
  auto loop = [&](int64_t from, int64_t to, int64_t step, Value init) -> Value {
    auto op = scf::ForOp::create(b, index(from), index(to), index(step), ValueRange{init});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    Value i = op.getInductionVar();
    auto at = [&](const Storage &array, Value first) { return loadPlain(array, add(first, i), init.getType()); };
    scf::YieldOp::create(b, buildFma(b, at(x, xFirst), at(y, yFirst), op.getRegionIterArg(0)));
    return op.getResult(0);
  };
  if (whole > 0)
    total = reduceLanes(b, loop(0, whole, shape.lanes, buildZero(b, shape.vectorType())));
  return whole < count ? loop(whole, count, 1, total) : total;
}

//===----------------------------------------------------------------------===//
// Weight normalisation
//===----------------------------------------------------------------------===//

LogicalResult TileEmitter::emitParameters(WeightNormalizeOp op) {
  Storage w = find(op.getW()), raw = find(op.getRawScale()), y = allocateResult(op);
  int64_t columns = op.getW().getType().getDimSize(1);
  forEach(index(op.getW().getType().getDimSize(0)), [&](Value row) {
    Value first = mul(row, index(columns));
    Value norm = math::SqrtOp::create(b, dot(columns, w, first, w, first));
    Value factor = arith::DivFOp::create(b, buildLog1pExp(b, load(raw, row, nullptr)), norm);
    forEachChunk(columns, shape.element, [&](Value column, Type type) {
      Value at = add(first, column);
      storePlain(y, at, arith::MulFOp::create(b, loadPlain(w, at, type), spread(b, type, factor)));
    });
  });
  return success();
}

LogicalResult TileEmitter::emitParameters(WeightNormalizeVjpOp op) {
  Storage w = find(op.getW()), raw = find(op.getRawScale()), g = find(op.getG());
  Storage wCotangent = allocateResult(op.getWCotangent()), rawCotangent = allocateResult(op.getRawScaleCotangent());
  int64_t columns = op.getW().getType().getDimSize(1);
  forEach(index(op.getW().getType().getDimSize(0)), [&](Value row) {
    Value first = mul(row, index(columns)), rawScale = load(raw, row, nullptr);
    Value norm = math::SqrtOp::create(b, dot(columns, w, first, w, first));
    Value along = arith::DivFOp::create(b, dot(columns, g, first, w, first), norm);
    store(rawCotangent, row, nullptr, arith::MulFOp::create(b, along, buildInvLogit(b, rawScale)));
    Value factor = arith::DivFOp::create(b, buildLog1pExp(b, rawScale), norm);
    Value back = arith::DivFOp::create(b, arith::NegFOp::create(b, arith::MulFOp::create(b, factor, along)), norm);
    forEachChunk(columns, shape.element, [&](Value column, Type type) {
      Value at = add(first, column);
      Value scaled = arith::MulFOp::create(b, loadPlain(g, at, type), spread(b, type, factor));
      storePlain(wCotangent, at, buildFma(b, loadPlain(w, at, type), spread(b, type, back), scaled));
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Triangular matrices
//===----------------------------------------------------------------------===//

LogicalResult TileEmitter::emitParameters(DiagonalOp op) {
  Storage a = find(op.getA()), y = allocateResult(op);
  Value stride = index(op.getA().getType().getDimSize(1) + 1);
  forEach(index(y.elements), [&](Value i) { store(y, i, nullptr, load(a, mul(i, stride), nullptr)); });
  return success();
}

LogicalResult TileEmitter::emitParameters(TriangleOp op) {
  Storage a = find(op.getA()), diagonal = find(op.getDiagonal()), y = allocateResult(op);
  int64_t size = op.getA().getType().getDimSize(0);
  forEach(index(size), [&](Value row) {
    Value first = mul(row, index(size));
    forEachChunk(size, shape.element, [&](Value column, Type type) {
      Value at = add(first, column), exists = isOffDiagonal(b, type, row, column, op.getUpper());
      storePlain(y, at, arith::SelectOp::create(b, exists, loadPlain(a, at, type), buildZero(b, type)));
    });
    store(y, add(first, row), nullptr, load(diagonal, row, nullptr));
  });
  return success();
}

LogicalResult TileEmitter::emitParameters(TriangularInverseOp op) {
  Storage a = find(op.getA()), y = allocateResult(op);
  int64_t size = op.getA().getType().getDimSize(0);
  Value one = arith::ConstantOp::create(b, b.getFloatAttr(shape.element, 1));
  forEach(index(size), [&](Value step) {
    // Row i of the inverse from the rows that a's row i combines it with.
    Value row = op.getUpper() ? arith::SubIOp::create(b, index(size - 1), step).getResult() : step;
    Value from = op.getUpper() ? add(row, index(1)) : index(0), to = op.getUpper() ? index(size) : row;
    Value first = mul(row, index(size));
    Value reciprocal = arith::DivFOp::create(b, one, load(a, add(first, row), nullptr));
    Value negative = arith::NegFOp::create(b, reciprocal);
    forEachChunk(size, shape.element, [&](Value column, Type type) {
      Value sum = sumOver(from, to, type, [&](Value k, Value sum) {
        Value factor = spread(b, type, load(a, add(first, k), nullptr));
        return buildFma(b, factor, loadPlain(y, add(mul(k, index(size)), column), type), sum);
      });
      storePlain(y, add(first, column), arith::MulFOp::create(b, sum, spread(b, type, negative)));
    });
    store(y, add(first, row), nullptr, reciprocal);
  });
  return success();
}

LogicalResult TileEmitter::emitParameters(TriangularInverseVjpOp op) {
  Storage inverse = find(op.getInverse()), g = find(op.getG()), cotangent = allocateResult(op);
  Storage product = allocate(op.getG().getType()); // inverse^T g
  int64_t size = op.getG().getType().getDimSize(0);
  forEach(index(size), [&](Value row) {
    Value from = op.getUpper() ? index(0) : row, to = op.getUpper() ? add(row, index(1)) : index(size);
    forEachChunk(size, shape.element, [&](Value column, Type type) {
      Value sum = sumOver(from, to, type, [&](Value k, Value sum) {
        Value first = mul(k, index(size));
        Value factor = spread(b, type, load(inverse, add(first, row), nullptr));
        return buildFma(b, factor, loadPlain(g, add(first, column), type), sum);
      });
      storePlain(product, add(mul(row, index(size)), column), sum);
    });
  });
  Value zero = buildZero(b, shape.element);
  forEach(index(size), [&](Value row) {
    Value first = mul(row, index(size));
    forEach(index(size), [&](Value column) {
      Value entry = arith::NegFOp::create(b, dot(size, product, first, inverse, mul(column, index(size))));
      Value missing = isOffDiagonal(b, shape.element, row, column, !op.getUpper());
      store(cotangent, add(first, column), nullptr, arith::SelectOp::create(b, missing, zero, entry));
    });
  });
  return success();
}

LogicalResult TileEmitter::emitParameters(TriangularInverseJvpOp op) {
  Storage inverse = find(op.getInverse()), change = find(op.getATangent()), tangent = allocateResult(op);
  Storage product = allocate(op.getATangent().getType()); // inverse da
  int64_t size = op.getInverse().getType().getDimSize(0);
  Value zero = index(0), end = index(size);
  forEach(end, [&](Value row) {
    Value first = mul(row, end);
    forEachChunk(size, shape.element, [&](Value column, Type type) {
      Value sum = sumOver(zero, end, type, [&](Value k, Value sum) {
        Value factor = spread(b, type, load(inverse, add(first, k), nullptr));
        Value entry = loadPlain(change, add(mul(k, end), column), type);
        // Beyond the triangle `a` is not read.
        Value missing = isOffDiagonal(b, type, k, column, !op.getUpper());
        return buildFma(b, factor, arith::SelectOp::create(b, missing, buildZero(b, type), entry), sum);
      });
      storePlain(product, add(first, column), sum);
    });
  });
  forEach(end, [&](Value row) {
    Value first = mul(row, end);
    forEachChunk(size, shape.element, [&](Value column, Type type) {
      Value sum = sumOver(zero, end, type, [&](Value k, Value sum) {
        Value factor = spread(b, type, load(product, add(first, k), nullptr));
        return buildFma(b, factor, loadPlain(inverse, add(mul(k, end), column), type), sum);
      });
      storePlain(tangent, add(first, column), arith::NegFOp::create(b, sum));
    });
  });
  return success();
}

LogicalResult TileEmitter::emitParameters(AntiTransposeOp op) {
  Storage a = find(op.getA()), y = allocateResult(op);
  int64_t rows = op.getA().getType().getDimSize(0), columns = op.getA().getType().getDimSize(1);
  auto fromEnd = [&](int64_t count, Value i) -> Value { return arith::SubIOp::create(b, index(count - 1), i); };
  forEach(index(columns), [&](Value i) {
    forEach(index(rows), [&](Value j) {
      Value from = add(mul(fromEnd(rows, j), index(columns)), fromEnd(columns, i));
      store(y, add(mul(i, index(rows)), j), nullptr, load(a, from, nullptr));
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

LogicalResult TileEmitter::emitUniformDense(DenseOp op) {
  Storage weight = find(op.getWeight()), x = find(op.getX()), y = allocateResult(op);
  int64_t rows = op.getWeight().getType().getDimSize(0), columns = op.getWeight().getType().getDimSize(1);
  if (op.getMask())
    emitMaskedProduct(op, y);
  else if (op.getTransposed())
    forEachChunk(columns, shape.element, [&](Value column, Type type) {
      storePlain(y, column, sumOver(index(0), index(rows), type, [&](Value k, Value sum) {
                   Value at = add(mul(k, index(columns)), column);
                   return buildFma(b, spread(b, type, load(x, k, nullptr)), loadPlain(weight, at, type), sum);
                 }));
    });
  else
    forEach(index(rows),
            [&](Value row) { store(y, row, nullptr, dot(columns, weight, mul(row, index(columns)), x, index(0))); });
  Region &activation = op.getActivation();
  if (!op.getBias() && activation.empty())
    return success();
  LogicalResult status = success();
  forEach(index(y.elements), [&](Value i) {
    Value value = load(y, i, nullptr);
    if (op.getBias())
      value = arith::AddFOp::create(b, value, load(find(op.getBias()), i, nullptr));
    if (!activation.empty()) {
      BodyMap values;
      values[activation.getArgument(0)] = {value};
      BodyEmitter emitter(b, bodyLanes());
      status = emitter.emit(activation.front(), values);
      if (failed(status))
        return;
      value = emitter.getYielded(activation.front(), values).front().front();
    }
    store(y, i, nullptr, value);
  });
  return status;
}

//===----------------------------------------------------------------------===//
// Cosine transform
//===----------------------------------------------------------------------===//

/// Every entry is one of 4n cosines, which are a table: entry (k, j) is number
/// (2j + 1) k modulo 4n.
LogicalResult TileEmitter::emitParameters(CosineMatrixOp op) {
  Storage y = allocateResult(op);
  int64_t size = op.getY().getType().getDimSize(0), period = 4 * size;
  SmallVector<Attribute> cosines;
  for (int64_t i = 0; i < period; ++i)
    cosines.push_back(
        b.getFloatAttr(shape.element, std::sqrt(2.0 / size) * std::cos(std::numbers::pi * i / (2.0 * size))));
  auto type = RankedTensorType::get({period}, shape.element);
  Storage table = find(arith::ConstantOp::create(b, DenseElementsAttr::get(type, cosines)));
  Value first = arith::ConstantOp::create(b, b.getFloatAttr(shape.element, std::sqrt(1.0 / size)));
  forEach(index(size), [&](Value k) {
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, k, index(0));
    forEach(index(size), [&](Value j) {
      Value odd = add(mul(j, index(2)), index(1));
      Value number = arith::RemUIOp::create(b, mul(odd, k), index(period));
      Value entry = arith::SelectOp::create(b, isFirst, first, load(table, number, nullptr));
      store(y, add(mul(k, index(size)), j), nullptr, entry);
    });
  });
  return success();
}
