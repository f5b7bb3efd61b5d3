//===- BlockNetwork.h - Emission of block networks --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the bijection `flow.block_autoregressive_network` and the derivative of
// `sample.block_sweep` share: the network as ops of the sample program.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_BLOCKNETWORK_H
#define FLOWC_DIALECT_SAMPLE_IR_BLOCKNETWORK_H

#include "flowc/Dialect/Sample/IR/Block.h"

#include <functional>

namespace flowc::sample {

/// An activation of one unit.
struct ActivatedUnit {
  mlir::Value value;
  /// The derivative, or its logarithm; null if not asked for.
  mlir::Value slope;
};

/// How activations are emitted.
struct BlockActivation {
  using BuildFn = std::function<mlir::FailureOr<ActivatedUnit>(mlir::ImplicitLocOpBuilder &, mlir::Value,
                                                               mlir::ValueRange, bool withSlope)>;
  /// Values outside of bodies that `build` needs.
  llvm::SmallVector<mlir::Value> shared;
  /// Emits the activation of a float, given what the body sees of `shared`.
  BuildFn build;
  /// Whether `build` gives logarithms of derivatives.
  bool isLogarithmic = false;
};

/// A network with its values where code is emitted.
struct BlockNetwork {
  int64_t dim = 0;
  llvm::SmallVector<mlir::Value> weights, biases;
  /// The diagonal blocks of the weights, if they are at hand. Otherwise ops on
  /// parameters make them, which have to be hoisted later.
  llvm::SmallVector<mlir::Value> diagonals;
  /// Added to what the first layer accumulates; may be null.
  mlir::Value offset;
  BlockActivation activation;

  /// Number of hidden layers.
  int64_t depth() const { return int64_t(weights.size()) - 1; }
  /// Units per coordinate after layer `layer`.
  int64_t unitsPerBlock(int64_t layer) const;
  /// The diagonal blocks of a layer's weight, one below the other, and all
  /// their entries one after the other.
  mlir::Value buildDiagonal(mlir::ImplicitLocOpBuilder &builder, int64_t layer) const;
  mlir::Value buildFlatDiagonal(mlir::ImplicitLocOpBuilder &builder, int64_t layer) const;
  /// The mask of a layer: a unit sees units of its own coordinate and of earlier ones.
  RankMaskAttr getMask(int64_t layer) const;
};

/// The network that a block sweep inverts, as a function of its operands.
struct SweptNetwork {
  /// Makes `block`, which is empty, a function of x and the operands, and lets
  /// `mapping` map its arguments to where `values` maps the sweep's.
  SweptNetwork(BlockSweepOp sweep, mlir::Block &block, mlir::IRMapping &mapping, const mlir::IRMapping &values);

  BlockNetwork network;
  mlir::Value x;
  /// Operands of the sweep that are parameters, and the arguments for them.
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> parameters;
};

/// Checks that `weights` form a network on `dim` coordinates whose layers have
/// whole numbers of units per coordinate.
mlir::LogicalResult verifyBlockNetwork(mlir::Operation *op, int64_t dim, mlir::OperandRange weights);

/// Checks that there is a bias for each weight, at least one, and that it fits.
mlir::LogicalResult verifyBlockBiases(mlir::Operation *op, mlir::OperandRange weights, mlir::OperandRange biases);

/// Emits y and, if asked for, log|det dy/dx| of the network at `x`.
mlir::FailureOr<Transformed> buildBlockNetwork(mlir::ImplicitLocOpBuilder &builder, const BlockNetwork &network,
                                               mlir::Value x, bool withLogDet);

/// Emits the activation's derivatives at all units of every hidden layer. Their
/// logarithms do not do: slopes that underflow are zero. With `withLogDet` in the maps of
/// `buildBlockNetwork` with log-determinant, so that the two compute units once.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
buildBlockSlopes(mlir::ImplicitLocOpBuilder &builder, const BlockNetwork &network, mlir::Value x, bool withLogDet);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_BLOCKNETWORK_H
