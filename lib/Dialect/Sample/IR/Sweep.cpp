//===- Sweep.cpp - Sweeps and panels --------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constraints of sweeps over weights as they are stored, and of what
// sample-pack-weights makes: panels, and the ops that read them.
//
//===----------------------------------------------------------------------===//

#include "VerifyOps.h"

using namespace mlir;
using namespace flowc::sample;

ArrayRef<int64_t> SweepOp::getStageRowEnds(int64_t stage) {
  return cast<DenseI64ArrayAttr>(getRowEnds()[stage]).asArrayRef();
}

int64_t SweepOp::getUnitsPerStep() {
  ArrayRef<int64_t> ends = getStageRowEnds(getNumStages() - 1);
  return (ends.back() - ends.front()) / getExtent();
}

int64_t SweepOp::getStatePerStep() { return getState().getType().getNumElements() / getExtent(); }

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

/// `ends` has an entry for the begin of each of `extent` steps and one for the end of
/// the last, none before the one before it.
template <typename T>
static bool ascends(ArrayRef<T> ends, int64_t extent) {
  return static_cast<int64_t>(ends.size()) - 1 == extent && ends.front() >= 0 && llvm::is_sorted(ends);
}

namespace {
/// The stages of sample.sweep, or of sample.panel_sweep.
template <typename Sweep>
class StageVerifier {
public:
  StageVerifier(Sweep op, int64_t stages) : op(op), stages(stages), extent(op.getExtent()) {}

  /// One region, one list of row ends and one result of units per stage, and steps
  /// that share out the state.
  LogicalResult verifyCounts();
  /// Row ends ascend to the rows of each stage (-1: to any number), at the last one by
  /// equally many units.
  LogicalResult verifyRowEnds(ArrayRef<int64_t> rows);
  /// What bodies take, and what they yield.
  LogicalResult verifyBodies();

  ArrayRef<int64_t> getRowEnds(int64_t t) {
    return cast<DenseI64ArrayAttr>(op.getRowEnds()[static_cast<size_t>(t)]).asArrayRef();
  }
  /// What stage `t` reads: the prefix and the state, or the units of the one before.
  int64_t countInputs(int64_t t) {
    int64_t prefix = op.getPrefix() ? op.getPrefix().getType().getNumElements() : 0;
    return t == 0 ? prefix + op.getState().getType().getNumElements() : getRowEnds(t - 1).back();
  }

private:
  /// The type that the body of stage `t` sees of a value for all of its units (steps);
  /// null if they do not share it out evenly.
  Type getPart(Type all, int64_t t) {
    int64_t parts = t == stages - 1 ? extent : getRowEnds(t).back();
    return parts > 0 && getGroup(all, parts) > 0 ? MapOp::getElementType(all, parts) : Type();
  }
  LogicalResult verifyArguments(int64_t t);
  /// `extra` is the number of the stage's first extra, and becomes that of the next one's.
  LogicalResult verifyYield(int64_t t, size_t &extra);

  Sweep op;
  int64_t stages, extent;
};
} // namespace

template <typename Sweep>
LogicalResult StageVerifier<Sweep>::verifyCounts() {
  auto isStages = [&](size_t count) { return static_cast<int64_t>(count) == stages; };
  if (stages < 1 || !isStages(op.getStages().size()) || !isStages(op.getRowEnds().size()) ||
      !isStages(op.getUnits().size() + 1))
    return op.emitOpError("needs one region, one list of row ends, at most one bias and one result of units per stage");
  if (extent < 1 || getGroup(op.getState().getType(), extent) < 1)
    return op.emitOpError("cannot make ") << op.getState().getType() << " in " << extent << " equal steps";
  return success();
}

template <typename Sweep>
LogicalResult StageVerifier<Sweep>::verifyRowEnds(ArrayRef<int64_t> rows) {
  for (int64_t t = 0; t < stages; ++t) {
    auto ends = dyn_cast<DenseI64ArrayAttr>(op.getRowEnds()[static_cast<size_t>(t)]);
    int64_t expected = rows[static_cast<size_t>(t)];
    if (!ends || !ascends(ends.asArrayRef(), extent) || (expected >= 0 && ends.asArrayRef().back() != expected))
      return op.emitOpError("row ends of stage ")
             << t << " must ascend" << (expected >= 0 ? " to " + std::to_string(expected) : std::string()) << " in "
             << extent + 1 << " entries";
    if (t < stages - 1 && getNumElements(op.getUnits()[static_cast<unsigned>(t)].getType()) != ends.asArrayRef().back())
      return op.emitOpError("result of stage ") << t << " needs " << ends.asArrayRef().back() << " units";
  }
  ArrayRef<int64_t> last = getRowEnds(stages - 1);
  int64_t units = (last.back() - last.front()) / extent;
  for (auto [s, end] : llvm::enumerate(last))
    if (units < 1 || end != last.front() + static_cast<int64_t>(s) * units)
      return op.emitOpError("the last stage needs equally many units at every step");
  return success();
}

template <typename Sweep>
LogicalResult StageVerifier<Sweep>::verifyBodies() {
  if (op.getIndexedStage().size() != op.getIndexed().size() ||
      llvm::any_of(op.getIndexedStage(), [&](int64_t stage) { return stage < 0 || stage >= stages; }))
    return op.emitOpError("needs a stage for every indexed operand");
  size_t extra = 0;
  for (int64_t t = 0; t < stages; ++t)
    if (failed(verifyArguments(t)) || failed(verifyYield(t, extra)))
      return failure();
  if (extra != op.getExtras().size())
    return op.emitOpError("bodies yield ") << extra << " extras for " << op.getExtras().size() << " results";
  return verifyTypes(op, op.getSums().getTypes(), SmallVector<Type>(op.getInit().getTypes()), "sum");
}

template <typename Sweep>
LogicalResult StageVerifier<Sweep>::verifyArguments(int64_t t) {
  Type element = op.getState().getType().getElementType();
  ArrayRef<int64_t> ends = getRowEnds(t);
  int64_t units = t == stages - 1 ? (ends.back() - ends.front()) / extent : 1;
  SmallVector<Type> arguments{units == 1 ? element : Type(RankedTensorType::get({units}, element))};
  for (auto [operand, stage] : llvm::zip_equal(op.getIndexed(), op.getIndexedStage())) {
    if (stage != t)
      continue;
    Type part = getPart(operand.getType(), t);
    if (!part)
      return op.emitOpError("indexed operand of type ") << operand.getType() << " is not shared out by stage " << t;
    arguments.push_back(part);
  }
  llvm::append_range(arguments, op.getShared().getTypes());
  return verifyTypes(op, op.getStages()[t].front().getArgumentTypes(), arguments, "argument of stage " + Twine(t));
}

template <typename Sweep>
LogicalResult StageVerifier<Sweep>::verifyYield(int64_t t, size_t &extra) {
  bool isLast = t == stages - 1;
  TypeRange found = op.getStages()[t].front().getTerminator()->getOperandTypes();
  SmallVector<Type> expected{isLast ? getPart(op.getState().getType(), t) : op.getState().getType().getElementType()};
  size_t summands = isLast ? op.getInit().size() : 0;
  size_t extras = found.size() > summands ? found.size() - 1 - summands : 0;
  for (; extras > 0 && extra < op.getExtras().size(); --extras, ++extra) {
    Type all = op.getExtras()[static_cast<unsigned>(extra)].getType(), part = getPart(all, t);
    if (!part)
      return op.emitOpError("extra of type ") << all << " is not shared out by stage " << t;
    expected.push_back(part);
  }
  if (isLast)
    llvm::append_range(expected, op.getInit().getTypes());
  return verifyTypes(op, found, expected, "value yielded by stage " + Twine(t));
}

LogicalResult SweepOp::verify() {
  // sweep_c1: one region, one list of row ends and (if any) one bias per weight.
  int64_t stages = getNumStages();
  if (!getBiases().empty() && static_cast<int64_t>(getBiases().size()) != stages)
    return emitOpError("needs one region, one list of row ends, at most one bias and one result of units per stage");
  StageVerifier<SweepOp> verifier(*this, stages);
  // sweep_c6: steps share out the state.
  if (failed(verifier.verifyCounts()))
    return failure();
  SmallVector<int64_t> rows, columns;
  for (Type type : getWeights().getTypes()) {
    rows.push_back(cast<RankedTensorType>(type).getDimSize(getTransposed() ? 1 : 0));
    columns.push_back(cast<RankedTensorType>(type).getDimSize(getTransposed() ? 0 : 1));
  }
  // sweep_c2: row ends ascend to the stage's rows in extent + 1 entries.
  // sweep_c4: the last stage has equally many units at every step.
  if (failed(verifier.verifyRowEnds(rows)))
    return failure();
  for (auto [t, inputs] : llvm::enumerate(columns)) {
    // sweep_c3: each stage reads what the one before computes.
    int64_t given = verifier.countInputs(static_cast<int64_t>(t));
    if (inputs != given)
      return emitOpError("weight of stage ")
             << t << " has " << inputs << " inputs but the stage before gives " << given;
    // sweep_c8: a bias has an element per unit.
    if (!getBiases().empty() && getNumElements(getBiases()[t].getType()) != rows[t])
      return emitOpError("bias of stage ") << t << " needs " << rows[t] << " elements";
  }
  // sweep_c5: bodies take accumulated values, indexed elements and shared operands.
  // sweep_c7: they yield units or groups of the state, then extras, then summands.
  return verifier.verifyBodies();
}

//===----------------------------------------------------------------------===//
// Panels
//===----------------------------------------------------------------------===//

/// Checks that blocks of a panel of `elements` lie in it and in a matrix of `rows` x
/// `columns`.
static LogicalResult verifyBlocks(Operation *op, ArrayRef<int32_t> blocks, int64_t rows, int64_t columns,
                                  int64_t elements) {
  if (blocks.size() % PackOp::kBlockFields != 0)
    return op->emitOpError("needs ") << PackOp::kBlockFields << " numbers for each block, not " << blocks.size();
  for (; !blocks.empty(); blocks = blocks.drop_front(PackOp::kBlockFields)) {
    int64_t row0 = blocks[0], count = blocks[1], column0 = blocks[2], width = blocks[3], offset = blocks[4];
    bool isInMatrix = row0 >= 0 && count >= 1 && count <= PackOp::kMaxBlockRows && row0 + count <= rows &&
                      column0 >= 0 && width >= 0 && column0 + width <= columns;
    if (!isInMatrix || offset < 0 || offset + count * (1 + width) > elements)
      return op->emitOpError("block [") << blocks.take_front(PackOp::kBlockFields) << "] is not in a matrix of " << rows
                                        << " x " << columns << " and a panel of " << elements;
  }
  return success();
}

LogicalResult PackOp::verify() {
  // pack_c1: the mask fits the weight as stored.
  FailureOr<MatrixSize> size = verifyStoredMatrix(*this, getWeight().getType(), getMask(), getTransposed());
  if (failed(size))
    return failure();
  // pack_c2: the bias has an element per row.
  if (getBias() && getBias().getType().getNumElements() != size->rows)
    return emitOpError("bias ") << getBias().getType() << " needs " << size->rows << " elements";
  // pack_c3: blocks lie in the matrix and in the panel.
  return verifyBlocks(*this, getBlocks(), size->rows, size->columns, getPanel().getType().getNumElements());
}

LogicalResult PanelDenseOp::verify() {
  // panel_dense_c1: blocks lie in the matrix that maps x to y, and in the panel.
  if (failed(verifyBlocks(*this, getBlocks(), getY().getType().getNumElements(), getX().getType().getNumElements(),
                          getPanel().getType().getNumElements())))
    return failure();
  // panel_dense_c2: an activation takes and yields a float.
  return verifyActivation(*this, getActivation(), getY().getType().getElementType());
}

/// Checks the blocks of stage `t` that are computed ahead: each step has as many blocks, and what
/// the others add to is there.
static LogicalResult verifyAhead(PanelSweepOp op, int64_t t, ArrayRef<int32_t> blocks, ArrayRef<int32_t> ends) {
  auto ahead = dyn_cast<DenseI32ArrayAttr>(op.getAhead()[static_cast<size_t>(t)]);
  int64_t extent = op.getExtent();
  if (!ahead || (!ahead.empty() && ahead.size() != extent))
    return op.emitOpError("stage ") << t << " needs no blocks ahead, or a number of them for each of " << extent
                                    << " steps";
  llvm::SmallDenseSet<int32_t> begun;
  for (int64_t i = 0; !ahead.empty() && i < extent; ++i) {
    int64_t s = op.getReverse() ? extent - 1 - i : i;
    if (ahead[s] < 0 || ahead[s] > ends[s + 1] - ends[s])
      return op.emitOpError("step ") << s << " of stage " << t << " has " << ends[s + 1] - ends[s]
                                     << " blocks, of which " << ahead[s] << " cannot be ahead";
    for (int32_t number = ends[s]; number < ends[s + 1]; ++number) {
      ArrayRef<int32_t> block = blocks.slice(number * PackOp::kBlockFields, PackOp::kBlockFields);
      for (int32_t row = block[0]; row < block[0] + block[1]; ++row) {
        bool isAhead = number < ends[s] + ahead[s];
        if (isAhead ? !begun.insert(row).second : !begun.contains(row))
          return op.emitOpError("unit ") << row << " of stage " << t << " is in "
                                         << (isAhead ? "two blocks" : "no block") << " ahead of step " << s;
      }
    }
  }
  return success();
}

LogicalResult PanelSweepOp::verify() {
  int64_t stages = getPanels().size(), extent = getExtent();
  // panel_sweep_c1: lists of blocks and of their ends for each panel, else as sweep_c1 and sweep_c6.
  auto isPerPanel = [&](ArrayAttr lists) { return static_cast<int64_t>(lists.size()) == stages; };
  if (!isPerPanel(getBlocks()) || !isPerPanel(getBlockEnds()) || !isPerPanel(getAhead()))
    return emitOpError("needs one list of blocks, one of block ends and one of blocks ahead per panel");
  StageVerifier<PanelSweepOp> verifier(*this, stages);
  // panel_sweep_c2: row ends as sweep_c2 and sweep_c4 say.
  if (failed(verifier.verifyCounts()) || failed(verifier.verifyRowEnds(SmallVector<int64_t>(getPanels().size(), -1))))
    return failure();
  for (int64_t t = 0; t < stages; ++t) {
    auto blocks = dyn_cast<DenseI32ArrayAttr>(getBlocks()[static_cast<size_t>(t)]);
    auto ends = dyn_cast<DenseI32ArrayAttr>(getBlockEnds()[static_cast<size_t>(t)]);
    // panel_sweep_c3: block ends ascend from 0 to the number of blocks.
    if (!blocks || !ends || !ascends(ends.asArrayRef(), extent) || ends[0] != 0 ||
        ends.asArrayRef().back() != blocks.size() / PackOp::kBlockFields)
      return emitOpError("block ends of stage ")
             << t << " must ascend from 0 to the number of blocks in " << extent + 1 << " entries";
    // panel_sweep_c4: blocks lie in the stage's matrix and in its panel.
    if (failed(verifyBlocks(*this, blocks, verifier.getRowEnds(t).back(), verifier.countInputs(t),
                            getNumElements(getPanels()[t].getType()))))
      return failure();
    // panel_sweep_c6: what a block adds to was computed ahead.
    if (failed(verifyAhead(*this, t, blocks, ends)))
      return failure();
  }
  // panel_sweep_c5: bodies as sweep_c5 and sweep_c7 say.
  return verifier.verifyBodies();
}
