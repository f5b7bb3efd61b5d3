//===- MicroKernelsRandom.cpp - Counter-based random tiles ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Philox4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011. Words live in 64-bit lanes,
// where a product of words is one instruction and nothing is ever packed.
//
//===----------------------------------------------------------------------===//

#include "ExpandMathValue.h"
#include "MicroKernelsBuilder.h"
#include "flowc/Conversion/ExpandMath.h"

using namespace flowc;
using namespace mlir;

std::array<Value, 4> flowc::buildPhilox(ImplicitLocOpBuilder &b, std::array<Value, 4> counter,
                                        std::array<Value, 2> key) {
  std::array<MathBits, 4> c = {MathBits{&b, counter[0]}, {&b, counter[1]}, {&b, counter[2]}, {&b, counter[3]}};
  MathBits key0{&b, key[0]}, key1{&b, key[1]};
  constexpr uint64_t word = 0xffffffff;
  for (int round = 0; round < 10; ++round) {
    MathBits product0 = (c[0] & word) * 0xd2511f53, product1 = (c[2] & word) * 0xcd9e8d57;
    c = {(product1 >> 32) ^ c[1] ^ key0, product1, (product0 >> 32) ^ c[3] ^ key1, product0};
    key0 = key0 + 0x9e3779b9;
    key1 = key1 + 0xbb67ae85;
  }
  return {c[0], c[1], c[2], c[3]};
}

/// Random words for uniform draws: 32 bits in f32, and 64 bits in f64, where
/// two words make one.
static SmallVector<MathBits> drawBits(KernelBuilder &b, const std::array<Value, 4> &words) {
  SmallVector<MathBits> result;
  if (b.shape.element.isF32()) {
    Type narrow = VectorType::get({b.shape.lanes}, b.getI32Type());
    for (Value value : words)
      result.push_back({&b, arith::TruncIOp::create(b, narrow, value)});
    return result;
  }
  for (int i : {0, 2})
    result.push_back((MathBits{&b, words[i]} & 0xffffffff) | (MathBits{&b, words[i + 1]} << 32));
  return result;
}

/// (bits + 1/2) / 2^n for the n = 32, or upper 53, bits; rounding gives 1 for
/// the largest, never 0.
static MathValue unitInterval(KernelBuilder &b, MathBits bits) {
  bool isF32 = b.shape.element.isF32();
  MathValue u{&b, arith::UIToFPOp::create(b, b.shape.vectorType(), isF32 ? bits : bits >> 11)};
  return isF32 ? fma(u, 0x1p-32, 0x1p-33) : fma(u, 0x1p-53, 0x1p-54);
}

/// Box and Muller's pair from two draws.
static std::array<Value, 2> normalPair(KernelBuilder &b, MathBits radius, MathBits turn) {
  MathValue log{&b, buildLogPositive(b, unitInterval(b, radius))};
  MathValue r = (log * -2.0).sqrt();
  auto [sin, cos] = buildSinCosTurn(b, b.shape.vectorType(), turn);
  return {r * MathValue{&b, cos}, r * MathValue{&b, sin}};
}

/// Fills `count` rows of a tile by `draw`, which makes the rows of one
/// coordinate block from its random words.
static void fillTile(KernelBuilder &b, ValueRange arguments,
                     llvm::function_ref<SmallVector<Value>(ArrayRef<MathBits>)> draw) {
  Value tile = arguments[0], count = arguments[1], seed = arguments[2], first = arguments[3], vectors = arguments[4];
  int64_t lanes = b.shape.lanes, perBlock = b.shape.element.isF32() ? 4 : 2;
  auto words = VectorType::get({lanes}, b.getI64Type());
  auto splat = [&](Value value) -> Value { return vector::BroadcastOp::create(b, words, value); };
  auto high = [&](Value value) -> Value { return arith::ShRUIOp::create(b, value, splat(b.i64(32))); };
  auto numbers = llvm::to_vector(llvm::seq<int64_t>(0, lanes));
  Value iota = arith::ConstantOp::create(b, DenseElementsAttr::get(words, ArrayRef(numbers)));
  Value key = splat(seed), zero = splat(b.i64(0));
  b.loop(b.i64(0), count, perBlock, [&](Value coordinate) {
    Value block = splat(b.div(coordinate, perBlock));
    b.loop(b.i64(0), vectors, 1, [&](Value j) {
      Value lane = b.mul(j, lanes);
      Value sample = arith::AddIOp::create(b, splat(b.add(first, lane)), iota);
      SmallVector<Value> rows =
          draw(drawBits(b, buildPhilox(b, {sample, high(sample), block, zero}, {key, high(key)})));
      for (auto [i, row] : llvm::enumerate(rows)) {
        Value number = b.add(coordinate, i);
        b.when(b.less(number, count),
               [&, row = row] { b.store(row, b.at(tile, b.add(b.mul(number, b.shape.rowStride()), lane))); });
      }
    });
  });
}

func::FuncOp flowc::getOrCreatePhiloxNormal(ModuleOp module, const TileShape &shape) {
  auto emit = [](KernelBuilder &b, ValueRange arguments) {
    fillTile(b, arguments, [&](ArrayRef<MathBits> draws) {
      SmallVector<Value> rows;
      for (size_t i = 0; i < draws.size(); i += 2)
        llvm::append_range(rows, normalPair(b, draws[i], draws[i + 1]));
      return rows;
    });
  };
  return KernelBuilder::getOrCreate(module, shape, "philox_normal", 1, {false, true, true, false}, emit);
}

func::FuncOp flowc::getOrCreatePhiloxUniform(ModuleOp module, const TileShape &shape) {
  auto emit = [](KernelBuilder &b, ValueRange arguments) {
    fillTile(b, arguments, [&](ArrayRef<MathBits> draws) {
      SmallVector<Value> rows;
      for (MathBits draw : draws) {
        MathValue u = unitInterval(b, draw);
        rows.push_back(u.min(u.pick(0x1.fffffep-1, 0x1.fffffffffffffp-1)));
      }
      return rows;
    });
  };
  return KernelBuilder::getOrCreate(module, shape, "philox_uniform", 1, {false, true, true, false}, emit);
}
