//===- Model.cpp - Models and their parameters ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

using namespace flowc::python;

Model::Model(std::shared_ptr<Flow> flow, Own<flowc_model> given, int threads)
    : flow(std::move(flow)), handle(std::move(given)), dtype(flowc_model_dtype(handle.get())), threads(threads) {}

// (Not by the other constructor: which of its arguments is made first, a copy of the flow or what takes the model away,
// is up to the compiler.)
Model::Model(Own<flowc_model> given, int threads)
    : flow(std::make_shared<Flow>(make<flowc_flow>(flowc_flow_copy, flowc_model_flow(given.get())))),
      handle(std::move(given)), dtype(flowc_model_dtype(handle.get())), threads(threads) {}

Own<flowc_model> Model::copy() const {
  Own<flowc_model> result;
  read([&](const flowc_model *model) {
    result = make<flowc_model>(flowc_model_copy, model);
    return nullptr;
  });
  return result;
}

void Model::replace(Own<flowc_model> other) {
  ReleaseGil release;
  std::unique_lock<std::shared_mutex> lock(mutex);
  handle.swap(other);
}

Condition::Condition(const Model &model, nb::handle condition) {
  if (condition.is_none() && !model.getFlow().isConditional())
    return;
  if (!model.getFlow().isConditional())
    throw FlowError("'condition' is given, but the flow takes none");
  if (condition.is_none())
    throw FlowError("'condition' is missing: the flow needs one of " +
                    formatEventShape(model.getFlow().getCondShape()));
  array.emplace(condition, model.conditionKind());
}

flowc_input Condition::get(int64_t rows) const {
  if (!array)
    return flowc_no_input();
  if (array->rows() != rows && array->rows() != 1)
    throw FlowError("'condition' has " + std::to_string(array->rows()) + " rows, expected " + std::to_string(rows) +
                    ", or one for all");
  return array->get();
}

//===----------------------------------------------------------------------===//
// Making and keeping
//===----------------------------------------------------------------------===//

static std::shared_ptr<Model> withColumnsOf(const Model &from, std::shared_ptr<Model> model) {
  model->columns = from.columns;
  model->conditionColumns = from.conditionColumns;
  return model;
}

static std::shared_ptr<Model> init(const std::shared_ptr<Flow> &flow, nb::handle dtype, uint64_t seed, int threads) {
  flowc_dtype type = dtypeFrom(dtype);
  ReleaseGil release;
  return std::make_shared<Model>(flow, make<flowc_model>(flowc_model_init, flow->get(), type, seed), threads);
}

static std::shared_ptr<Model> load(const std::string &path, const std::optional<std::string> &name, int threads) {
  ReleaseGil release;
  return std::make_shared<Model>(make<flowc_model>(flowc_model_load, path.c_str(), name ? name->c_str() : nullptr),
                                 threads);
}

static std::shared_ptr<Model> importEquinox(const std::shared_ptr<Flow> &flow, const std::string &path, int threads) {
  ReleaseGil release;
  return std::make_shared<Model>(flow, make<flowc_model>(flowc_model_import_equinox, flow->get(), path.c_str()),
                                 threads);
}

static void save(const Model &model, const std::string &path, const std::string &record) {
  model.read([&](const flowc_model *handle) { return flowc_model_save(handle, path.c_str(), record.c_str()); });
}

static std::shared_ptr<Model> astype(const Model &model, nb::handle dtype, int threads) {
  flowc_dtype type = dtypeFrom(dtype);
  Own<flowc_model> converted;
  model.read([&](const flowc_model *handle) {
    converted = make<flowc_model>(flowc_model_astype, handle, type);
    return nullptr;
  });
  return withColumnsOf(model, std::make_shared<Model>(model.shareFlow(), std::move(converted), threads));
}

static std::string recordOf(const Model &model) {
  std::string record;
  model.read([&](const flowc_model *handle) {
    record = flowc_model_record(handle);
    return nullptr;
  });
  return record;
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

namespace {
/// What never changes about a parameter.
struct Parameter {
  std::string name;
  Shape shape;
  bool isTrainable, isInteger;
};
} // namespace

static nb::list describeParameters(const Model &model) {
  std::vector<Parameter> parameters;
  model.read([&](const flowc_model *handle) {
    for (size_t i = 0; i < flowc_model_num_parameters(handle); ++i) {
      size_t rank = 0;
      const int64_t *shape = flowc_model_parameter_shape(handle, i, &rank);
      parameters.push_back({flowc_model_parameter_name(handle, i), Shape(shape, shape + rank),
                            flowc_model_parameter_is_trainable(handle, i) != 0,
                            flowc_model_parameter_is_integer(handle, i) != 0});
    }
    return nullptr;
  });
  nb::list result;
  for (const Parameter &parameter : parameters)
    result.append(nb::make_tuple(parameter.name, nb::tuple(nb::cast(parameter.shape)), parameter.isTrainable,
                                 parameter.isInteger));
  return result;
}

static nb::object getParameter(const Model &model, size_t i, const Shape &shape) {
  OutputArray values(model.getDType(), {}, shape);
  model.read([&](const flowc_model *handle) { return flowc_model_get_parameter(handle, i, values.get()); });
  return values.take();
}

/// Writes parameters, all or none: (number, name, shape, values) each.
static void setParameters(Model &model, const nb::list &given) {
  std::vector<size_t> which;
  std::vector<std::unique_ptr<InputArray>> arrays;
  std::vector<flowc_input> values;
  for (nb::handle entry : given) {
    auto [i, name, shape, array] = nb::cast<std::tuple<size_t, std::string, Shape, nb::object>>(entry);
    // (float64 holds the numbers of both types, and all indices.)
    arrays.push_back(std::make_unique<InputArray>(array, ArrayKind{name.c_str(), FLOWC_F64, shape}));
    if (!arrays.back()->batch().empty())
      throw FlowError("'" + name + "' has " + std::to_string(arrays.back()->batch().size()) +
                      " axes too many, expected shape " + formatShape(shape));
    which.push_back(i);
    values.push_back(arrays.back()->get());
  }
  if (which.empty())
    return;
  model.write([&](flowc_model *handle) {
    return flowc_model_set_parameters(handle, which.size(), which.data(), values.data());
  });
}

OutputArray Model::makeTrainableArray() const {
  int64_t count = 0;
  read([&](const flowc_model *handle) {
    count = flowc_model_num_trainable(handle);
    return nullptr;
  });
  return OutputArray(FLOWC_F64, {}, {&count, 1});
}

static nb::object getTrainable(const Model &model) {
  OutputArray values = model.makeTrainableArray();
  model.read([&](const flowc_model *handle) { return flowc_model_get_trainable(handle, values.get()); });
  return values.take();
}

static void setTrainable(Model &model, nb::handle values) {
  InputArray array(values, {"values", FLOWC_F64, {}});
  model.write([&](flowc_model *handle) { return flowc_model_set_trainable(handle, array.get()); });
}

void flowc::python::addModel(nb::module_ &module) {
  nb::class_<Model> model(module, "Model", "The parameters of a flow, and what can be computed with them.");
  model.def_static("init", init, nb::arg("flow"), nb::arg("dtype").none(), nb::arg("seed"), nb::arg("threads"))
      .def_static("load", load, nb::arg("path"), nb::arg("name").none(), nb::arg("threads"))
      .def_static("import_equinox", importEquinox, nb::arg("flow"), nb::arg("path"), nb::arg("threads"))
      .def("save", save, nb::arg("path"), nb::arg("record"))
      .def("astype", astype, nb::arg("dtype").none(), nb::arg("threads"))
      .def_prop_ro("flow", &Model::shareFlow)
      .def_prop_ro("dtype", [](const Model &self) { return nameOf(self.getDType()); })
      .def_prop_ro("threads", &Model::getThreads)
      .def_prop_ro("record", recordOf)
      .def_rw("columns", &Model::columns, nb::arg().none())
      .def_rw("condition_columns", &Model::conditionColumns, nb::arg().none())
      .def("describe_parameters", describeParameters,
           "Name, shape, whether it is trained, whether it is a permutation.")
      .def("get_parameter", getParameter, nb::arg("i"), nb::arg("shape"))
      .def("set_parameters", setParameters, nb::arg("values"))
      .def("get_trainable", getTrainable)
      .def("set_trainable", setTrainable, nb::arg("values"));
  addKernels(model);
  addPullBacks(model);
}
