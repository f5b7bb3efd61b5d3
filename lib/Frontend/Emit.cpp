//===- Emit.cpp - From nodes to the flow dialect --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Emit.h"

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"

namespace flowc {

using namespace mlir;
using namespace flow;

//===----------------------------------------------------------------------===//
// Places and leaves
//===----------------------------------------------------------------------===//

Place Place::getChild(const std::string &childPath, Value childEvent) const {
  const Node &child = node.child(childPath);
  return {child, path + "." + childPath, childEvent, child.condShape ? condition : Value()};
}

Emitter::Emitter(MLIRContext &context, FloatType element, StringRef file)
    : element(element), file(file), builder(UnknownLoc::get(&context), &context) {}

Location Emitter::getLocation(const Node &node) {
  return FileLineColLoc::get(builder.getContext(), file, node.location.line, node.location.column);
}

Value Emitter::fail(const Node &node, const Twine &message) {
  if (error.empty())
    error = (file + ":" + Twine(node.location.line) + ":" + Twine(node.location.column) + ": error: " + message).str();
  return {};
}

Type Emitter::getFlatType(const Shape &shape) const {
  return shape.empty() ? Type(element) : Type(RankedTensorType::get({numElements(shape)}, element));
}

Type Emitter::getLeafType(const PlacedLeaf &leaf) const {
  Type type = element;
  if (leaf.leaf->kind == Leaf::Kind::Permutation)
    type = IntegerType::get(builder.getContext(), 32);
  return leaf.shape.empty() ? type : Type(RankedTensorType::get(leaf.shape, type));
}

Value Emitter::findParameter(const Place &place, const std::string &path) {
  std::string full = place.path + "." + path;
  Value value = leaves.lookup(full);
  return value ? value : leaves.lookup(full + ".tree");
}

Value Emitter::getParameter(const Place &place, const std::string &path, Type type) {
  Value value = findParameter(place, path);
  if (!value)
    return fail(place.node, "`" + place.node.kind + "` has no parameter `" + path + "`");
  if (getNumElements(value.getType()) != getNumElements(type))
    return fail(place.node, "parameter `" + path + "` of `" + place.node.kind + "` has " +
                                Twine(getNumElements(value.getType())) + " elements but needs " +
                                Twine(getNumElements(type)));
  return value.getType() == type ? value : ReshapeOp::create(builder, type, value).getY();
}

Value Emitter::getPositiveParameter(const Place &place, const std::string &path, Type type, double minimum) {
  Value raw = getParameter(place, path, type);
  if (!raw)
    return {};
  Value positive = Log1pExpOp::create(builder, type, raw);
  return minimum == 0 ? positive : arith::AddFOp::create(builder, positive, buildConstant(builder, type, minimum));
}

Value Emitter::getSlice(Value whole, int64_t number, int64_t count) {
  int64_t size = getNumElements(whole.getType()) / count;
  if (count == 1)
    return whole;
  SmallVector<Type> pieces(count, getFlatType(size == 1 ? Shape{} : Shape{size}));
  return SplitOp::create(builder, pieces, whole).getPieces()[number];
}

bool Emitter::emitRegion(Region &region, TypeRange arguments, BodyFn body) {
  Location loc = builder.getLoc();
  OpBuilder::InsertionGuard guard(builder);
  llvm::StringMap<Value> outer = leaves;
  Block &block = region.emplaceBlock();
  block.addArguments(arguments, SmallVector<Location>(arguments.size(), loc));
  builder.setInsertionPointToEnd(&block);
  Value result = body(block);
  leaves = std::move(outer);
  builder.setLoc(loc);
  if (!result)
    return false;
  flow::YieldOp::create(builder, result);
  return true;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

static const KindEmitter *findEmitter(StringRef kind) {
  for (ArrayRef<KindEmitter> table :
       {getSimpleEmitters(), getElementwiseEmitters(), getLinearEmitters(), getNetworkEmitters(), getBlockEmitters(),
        getInverseEmitters(), getCombinatorEmitters(), getFormulaEmitters()})
    for (const KindEmitter &entry : table)
      if (entry.kind == kind)
        return &entry;
  return nullptr;
}

Value Emitter::emitBijection(const Place &place) {
  const KindEmitter *emitter = findEmitter(place.node.kind);
  if (!emitter)
    return fail(place.node, "`" + place.node.kind + "` cannot be compiled");
  if (place.node.condShape && !place.condition)
    return fail(place.node, "`" + place.node.kind + "` needs a condition");
  Location outer = builder.getLoc();
  builder.setLoc(getLocation(place.node));
  Value result = emitter->emit(*this, place);
  builder.setLoc(outer);
  return result;
}

OwningOpRef<ModuleOp> Emitter::emit(const Node &root) {
  bool isFlow = root.category == Node::Category::Distribution;
  Location loc = getLocation(root);
  builder.setLoc(loc);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  SmallVector<Type> types;
  SmallVector<NamedAttrList> attributes;
  auto addArgument = [&](Type type) -> NamedAttrList & {
    types.push_back(type);
    return attributes.emplace_back();
  };
  UnitAttr unit = builder.getUnitAttr();
  Type eventType = getFlatType(root.shape);
  if (!isFlow)
    addArgument(eventType).append(SampleDialect::kRowAttr, unit);
  if (root.condShape) {
    NamedAttrList &list = addArgument(getFlatType(*root.condShape));
    list.append(SampleDialect::kRowAttr, unit);
    list.append(SampleDialect::kConditionAttr, unit);
  }
  size_t firstLeaf = types.size();
  std::vector<PlacedLeaf> placed = flattenLeaves(root, /*withValues=*/false);
  llvm::erase_if(placed, [](const PlacedLeaf &leaf) { return leaf.leaf->kind == Leaf::Kind::Constant; });
  for (const PlacedLeaf &leaf : placed) {
    NamedAttrList &list = addArgument(getLeafType(leaf));
    list.append(SampleDialect::kNameAttr, builder.getStringAttr(leaf.path));
    if (leaf.leaf->kind == Leaf::Kind::Trainable)
      list.append(SampleDialect::kTrainableAttr, unit);
  }

  builder.setInsertionPointToEnd(module->getBody());
  auto function =
      func::FuncOp::create(builder, isFlow ? "flow" : "bijection", builder.getFunctionType(types, eventType));
  // All at once: each setting of one makes a new list of all.
  function.setAllArgAttrs(llvm::map_to_vector(attributes, [&](const NamedAttrList &list) {
    return DictionaryAttr::get(builder.getContext(), list.getAttrs());
  }));
  Block &block = *function.addEntryBlock();
  builder.setInsertionPointToEnd(&block);
  for (auto [leaf, argument] : llvm::zip_equal(placed, block.getArguments().drop_front(firstLeaf)))
    leaves[leaf.path] = argument;
  Value condition = root.condShape ? block.getArgument(firstLeaf - 1) : Value();
  Value result =
      isFlow ? emitDistribution({root, "", {}, condition}) : emitBijection({root, "", block.getArgument(0), condition});
  if (!result)
    return {};
  builder.setLoc(loc);
  func::ReturnOp::create(builder, result);
  return module;
}

OwningOpRef<ModuleOp> emitFlowGraph(MLIRContext &context, const Node &root, DType dtype, StringRef file,
                                    std::string &error) {
  context.loadDialect<FlowDialect, SampleDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
  FloatType element = dtype == F64 ? FloatType(Float64Type::get(&context)) : FloatType(Float32Type::get(&context));
  Emitter emitter(context, element, file);
  OwningOpRef<ModuleOp> module;
  if (root.category == Node::Category::Density) {
    module = ModuleOp::create(UnknownLoc::get(&context));
    emitDensity(*module, root, dtype, file);
  } else {
    module = emitter.emit(root);
  }
  if (!module) {
    error = emitter.getError();
    return {};
  }
  // What the front end accepts is valid; anything else is reported, not run.
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (error.empty())
      error = diagnostic.str();
  });
  if (failed(verify(*module)))
    return {};
  return module;
}

} // namespace flowc
