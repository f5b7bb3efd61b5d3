//===- CApiErrorsTest.cpp - Wrong calls of the C interface ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every wrong call is an error with a message; none is a crash.
//
//===----------------------------------------------------------------------===//

#include "CApiTesting.h"

#include <cstring>
#include <limits>
#include <malloc.h>

using namespace flowc;
using namespace flowc::test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

class CApiErrors : public testing::Test {
protected:
  Model model = makeModel("flow f = coupling_flow(standard_normal([3]), nn_width = 2, flow_layers = 1)", F32);
  Own<flowc_kernels> handle = compileC(capi::wrap<const flowc_flow>(&model.flow()), F32);
  const flowc_flow *flow = flowc_kernels_flow(handle.get());
  const flowc_kernels *k = handle.get();
  flowc_model *m = modelOf(model);
  Rows<float> x = Rows<float>::Zero(4, 3);
  Column<float> number = Column<float>::Zero(4);
  flowc_input none = flowc_no_input();
  flowc_output noOutput = flowc_no_output();

  std::string logProb(flowc_input events, flowc_output result) {
    return messageOf(flowc_log_prob(k, m, events, none, result));
  }
};

} // namespace

TEST_F(CApiErrors, NullObjects) {
  flowc_flow *newFlow = nullptr;
  flowc_model *newModel = nullptr;
  flowc_kernels *newKernels = nullptr;
  flowc_target *newTarget = nullptr;
  flowc_objective *newObjective = nullptr;
  flowc_output result = out(number);
  auto target = [](void *, const double *, int64_t, double *, double *) { return 0; };
  auto loss = [](void *, const flowc_model *, const flowc_batch *, double *, double *) { return 0; };
  size_t i = 0;
  std::vector<flowc_error *> errors = {
      flowc_flow_parse(nullptr, nullptr, nullptr, &newFlow),
      flowc_flow_parse("flow f = normal()", nullptr, nullptr, nullptr),
      flowc_flow_parse_density(nullptr, nullptr, nullptr, &newFlow),
      flowc_flow_copy(nullptr, &newFlow),
      flowc_flow_copy(flow, nullptr),
      flowc_flow_standardize(nullptr, in(x), none, &newFlow),
      flowc_model_init(nullptr, FLOWC_F32, 0, &newModel),
      flowc_model_load(nullptr, nullptr, &newModel),
      flowc_model_import_equinox(flow, nullptr, &newModel),
      flowc_model_import_equinox(nullptr, "m.eqx", &newModel),
      flowc_model_save(m, nullptr, nullptr),
      flowc_model_save(nullptr, "m.safetensors", nullptr),
      flowc_model_copy(nullptr, &newModel),
      flowc_model_astype(nullptr, FLOWC_F64, &newModel),
      flowc_model_find_parameter(m, nullptr, &i),
      flowc_model_find_parameter(m, "loc", nullptr),
      flowc_model_get_parameter(nullptr, 0, result),
      flowc_model_set_parameter(nullptr, 0, in(number)),
      flowc_model_get_trainable(nullptr, result),
      flowc_model_set_trainable(nullptr, in(number)),
      flowc_compile(nullptr, nullptr, &newKernels),
      flowc_compile(flow, nullptr, nullptr),
      flowc_kernels_num_arrays(k, nullptr, FLOWC_INPUT, &i),
      flowc_kernels_num_arrays(k, "sample", FLOWC_INPUT, nullptr),
      flowc_kernels_array(nullptr, "sample", FLOWC_INPUT, 0, nullptr, nullptr),
      flowc_kernels_prepare(nullptr, "sample", nullptr),
      flowc_kernels_macs_per_row(k, nullptr, nullptr),
      flowc_log_prob(nullptr, m, in(x), none, result),
      flowc_log_prob(k, nullptr, in(x), none, result),
      flowc_sample(nullptr, m, 0, 0, none, out(x)),
      flowc_nll_gradient(k, nullptr, in(x), none, nullptr, noOutput),
      flowc_pull_back_log_prob(nullptr, m, in(x), none, in(number), noOutput, noOutput, noOutput),
      flowc_run(k, m, nullptr, nullptr, 0, nullptr, 0, nullptr),
      flowc_run(k, m, "log_prob", nullptr, 1, &result, 1, nullptr),
      flowc_run(k, m, "log_prob", nullptr, 0, nullptr, 1, nullptr),
      flowc_target_from_density(nullptr, &newTarget),
      flowc_target_from_function(nullptr, 2, 0, target, nullptr, &newTarget),
      flowc_target_from_function("t", 2, 0, nullptr, nullptr, &newTarget),
      flowc_target_load_library(nullptr, nullptr, &newTarget),
      flowc_fit_to_data(nullptr, in(x), none, nullptr, nullptr),
      flowc_model_init_towards(flow, FLOWC_F32, nullptr, nullptr, &newModel),
      flowc_fit_to_target(m, nullptr, nullptr, nullptr),
      flowc_objective_create(nullptr, flow, nullptr, &newObjective),
      flowc_objective_parse("objective o = 1", nullptr, nullptr, nullptr, nullptr, &newObjective),
      flowc_objective_from_function("o", nullptr, nullptr, &newObjective),
      flowc_objective_from_function(nullptr, loss, nullptr, &newObjective),
      flowc_objective_value_and_gradient(nullptr, m, none, none, 1, 0, 0, nullptr, noOutput),
      flowc_optimize(m, nullptr, nullptr, nullptr),
      flowc_fit_table(in(x), none, nullptr, nullptr, nullptr),
  };
  for (size_t j = 0; j < errors.size(); ++j) {
    std::string message = messageOf(errors[j]);
    EXPECT_THAT(message, StartsWith("1: flowc_")) << "call " << j;
    EXPECT_THAT(message, HasSubstr("' is a null pointer")) << "call " << j;
  }
}

TEST_F(CApiErrors, NullForFunctionsThatCannotFail) {
  size_t rank = 7;
  flowc_flow_free(nullptr);
  flowc_model_free(nullptr);
  flowc_kernels_free(nullptr);
  flowc_target_free(nullptr);
  flowc_objective_free(nullptr);
  flowc_training_free(nullptr);
  EXPECT_STREQ(flowc_flow_name(nullptr), "");
  EXPECT_STREQ(flowc_flow_text(nullptr), "");
  EXPECT_EQ(flowc_flow_dim(nullptr) + flowc_flow_cond_dim(nullptr), 0);
  EXPECT_EQ(flowc_flow_shape(nullptr, &rank), nullptr);
  EXPECT_EQ(rank, 0u);
  EXPECT_NE(flowc_flow_shape(flow, nullptr), nullptr);
  EXPECT_EQ(flowc_model_flow(nullptr), nullptr);
  EXPECT_STREQ(flowc_model_record(nullptr), "");
  EXPECT_EQ(flowc_model_num_parameters(nullptr), 0u);
  EXPECT_EQ(flowc_model_num_trainable(nullptr), 0);
  size_t end = flowc_model_num_parameters(m);
  for (size_t i : {end, size_t(99)})
    EXPECT_STREQ(flowc_model_parameter_name(m, i), "");
  EXPECT_EQ(flowc_model_parameter_size(m, 99), 0);
  EXPECT_EQ(flowc_model_parameter_is_trainable(m, 99) + flowc_model_parameter_is_integer(nullptr, 0), 0);
  EXPECT_EQ(flowc_kernels_flow(nullptr), nullptr);
  EXPECT_STREQ(flowc_kernel_name(999), "");
  EXPECT_EQ(flowc_target_get_dim(nullptr), 0);
  EXPECT_EQ(flowc_training_num_rounds(nullptr) + flowc_training_num_steps(nullptr), 0u);
  EXPECT_EQ(flowc_training_step(nullptr, 0), nullptr);
  EXPECT_STREQ(flowc_training_record(nullptr), "");
  flowc_compile_options_init(nullptr, 8);
  flowc_train_options_init(nullptr, 8, FLOWC_LOOP_DATA);
}

TEST_F(CApiErrors, Arrays) {
  float many[64] = {};
  EXPECT_EQ(logProb(in(x), out(number)), "");
  EXPECT_EQ(logProb(flowc_in_f32(many, 4, 2), out(number)), "1: 'x' has 4 rows of 2, expected 4 rows of 3");
  EXPECT_EQ(logProb(in(x), flowc_out_f32(many, 3, 1)), "1: 'log_prob' has 3 rows of 1, expected 4 rows of 1");
  EXPECT_EQ(logProb(flowc_in_f32(nullptr, 4, 3), out(number)), "1: 'x' has 4 rows of 3, but is a null pointer");
  EXPECT_EQ(logProb(flowc_in_f32(many, -4, 3), out(number)), "1: the number of rows is negative: -4");
  EXPECT_EQ(logProb(in(x), flowc_out_f32(many, 4, -1)), "1: 'log_prob' has 4 rows of -1, expected no negative numbers");
  int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(logProb(flowc_in_f32(many, huge, 3), out(number)),
            "1: 'x' has 9223372036854775807 rows of 3, which is more than memory can hold");
  EXPECT_THAT(messageOf(flowc_sample(k, m, 0, 0, none, flowc_out_f32(many, 1 + huge / 12, 3))),
              HasSubstr("more than memory can hold"));
  double wide[12] = {};
  EXPECT_EQ(logProb(flowc_in_f64(wide, 4, 3), out(number)),
            "1: 'x' is an array of float64, expected float32, the type of these kernels");
  flowc_input odd = in(x);
  odd.dtype = 7;
  EXPECT_THAT(logProb(odd, out(number)), HasSubstr("'x' has the element type 7, expected FLOWC_F32 or FLOWC_F64"));
  odd = in(x);
  odd.data = reinterpret_cast<char *>(many) + 1;
  EXPECT_EQ(logProb(odd, out(number)), "1: 'x' is not aligned to its elements of 4 bytes");
  EXPECT_THAT(logProb(none, out(number)), HasSubstr("'x' has"));
}

TEST_F(CApiErrors, ArraysThatOverlap) {
  float many[64] = {};
  EXPECT_EQ(logProb(flowc_in_f32(many, 4, 3), flowc_out_f32(many + 11, 4, 1)),
            "1: the output 'log_prob' overlaps 'x' in memory: give it memory of its own");
  EXPECT_EQ(logProb(flowc_in_f32(many, 4, 3), flowc_out_f32(many + 12, 4, 1)), "");
  EXPECT_THAT(
      messageOf(flowc_sample_and_log_prob(k, m, 0, 0, none, flowc_out_f32(many, 4, 3), flowc_out_f32(many + 8, 4, 1))),
      HasSubstr("the output 'x' overlaps 'log_prob'"));
}

TEST_F(CApiErrors, Conditions) {
  EXPECT_EQ(messageOf(flowc_log_prob(k, m, in(x), in(x), out(number))), "1: 'f' takes no condition, but got one");
  Model other = makeModel("flow g = coupling_flow(standard_normal([3]), cond_dim = 2, nn_width = 2)", F32);
  auto conditional = compileC(capi::wrap<const flowc_flow>(&other.flow()), F32);
  auto run = [&](flowc_input condition) {
    return messageOf(flowc_log_prob(conditional.get(), modelOf(other), in(x), condition, out(number)));
  };
  EXPECT_EQ(run(none), "1: 'g' needs a condition of 2 numbers per row");
  EXPECT_EQ(run(in(x)), "1: 'condition' has 4 rows of 3, expected rows of 2");
  float c[8] = {};
  EXPECT_EQ(run(flowc_in_f32(c, 3, 2)), "1: 'condition' has 3 rows of 2, expected 4 rows of 2");
  EXPECT_EQ(run(flowc_in_f32(c, 1, 2)), "");
  // Rows that nobody gives memory for.
  flowc_run_options many;
  flowc_run_options_init(&many, sizeof(many));
  many.rows = int64_t(1) << 60;
  flowc_input one = flowc_in_f32(c, 1, 2);
  flowc_output unwanted = noOutput;
  // As many rows as the condition has, if nothing else says how many.
  flowc_input four = flowc_in_f32(c, 4, 2);
  EXPECT_EQ(messageOf(flowc_run(conditional.get(), modelOf(other), "sample", &four, 1, &unwanted, 1, nullptr)), "");
  EXPECT_THAT(messageOf(flowc_run(conditional.get(), modelOf(other), "sample", &one, 1, &unwanted, 1, &many)),
              HasSubstr("there is no memory for 1152921504606846976 rows of 2 numbers"));
  EXPECT_THAT(messageOf(flowc_pull_back_log_prob(k, m, in(x), none, in(number), noOutput, noOutput, out(x))),
              HasSubstr("'cond' asks for its derivatives"));
}

TEST_F(CApiErrors, ObjectsThatDoNotFit) {
  Model wide = model.astype(F64), other = makeModel("flow g = normal(zeros(3), ones(3))", F32);
  EXPECT_THAT(messageOf(flowc_log_prob(k, modelOf(wide), in(x), none, out(number))), HasSubstr("2: the model holds"));
  EXPECT_THAT(messageOf(flowc_log_prob(k, modelOf(other), in(x), none, out(number))), HasSubstr("another flow, 'f'"));
  EXPECT_THAT(messageOf(flowc_elbo_gradient(k, m, in(x), none, 0, nullptr, noOutput)), HasSubstr("target"));
  auto bijection = parseC("bijection b = affine([3])");
  flowc_flow *made = nullptr;
  EXPECT_THAT(messageOf(flowc_flow_standardize(bijection.get(), in(x), none, &made)),
              HasSubstr("'b' is no distribution"));
  flowc_target *target = nullptr;
  EXPECT_THAT(messageOf(flowc_target_from_density(flow, &target)), HasSubstr("'f' is no density"));
  EXPECT_EQ(target, nullptr);
  EXPECT_THAT(messageOf(flowc_target_load_library("/no/such.so", nullptr, &target)), HasSubstr("/no/such.so"));
}

TEST_F(CApiErrors, Kernels) {
  flowc_input inputs[12];
  flowc_output outputs[12];
  std::fill_n(inputs, 12, in(x));
  std::fill_n(outputs, 12, out(number));
  auto run = [&](const char *kernel, size_t numInputs, size_t numOutputs, const flowc_run_options *options = nullptr) {
    return messageOf(flowc_run(k, m, kernel, inputs, numInputs, outputs, numOutputs, options));
  };
  EXPECT_EQ(run("log_prob", 1, 1), "");
  EXPECT_THAT(run("log_pron", 1, 1), HasSubstr("1: there is no kernel 'log_pron'; did you mean 'log_prob'?"));
  EXPECT_EQ(run("log_prob", 2, 1), "1: log_prob of 'f' takes 1 array (x), but got 2");
  EXPECT_EQ(run("log_prob", 1, 0), "1: log_prob of 'f' gives 1 array (log_prob), but got 0");
  EXPECT_EQ(run("vjp_inputs", 1, 1), "1: vjp_inputs of 'f' takes 3 arrays (x, y, log_det), but got 1");
  flowc_run_options options;
  flowc_run_options_init(&options, sizeof(options));
  double loss = 0;
  options.loss = &loss;
  EXPECT_THAT(run("log_prob", 1, 1, &options), HasSubstr("but no loss and no gradient"));
  options.loss = nullptr;
  options.tangent = flowc_in_f64(&loss, 1, 1);
  EXPECT_THAT(run("log_prob_jvp_params", 1, 2, &options), HasSubstr("'tangent' has room for 1 numbers, expected"));
  options.tangent = none;
  options.gradient = flowc_out_f64(&loss, 1, 1);
  EXPECT_THAT(run("nll_gradient", 1, 0, &options), HasSubstr("'gradient' has room for 1 numbers, expected"));
  const char *name = nullptr;
  int64_t columns = 0;
  EXPECT_EQ(messageOf(flowc_kernels_array(k, "log_prob", FLOWC_INPUT, 0, &name, &columns)), "");
  EXPECT_STREQ(name, "x");
  EXPECT_EQ(columns, 3);
  EXPECT_THAT(messageOf(flowc_kernels_array(k, "log_prob", FLOWC_INPUT, 1, &name, nullptr)), HasSubstr("number 1"));
  size_t count = 0;
  EXPECT_THAT(messageOf(flowc_kernels_num_arrays(k, "log_pron", FLOWC_INPUT, &count)), HasSubstr("'log_pron'"));
  EXPECT_THAT(messageOf(flowc_kernels_array(k, "log_prob", flowc_array_role(5), 0, &name, nullptr)),
              HasSubstr("no role 5"));
}

TEST_F(CApiErrors, Models) {
  flowc_model *made = nullptr;
  double value = 1;
  EXPECT_THAT(messageOf(flowc_model_init(flow, flowc_dtype(3), 0, &made)), HasSubstr("no element type 3"));
  EXPECT_THAT(messageOf(flowc_model_astype(m, flowc_dtype(-1), &made)), HasSubstr("no element type -1"));
  EXPECT_THAT(messageOf(flowc_model_get_parameter(m, 99, flowc_out_f64(&value, 1, 1))),
              HasSubstr("there is none of number 99"));
  EXPECT_THAT(messageOf(flowc_model_set_trainable(m, flowc_in_f64(&value, 1, 1))), HasSubstr("room for 1 numbers"));
  std::vector<double> values = model.trainable(), before = values;
  values[0] = NAN;
  EXPECT_THAT(messageOf(flowc_model_set_trainable(m, flowc_in_f64(values.data(), std::ssize(values), 1))),
              HasSubstr("finite"));
  EXPECT_EQ(model.trainable(), before);
}

TEST_F(CApiErrors, MessagesAreThoseOfTheLanguage) {
  const char *text = "flow f = coupling_flow(\n  base_dist = standard_normal([2]),\n  nn_widht = 3)\n";
  flowc_flow *made = nullptr;
  flowc_error *error = flowc_flow_parse(text, nullptr, "my.flow", &made);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(flowc_error_message(error), Flow::parse(text, {}, "my.flow").error().message);
  EXPECT_THAT(flowc_error_message(error), HasSubstr("my.flow:3:3"));
  EXPECT_EQ(flowc_error_status(error), FLOWC_FAILED);
  flowc_error_free(error);
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

TEST_F(CApiErrors, SizesOfOptions) {
  flowc_kernels *made = nullptr;
  struct {
    flowc_compile_options known;
    uint64_t unknown;
  } newer;
  flowc_compile_options_init(&newer.known, sizeof(newer));
  EXPECT_EQ(newer.known.size, sizeof(newer));
  EXPECT_EQ(newer.unknown, 0u);
  ASSERT_EQ(messageOf(flowc_compile(flow, &newer.known, &made)), "");
  flowc_kernels_free(made);
  newer.unknown = 1;
  EXPECT_THAT(messageOf(flowc_compile(flow, &newer.known, &made)), HasSubstr("does not know"));
  EXPECT_EQ(made, nullptr);

  // A program of an older version: what it does not set has its default.
  flowc_compile_options older;
  std::memset(&older, 0xFF, sizeof(older));
  flowc_compile_options_init(&older, offsetof(flowc_compile_options, cpu));
  EXPECT_EQ(older.dtype, FLOWC_F32);
  EXPECT_NE(older.target, nullptr); // Left alone.
  ASSERT_EQ(messageOf(flowc_compile(flow, &older, &made)), "");
  flowc_kernels_free(made);

  flowc_compile_options garbage = {};
  EXPECT_THAT(messageOf(flowc_compile(flow, &garbage, &made)), HasSubstr("has a size of 0: call the function"));
  garbage.size = size_t(1) << 40;
  EXPECT_THAT(messageOf(flowc_compile(flow, &garbage, &made)), HasSubstr("has a size of 1099511627776"));
}

TEST_F(CApiErrors, ValuesOfOptions) {
  flowc_kernels *made = nullptr;
  flowc_compile_options options;
  auto message = [&] { return messageOf(flowc_compile(flow, &options, &made)); };
  flowc_compile_options_init(&options, sizeof(options));
  options.dtype = 2;
  EXPECT_THAT(message(), HasSubstr("no element type 2"));
  flowc_compile_options_init(&options, sizeof(options));
  options.threads = -1;
  EXPECT_THAT(message(), HasSubstr("threads is negative"));
  flowc_compile_options_init(&options, sizeof(options));
  options.cpu = "abacus";
  EXPECT_THAT(message(), HasSubstr("abacus"));
  flowc_compile_options_init(&options, sizeof(options));
  options.target = flow;
  EXPECT_THAT(message(), HasSubstr("is no density"));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)

TEST_F(CApiErrors, WhatIsFreedIsGivenBack) {
  std::string name(1 << 16, 't');
  auto density = [](void *, const double *, int64_t, double *logDensity, double *) {
    *logDensity = 0;
    return 0;
  };
  auto loss = [](void *, const flowc_model *, const flowc_batch *, double *value, double *) {
    *value = 0;
    return 0;
  };
  Model large = makeModel("flow g = normal(zeros(8192), ones(8192))", F32);
  auto everything = [&] {
    make<flowc_model>(flowc_model_copy, static_cast<const flowc_model *>(modelOf(large)));
    auto target = make<flowc_target>(flowc_target_from_function, name.c_str(), int64_t(2), 0, +density, nullptr);
    auto objective = make<flowc_objective>(flowc_objective_from_function, name.c_str(), +loss, nullptr);
    auto copy = make<flowc_model>(flowc_model_copy, static_cast<const flowc_model *>(m));
    // A training that nobody wants to hear of, with a record of each step.
    flowc_train_options options;
    flowc_train_options_init(&options, sizeof(options), FLOWC_LOOP_OPTIMIZE);
    options.steps = 1000;
    EXPECT_EQ(messageOf(flowc_optimize(copy.get(), objective.get(), &options, nullptr)), "");
  };
  everything();
  size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 20; ++i)
    everything();
  EXPECT_LT(mallinfo2().uordblks, before + (1 << 18)); // Of 20 times 64 kB for a name or a model, and 40 kB for steps.
}

#endif

//===----------------------------------------------------------------------===//
// Exceptions
//===----------------------------------------------------------------------===//

TEST(CApiExceptions, BecomeErrors) {
  auto statusOf = [](auto body) {
    flowc_error *error = capi::call("f", {}, [&]() -> capi::Outcome {
      body();
      return {};
    });
    std::string message = messageOf(error);
    return message;
  };
  EXPECT_EQ(statusOf([] {}), "");
  EXPECT_EQ(statusOf([] { throw std::bad_alloc(); }), "3: out of memory");
  EXPECT_EQ(statusOf([] { (void)std::vector<double>(size_t(-1)); }), "3: out of memory");
  EXPECT_EQ(statusOf([] { throw std::runtime_error("oops"); }), "4: f: oops");
}
