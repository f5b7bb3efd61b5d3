//===- FlowSampleOps.cpp - Ops of the sample program ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace flowc::flow;

/// Types in parentheses, possibly none.
static ParseResult parseTypeList(OpAsmParser &parser, SmallVectorImpl<Type> &types) {
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                        [&] { return parser.parseType(types.emplace_back()); });
}

static void printTypeList(OpAsmPrinter &printer, Operation *, TypeRange types) { printer << '(' << types << ')'; }

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowOps.cpp.inc"

/// Number of consecutive elements per step if `type` is split over `extent`
/// steps; 0 if that is not a whole number.
static int64_t getGroup(Type type, int64_t extent) {
  int64_t elements = getNumElements(type);
  return elements % extent == 0 ? elements / extent : 0;
}

/// Checks that a region's arguments or yielded values have the expected types.
static LogicalResult verifyTypes(Operation *op, TypeRange found, ArrayRef<Type> expected, const Twine &what) {
  if (found.size() != expected.size())
    return op->emitOpError() << what << ": expected " << expected.size() << " values but got " << found.size();
  for (auto [i, types] : llvm::enumerate(llvm::zip_equal(found, expected)))
    if (std::get<0>(types) != std::get<1>(types))
      return op->emitOpError() << what << " #" << i << ": expected " << std::get<1>(types) << " but got "
                               << std::get<0>(types);
  return success();
}

//===----------------------------------------------------------------------===//
// MapOp
//===----------------------------------------------------------------------===//

YieldOp MapOp::getYield() { return cast<YieldOp>(getBlock()->getTerminator()); }

Type MapOp::getElementType(Type type, int64_t extent) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type;
  int64_t group = tensor.getNumElements() / extent;
  return group == 1 ? tensor.getElementType() : Type(RankedTensorType::get({group}, tensor.getElementType()));
}

Type MapOp::getStackedType(Type element, int64_t extent) {
  auto tensor = dyn_cast<RankedTensorType>(element);
  return RankedTensorType::get({extent * getNumElements(element)}, tensor ? tensor.getElementType() : element);
}

LogicalResult MapOp::verify() {
  int64_t extent = getExtent();
  // map_c1: the extent is positive.
  if (extent < 1)
    return emitOpError("extent must be positive but is ") << extent;
  // map_c2: every indexed operand splits evenly.
  SmallVector<Type> arguments;
  for (Type type : getIndexed().getTypes()) {
    if (getGroup(type, extent) < 1)
      return emitOpError("indexed operand of type ") << type << " does not split into " << extent << " equal groups";
    arguments.push_back(getElementType(type, extent));
  }
  llvm::append_range(arguments, getShared().getTypes());
  // map_c3: the body takes the elements, then the shared operands.
  if (failed(verifyTypes(*this, getBlock()->getArgumentTypes(), arguments, "body argument")))
    return failure();
  // map_c4: the body yields stacked elements, then summands.
  SmallVector<Type> yields;
  for (Type type : getStacked().getTypes()) {
    if (getGroup(type, extent) < 1)
      return emitOpError("stacked result of type ") << type << " does not split into " << extent << " equal groups";
    yields.push_back(getElementType(type, extent));
  }
  llvm::append_range(yields, getInit().getTypes());
  if (failed(verifyTypes(*this, getYield().getOperandTypes(), yields, "yielded value")))
    return failure();
  // map_c5: a sum has the type of its init.
  return verifyTypes(*this, getSums().getTypes(), SmallVector<Type>(getInit().getTypes()), "sum");
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

YieldOp ScanOp::getYield() { return cast<YieldOp>(getBlock()->getTerminator()); }

Type ScanOp::getSliceType(Type stack) {
  auto tensor = cast<RankedTensorType>(stack);
  if (tensor.getRank() == 1)
    return tensor.getElementType();
  return RankedTensorType::get(tensor.getShape().drop_front(), tensor.getElementType());
}

Type ScanOp::getStackType(Type slice, int64_t layers) {
  SmallVector<int64_t> shape{layers};
  auto tensor = dyn_cast<RankedTensorType>(slice);
  if (tensor)
    llvm::append_range(shape, tensor.getShape());
  return RankedTensorType::get(shape, tensor ? tensor.getElementType() : slice);
}

LogicalResult ScanOp::verify() {
  int64_t layers = getLayers();
  // scan_c1: there is a layer.
  if (layers < 1)
    return emitOpError("number of layers must be positive but is ") << layers;
  // scan_c2: stacks have a leading axis of `layers`.
  for (Type type :
       llvm::concat<Type>(SmallVector<Type>(getOver().getTypes()), SmallVector<Type>(getStacked().getTypes()))) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getRank() < 1 || tensor.getDimSize(0) != layers)
      return emitOpError("stack of type ") << type << " needs a leading extent of " << layers;
  }
  // scan_c3: the body takes carries, slices, shared operands.
  SmallVector<Type> arguments(getCarries().getTypes());
  for (Type type : getOver().getTypes())
    arguments.push_back(getSliceType(type));
  llvm::append_range(arguments, getShared().getTypes());
  if (failed(verifyTypes(*this, getBlock()->getArgumentTypes(), arguments, "body argument")))
    return failure();
  // scan_c4: the body yields carries, then slices of the stacked results.
  SmallVector<Type> yields(getCarries().getTypes());
  for (Type type : getStacked().getTypes())
    yields.push_back(getSliceType(type));
  if (failed(verifyTypes(*this, getYield().getOperandTypes(), yields, "yielded value")))
    return failure();
  // scan_c5: a final carry has the type of the carry.
  return verifyTypes(*this, getFinals().getTypes(), SmallVector<Type>(getCarries().getTypes()), "final carry");
}

//===----------------------------------------------------------------------===//
// DenseOp, OuterOp
//===----------------------------------------------------------------------===//

/// Checks that a mask's rank lists fit a matrix of `rows` x `columns`.
static LogicalResult verifyMask(Operation *op, std::optional<RankMaskAttr> mask, int64_t rows, int64_t columns) {
  if (!mask)
    return success();
  if (int64_t(mask->getOut().size()) != rows || int64_t(mask->getIn().size()) != columns)
    return op->emitOpError("mask of ") << mask->getOut().size() << " x " << mask->getIn().size()
                                       << " ranks does not fit a weight of " << rows << " x " << columns;
  if (!llvm::is_sorted(mask->getOut()) || !llvm::is_sorted(mask->getIn()))
    return op->emitOpError("ranks of a mask must ascend");
  return success();
}

LogicalResult DenseOp::verify() {
  auto weight = getWeight().getType();
  int64_t rows = weight.getDimSize(0), columns = weight.getDimSize(1);
  // dense_c1: the mask fits the weight as stored.
  if (failed(verifyMask(*this, getMask(), rows, columns)))
    return failure();
  if (getTransposed())
    std::swap(rows, columns);
  // dense_c2: x and y fit the weight.
  if (getX().getType().getDimSize(0) != columns || getY().getType().getDimSize(0) != rows)
    return emitOpError("weight ") << weight << " does not map " << getX().getType() << " to " << getY().getType();
  // dense_c3: so does the bias.
  if (getBias() && getBias().getType().getDimSize(0) != rows)
    return emitOpError("bias ") << getBias().getType() << " needs " << rows << " elements";
  // dense_c4: an activation takes and yields a float.
  if (!getActivation().empty()) {
    Block &block = getActivation().front();
    Type element = getY().getType().getElementType();
    if (failed(verifyTypes(*this, block.getArgumentTypes(), {element}, "activation argument")) ||
        failed(verifyTypes(*this, block.getTerminator()->getOperandTypes(), {element}, "activation result")))
      return failure();
  }
  return success();
}

LogicalResult OuterOp::verify() {
  auto weight = getWeight().getType();
  // outer_c1: the weight is g x x.
  if (weight.getDimSize(0) != getG().getType().getDimSize(0) || weight.getDimSize(1) != getX().getType().getDimSize(0))
    return emitOpError("weight ") << weight << " is not the outer product of " << getG().getType() << " and "
                                  << getX().getType();
  // outer_c2: the mask fits.
  return verifyMask(*this, getMask(), weight.getDimSize(0), weight.getDimSize(1));
}

//===----------------------------------------------------------------------===//
// SweepOp
//===----------------------------------------------------------------------===//

ArrayRef<int64_t> SweepOp::getStageRowEnds(int64_t stage) {
  return cast<DenseI64ArrayAttr>(getRowEnds()[stage]).asArrayRef();
}

int64_t SweepOp::getUnitsPerStep() {
  ArrayRef<int64_t> ends = getStageRowEnds(getNumStages() - 1);
  return (ends.back() - ends.front()) / getExtent();
}

int64_t SweepOp::getStatePerStep() { return getState().getType().getNumElements() / getExtent(); }

LogicalResult SweepOp::verify() {
  int64_t extent = getExtent(), stages = getNumStages();
  // sweep_c1: one region, one list of row ends and (if any) one bias per weight.
  if (stages < 1 || int64_t(getStages().size()) != stages || int64_t(getRowEnds().size()) != stages ||
      (!getBiases().empty() && int64_t(getBiases().size()) != stages) || int64_t(getUnits().size()) != stages - 1)
    return emitOpError("needs one region, one list of row ends, at most one bias and one result of units per stage");
  // sweep_c2: row ends ascend to the stage's rows in extent + 1 entries.
  int64_t inputs = (getPrefix() ? getPrefix().getType().getNumElements() : 0) + getState().getType().getNumElements();
  for (int64_t t = 0; t < stages; ++t) {
    ArrayRef<int64_t> ends = getStageRowEnds(t);
    auto weight = cast<RankedTensorType>(getWeights()[t].getType());
    int64_t rows = weight.getDimSize(getTransposed() ? 1 : 0), columns = weight.getDimSize(getTransposed() ? 0 : 1);
    if (int64_t(ends.size()) != extent + 1 || ends.front() < 0 || ends.back() != rows || !llvm::is_sorted(ends))
      return emitOpError("row ends of stage ") << t << " must ascend to " << rows << " in " << extent + 1 << " entries";
    // sweep_c3: each stage reads what the one before computes.
    if (columns != inputs)
      return emitOpError("weight of stage ")
             << t << " has " << columns << " inputs but the stage before gives " << inputs;
    inputs = rows;
  }
  // sweep_c4: the last stage has equally many units at every step.
  for (auto [s, end] : llvm::enumerate(getStageRowEnds(stages - 1)))
    if (end != getStageRowEnds(stages - 1).front() + int64_t(s) * getUnitsPerStep())
      return emitOpError("the last stage needs equally many units at every step");
  if (getIndexedStage().size() != getIndexed().size())
    return emitOpError("needs a stage for every indexed operand");
  // sweep_c5: bodies take accumulated values, indexed elements and shared operands.
  for (int64_t t = 0; t < stages; ++t) {
    bool last = t == stages - 1;
    Type element = getState().getType().getElementType();
    SmallVector<Type> arguments;
    int64_t units = getUnitsPerStep();
    arguments.push_back(!last || units == 1 ? element : Type(RankedTensorType::get({units}, element)));
    for (auto [operand, stage] : llvm::zip_equal(getIndexed(), getIndexedStage()))
      if (stage == t)
        arguments.push_back(MapOp::getElementType(operand.getType(), last ? extent : getStageRowEnds(t).back()));
    llvm::append_range(arguments, getShared().getTypes());
    if (failed(verifyTypes(*this, getStageBlock(t)->getArgumentTypes(), arguments, "argument of stage " + Twine(t))))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Moving rows
//===----------------------------------------------------------------------===//

/// Checks that pieces have as many elements as the whole.
static LogicalResult verifyPieces(Operation *op, TypeRange pieces, Type whole) {
  int64_t sum = 0;
  for (Type piece : pieces)
    sum += getNumElements(piece);
  if (sum != getNumElements(whole))
    return op->emitOpError("pieces have ") << sum << " elements but " << whole << " has " << getNumElements(whole);
  return success();
}

// split_c1, concat_c1: nothing is lost.
LogicalResult SplitOp::verify() { return verifyPieces(*this, getPieces().getTypes(), getX().getType()); }
LogicalResult ConcatOp::verify() { return verifyPieces(*this, getPieces().getTypes(), getY().getType()); }

LogicalResult ReorderOp::verify() {
  auto type = cast<RankedTensorType>(getX().getType());
  // reorder_c1: an order is a permutation of its axis.
  auto check = [&](ArrayRef<int64_t> order, unsigned axis) {
    if (order.empty())
      return success();
    SmallVector<int64_t> sorted(order);
    llvm::sort(sorted);
    if (axis >= type.getRank() || int64_t(order.size()) != type.getDimSize(axis) ||
        !llvm::equal(sorted, llvm::seq<int64_t>(0, order.size())))
      return LogicalResult(emitOpError("order of axis ") << axis << " is not a permutation of it");
    return success();
  };
  return failure(failed(check(getRows(), 0)) || failed(check(getColumns(), 1)));
}

LogicalResult ReshapeOp::verify() {
  // reshape_c1: the number of elements stays.
  if (getNumElements(getX().getType()) != getNumElements(getY().getType()))
    return emitOpError("cannot reshape ") << getX().getType() << " to " << getY().getType();
  return success();
}

/// reshape(x) = x if nothing changes, reshape(reshape(x)) = reshape(x).
OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getX().getType() == getY().getType())
    return getX();
  if (auto inner = getX().getDefiningOp<ReshapeOp>()) {
    getXMutable().assign(inner.getX());
    return getY();
  }
  return {};
}

//===----------------------------------------------------------------------===//
// TakeOp
//===----------------------------------------------------------------------===//

namespace {
/// take(f(a, b, ...), i) = f(take(a, i), take(b, i), ...) for elementwise f: only
/// the selected element is computed.
struct TakeOfElementwise : OpRewritePattern<TakeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TakeOp op, PatternRewriter &rewriter) const override {
    Operation *producer = op.getX().getDefiningOp();
    if (!producer || !producer->hasTrait<OpTrait::Elementwise>() || producer->getNumResults() != 1 ||
        producer->getBlock() != op->getBlock())
      return rewriter.notifyMatchFailure(op, "not of an elementwise op");
    SmallVector<Value> operands;
    for (Value operand : producer->getOperands()) {
      auto tensor = dyn_cast<RankedTensorType>(operand.getType());
      if (!tensor || !isa<FloatType>(tensor.getElementType()))
        return rewriter.notifyMatchFailure(op, "operands must be tensors of floats");
      operands.push_back(TakeOp::create(rewriter, op.getLoc(), op.getType(), operand, op.getIndex(), op.getOffset()));
    }
    OperationState state(op.getLoc(), producer->getName(), operands, op->getResultTypes(), producer->getAttrs());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

/// take(splat(x), i) = x, and the same for a constant splat.
struct TakeOfSplat : OpRewritePattern<TakeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TakeOp op, PatternRewriter &rewriter) const override {
    if (auto splat = op.getX().getDefiningOp<SplatOp>()) {
      rewriter.replaceOp(op, splat.getX());
      return success();
    }
    SplatElementsAttr constant;
    if (auto producer = op.getX().getDefiningOp<arith::ConstantOp>())
      constant = dyn_cast<SplatElementsAttr>(producer.getValue());
    if (!constant)
      return rewriter.notifyMatchFailure(op, "not of a splat");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, constant.getSplatValue<FloatAttr>());
    return success();
  }
};
} // namespace

void TakeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<TakeOfElementwise, TakeOfSplat>(context);
}
