//===- MicroKernelsBuilder.cpp - Emitting loops on pointers ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MicroKernelsBuilder.h"

using namespace flowc;
using namespace mlir;

func::FuncOp KernelBuilder::getOrCreate(ModuleOp module, const TileShape &shape, StringRef name, unsigned pointers,
                                        ArrayRef<bool> wide,
                                        llvm::function_ref<void(KernelBuilder &, ValueRange)> body) {
  std::string symbol = (name + "_f" + Twine(shape.element.getIntOrFloatBitWidth()) + "x" + Twine(shape.lanes)).str();
  if (auto existing = module.lookupSymbol<func::FuncOp>(symbol))
    return existing;
  KernelBuilder b(UnknownLoc::get(module.getContext()), shape);
  b.setInsertionPointToEnd(module.getBody());

  SmallVector<Type> arguments(pointers, b.pointer);
  for (bool isWide : wide)
    arguments.push_back(isWide ? Type(b.getI64Type()) : Type(b.getIndexType()));
  auto function = func::FuncOp::create(b, symbol, b.getFunctionType(arguments, {}));
  function.setPrivate();
  function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  // One copy, whatever the number of call sites.
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline", "nounwind"}));
  for (unsigned i = 0; i < pointers; ++i)
    function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());

  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  SmallVector<Value> values;
  for (Value argument : entry->getArguments())
    values.push_back(isa<IndexType>(argument.getType())
                         ? arith::IndexCastOp::create(b, b.getI64Type(), argument).getResult()
                         : argument);
  body(b, values);
  func::ReturnOp::create(b);
  return function;
}

Value KernelBuilder::lanesBelow(int64_t lanes, Value limit) {
  auto type = VectorType::get({lanes}, getI32Type());
  auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
  Value iota = arith::ConstantOp::create(*this, DenseElementsAttr::get(type, ArrayRef(numbers)));
  Value limits = vector::BroadcastOp::create(*this, type, arith::TruncIOp::create(*this, getI32Type(), limit));
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, iota, limits);
}

void KernelBuilder::loop(Value from, Value to, Value step, llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*this, from, to, step);
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> KernelBuilder::loop(Value from, Value to, int64_t step, ValueRange init,
                                       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, from, to, i64(step), init);
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(*this, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/static_cast<bool>(no));
  InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  yes();
  if (no) {
    setInsertionPointToStart(branch.elseBlock());
    no();
  }
}

void KernelBuilder::dispatch(Value value, ArrayRef<int64_t> cases, llvm::function_ref<void(int64_t)> body) {
  Value index = arith::IndexCastOp::create(*this, getIndexType(), value);
  auto branch = scf::IndexSwitchOp::create(*this, TypeRange(), index, cases.drop_back(), cases.size() - 1);
  InsertionGuard guard(*this);
  auto fill = [&](Region &region, int64_t n) {
    setInsertionPointToStart(&region.emplaceBlock());
    body(n);
    scf::YieldOp::create(*this);
  };
  for (auto [region, n] : llvm::zip(branch.getCaseRegions(), cases))
    fill(region, n);
  fill(branch.getDefaultRegion(), cases.back());
}

// One step per bit of the index: it swaps that bit of the element's position
// with the same bit of the vector's number.
void flowc::transposeBlocks(KernelBuilder &b, SmallVectorImpl<Value> &vectors) {
  int64_t n = vectors.size();
  int64_t width = cast<VectorType>(vectors.front().getType()).getNumElements();
  for (int64_t bit = 1; bit < n; bit *= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < width; ++i) {
      low.push_back(i & bit ? width + i - bit : i);
      high.push_back(i & bit ? width + i : i + bit);
    }
    for (int64_t i = 0; i < n; ++i) {
      if (i & bit)
        continue;
      Value a = vectors[i], c = vectors[i + bit];
      vectors[i] = b.shuffle(a, c, low);
      vectors[i + bit] = b.shuffle(a, c, high);
    }
  }
}

Value flowc::reduceLanes(ImplicitLocOpBuilder &b, Value vector) {
  for (int64_t width = cast<VectorType>(vector.getType()).getDimSize(0); width > 1; width /= 2) {
    auto half = [&](int64_t from) {
      SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(from, from + width / 2));
      return vector::ShuffleOp::create(b, vector, vector, lanes);
    };
    vector = arith::AddFOp::create(b, half(0), half(width / 2));
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}
