//===- Functional.cpp - Flows as functions of everything ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Functional.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace flowc::python;

//===----------------------------------------------------------------------===//
// Those that are kept
//===----------------------------------------------------------------------===//

namespace {

/// Functions by what they are of. A framework keeps compiled programs for as long as it likes: they
/// have the text of the flow in them, and find its kernels here.
class Kept {
public:
  /// Never freed: programs may run while the process ends.
  static Kept &get() {
    static Kept *kept = new Kept;
    return *kept;
  }

  template <typename Make>
  std::shared_ptr<Functional> findOrMake(std::string_view text, std::string_view name, flowc_dtype dtype, int threads,
                                         Make &&make) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = entries.find(std::tuple(text, name, dtype, threads));
    if (found == entries.end()) {
      std::shared_ptr<Functional> made = make();
      if (entries.size() == kMost)
        entries.erase(std::ranges::min_element(entries, {}, [](auto &entry) { return entry.second.lastUse; }));
      found = entries.try_emplace({std::string(text), std::string(name), dtype, threads}).first;
      found->second.functional = std::move(made);
    }
    found->second.lastUse = ++clock;
    return found->second.functional;
  }

private:
  /// What is not used any more goes when there are as many.
  static constexpr size_t kMost = 64;
  struct Entry {
    std::shared_ptr<Functional> functional;
    uint64_t lastUse = 0;
  };

  std::mutex mutex;
  std::map<std::tuple<std::string, std::string, flowc_dtype, int>, Entry, std::less<>> entries;
  uint64_t clock = 0;
};

} // namespace

std::shared_ptr<Functional> Functional::find(std::string_view text, std::string_view name, flowc_dtype dtype,
                                             int threads) {
  return Kept::get().findOrMake(text, name, dtype, threads, [&] {
    const std::string terminated(text), item(name);
    auto flow = std::make_shared<Flow>(make<flowc_flow>(flowc_flow_parse, terminated.c_str(), item.c_str(), nullptr));
    return std::make_shared<Functional>(std::move(flow), dtype, threads);
  });
}

std::shared_ptr<Functional> Functional::of(const Model &model) {
  const flowc_flow *flow = model.getFlow().get();
  return Kept::get().findOrMake(
      flowc_flow_text(flow), flowc_flow_name(flow), model.getDType(), model.getThreads(),
      [&] { return std::make_shared<Functional>(model.shareFlow(), model.getDType(), model.getThreads()); });
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

Functional::Functional(std::shared_ptr<Flow> given, flowc_dtype dtype, int threads)
    : flow(std::move(given)), dtype(dtype), kernels(flow->getKernels(dtype, threads)) {}

static std::span<const std::byte> bytesOf(const flowc_input &array) {
  size_t size = array.dtype == FLOWC_F32 ? 4 : 8;
  return {static_cast<const std::byte *>(array.data), static_cast<size_t>(array.rows * array.columns) * size};
}

static std::span<std::byte> bytesOf(const flowc_output &array) {
  size_t size = array.dtype == FLOWC_F32 ? 4 : 8;
  return {static_cast<std::byte *>(array.data), static_cast<size_t>(array.rows * array.columns) * size};
}

static bool isFinite(const flowc_input &array) {
  auto all = [&]<typename T>(const T *values) {
    return std::all_of(values, values + array.rows * array.columns, [](T value) { return std::isfinite(value); });
  };
  return array.dtype == FLOWC_F32 ? all(static_cast<const float *>(array.data))
                                  : all(static_cast<const double *>(array.data));
}

void Functional::setFrozen(flowc_model *model, const flowc_input &frozen) const {
  std::vector<size_t> which;
  std::vector<flowc_input> values;
  const std::byte *next = static_cast<const std::byte *>(frozen.data);
  int64_t left = frozen.rows * frozen.columns;
  for (size_t i = 0; i < flowc_model_num_parameters(model); ++i) {
    if (flowc_model_parameter_is_trainable(model, i))
      continue;
    int64_t size = std::min(flowc_model_parameter_size(model, i), left);
    which.push_back(i);
    values.push_back({next, size, 1, frozen.dtype, 0});
    next += bytesOf(values.back()).size();
    left -= size;
  }
  if (left)
    throw FlowError("there are " + std::to_string(left) + " numbers of parameters that are not trained too many");
  if (!which.empty())
    check(flowc_model_set_parameters(model, which.size(), which.data(), values.data()));
}

void Functional::assign(Scratch &scratch, const Call &call) const {
  auto keep = [](std::vector<std::byte> &last, const flowc_input &given, auto set) {
    std::span<const std::byte> bytes = bytesOf(given);
    if (std::ranges::equal(last, bytes))
      return;
    set();
    last.assign(bytes.begin(), bytes.end());
  };
  keep(scratch.frozen, call.frozen, [&] { setFrozen(scratch.model.get(), call.frozen); });
  keep(scratch.trainable, call.trainable,
       [&] { check(flowc_model_set_trainable(scratch.model.get(), call.trainable)); });
}

/// Rather one that has the parameters already.
std::unique_ptr<Functional::Scratch> Functional::take(const Call &call) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = std::ranges::find_if(
        idle, [&](const auto &scratch) { return std::ranges::equal(scratch->trainable, bytesOf(call.trainable)); });
    if (found == idle.end() && !idle.empty())
      --found;
    if (found != idle.end()) {
      std::unique_ptr<Scratch> scratch = std::move(*found);
      idle.erase(found);
      return scratch;
    }
  }
  auto scratch = std::make_unique<Scratch>();
  scratch->model = make<flowc_model>(flowc_model_init, flow->get(), dtype, uint64_t{0});
  return scratch;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

void Functional::prepare(const std::string &kernel) const {
  check(flowc_kernels_prepare(kernels.get(), kernel.c_str(), nullptr));
}

std::vector<int64_t> Functional::widthsOf(const std::string &kernel) const {
  size_t count = 0;
  check(flowc_kernels_num_arrays(kernels.get(), kernel.c_str(), FLOWC_OUTPUT, &count));
  std::vector<int64_t> widths(count);
  for (size_t i = 0; i < count; ++i)
    check(flowc_kernels_array(kernels.get(), kernel.c_str(), FLOWC_OUTPUT, i, nullptr, &widths[i]));
  return widths;
}

static void fill(const Functional::Call &call, int byte) {
  for (const flowc_output &output : call.outputs)
    std::memset(output.data, byte, bytesOf(output).size());
}

void Functional::run(const Call &call) {
  bool hasNoRows = !call.inputs.empty() && call.inputs[0].rows == 0;
  bool givesNothing = !call.outputs.empty() && bytesOf(call.outputs[0]).empty();
  if (hasNoRows || givesNothing)
    return fill(call, 0);
  if (!isFinite(call.trainable))
    return fill(call, 0xFF); // NaN, in either type.

  std::unique_ptr<Scratch> scratch = take(call);
  assign(*scratch, call);
  flowc_run_options options;
  flowc_run_options_init(&options, sizeof(options));
  options.seed = call.seed;
  options.first = call.first;
  std::span<const flowc_output> rows = call.outputs;
  if (widthsOf(call.kernel).empty() && !rows.empty()) {
    options.sum = 1;
    options.gradient = rows[0];
    rows = rows.subspan(1);
  }
  check(flowc_run(kernels.get(), scratch->model.get(), call.kernel.c_str(), call.inputs.data(), call.inputs.size(),
                  rows.data(), rows.size(), &options));
  std::lock_guard<std::mutex> lock(mutex);
  idle.push_back(std::move(scratch));
}

//===----------------------------------------------------------------------===//
// For Python
//===----------------------------------------------------------------------===//

/// Runs a kernel on arrays whose first axis is that of rows; gives arrays of these shapes.
static nb::tuple run(Functional &self, const std::string &kernel, nb::handle trainable, nb::handle frozen,
                     uint64_t seed, uint64_t first, const nb::list &arrays, const std::vector<Shape> &shapes) {
  InputArray trained(trainable, {"trainable", self.getDType(), {}});
  InputArray others(frozen, {"frozen", self.getDType(), {}});
  Functional::Call call{kernel, seed, first, trained.get(), others.get(), {}, {}};
  std::vector<std::unique_ptr<InputArray>> inputs;
  for (nb::handle array : arrays) {
    Shape event = nb::cast<Shape>(array.attr("shape"));
    event.erase(event.begin());
    inputs.push_back(std::make_unique<InputArray>(array, ArrayKind{"an array", self.getDType(), event}));
    call.inputs.push_back(inputs.back()->get());
  }
  std::vector<OutputArray> outputs;
  for (const Shape &shape : shapes) {
    Py_ssize_t rows = shape[0];
    outputs.emplace_back(self.getDType(), std::span(&rows, 1), std::span(shape).subspan(1));
    call.outputs.push_back(outputs.back().get());
  }
  {
    ReleaseGil release;
    self.run(call);
  }
  nb::list result;
  for (OutputArray &output : outputs)
    result.append(output.take());
  return nb::tuple(result);
}

static std::shared_ptr<Functional> find(const std::string &text, const std::string &name, nb::handle dtype,
                                        int threads) {
  flowc_dtype type = dtypeFrom(dtype);
  ReleaseGil release;
  return Functional::find(text, name, type, threads);
}

void flowc::python::addFunctional(nb::module_ &module) {
  nb::class_<Functional>(module, "Functional", "The kernels of a flow as functions of its parameters, too.")
      .def_static("of", &Functional::of, nb::arg("model"), nb::call_guard<ReleaseGil>())
      .def_static("find", find, nb::arg("text"), nb::arg("name"), nb::arg("dtype"), nb::arg("threads"))
      .def("prepare", &Functional::prepare, nb::arg("kernel"), nb::call_guard<ReleaseGil>(),
           "Compiles a kernel, or says why it cannot be.")
      .def("widths", &Functional::widthsOf, nb::arg("kernel"),
           "Numbers for each row of the arrays that a kernel gives; none if it gives a gradient in the parameters.")
      .def("run", run, nb::arg("kernel"), nb::arg("trainable"), nb::arg("frozen"), nb::arg("seed"), nb::arg("first"),
           nb::arg("arrays"), nb::arg("shapes"));
}
