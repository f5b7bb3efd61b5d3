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

#include "mlir/Dialect/SCF/IR/SCF.h"

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

namespace {
/// The counters and the key of a tile's samples. A word is an i64 in every lane.
struct SampleWords {
  SampleWords(KernelBuilder &b, Value seed, Value first)
      : b(b), type(VectorType::get({b.shape.lanes}, b.getI64Type())), first(first), key(splat(seed)) {}

  Value splat(Value value) const { return vector::BroadcastOp::create(b, type, value); }
  Value high(Value value) const { return arith::ShRUIOp::create(b, value, splat(b.i64(32))); }

  /// Random words of the samples in vector `j` of the tile, for the counter's
  /// last two words.
  std::array<Value, 4> draw(Value j, Value third, Value fourth) const {
    auto numbers = llvm::to_vector(llvm::seq<int64_t>(0, b.shape.lanes));
    Value iota = arith::ConstantOp::create(b, DenseElementsAttr::get(cast<VectorType>(type), ArrayRef(numbers)));
    Value sample = arith::AddIOp::create(b, splat(b.add(first, b.mul(j, b.shape.lanes))), iota);
    return buildPhilox(b, {sample, high(sample), splat(third), splat(fourth)}, {key, high(key)});
  }

  KernelBuilder &b;
  Type type;
  Value first, key;
};
} // namespace

/// The counter's last word: `stream` above the number of the attempt.
static int64_t getStreamWord(int64_t stream) { return stream << 24; }

/// Fills `count` rows of a tile by `draw`, which makes the rows of one
/// coordinate block from its random words.
static void fillTile(KernelBuilder &b, ValueRange arguments, int64_t stream,
                     llvm::function_ref<SmallVector<Value>(ArrayRef<MathBits>)> draw) {
  Value tile = arguments[0], count = arguments[1], vectors = arguments[4];
  int64_t lanes = b.shape.lanes, perBlock = b.shape.element.isF32() ? 4 : 2;
  SampleWords words(b, arguments[2], arguments[3]);
  Value fourth = b.i64(getStreamWord(stream));
  b.loop(b.i64(0), count, perBlock, [&](Value coordinate) {
    Value block = b.div(coordinate, perBlock);
    b.loop(b.i64(0), vectors, 1, [&](Value j) {
      Value lane = b.mul(j, lanes);
      SmallVector<Value> rows = draw(drawBits(b, words.draw(j, block, fourth)));
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
    fillTile(b, arguments, /*stream=*/0, [&](ArrayRef<MathBits> draws) {
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
    fillTile(b, arguments, /*stream=*/0, [&](ArrayRef<MathBits> draws) {
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

/// A draw of n bits as (k + 1/2) / 2^n for k of the lower bits, of which a float
/// may round away some, and the upper bit as the sign of `tail`.
static MathValue signedTail(KernelBuilder &b, MathBits bits) {
  bool isF32 = b.shape.element.isF32();
  MathBits low = isF32 ? bits & 0x7fffffff : (bits & 0x7fffffffffffffff) >> 10;
  MathValue k{&b, arith::SIToFPOp::create(b, b.shape.vectorType(), low)};
  MathValue tail = isF32 ? fma(k, 0x1p-32, 0x1p-33) : fma(k, 0x1p-54, 0x1p-55);
  return tail.fromBits(tail.bits() | (bits & tail.signBit()));
}

func::FuncOp flowc::getOrCreatePhiloxTail(ModuleOp module, const TileShape &shape, int64_t stream) {
  auto emit = [stream](KernelBuilder &b, ValueRange arguments) {
    fillTile(b, arguments, stream, [&](ArrayRef<MathBits> draws) {
      SmallVector<Value> rows;
      for (MathBits draw : draws)
        rows.push_back(signedTail(b, draw));
      return rows;
    });
  };
  return KernelBuilder::getOrCreate(module, shape, "philox_tail_" + std::to_string(stream), 1,
                                    {false, true, true, false}, emit);
}

//===----------------------------------------------------------------------===//
// Gamma
//===----------------------------------------------------------------------===//

/// Attempts after which a lane gives up, with a probability below 10^-80; it ends
/// the loop for a concentration that is no number, too.
static constexpr int64_t kGammaAttempts = 64;

/// Four uniform draws for one attempt: two blocks in f64, where one gives two.
static SmallVector<MathBits> drawAttempt(const SampleWords &words, Value j, Value coordinate, Value attempt,
                                         int64_t stream) {
  KernelBuilder &b = words.b;
  if (b.shape.element.isF32())
    return drawBits(b, words.draw(j, coordinate, b.add(attempt, getStreamWord(stream))));
  Value number = b.add(b.mul(attempt, 2), getStreamWord(stream));
  SmallVector<MathBits> draws = drawBits(b, words.draw(j, coordinate, number));
  llvm::append_range(draws, drawBits(b, words.draw(j, coordinate, b.add(number, 1))));
  return draws;
}

/// log of the probability of acceptance: z^2 / 2 + d (1 - v + log v) for v = (1 + w)^3
/// and w = z / sqrt(9 d), that is d (3 (log(1 + w) - w + w^2 / 2) - w^3). The terms
/// cancel up to the fourth power of w, so that for small w, which a large d
/// entails, their series takes over.
static MathValue logAcceptance(KernelBuilder &b, MathValue w, MathValue d) {
  constexpr int terms = 9;
  SmallVector<double> series;
  for (int n = 4; n < 4 + terms; ++n)
    series.push_back((n % 2 ? 3.0 : -3.0) / n);
  MathValue square = w * w, log{&b, buildLog1p(b, w)};
  MathValue large = (log - w + square * 0.5) * 3.0 - square * w;
  return d * select(w.abs() < 0.125, square * square * polynomial(w, series), large);
}

/// One draw of concentration `a` for each lane: {gamma, factor}.
static std::array<Value, 2> drawGamma(const SampleWords &words, Value j, Value coordinate, MathValue a,
                                      int64_t stream) {
  KernelBuilder &b = words.b;
  Type real = b.shape.vectorType(), mask = VectorType::get({b.shape.lanes}, b.getI1Type());
  Value isSmall = a < 1.0;
  MathValue d = select(isSmall, a + 1.0, a) - 1.0 / 3, c = a.constant(1.0) / (d * 9.0).sqrt();
  auto truth = [&](bool value) -> Value {
    return arith::ConstantOp::create(b,
                                     DenseElementsAttr::get(cast<VectorType>(mask), Attribute(b.getBoolAttr(value))));
  };

  Value init[] = {b.i64(0), truth(false), d};
  auto loop = scf::WhileOp::create(
      b, TypeRange{b.getI64Type(), mask, real}, init,
      [&](OpBuilder &, Location, ValueRange state) {
        Value open = arith::XOrIOp::create(b, state[1], truth(true));
        Value anyOpen = vector::ReductionOp::create(b, vector::CombiningKind::OR, open);
        Value goesOn = arith::AndIOp::create(b, anyOpen, b.less(state[0], b.i64(kGammaAttempts)));
        scf::ConditionOp::create(b, goesOn, state);
      },
      [&](OpBuilder &, Location, ValueRange state) {
        SmallVector<MathBits> draws = drawAttempt(words, j, coordinate, state[0], stream);
        MathValue z{&b, normalPair(b, draws[0], draws[1])[0]};
        MathValue w = c * z, root = w + 1.0;
        MathValue candidate = d * (root * root * root);
        MathValue logU{&b, buildLogPositive(b, unitInterval(b, draws[2]))};
        // False for w <= -1, where the logarithm is NaN or infinite.
        Value accepts = logU.compare(arith::CmpFPredicate::OLT, logAcceptance(b, w, d));
        Value value = select(state[1], MathValue{&b, state[2]}, candidate);
        scf::YieldOp::create(b, ValueRange{b.add(state[0], 1), arith::OrIOp::create(b, state[1], accepts), value});
      });

  // G(a) = G(a + 1) U^(1/a)
  SmallVector<MathBits> draws = drawAttempt(words, j, coordinate, b.i64(0), stream);
  MathValue logU{&b, buildLogPositive(b, unitInterval(b, draws[3]))};
  MathValue factor = (logU / a).max(a.pick(-0x1p126, -0x1p1022));
  return {loop.getResult(2), select(isSmall, factor, 0.0)};
}

func::FuncOp flowc::getOrCreatePhiloxGamma(ModuleOp module, const TileShape &shape, int64_t stream) {
  auto emit = [stream](KernelBuilder &b, ValueRange arguments) {
    Value concentrations = arguments[0], count = arguments[3], vectors = arguments[6];
    SampleWords words(b, arguments[4], arguments[5]);
    b.loop(b.i64(0), count, 1, [&](Value coordinate) {
      b.loop(b.i64(0), vectors, 1, [&](Value j) {
        Value offset = b.add(b.mul(coordinate, b.shape.rowStride()), b.mul(j, b.shape.lanes));
        MathValue a{&b, b.load(b.at(concentrations, offset))};
        auto [gamma, factor] = drawGamma(words, j, coordinate, a, stream);
        b.store(gamma, b.at(arguments[1], offset));
        b.store(factor, b.at(arguments[2], offset));
      });
    });
  };
  return KernelBuilder::getOrCreate(module, shape, "philox_gamma_" + std::to_string(stream), 3,
                                    {false, true, true, false}, emit);
}
