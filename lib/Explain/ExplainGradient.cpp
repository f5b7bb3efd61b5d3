//===- ExplainGradient.cpp - Derivatives as mathematics -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every step of a derivation is emitted alone, as a function of its event and its
// operands, and differentiated by the rules that kernels are differentiated by.
//
//===----------------------------------------------------------------------===//

#include "ExplainImpl.h"

#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;
using Step = SpecializerTrace::Step;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// How many values a loop over layers carries, in the graph or in a program; none if `op` is no loop.
static std::optional<size_t> findNumCarries(Operation *op) {
  if (auto scan = dyn_cast<sample::ScanOp>(op))
    return scan.getCarries().size();
  return isa<flow::ScanOp>(op) ? std::optional<size_t>(1) : std::nullopt;
}

/// Whether all that reads a leaf, or slices of it, is a function of one argument:
/// then that function's value is the parameter.
static bool isRaw(Value leaf) {
  return isDifferentiable(leaf.getType()) && !leaf.use_empty() && llvm::all_of(leaf.getUses(), [](OpOperand &use) {
           Operation *user = use.getOwner();
           unsigned number = use.getOperandNumber();
           if (std::optional<size_t> carries = findNumCarries(user); carries && number >= *carries)
             return isRaw(user->getRegion(0).getArgument(number));
           return user->getNumOperands() == 1 && user->hasTrait<OpTrait::Elementwise>() &&
                  !isa<BijectionOpInterface>(user);
         });
}

GraphNames::GraphNames(func::FuncOp function, StringRef event) {
  std::vector<std::string> paths;
  SmallVector<Value> leaves;
  for (BlockArgument argument : function.getArguments()) {
    unsigned number = argument.getArgNumber();
    if (auto path = function.getArgAttrOfType<StringAttr>(number, SampleDialect::kNameAttr)) {
      paths.push_back(path.str());
      leaves.push_back(argument);
    } else {
      names[argument] = function.getArgAttr(number, SampleDialect::kConditionAttr) ? "c" : event.str();
    }
  }
  for (auto [leaf, name] : llvm::zip_equal(leaves, getLeafNames(paths)))
    names[leaf] = isRaw(leaf) && !StringRef(name).ends_with("′") ? name + "′" : name;
}

Value GraphNames::getLeaf(Value value) const {
  llvm::SetVector<Value> seen, leaves;
  seen.insert(value);
  for (size_t i = 0; i < seen.size(); ++i) {
    Value current = seen[i];
    auto argument = dyn_cast<BlockArgument>(current);
    if (!argument) {
      seen.insert_range(current.getDefiningOp()->getOperands());
      continue;
    }
    // The body of a scan sees slices of the scan's operands.
    Operation *parent = argument.getOwner()->getParentOp();
    if (std::optional<size_t> carries = findNumCarries(parent); carries && argument.getArgNumber() >= *carries)
      seen.insert(parent->getOperand(argument.getArgNumber()));
    else
      leaves.insert(current);
  }
  return leaves.size() == 1 ? leaves.front() : Value();
}

std::string GraphNames::get(Value value) const {
  if (auto known = names.find(value); known != names.end())
    return known->second;
  Value leaf = getLeaf(value);
  auto known = leaf ? names.find(leaf) : names.end();
  bool isSlice = isa<BlockArgument>(value);
  if (known != names.end())
    return isSlice ? known->second : StringRef(known->second).rtrim("′").str();
  // Computed from several leaves.
  std::string &name = computed[value];
  if (name.empty())
    name = "p" + (computed.size() == 1 ? "" : std::to_string(computed.size()));
  return name;
}

//===----------------------------------------------------------------------===//
// Differentiated functions
//===----------------------------------------------------------------------===//

namespace {
/// A function, its arguments' names and its results' names.
struct NamedFunction {
  func::FuncOp function;
  SmallVector<std::string> arguments, results;
};
} // namespace

/// Replaces `named` by its vector-Jacobian product: further arguments are the
/// cotangents of the results, the results those of the float arguments.
static LogicalResult differentiate(NamedFunction &named) {
  func::FuncOp function = named.function;
  Block &primal = function.getBody().front();
  Region region;
  Block &block = region.emplaceBlock();
  ImplicitLocOpBuilder builder = getBodyBuilder(function.getLoc(), block);
  IRMapping mapping;
  VjpBuilder vjp(builder, mapping);
  for (BlockArgument argument : primal.getArguments()) {
    mapping.map(argument, block.addArgument(argument.getType(), argument.getLoc()));
    // What has a name in the IR are the data of a density.
    if (isDifferentiable(argument.getType()) && !function.getArgAttr(argument.getArgNumber(), SampleDialect::kNameAttr))
      vjp.markNeeded(argument);
  }
  SmallVector<Value> seeds;
  SmallVector<std::string> arguments(named.arguments), results;
  for (auto [result, name] : llvm::zip_equal(primal.getTerminator()->getOperands(), named.results)) {
    seeds.push_back(block.addArgument(result.getType(), result.getLoc()));
    arguments.push_back("∂" + name);
  }
  cloneForward(vjp, primal);
  if (failed(buildBlockVjp(vjp, primal, seeds)))
    return failure();
  SmallVector<Value> cotangents;
  for (auto [argument, name] : llvm::zip_equal(primal.getArguments(), named.arguments)) {
    if (Value cotangent = vjp.getCotangent(argument)) {
      cotangents.push_back(cotangent);
      results.push_back("∂" + name);
    }
  }
  func::ReturnOp::create(builder, cotangents);
  function.getBody().takeBody(region);
  function.removeArgAttrsAttr();
  function.setFunctionType(
      builder.getFunctionType(function.getBody().getArgumentTypes(), TypeRange(ValueRange(cotangents))));
  named.arguments = std::move(arguments);
  named.results = std::move(results);
  PassManager cleanup(function.getContext(), func::FuncOp::getOperationName());
  cleanup.addPass(createCanonicalizerPass());
  cleanup.addPass(createCSEPass());
  return cleanup.run(function);
}

static void print(llvm::raw_ostream &os, NamedFunction &named) {
  Block &block = named.function.getBody().front();
  MathPrinter printer(os);
  printer.setIndent(2);
  for (auto [argument, name] : llvm::zip_equal(block.getArguments(), named.arguments))
    printer.setName(argument, name);
  auto returned = block.getTerminator()->getOperands();
  for (auto [value, name] : llvm::zip_equal(returned, named.results))
    printer.setTarget(value, name);
  printer.printBlock(block);
  for (auto [value, name] : llvm::zip_equal(returned, named.results))
    printer.printResult(value, name);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// All values from outside that an op of the graph reads, but its event.
static SetVector<Value> getParameters(Operation *op) {
  SetVector<Value> parameters(op->operand_begin() + 1, op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), parameters);
  return parameters;
}

/// Emits a step as a function of its event and its parameters.
static FailureOr<NamedFunction> buildStep(ModuleOp module, const Step &step, const GraphNames &names) {
  Operation *op = step.bijection;
  SetVector<Value> parameters = getParameters(op);
  SmallVector<Type> types{op->getOperand(0).getType()};
  NamedFunction named;
  named.arguments.push_back(step.inverse ? "y" : "x");
  for (Value parameter : parameters) {
    types.push_back(parameter.getType());
    named.arguments.push_back(names.get(parameter));
  }
  ImplicitLocOpBuilder builder(op->getLoc(), module.getBodyRegion());
  named.function = func::FuncOp::create(builder, "step", builder.getFunctionType(types, {}));
  Block &block = *named.function.addEntryBlock();
  builder.setInsertionPointToEnd(&block);
  Specializer specializer(builder);
  specializer.getMapping().map(parameters.getArrayRef(), block.getArguments().drop_front());
  auto bijection = cast<BijectionOpInterface>(op);
  FailureOr<Transformed> result = step.inverse ? bijection.buildInverse(specializer, block.getArgument(0))
                                               : bijection.buildTransform(specializer, block.getArgument(0));
  if (failed(result)) {
    named.function.erase();
    return failure();
  }
  SmallVector<Value> returned{result->event};
  named.results.push_back(step.inverse ? "x" : "y");
  if (result->logDet) {
    returned.push_back(result->logDet);
    named.results.push_back("ℓ");
  }
  func::ReturnOp::create(builder, returned);
  return named;
}

/// Prints how cotangents of computed parameters become those of leaves.
static LogicalResult explainParameters(llvm::raw_ostream &os, ModuleOp module, Operation *op, const GraphNames &names) {
  SetVector<Operation *> slice;
  SmallVector<Value> computed;
  for (Value parameter : getParameters(op))
    if (Operation *producer = parameter.getDefiningOp();
        producer && isDifferentiable(parameter.getType()) && producer->getNumOperands() > 0) {
      computed.push_back(parameter);
      BackwardSliceOptions options;
      options.inclusive = true;
      if (failed(getBackwardSlice(producer, &slice, options)))
        return failure();
    }
  if (computed.empty())
    return success();
  // A bijection of the condition is no op of a sample program.
  if (llvm::any_of(slice, [](Operation *inner) { return isa<BijectionOpInterface>(inner); }))
    return success();
  slice = topologicalSort(slice);
  SetVector<Value> sources;
  for (Operation *inner : slice)
    for (Value operand : inner->getOperands())
      if (!slice.contains(operand.getDefiningOp()))
        sources.insert(operand);
  NamedFunction named;
  SmallVector<Type> types;
  for (Value source : sources) {
    types.push_back(source.getType());
    named.arguments.push_back(names.get(source));
  }
  ImplicitLocOpBuilder builder(op->getLoc(), module.getBodyRegion());
  named.function = func::FuncOp::create(builder, "parameters", builder.getFunctionType(types, {}));
  Block &block = *named.function.addEntryBlock();
  builder.setInsertionPointToEnd(&block);
  IRMapping mapping;
  mapping.map(sources.getArrayRef(), block.getArguments());
  for (Operation *inner : slice)
    builder.clone(*inner, mapping);
  SmallVector<Value> returned;
  for (Value value : computed) {
    returned.push_back(mapping.lookup(value));
    named.results.push_back(names.get(value));
  }
  func::ReturnOp::create(builder, returned);
  LogicalResult result = differentiate(named);
  if (succeeded(result))
    print(os, named);
  named.function.erase();
  return result;
}

/// The rule behind the derivative of what is not in closed form.
static const char *describeDerivative(const Step &step) {
  if (!step.inverse)
    return "";
  switch (cast<BijectionOpInterface>(step.bijection).getInverseKind()) {
  case InverseKind::Analytic:
    return "";
  case InverseKind::Sweep:
    return ": a sweep in the opposite order";
  case InverseKind::Root:
    return ": by the implicit function theorem, a cotangent of the root is divided by f′";
  }
  return "";
}

LogicalResult flowc::explainGradient(llvm::raw_ostream &os, ModuleOp module, const Step &step,
                                     const GraphNames &names) {
  // What only passes the event on to the bijections inside is explained by them.
  auto getEvent = [](const Step &one) { return one.bijection->getOperand(0).getType(); };
  bool delegates = !step.steps.empty() && llvm::all_of(step.steps, [&](const std::unique_ptr<Step> &inner) {
    return getEvent(*inner) == getEvent(step);
  });
  if (delegates) {
    if (isa<flow::ScanOp>(step.bijection))
      os << "  # each layer of scan, from the last one that ran to the first\n";
    LogicalResult result = success();
    for (const auto &inner : llvm::reverse(step.steps))
      if (failed(explainGradient(os, module, *inner, names)))
        result = failure();
    return result;
  }
  FailureOr<NamedFunction> named = buildStep(module, step, names);
  if (failed(named))
    return failure();
  os << "  # " << step.bijection->getName().stripDialect() << (step.inverse ? ", inverse" : ", transform")
     << describeDerivative(step) << "\n";
  LogicalResult result = differentiate(*named);
  if (succeeded(result))
    print(os, *named);
  named->function.erase();
  return failure(failed(result) || failed(explainParameters(os, module, step.bijection, names)));
}

LogicalResult flowc::explainBaseGradient(llvm::raw_ostream &os, ModuleOp module, DistributionOpInterface base,
                                         const GraphNames &names) {
  SetVector<Value> parameters(base->operand_begin(), base->operand_end());
  getUsedValuesDefinedAbove(base->getRegions(), parameters);
  SmallVector<Type> types{base->getResult(0).getType()};
  NamedFunction named;
  named.arguments.push_back("z");
  for (Value parameter : parameters) {
    types.push_back(parameter.getType());
    named.arguments.push_back(names.get(parameter));
  }
  ImplicitLocOpBuilder builder(base->getLoc(), module.getBodyRegion());
  named.function = func::FuncOp::create(builder, "base", builder.getFunctionType(types, {}));
  Block &block = *named.function.addEntryBlock();
  builder.setInsertionPointToEnd(&block);
  Specializer specializer(builder);
  specializer.getMapping().map(parameters.getArrayRef(), block.getArguments().drop_front());
  Value density = base.buildLogProb(specializer, block.getArgument(0));
  named.results.push_back("log p(z)");
  func::ReturnOp::create(builder, density);
  os << "  # " << base->getName().stripDialect() << "\n";
  LogicalResult result = differentiate(named);
  if (succeeded(result)) {
    named.arguments.back() = "1";
    print(os, named);
  }
  named.function.erase();
  return result;
}

LogicalResult flowc::explainDensityGradient(llvm::raw_ostream &os, func::FuncOp density, StringRef event) {
  NamedFunction named{density, {event.str()}, {"log p"}};
  for (unsigned i = 1; i < density.getNumArguments(); ++i)
    named.arguments.push_back(density.getArgAttrOfType<StringAttr>(i, SampleDialect::kNameAttr).str());
  if (failed(differentiate(named)))
    return failure();
  named.arguments.back() = "1";
  print(os, named);
  return success();
}
