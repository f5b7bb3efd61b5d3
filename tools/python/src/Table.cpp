//===- Table.cpp - Columns as they are ------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FitOptions.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

using namespace flowc::python;

//===----------------------------------------------------------------------===//
// From a file to a flow
//===----------------------------------------------------------------------===//

/// What is known of a column: its name, bounds and a flowc_column_kind.
using KnownColumn = std::tuple<std::string, double, double, int>;

static nb::tuple fitFile(const std::string &path, const std::vector<std::string> &columns,
                         const std::vector<std::string> &conditionColumns, const std::vector<KnownColumn> &known,
                         bool keepTies, int missing, nb::handle dtype, const FitBudget &budget, int threads,
                         nb::handle onProgress) {
  std::vector<const char *> columnPointers, conditionPointers;
  std::vector<flowc_column> knownColumns;
  for (const auto &[name, lower, upper, kind] : known)
    knownColumns.push_back({name.c_str(), lower, upper, kind, 0});
  flowc_table_options table;
  flowc_table_options_init(&table, sizeof(table));
  table.columns = pointersTo(columns, columnPointers);
  table.num_columns = columns.size();
  table.condition_columns = pointersTo(conditionColumns, conditionPointers);
  table.num_condition_columns = conditionColumns.size();
  table.known = knownColumns.data();
  table.num_known = knownColumns.size();
  table.seed = std::get<2>(budget);
  table.keep_ties = keepTies;
  table.missing = missing;
  return runFit(budget, dtype.is_none() ? -1 : dtypeFrom(dtype), threads, onProgress,
                [&](flowc_fit_table_options *options, flowc_model **result, flowc_training **training) {
                  return flowc_fit_file(path.c_str(), &table, options, result, training);
                });
}

//===----------------------------------------------------------------------===//
// Columns of a model
//===----------------------------------------------------------------------===//

namespace {
/// What the columns are that a model was fitted to.
struct Table {
  Own<flowc_table> handle;
};
} // namespace

static std::shared_ptr<Table> tableFromRecord(const std::string &record, bool isCondition) {
  return std::make_shared<Table>(make<flowc_table>(flowc_table_from_record, record.c_str(), int(isCondition)));
}

/// The `rows` rows of a file as numbers of the model.
static nb::object readTable(const Table &table, const std::string &path, Py_ssize_t rows, nb::handle dtype) {
  const int64_t width = flowc_table_width(table.handle.get());
  OutputArray result(dtypeFrom(dtype), {&rows, 1}, {&width, 1});
  {
    ReleaseGil release;
    check(flowc_table_read(table.handle.get(), path.c_str(), result.get()));
  }
  return result.take();
}

static void writeTable(const Table &table, nb::handle rows, const std::string &path, nb::handle dtype) {
  const int64_t width = flowc_table_width(table.handle.get());
  InputArray array(rows, {"rows", dtypeFrom(dtype), {&width, 1}});
  ReleaseGil release;
  check(flowc_table_write(table.handle.get(), array.get(), path.c_str()));
}

void flowc::python::addTable(nb::module_ &module) {
  nb::class_<Table>(module, "Table", "What the columns are that a model was fitted to.")
      .def_static("from_record", tableFromRecord, nb::arg("record"), nb::arg("is_condition"))
      .def_prop_ro("width", [](const Table &table) { return flowc_table_width(table.handle.get()); })
      .def_prop_ro("log_step", [](const Table &table) { return flowc_table_log_step(table.handle.get()); })
      .def("describe", [](const Table &table) { return flowc_table_describe(table.handle.get()); })
      .def("read", readTable, nb::arg("path"), nb::arg("rows"), nb::arg("dtype"))
      .def("write", writeTable, nb::arg("rows"), nb::arg("path"), nb::arg("dtype"));
  module.def("fit_file", fitFile, nb::arg("path"), nb::arg("columns"), nb::arg("condition_columns"), nb::arg("known"),
             nb::arg("keep_ties"), nb::arg("missing"), nb::arg("dtype").none(), nb::arg("budget"), nb::arg("threads"),
             nb::arg("on_progress").none());
}
