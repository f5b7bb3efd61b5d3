//===- Kernels.cpp - Compiled kernels for C -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "RunKernel.h"

using namespace flowc;
using namespace flowc::capi;

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

static flowc_compile_options compileDefaults() {
  CompileOptions defaults;
  flowc_compile_options options = {};
  options.dtype = fromDType(defaults.dtype);
  options.threads = defaults.threads;
  options.use_cache = defaults.useCache;
  return options;
}

void flowc_compile_options_init(flowc_compile_options *options, size_t size) {
  initOptions(options, size, compileDefaults());
}

Made<CompileOptions> capi::readCompileOptions(const flowc_compile_options *given) {
  flowc_compile_options options = compileDefaults();
  if (Outcome ok = readOptions(given, options); !ok)
    return ok;
  if (Outcome ok = checkDType(options.dtype); !ok)
    return ok;
  CompileOptions result{.dtype = toDType(options.dtype),
                        .threads = options.threads,
                        .cpu = orEmpty(options.cpu),
                        .useCache = options.use_cache != 0};
  if (options.target)
    result.target = *unwrap(options.target);
  return result;
}

flowc_error *flowc_compile(const flowc_flow *flow, const flowc_compile_options *options, flowc_kernels **result) {
  return make(__func__, {{"flow", flow}}, result, [&]() -> Made<std::shared_ptr<Kernels>> {
    auto read = readCompileOptions(options);
    if (!read)
      return read.takeFailure();
    return compile(*unwrap(flow), std::move(*read));
  });
}

void flowc_kernels_free(flowc_kernels *kernels) { destroy(kernels); }

const flowc_flow *flowc_kernels_flow(const flowc_kernels *kernels) {
  return kernels ? wrap<const flowc_flow>(&(*unwrap(kernels))->flow()) : nullptr;
}
flowc_dtype flowc_kernels_dtype(const flowc_kernels *kernels) {
  return kernels ? fromDType((*unwrap(kernels))->dtype()) : FLOWC_F32;
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

size_t flowc_num_kernels(void) { return std::size(kKernels); }
// (The names of the table are literals, which end with a 0.)
const char *flowc_kernel_name(size_t i) { return i < std::size(kKernels) ? kKernels[i].name.data() : ""; }

static Made<const KernelSpec *> findSpec(const char *name) {
  if (const KernelSpec *spec = findKernel(std::string_view(name)))
    return spec;
  std::vector<std::string> names;
  for (const KernelSpec &spec : kKernels)
    names.emplace_back(spec.name);
  return Outcome::invalid(unknownName("kernel", name, names).message);
}

/// The arrays of a kernel.
static Made<RowArrays> arraysOf(const Flow &flow, const char *kernel, flowc_array_role role) {
  auto spec = findSpec(kernel);
  if (!spec)
    return spec.takeFailure();
  if (role != FLOWC_INPUT && role != FLOWC_OUTPUT)
    return Outcome::invalid("there is no role " + std::to_string(role) + ", expected FLOWC_INPUT or FLOWC_OUTPUT");
  return role == FLOWC_INPUT ? inputsOf(**spec, flow.condShape().has_value()) : outputsOf(**spec);
}

flowc_error *flowc_kernels_num_arrays(const flowc_kernels *kernels, const char *kernel, flowc_array_role role,
                                      size_t *count) {
  return call(__func__, {{"kernels", kernels}, {"kernel", kernel}, {"count", count}}, [&]() -> Outcome {
    auto arrays = arraysOf((*unwrap(kernels))->flow(), kernel, role);
    if (!arrays)
      return arrays.takeFailure();
    *count = arrays->size();
    return {};
  });
}

flowc_error *flowc_kernels_array(const flowc_kernels *kernels, const char *kernel, flowc_array_role role, size_t i,
                                 const char **name, int64_t *columns) {
  return call(__func__, {{"kernels", kernels}, {"kernel", kernel}}, [&]() -> Outcome {
    const Flow &flow = (*unwrap(kernels))->flow();
    auto arrays = arraysOf(flow, kernel, role);
    if (!arrays)
      return arrays.takeFailure();
    if (i >= arrays->size())
      return Outcome::invalid(std::string(kernel) + " has " + std::to_string(arrays->size()) +
                              " such arrays, there is none of number " + std::to_string(i));
    if (name)
      *name = arrays->arrays[i].name.data();
    if (columns)
      *columns = widthOf(flow, arrays->arrays[i]);
    return {};
  });
}

/// Asks kernels for a number about one of them.
template <typename Number>
static flowc_error *ask(const char *function, Expected<Number> (Kernels::*question)(Kernel),
                        const flowc_kernels *kernels, const char *kernel, Number *answer) {
  return call(function, {{"kernels", kernels}, {"kernel", kernel}}, [&]() -> Outcome {
    auto spec = findSpec(kernel);
    if (!spec)
      return spec.takeFailure();
    auto number = ((**unwrap(kernels)).*question)((*spec)->kernel);
    if (!number)
      return number.takeError();
    if (answer)
      *answer = *number;
    return {};
  });
}

flowc_error *flowc_kernels_prepare(const flowc_kernels *kernels, const char *kernel, double *seconds) {
  return ask(__func__, &Kernels::prepare, kernels, kernel, seconds);
}

flowc_error *flowc_kernels_macs_per_row(const flowc_kernels *kernels, const char *kernel, int64_t *count) {
  return ask(__func__, &Kernels::macsPerRow, kernels, kernel, count);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

void flowc_run_options_init(flowc_run_options *options, size_t size) {
  initOptions(options, size, flowc_run_options());
}

flowc_error *flowc_run(const flowc_kernels *kernels, const flowc_model *model, const char *kernel,
                       const flowc_input *inputs, size_t num_inputs, const flowc_output *outputs, size_t num_outputs,
                       const flowc_run_options *options) {
  // (No arrays at all may be null.)
  const void *in = num_inputs ? static_cast<const void *>(inputs) : kernel;
  const void *out = num_outputs ? static_cast<const void *>(outputs) : kernel;
  return call(__func__, {{"kernels", kernels}, {"model", model}, {"kernel", kernel}, {"inputs", in}, {"outputs", out}},
              [&]() -> Outcome {
                auto spec = findSpec(kernel);
                if (!spec)
                  return spec.takeFailure();
                flowc_run_options read = {};
                if (Outcome ok = readOptions(options, read); !ok)
                  return ok;
                // More than any kernel has are counted, not copied.
                constexpr size_t kMost = std::tuple_size_v<decltype(RowArrays::arrays)> + 1;
                num_inputs = std::min(num_inputs, kMost);
                num_outputs = std::min(num_outputs, kMost);
                return runKernel(**unwrap(kernels), *unwrap(model),
                                 {.spec = **spec,
                                  .inputs = {inputs, inputs + num_inputs},
                                  .outputs = {outputs, outputs + num_outputs},
                                  .seed = read.seed,
                                  .first = read.first,
                                  .rows = read.rows,
                                  .mean = !read.sum,
                                  .loss = read.loss,
                                  .gradient = read.gradient,
                                  .tangent = read.tangent});
              });
}
