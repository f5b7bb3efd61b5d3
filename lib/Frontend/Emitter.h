//===- Emitter.h - Emission of flow graphs ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_EMITTER_H
#define FLOWC_LIB_FRONTEND_EMITTER_H

#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Frontend/Node.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

#include <string>

namespace flowc {

/// A bijection where it occurs: what its emission is given.
struct Place {
  const Node &node;
  /// Full path of the node; its leaves are at `path` + "." + leaf.
  std::string path;
  mlir::Value event;
  /// Null if the node is unconditional.
  mlir::Value condition;

  /// The child at `childPath`, applied to `childEvent`.
  Place getChild(const std::string &childPath, mlir::Value childEvent) const;
};

/// Emits the nodes of one flow or bijection. Emission of a node returns the
/// event after it, or null after an error.
class Emitter {
public:
  Emitter(mlir::MLIRContext &context, mlir::FloatType element, llvm::StringRef file);

  /// Emits the whole module; null after an error.
  mlir::OwningOpRef<mlir::ModuleOp> emit(const Node &root);
  const std::string &getError() const { return error; }

  mlir::ImplicitLocOpBuilder &getBuilder() { return builder; }

  /// Emits a bijection by its kind.
  mlir::Value emitBijection(const Place &place);
  /// Emits a draw of a distribution; the place has no event.
  mlir::Value emitDistribution(const Place &place);

  /// The leaf at `path` below the node as a value of `type`, which must have as
  /// many elements. Paths are those of leaves that are trained; frozen ones are
  /// found too.
  mlir::Value getParameter(const Place &place, const std::string &path, mlir::Type type);
  /// The same in the shape of the leaf; null if there is no such leaf.
  mlir::Value findParameter(const Place &place, const std::string &path);
  /// softplus(leaf) + `minimum`.
  mlir::Value getPositiveParameter(const Place &place, const std::string &path, mlir::Type type, double minimum);

  /// Type of an event or a parameter in flattened form: a float if its shape is
  /// empty.
  mlir::Type getFlatType(const Shape &shape) const;
  mlir::Type getElementType() const { return element; }

  /// Emits `body` into `region`, a block with arguments of these types, with
  /// leaves of its own: `leaves` replaces what paths mean meanwhile.
  using BodyFn = llvm::function_ref<mlir::Value(mlir::Block &block)>;
  bool emitRegion(mlir::Region &region, mlir::TypeRange arguments, BodyFn body);
  /// What full paths of leaves mean at present.
  llvm::StringMap<mlir::Value> &getLeaves() { return leaves; }

  /// Part `number` of `count` equal parts of a flat value.
  mlir::Value getSlice(mlir::Value whole, int64_t number, int64_t count);

  /// Whether a transformer is being emitted: its leaves are flat values of a row.
  bool isInTransformer() const { return inTransformer; }
  void setInTransformer(bool value) { inTransformer = value; }

  /// Records an error at `node`; the first one stays.
  mlir::Value fail(const Node &node, const llvm::Twine &message);

private:
  mlir::Location getLocation(const Node &node);
  mlir::Type getLeafType(const PlacedLeaf &leaf) const;

  mlir::FloatType element;
  std::string file;
  mlir::ImplicitLocOpBuilder builder;
  llvm::StringMap<mlir::Value> leaves;
  std::string error;
  bool inTransformer = false;
};

/// Emits a network on `network.event`, a condition or part of one. With `biasLast`
/// the last layer's biases are added to the finished sums of products: small
/// outputs, which are differences of the two, keep more digits than in sums that
/// start at the biases.
mlir::Value emitNetwork(Emitter &emitter, const Place &network, bool biasLast = false);

/// How the nodes of one kind are emitted.
struct KindEmitter {
  llvm::StringRef kind;
  mlir::Value (*emit)(Emitter &, const Place &);
};

/// The kinds that the files of the emitter know.
llvm::ArrayRef<KindEmitter> getSimpleEmitters();
llvm::ArrayRef<KindEmitter> getNetworkEmitters();
llvm::ArrayRef<KindEmitter> getBlockEmitters();
llvm::ArrayRef<KindEmitter> getDistributionEmitters();
/// `value` with element order[i] at place i (all of it if `order` is empty), or back.
mlir::Value emitReordered(Emitter &emitter, mlir::Value value, llvm::ArrayRef<int32_t> order, bool inverse);

llvm::ArrayRef<KindEmitter> getElementwiseEmitters();
llvm::ArrayRef<KindEmitter> getLinearEmitters();
llvm::ArrayRef<KindEmitter> getInverseEmitters();
llvm::ArrayRef<KindEmitter> getCombinatorEmitters();
llvm::ArrayRef<KindEmitter> getFormulaEmitters();

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_EMITTER_H
