//===- Flow.cpp - Parsed flows and their kernels --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Flow.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

using namespace flowc::python;

static Shape shapeOf(const flowc_flow *flow, const int64_t *(*get)(const flowc_flow *, size_t *)) {
  size_t rank = 0;
  const int64_t *sizes = get(flow, &rank);
  return Shape(sizes, sizes + rank);
}

Flow::Flow(Own<flowc_flow> given)
    : handle(std::move(given)), shape(shapeOf(get(), flowc_flow_shape)),
      condShape(shapeOf(get(), flowc_flow_cond_shape)), hasCondition(flowc_flow_cond_dim(get()) > 0) {}

std::shared_ptr<flowc_kernels> Flow::getKernels(flowc_dtype dtype, int threads) {
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<flowc_kernels> &found = kernels[{dtype, threads}];
  if (!found) {
    flowc_compile_options options;
    flowc_compile_options_init(&options, sizeof(options));
    options.dtype = dtype;
    options.threads = threads;
    found = make<flowc_kernels>(flowc_compile, get(), &options);
  }
  return found;
}

//===----------------------------------------------------------------------===//
// For Python
//===----------------------------------------------------------------------===//

/// Both ways to parse.
template <auto function>
static std::shared_ptr<Flow> parse(const std::string &text, const std::optional<std::string> &name,
                                   const std::string &file) {
  if (text.find('\0') != std::string::npos)
    throw FlowError(file + ": the text has a NUL character in it");
  ReleaseGil release;
  return std::make_shared<Flow>(make<flowc_flow>(function, text.c_str(), name ? name->c_str() : nullptr, file.c_str()));
}

static std::shared_ptr<Flow> standardize(const Flow &flow, nb::handle x, nb::handle condition, nb::handle columns,
                                         nb::handle conditionColumns) {
  InputArray rows(x, {"x", FLOWC_F64, flow.getShape(), columns});
  std::optional<InputArray> conditions;
  if (!condition.is_none())
    conditions.emplace(condition, ArrayKind{"condition", FLOWC_F64, flow.getCondShape(), conditionColumns});
  ReleaseGil release;
  return std::make_shared<Flow>(make<flowc_flow>(flowc_flow_standardize, flow.get(), rows.get(),
                                                 conditions ? conditions->get() : flowc_no_input()));
}

static nb::tuple tupleOf(const Shape &shape) {
  nb::list sizes;
  for (int64_t size : shape)
    sizes.append(size);
  return nb::tuple(sizes);
}

static const char *kindOf(const Flow &flow) {
  switch (flowc_flow_get_kind(flow.get())) {
  case FLOWC_BIJECTION:
    return "bijection";
  case FLOWC_DENSITY:
    return "density";
  case FLOWC_DISTRIBUTION:
    break;
  }
  return "flow";
}

/// Its text in the layout of the formatter, without the line end.
static std::string reprOf(const Flow &flow) {
  Own<flowc_flow> formatted = make<flowc_flow>(flowc_flow_format, flow.get());
  std::string text = flowc_flow_text(formatted.get());
  return text.substr(0, text.find_last_not_of('\n') + 1);
}

void flowc::python::addFlow(nb::module_ &module) {
  nb::class_<Flow>(module, "Flow", "A parsed and checked flow, bijection or density.")
      .def_prop_ro("text", [](const Flow &flow) { return flowc_flow_text(flow.get()); })
      .def_prop_ro("name", [](const Flow &flow) { return flowc_flow_name(flow.get()); })
      .def_prop_ro("kind", kindOf)
      .def_prop_ro("shape", [](const Flow &flow) { return tupleOf(flow.getShape()); })
      .def_prop_ro(
          "cond_shape",
          [](const Flow &flow) { return flow.isConditional() ? nb::object(tupleOf(flow.getCondShape())) : nb::none(); })
      .def("__repr__", [](const Flow &flow) { return reprOf(flow); })
      .def("__reduce__",
           [](const Flow &flow) {
             nb::object parse = nb::module_::import_("flowc._expression").attr("parse");
             return nb::make_tuple(
                 parse, nb::make_tuple(flowc_flow_text(flow.get()), flowc_flow_name(flow.get()), "<pickle>"));
           })
      .def("format",
           [](const Flow &flow) { return std::make_shared<Flow>(make<flowc_flow>(flowc_flow_format, flow.get())); })
      .def("standardize", standardize, nb::arg("x"), nb::arg("condition").none(), nb::arg("columns").none(),
           nb::arg("condition_columns").none());
  module.def("parse", parse<flowc_flow_parse>, nb::arg("text"), nb::arg("name").none(), nb::arg("file"));
  module.def("parse_density", parse<flowc_flow_parse_density>, nb::arg("text"), nb::arg("name").none(),
             nb::arg("file"));
}
