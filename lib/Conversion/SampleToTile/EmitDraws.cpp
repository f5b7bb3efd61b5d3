//===- EmitDraws.cpp - What each row has of its own ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"
#include "flowc/Dialect/Sample/IR/Draws.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

/// The number of the sample in the tile's first lane.
Value TileEmitter::tileSample() {
  return arith::AddIOp::create(b, firstSample, arith::IndexCastOp::create(b, b.getI64Type(), firstRow));
}

LogicalResult TileEmitter::emitPerRow(RowWeightOp op) {
  Storage to = allocateResult(op);
  forEachVector([&](Value j) {
    auto constant = [&](double value) {
      return arith::ConstantOp::create(
          b, DenseElementsAttr::get(shape.vectorType(), Attribute(b.getFloatAttr(shape.element, value))));
    };
    store(to, nullptr, j, arith::SelectOp::create(b, rowsExist(j), constant(1), constant(0)));
  });
  return success();
}

LogicalResult TileEmitter::emitPerRow(RandomNormalOp op) {
  Storage to = allocateResult(op);
  tile::RandomNormalOp::create(b, to.buffer, seed, tileSample(), numVectors);
  return success();
}

LogicalResult TileEmitter::emitPerRow(RandomTailOp op) {
  Storage to = allocateResult(op);
  tile::RandomTailOp::create(b, to.buffer, op.getStream(), seed, tileSample(), numVectors);
  return success();
}

LogicalResult TileEmitter::emitPerRow(RandomGammaOp op) {
  Storage concentration = materialize(find(op.getConcentration()), op.getConcentration().getType());
  Storage gamma = allocateResult(op.getGamma()), factor = allocateResult(op.getLogFactor());
  tile::RandomGammaOp::create(b, concentration.buffer, gamma.buffer, factor.buffer, op.getStream(), seed, tileSample(),
                              numVectors);
  return success();
}
