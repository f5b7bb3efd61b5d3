//===- KernelCompiler.cpp - From a flow to an object file -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/KernelCompiler.h"

#include "flowc/Frontend/Data.h"
#include "flowc/Pipelines/Pipelines.h"
#include "flowc/Target/OptimizeLLVM.h"
#include "flowc/Target/TargetInfo.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace flowc;

//===----------------------------------------------------------------------===//
// Names and existence
//===----------------------------------------------------------------------===//

static constexpr std::pair<std::string_view, EmitLevel> kLevels[] = {
    {"flow", EmitLevel::Flow}, {"sample", EmitLevel::Sample}, {"tile", EmitLevel::Tile},
    {"llvm", EmitLevel::LLVM}, {"asm", EmitLevel::Asm},       {"obj", EmitLevel::Obj},
};

std::string_view flowc::getKernelName(Kernel kernel) {
  const KernelSpec *spec = findKernel(kernel);
  return spec ? spec->name : "unknown kernel";
}

Expected<Kernel> flowc::parseKernelName(std::string_view name) {
  if (const KernelSpec *spec = findKernel(name))
    return spec->kernel;
  auto names = llvm::map_range(kKernels, [](const KernelSpec &spec) { return llvm::StringRef(spec.name); });
  return Error{"unknown kernel '" + std::string(name) + "', expected one of " + llvm::join(names, ", ")};
}

/// Whether items of the kind of `flow` have this program.
static bool hasProgram(const Flow &flow, const ProgramSpec &program) {
  switch (program.of) {
  case ProgramOf::Flow:
    return flow.isDistribution();
  case ProgramOf::FlowOrDensity:
    return flow.isDistribution() || flow.isDensity();
  case ProgramOf::FlowOrBijection:
    return !flow.isDensity();
  }
  return false;
}

/// The same of a kernel: a density has no parameters and no condition.
static bool hasKernel(const Flow &flow, const KernelSpec &spec) {
  bool isOfFlow = spec.hasSum() || spec.derivative == Derivative::Condition || spec.tangent == Derivative::Params;
  return hasProgram(flow, spec.getProgram()) && !(flow.isDensity() && isOfFlow);
}

/// The target, if the kernel looks at one.
static const Flow *findTarget(const KernelRequest &request) {
  return findKernel(request.kernel)->getProgram().needsTarget ? request.target : nullptr;
}

const Node *flowc::findDensity(const KernelRequest &request) {
  if (findKernel(request.kernel)->getProgram().needsTarget)
    return request.target ? &request.target->root() : nullptr;
  return request.flow.isDensity() ? &request.flow.root() : nullptr;
}

Expected<void> flowc::checkKernelExists(const KernelRequest &request) {
  const Flow &flow = request.flow;
  const KernelSpec *spec = findKernel(request.kernel);
  if (!spec)
    return Error{"unknown kernel"};
  std::string name(spec->name);
  if (!hasKernel(flow, *spec)) {
    if (flow.isDensity()) {
      auto own = llvm::make_filter_range(kKernels, [&](const KernelSpec &other) { return hasKernel(flow, other); });
      auto names = llvm::map_range(own, [](const KernelSpec &other) { return llvm::StringRef(other.name); });
      return Error{"'" + flow.name() + "' is a density, which has no " + name + ", only " + llvm::join(names, ", ")};
    }
    return Error{"'" + flow.name() + "' is a bijection, which has no " + name + "; write 'flow " + flow.name() +
                 " = transformed(BASE, BIJECTION)' for a distribution"};
  }
  if (spec->derivative == Derivative::Condition && !flow.condShape())
    return Error{"'" + flow.name() + "' takes no condition, so that it has no " + name};
  if (spec->getProgram().needsTarget && !request.target)
    return Error{name + " of '" + flow.name() + "' needs a target density"};
  return {};
}

CacheKey flowc::makeRequestKey(const KernelRequest &request, const TargetSpec &target) {
  const Flow *density = findTarget(request);
  const Node *data = findDensity(request);
  return makeCacheKey({"request", request.flow.text(), request.flow.name(), std::string(getKernelName(request.kernel)),
                       request.dtype == F32 ? "f32" : "f64", density ? density->text() : "",
                       density ? density->name() : "", data ? describeCompiledData(*data) : "", target.triple,
                       target.cpu, target.features});
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

static const mlir::DialectRegistry &getRegistry() {
  static const mlir::DialectRegistry *registry = [] {
    auto *result = new mlir::DialectRegistry;
    registerPipelineDialects(*result);
    return result;
  }();
  return *registry;
}

/// A context, what it reported, and a module in it.
struct KernelCompilation::Impl {
  Impl(const KernelRequest &request, const TargetSpec &target, bool verify)
      : request(request), target(target), options{.dtype = request.dtype,
                                                  .kernel = request.kernel,
                                                  .target = findTarget(request),
                                                  .vectors = target.vectors->name.str(),
                                                  .verify = verify,
                                                  .fixedCondition = request.fixedCondition},
        context(getRegistry(), mlir::MLIRContext::Threading::DISABLED) {
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) {
      llvm::raw_string_ostream stream(diagnostics);
      if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
        stream << (diagnostics.empty() ? "" : "; ") << diagnostic.getLocation() << ": " << diagnostic.str();
    });
  }

  Expected<void> build() {
    if (auto exists = checkKernelExists(request); !exists)
      return exists;
    std::string message;
    module = buildGraphModule(context, request.flow, options, message);
    return module ? Expected<void>() : fail(message);
  }
  /// Lowers the graph to `level`, unless that has been done.
  Expected<void> lower(EmitLevel level) {
    level = std::min(level, EmitLevel::LLVM);
    std::string message;
    if (level == lowered)
      return {};
    if (failed(lowerGraphModule(*module, level, options, message)))
      return fail(message);
    lowered = level;
    return {};
  }
  std::string print() const {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module.get()->print(stream);
    stream << '\n';
    return text;
  }
  Expected<std::string> emit(EmitLevel level) {
    if (auto ok = lower(level); !ok)
      return ok.takeError();
    if (level <= EmitLevel::LLVM)
      return print();
    return emitCode(*module, target, level == EmitLevel::Asm ? NativeFile::Assembly : NativeFile::Object);
  }
  /// A file of `code`, which is at level LLVM.
  Expected<std::string> emitCode(mlir::ModuleOp code, const TargetSpec &forTarget, NativeFile file) const {
    auto emitted = emitNative(code, forTarget, file);
    return emitted ? std::move(emitted) : fail(emitted.takeError().message);
  }

  /// `message`, and what MLIR had to say.
  Error fail(std::string message) const {
    if (!diagnostics.empty())
      message += (message.empty() ? "" : ": ") + diagnostics;
    return Error{message};
  }
  /// An error of `compile` and of what comes before it.
  static Error cannotCompile(const KernelRequest &request, const Error &error) {
    return Error{"cannot compile " + std::string(getKernelName(request.kernel)) + " of '" + request.flow.name() +
                 "': " + error.message};
  }

  const KernelRequest request;
  const TargetSpec target;
  const PipelineOptions options;
  std::string diagnostics;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The level that the module is at.
  EmitLevel lowered = EmitLevel::Flow;
};

KernelCompilation::KernelCompilation(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
KernelCompilation::KernelCompilation(KernelCompilation &&) noexcept = default;
KernelCompilation &KernelCompilation::operator=(KernelCompilation &&) noexcept = default;
KernelCompilation::~KernelCompilation() = default;

Expected<KernelCompilation> KernelCompilation::begin(const KernelRequest &request, const TargetSpec &target) {
  auto impl = std::make_unique<Impl>(request, target, /*verify=*/false);
  if (auto ok = impl->build(); !ok)
    return Impl::cannotCompile(request, ok.error());
  return KernelCompilation(std::move(impl));
}

CacheKey KernelCompilation::key() const {
  const Node *data = findDensity(impl->request);
  return makeCacheKey({"kernel", impl->print(), std::string(getKernelName(impl->request.kernel)),
                       data ? describeCompiledData(*data) : "", impl->target.triple, impl->target.cpu,
                       impl->target.features});
}

Expected<std::string> KernelCompilation::compile() {
  auto object = impl->emit(EmitLevel::Obj);
  if (!object)
    return Impl::cannotCompile(impl->request, object.error());
  return object;
}

std::string KernelCompilation::graph() const { return impl->print(); }

Expected<std::string> KernelCompilation::compileToBitcode() {
  auto ok = impl->lower(EmitLevel::LLVM);
  auto code = ok ? impl->emitCode(*impl->module, impl->target, NativeFile::Bitcode) : ok.takeError();
  return code ? std::move(code) : Impl::cannotCompile(impl->request, code.error());
}

/// A processor that is this machine, or can do less, and on which code for `target` gives
/// the same bits: only the widths of vectors and the roundings of products count.
static Expected<TargetSpec> getTargetLike(const TargetSpec &target) {
  if (checkRunsOnHost(target))
    return target;
  auto host = getTarget();
  if (host && target.hasFMA && !host->hasFMA)
    return Error{"this machine has no fused multiply-add, and CPU '" + target.cpu + "' has"};
  if (host) {
    host->vectors = target.vectors;
    host->hasFMA = target.hasFMA;
  }
  return host;
}

Expected<std::string> KernelCompilation::compilePrepare() {
  auto host = getTargetLike(impl->target);
  if (!host)
    return host.takeError();
  if (auto ok = impl->lower(EmitLevel::LLVM); !ok)
    return Impl::cannotCompile(impl->request, ok.error());
  mlir::OwningOpRef<mlir::ModuleOp> module = impl->module->clone();
  // The loader wants a kernel, which may have instructions of the target's alone.
  auto kernel = module->lookupSymbol<mlir::LLVM::LLVMFuncOp>("kernel");
  kernel.getBody().dropAllReferences();
  kernel.getBody().getBlocks().clear();
  mlir::OpBuilder builder(kernel.getContext());
  kernel.addEntryBlock(builder);
  builder.setInsertionPointToStart(&kernel.front());
  mlir::LLVM::ReturnOp::create(builder, kernel.getLoc(), mlir::ValueRange());
  return impl->emitCode(*module, *host, NativeFile::Object);
}

Expected<std::string> flowc::compileKernel(const KernelRequest &request, const TargetSpec &target) {
  auto compilation = KernelCompilation::begin(request, target);
  return compilation ? compilation->compile() : Expected<std::string>(compilation.takeError());
}

Expected<std::string> flowc::emitKernel(const KernelRequest &request, std::string_view level, const std::string &cpu,
                                        const std::string &triple) {
  const auto *known = llvm::find_if(kLevels, [&](const auto &entry) { return entry.first == level; });
  if (known == std::end(kLevels)) {
    auto names = llvm::map_range(kLevels, [](const auto &entry) { return llvm::StringRef(entry.first); });
    return Error{"unknown level '" + std::string(level) + "', expected one of " + llvm::join(names, ", ")};
  }
  auto target = getTarget(cpu, triple);
  if (!target)
    return target.takeError();
  KernelCompilation::Impl compilation(request, *target, /*verify=*/true);
  if (auto ok = compilation.build(); !ok)
    return ok.takeError();
  return compilation.emit(known->second);
}
