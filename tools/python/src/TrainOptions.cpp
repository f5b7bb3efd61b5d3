//===- TrainOptions.cpp - Options of trainings from dictionaries ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainOptions.h"

#include "Flow.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <variant>

using namespace flowc::python;

namespace {
/// A field that an option sets.
struct Option {
  const char *name;
  std::variant<double flowc_train_options::*, int64_t flowc_train_options::*, int32_t flowc_train_options::*,
               uint64_t flowc_train_options::*, const char * flowc_train_options::*>
      field;
};
} // namespace

static constexpr Option table[] = {
    {"objective", &flowc_train_options::objective},
    {"objective_text", &flowc_train_options::objective_text},
    {"learning_rate", &flowc_train_options::learning_rate},
    {"max_epochs", &flowc_train_options::max_epochs},
    {"max_patience", &flowc_train_options::max_patience},
    {"steps", &flowc_train_options::steps},
    {"batch_size", &flowc_train_options::batch_size},
    {"val_prop", &flowc_train_options::val_prop},
    {"val_samples", &flowc_train_options::val_samples},
    {"tolerance", &flowc_train_options::tolerance},
    {"redraw", &flowc_train_options::redraw},
    {"return_best", &flowc_train_options::return_best},
    {"is_start", &flowc_train_options::is_start},
    {"threads", &flowc_train_options::threads},
    {"use_cache", &flowc_train_options::use_cache},
    {"seed", &flowc_train_options::seed},
    {"optimizer", &flowc_train_options::optimizer},
    {"schedule", &flowc_train_options::schedule},
    {"clip_norm", &flowc_train_options::clip_norm},
    {"average", &flowc_train_options::average},
    {"max_recoveries", &flowc_train_options::max_recoveries},
    {"checkpoint", &flowc_train_options::checkpoint},
    {"checkpoint_seconds", &flowc_train_options::checkpoint_seconds},
    {"checkpoint_steps", &flowc_train_options::checkpoint_steps},
    {"resume", &flowc_train_options::resume},
};

TrainOptions::TrainOptions(flowc_loop loop, const nb::dict &given) {
  flowc_train_options_init(&options, sizeof(options), loop);
  for (auto [key, value] : given)
    if (!value.is_none())
      set(nb::cast<std::string>(key), value);
}

void TrainOptions::set(const std::string &name, nb::handle value) {
  if (name == "freeze")
    return setPatterns(value);
  if (name == "density") {
    options.density = nb::cast<const Flow &>(value).get();
    return;
  }
  const Option *option = std::ranges::find_if(table, [&](const Option &entry) { return entry.name == name; });
  if (option == std::end(table))
    throw nb::type_error(("there is no option '" + name + "'").c_str());
  auto assign = [&]<typename T>(T flowc_train_options::*field) {
    if constexpr (std::is_same_v<T, const char *>)
      options.*field = texts.emplace_back(nb::cast<std::string>(nb::str(value))).c_str();
    else if (!nb::try_cast<T>(value, options.*field))
      throw nb::type_error(("'" + name + "' is " + nb::cast<std::string>(nb::repr(value)) + ", expected a " +
                            (std::is_same_v<T, double> ? "number" : "whole number"))
                               .c_str());
  };
  std::visit(assign, option->field);
}

void TrainOptions::setPatterns(nb::handle value) {
  for (nb::handle pattern : value)
    patterns.push_back(texts.emplace_back(nb::cast<std::string>(nb::str(pattern))).c_str());
  options.freeze = patterns.data();
  options.num_freeze = patterns.size();
}
