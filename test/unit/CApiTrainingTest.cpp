//===- CApiTrainingTest.cpp - Training through the C interface ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CApiTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Fit.h"

using namespace flowc;
using namespace flowc::test;
using testing::AllOf;
using testing::HasSubstr;

namespace {

constexpr const char *kFlow = "flow f = coupling_flow(standard_normal([2]), nn_width = 4, flow_layers = 2)";
constexpr const char *kTarget = "density t(x[2]) = -0.5*((x[0] - 1)^2 + 4*(x[1] + 2)^2)";

flowc_train_options defaults(flowc_loop loop) {
  flowc_train_options options;
  flowc_train_options_init(&options, sizeof(options), loop);
  return options;
}

/// The density of `kTarget`, as code.
int evaluateTarget(void *calls, const double *x, int64_t rows, double *logDensity, double *gradient) {
  ++*static_cast<int *>(calls);
  for (int64_t i = 0; i < rows; ++i) {
    double a = x[2 * i] - 1, b = x[2 * i + 1] + 2;
    logDensity[i] = -0.5 * (a * a + 4 * b * b);
    if (gradient) {
      gradient[2 * i] = -a;
      gradient[2 * i + 1] = -4 * b;
    }
  }
  return 0;
}

/// Half the squared length of the parameters: its gradient is the parameters.
int evaluateLoss(void *, const flowc_model *model, const flowc_batch *, double *loss, double *gradient) {
  int64_t count = flowc_model_num_trainable(model);
  flowc_error *error = flowc_model_get_trainable(model, flowc_out_f64(gradient, count, 1));
  bool failed = error != nullptr;
  flowc_error_free(error);
  *loss = 0;
  for (int64_t i = 0; i < count; ++i)
    *loss += 0.5 * gradient[i] * gradient[i];
  return failed;
}

class CApiTraining : public testing::Test {
protected:
  Rows<float> x = Random(7).normals<float>(300, 2);
  Model model = makeModel(kFlow, F32), expected = model;
};

} // namespace

TEST_F(CApiTraining, DefaultsAreThoseOfCpp) {
  auto data = defaults(FLOWC_LOOP_DATA), target = defaults(FLOWC_LOOP_TARGET), steps = defaults(FLOWC_LOOP_OPTIMIZE);
  EXPECT_EQ(data.max_epochs, FitOptions().maxEpochs);
  EXPECT_EQ(data.batch_size, FitOptions().batchSize);
  EXPECT_EQ(target.steps, TargetOptions().steps);
  EXPECT_EQ(target.learning_rate, TargetOptions().learningRate);
  EXPECT_EQ(target.clip_norm, 10);
  EXPECT_EQ(steps.steps, OptimizeOptions().maxIters);
  EXPECT_EQ(steps.checkpoint_seconds, CheckpointOptions().seconds);
}

TEST_F(CApiTraining, OnData) {
  struct Seen {
    std::vector<double> train;
    int64_t steps = 0;
  } seen;
  const char *patterns[] = {"*bias*"};
  auto options = defaults(FLOWC_LOOP_DATA);
  options.max_epochs = 4;
  options.learning_rate = 0.01;
  options.batch_size = 30;
  options.seed = 3;
  options.optimizer = "adam:beta1=0.8";
  options.schedule = "cosine";
  options.clip_norm = 5;
  options.freeze = patterns;
  options.num_freeze = 1;
  options.user_data = &seen;
  options.on_round = [](void *data, int64_t, double train, double) {
    static_cast<Seen *>(data)->train.push_back(train);
    return 0;
  };
  options.interrupted = [](void *data) {
    ++static_cast<Seen *>(data)->steps;
    return 0;
  };
  auto training = make<flowc_training>(flowc_fit_to_data, modelOf(model), in(x), flowc_no_input(), &options);
  FitOptions same{.learningRate = 0.01, .maxEpochs = 4, .batchSize = 30, .seed = 3};
  same.update.optimizer = Choice("adam", {{"beta1", 0.8}});
  same.update.schedule = "cosine";
  same.update.clipNorm = 5;
  same.update.freeze = {"*bias*"};
  FitResult result = take(fitToData(expected, x, same));
  EXPECT_EQ(model.trainable(), expected.trainable());
  ASSERT_EQ(flowc_training_num_rounds(training.get()), result.trainLosses.size());
  for (size_t i = 0; i < result.trainLosses.size(); ++i) {
    EXPECT_EQ(flowc_training_train_losses(training.get())[i], result.trainLosses[i]);
    EXPECT_EQ(flowc_training_val_losses(training.get())[i], result.valLosses[i]);
  }
  EXPECT_EQ(flowc_training_best_round(training.get()), result.bestEpoch);
  EXPECT_EQ(seen.train, result.trainLosses);
  EXPECT_GE(seen.steps, 4 * 9);
}

TEST_F(CApiTraining, CallbacksEndIt) {
  auto options = defaults(FLOWC_LOOP_DATA);
  options.on_round = [](void *, int64_t epoch, double, double) { return int(epoch == 2); };
  auto stopped = make<flowc_training>(flowc_fit_to_data, modelOf(model), in(x), flowc_no_input(), &options);
  EXPECT_EQ(flowc_training_num_rounds(stopped.get()), 2u);
  EXPECT_EQ(flowc_training_was_interrupted(stopped.get()), 0);
  options = defaults(FLOWC_LOOP_DATA);
  options.interrupted = [](void *) { return 1; };
  auto interrupted = make<flowc_training>(flowc_fit_to_data, modelOf(model), in(x), flowc_no_input(), &options);
  EXPECT_EQ(flowc_training_num_rounds(interrupted.get()), 0u);
  EXPECT_EQ(flowc_training_was_interrupted(interrupted.get()), 1);
}

TEST_F(CApiTraining, CallbacksHearOfRecoveries) {
  // Steps of this size leave the range of float32 sooner or later.
  std::vector<std::string> told;
  auto options = defaults(FLOWC_LOOP_DATA);
  options.learning_rate = 3e4;
  options.max_epochs = options.max_patience = 10;
  options.optimizer = "sgd";
  options.max_recoveries = 100;
  options.user_data = &told;
  options.on_recovery = [](void *data, const char *what) {
    static_cast<std::vector<std::string> *>(data)->emplace_back(what);
  };
  ASSERT_EQ(messageOf(flowc_fit_to_data(modelOf(model), in(x), flowc_no_input(), &options, nullptr)), "");
  EXPECT_THAT(told, testing::Contains(HasSubstr("with half the learning rate")));
}

TEST_F(CApiTraining, ObjectivesOfATextHaveTheNameOfItsFile) {
  auto options = defaults(FLOWC_LOOP_DATA);
  options.max_epochs = 2;
  options.objective_text = "objective o(q, x) = -mean(log_prob(q, x))";
  options.objective = "of a file: any name";
  ASSERT_EQ(messageOf(flowc_fit_to_data(modelOf(model), in(x), flowc_no_input(), &options, nullptr)), "");
  options.objective_text = "objective o(q, x) = -mean(log_prob(q, y))";
  EXPECT_THAT(messageOf(flowc_fit_to_data(modelOf(expected), in(x), flowc_no_input(), &options, nullptr)),
              HasSubstr("of a file: any name:1:"));
}

TEST_F(CApiTraining, ResumesFromCheckpoints) {
  TemporaryDirectory directory;
  std::string path = directory / "c.safetensors";
  auto options = defaults(FLOWC_LOOP_DATA);
  options.max_epochs = 2;
  options.checkpoint = path.c_str();
  ASSERT_EQ(messageOf(flowc_fit_to_data(modelOf(model), in(x), flowc_no_input(), &options, nullptr)), "");
  options.max_epochs = 4;
  options.checkpoint = nullptr;
  options.resume = path.c_str();
  Model resumed = expected;
  ASSERT_EQ(messageOf(flowc_fit_to_data(modelOf(resumed), in(x), flowc_no_input(), &options, nullptr)), "");
  options.resume = nullptr;
  ASSERT_EQ(messageOf(flowc_fit_to_data(modelOf(expected), in(x), flowc_no_input(), &options, nullptr)), "");
  EXPECT_EQ(resumed.trainable(), expected.trainable());
}

TEST_F(CApiTraining, StandardizedFlowsAreInUnitsOfData) {
  Rows<float> wide = 100 * x;
  wide.col(1).array() += 1000;
  auto flow = parseC(kFlow);
  auto inUnits = make<flowc_flow>(flowc_flow_standardize, flow.get(), in(wide), flowc_no_input());
  auto start = make<flowc_model>(flowc_model_init, inUnits.get(), FLOWC_F32, uint64_t(1));
  auto kernels = compileC(inUnits.get(), F32);
  Rows<float> draws(2000, 2);
  ASSERT_EQ(messageOf(flowc_sample(kernels.get(), start.get(), 1, 0, flowc_no_input(), out(draws))), "");
  EXPECT_NEAR(draws.col(1).mean(), 1000, 100); // of a deviation of 100, for initial parameters
  flowc_flow *none = nullptr;
  wide(7, 1) = NAN;
  EXPECT_THAT(messageOf(flowc_flow_standardize(flow.get(), in(wide), flowc_no_input(), &none)),
              HasSubstr("'x' has a number that is not finite, in row 7, column 1"));
  wide.setZero();
  EXPECT_NE(messageOf(flowc_flow_standardize(flow.get(), in(wide), flowc_no_input(), &none)), "");
}

TEST_F(CApiTraining, TowardsTargets) {
  auto density = make<flowc_flow>(flowc_flow_parse_density, kTarget, nullptr, nullptr);
  auto target = make<flowc_target>(flowc_target_from_density, density.get());
  EXPECT_EQ(flowc_target_get_dim(target.get()), 2);
  auto options = defaults(FLOWC_LOOP_TARGET);
  options.steps = 100;
  options.batch_size = 32;
  options.seed = 2;
  auto training = make<flowc_training>(flowc_fit_to_target, modelOf(model), target.get(), &options);
  TargetResult result =
      take(fitToTarget(expected, take(Flow::parseDensity(kTarget)), {.steps = 100, .numSamples = 32, .seed = 2}));
  EXPECT_EQ(model.trainable(), expected.trainable());
  ASSERT_EQ(flowc_training_num_steps(training.get()), result.statistics.size());
  EXPECT_EQ(flowc_training_step(training.get(), 5)->loss, result.statistics[5].loss);
  EXPECT_EQ(flowc_training_num_rounds(training.get()), result.trainLosses.size());

  // The same target as code leads to about the same place.
  int calls = 0;
  auto code = make<flowc_target>(flowc_target_from_function, "t", int64_t(2), 0, evaluateTarget, &calls);
  auto flow = parseC(kFlow);
  auto start = make<flowc_model>(flowc_model_init_towards, flow.get(), FLOWC_F32, code.get(), nullptr);
  EXPECT_GT(calls, 0);
  auto fitted = make<flowc_training>(flowc_fit_to_target, start.get(), code.get(), &options);
  // -log Z = -log(2 pi / 2)
  EXPECT_NEAR(flowc_training_step(fitted.get(), 99)->loss, -std::log(M_PI), 0.3);
}

TEST_F(CApiTraining, CodeThatFails) {
  auto fails = [](void *, const double *, int64_t, double *, double *) { return 17; };
  auto target = make<flowc_target>(flowc_target_from_function, "broken", int64_t(2), 0, +fails, nullptr);
  EXPECT_THAT(messageOf(flowc_fit_to_target(modelOf(model), target.get(), nullptr, nullptr)),
              HasSubstr("the target 'broken' failed: it returned 17"));
  flowc_target *none = nullptr;
  EXPECT_THAT(messageOf(flowc_target_from_function("t", 0, 0, evaluateTarget, nullptr, &none)),
              HasSubstr("0 coordinates"));
}

TEST_F(CApiTraining, StartsTowardsTargetsHaveOptions) {
  auto density = make<flowc_flow>(flowc_flow_parse_density, kTarget, nullptr, nullptr);
  auto target = make<flowc_target>(flowc_target_from_density, density.get());
  auto flow = parseC(kFlow);
  auto options = defaults(FLOWC_LOOP_TARGET);
  options.num_freeze = 2;
  flowc_model *made = nullptr;
  EXPECT_THAT(messageOf(flowc_model_init_towards(flow.get(), FLOWC_F32, target.get(), &options, &made)),
              HasSubstr("'freeze' is a null pointer"));
  EXPECT_EQ(made, nullptr);
}

TEST_F(CApiTraining, ObjectivesGetTheRowsOfACall) {
  const void *seen = nullptr;
  auto look = [](void *data, const flowc_model *, const flowc_batch *batch, double *loss, double *) {
    *static_cast<const void **>(data) = batch->x;
    *loss = 0;
    return 0;
  };
  auto objective = make<flowc_objective>(flowc_objective_from_function, "look", +look, &seen);
  auto message = [&](flowc_input rows) {
    return messageOf(flowc_objective_value_and_gradient(objective.get(), modelOf(model), rows, flowc_no_input(), 300, 0,
                                                        0, nullptr, flowc_no_output()));
  };
  EXPECT_EQ(message(in(x)), "");
  EXPECT_EQ(seen, x.data());
  EXPECT_THAT(message(flowc_in_f32(x.data(), 200, 3)), HasSubstr("'x' has 200 rows of 3, expected 300 rows of 2"));
}

TEST_F(CApiTraining, AnyObjective) {
  auto objective = make<flowc_objective>(flowc_objective_from_function, "length", evaluateLoss, nullptr);
  std::vector<double> gradient(model.numTrainable());
  double loss = 0;
  flowc_input none = flowc_no_input();
  ASSERT_EQ(messageOf(flowc_objective_value_and_gradient(objective.get(), modelOf(model), none, none, 1, 0, 0, &loss,
                                                         flowc_out_f64(gradient.data(), std::ssize(gradient), 1))),
            "");
  EXPECT_EQ(gradient, model.trainable());
  auto options = defaults(FLOWC_LOOP_OPTIMIZE);
  options.steps = 50;
  options.learning_rate = 0.1;
  options.optimizer = "sgd";
  int64_t last = 0;
  options.user_data = &last;
  options.on_step = [](void *data, const flowc_step *step, const flowc_model *now) {
    EXPECT_EQ(flowc_flow_dim(flowc_model_flow(now)), 2);
    *static_cast<int64_t *>(data) = step->iteration;
    return int(step->iteration == 20);
  };
  auto training = make<flowc_training>(flowc_optimize, modelOf(model), objective.get(), &options);
  EXPECT_EQ(last, 20);
  EXPECT_EQ(flowc_training_num_steps(training.get()), 20u);
  EXPECT_EQ(flowc_training_has_converged(training.get()), 1);
  EXPECT_LT(flowc_training_step(training.get(), 19)->loss, 0.1 * loss);
}

TEST_F(CApiTraining, ObjectivesOfTheTable) {
  auto flow = parseC(kFlow);
  auto density = make<flowc_flow>(flowc_flow_parse_density, kTarget, nullptr, nullptr);
  flowc_compile_options options;
  flowc_compile_options_init(&options, sizeof(options));
  options.target = density.get();
  auto objective = make<flowc_objective>(flowc_objective_create, "renyi:alpha=0.5", flow.get(), &options);
  double loss = 0;
  flowc_input none = flowc_no_input();
  ASSERT_EQ(messageOf(flowc_objective_value_and_gradient(objective.get(), modelOf(model), none, none, 64, 3, 0, &loss,
                                                         flowc_no_output())),
            "");
  auto same = take(makeObjective(Choice("renyi", {{"alpha", 0.5}}), *capi::unwrap(flow.get()),
                                 {.dtype = F32, .target = take(Flow::parseDensity(kTarget))}));
  EXPECT_EQ(loss, take(valueAndGradient(*same, model, {.rows = 64, .seed = 3})).value);
  flowc_objective *made = nullptr;
  EXPECT_THAT(messageOf(flowc_objective_create("elbow", flow.get(), &options, &made)), HasSubstr("'elbo'"));
  EXPECT_THAT(messageOf(flowc_objective_value_and_gradient(objective.get(), modelOf(model), none, none, 0, 3, 0, &loss,
                                                           flowc_no_output())),
              HasSubstr("'n' is 0"));
}

TEST_F(CApiTraining, WrongOptions) {
  auto message = [&](auto change) {
    auto options = defaults(FLOWC_LOOP_DATA);
    change(options);
    Model before = model;
    std::string text = messageOf(flowc_fit_to_data(modelOf(model), in(x), flowc_no_input(), &options, nullptr));
    EXPECT_EQ(model.trainable(), before.trainable());
    return text;
  };
  using O = flowc_train_options &;
  EXPECT_THAT(message([](O o) { o.batch_size = 0; }), HasSubstr("batch size"));
  EXPECT_THAT(message([](O o) { o.val_prop = NAN; }), HasSubstr("val_prop"));
  EXPECT_THAT(message([](O o) { o.learning_rate = NAN; }), HasSubstr("learning rate"));
  EXPECT_THAT(message([](O o) { o.optimizer = "adan"; }), HasSubstr("'adam'"));
  EXPECT_THAT(message([](O o) { o.optimizer = "adam:"; }), HasSubstr("ends with a colon"));
  EXPECT_THAT(message([](O o) { o.schedule = "cosine:x=1"; }), HasSubstr("'x'"));
  EXPECT_THAT(message([](O o) { o.objective = "elbo"; }), HasSubstr("elbo"));
  EXPECT_THAT(message([](O o) { o.num_freeze = 2; }), HasSubstr("'freeze' is a null pointer"));
  EXPECT_THAT(message([](O o) { o.resume = "/no/file"; }), HasSubstr("/no/file"));
  EXPECT_THAT(message([](O o) { o.threads = -2; }), HasSubstr("threads"));
  EXPECT_THAT(message([](O o) { o.clip_norm = NAN; }), HasSubstr("norm"));
  EXPECT_THAT(message([](O o) { o.max_epochs = -1; }), HasSubstr("epochs"));
  EXPECT_THAT(
      messageOf(flowc_fit_to_data(modelOf(model), flowc_in_f32(x.data(), 100, 3), flowc_no_input(), nullptr, nullptr)),
      HasSubstr("'x' has 100 rows of 3, expected rows of 2"));
  Rows<double> wide = x.cast<double>();
  EXPECT_THAT(messageOf(flowc_fit_to_data(modelOf(model), in(wide), flowc_no_input(), nullptr, nullptr)),
              HasSubstr("expected float32, the type of the model"));
}

TEST_F(CApiTraining, FromATable) {
  struct Seen {
    int calls = 0;
  } seen;
  flowc_fit_table_options options;
  flowc_fit_table_options_init(&options, sizeof(options));
  EXPECT_EQ(options.seconds, 60);
  options.steps = 100;
  options.seed = 4;
  options.user_data = &seen;
  options.progress = [](void *data, const char *, double) { ++static_cast<Seen *>(data)->calls; };
  flowc_model *fitted = nullptr;
  flowc_training *training = nullptr;
  ASSERT_EQ(messageOf(flowc_fit_table(in(x), flowc_no_input(), &options, &fitted, &training)), "");
  Own<flowc_model> ownModel(fitted);
  Own<flowc_training> ownTraining(training);
  auto same = take(fitTable({.x = {x.data(), x.rows(), x.cols()}, .condition = {}}, {.steps = 100, .seed = 4}));
  EXPECT_EQ(capi::unwrap(fitted)->trainable(), same.model.trainable());
  EXPECT_THAT(flowc_training_record(training), HasSubstr("search"));
  EXPECT_GT(seen.calls, 0);
  const char *names[] = {"length", nullptr};
  options.names = names;
  EXPECT_THAT(messageOf(flowc_fit_table(in(x), flowc_no_input(), &options, &fitted, nullptr)),
              HasSubstr("'names' has a null pointer for column 1 (from 0)"));
  names[1] = "mass";
  ASSERT_EQ(messageOf(flowc_fit_table(in(x), flowc_no_input(), &options, &fitted, &training)), "");
  ownModel.reset(fitted);
  ownTraining.reset(training);
  EXPECT_THAT(flowc_training_record(training), HasSubstr(R"("columns":["length","mass"])"));
  x(3, 1) = INFINITY;
  EXPECT_THAT(messageOf(flowc_fit_table(in(x), flowc_no_input(), &options, &fitted, nullptr)),
              HasSubstr("'x' has a number that is not finite, in row 3, column 1"));
  EXPECT_EQ(fitted, nullptr);
}

//===----------------------------------------------------------------------===//
// Columns as they are
//===----------------------------------------------------------------------===//

namespace {
/// A file with whole numbers, a category, bounds and cells without a value, and its options.
class CApiTables : public testing::Test {
protected:
  void SetUp() override {
    std::ofstream file(path());
    file << "count,kind,share,group\n";
    for (int i = 0; i < 60; ++i) {
      file << i * 7 % 13 << (i % 3 ? ",plain," : ",rare,");
      file << (i % 10 == 4 ? "" : std::to_string(0.01 + i * 0.37 - std::floor(i * 0.37))) << "," << i % 2 << "\n";
    }
    flowc_table_options_init(&table, sizeof(table));
    table.condition_columns = conditions;
    table.num_condition_columns = 1;
    table.missing = FLOWC_MISSING_INDICATOR;
    flowc_fit_table_options_init(&fit, sizeof(fit));
    fit.steps = 30;
    fit.dtype = -1;
  }
  std::string path() const { return directory / "x.csv"; }
  std::string fitMessage() {
    flowc_model *result = nullptr;
    std::string message = messageOf(flowc_fit_file(path().c_str(), &table, &fit, &result, nullptr));
    flowc_model_free(result);
    return message;
  }

  TemporaryDirectory directory;
  const char *conditions[1] = {"group"};
  flowc_table_options table;
  flowc_fit_table_options fit;
};
} // namespace

TEST_F(CApiTables, AreFittedReadAndWrittenAsTheyAre) {
  flowc_model *result = nullptr;
  flowc_training *training = nullptr;
  ASSERT_EQ(messageOf(flowc_fit_file(path().c_str(), &table, &fit, &result, &training)), "");
  Own<flowc_model> model(result);
  Own<flowc_training> ownTraining(training);
  const char *record = flowc_training_record(training);
  auto events = make<flowc_table>(flowc_table_from_record, record, 0);
  // A number each, and whether there is a share.
  ASSERT_EQ(flowc_table_width(events.get()), 4);
  EXPECT_EQ(flowc_flow_dim(flowc_model_flow(model.get())), 4);
  EXPECT_THAT(flowc_table_describe(events.get()), AllOf(HasSubstr("count"), HasSubstr("rare")));

  Rows<double> numbers(60, 4);
  ASSERT_EQ(messageOf(flowc_table_read(events.get(), path().c_str(), out(numbers))), "");
  const std::string copy = directory / "copy.csv";
  ASSERT_EQ(messageOf(flowc_table_write(events.get(), in(numbers), copy.c_str())), "");
  Rows<double> again(60, 4);
  ASSERT_EQ(messageOf(flowc_table_read(events.get(), copy.c_str(), out(again))), "");
  EXPECT_LT((numbers - again).cwiseAbs().maxCoeff(), 1e-12);

  Rows<double> few(59, 4), many(61, 4);
  EXPECT_THAT(messageOf(flowc_table_read(events.get(), path().c_str(), out(few))), HasSubstr("has more rows"));
  EXPECT_THAT(messageOf(flowc_table_read(events.get(), path().c_str(), out(many))), HasSubstr("has 60 rows"));
  EXPECT_THAT(messageOf(flowc_table_read(events.get(), "nowhere.csv", out(numbers))), HasSubstr("nowhere.csv"));
  flowc_table *none = nullptr;
  EXPECT_THAT(messageOf(flowc_table_from_record("", 0, &none)), HasSubstr("tells of no columns of events"));
  EXPECT_EQ(none, nullptr);
}

TEST_F(CApiTables, WrongOptionsHaveMessages) {
  flowc_column known = {"shar", 0, 1, FLOWC_COLUMN_ANY, 0};
  table.num_known = 1;
  EXPECT_THAT(fitMessage(), HasSubstr("'known' is null, but 'num_known' is 1"));
  table.known = &known;
  EXPECT_THAT(fitMessage(), HasSubstr("has no column 'shar', which 'known' names"));
  known.name = "share";
  known.upper = 0;
  EXPECT_THAT(fitMessage(), HasSubstr("has bounds between which there are no values"));
  known.upper = 2;
  known.kind = 9;
  EXPECT_THAT(fitMessage(), HasSubstr("has the kind 9"));
  known.kind = FLOWC_COLUMN_REAL;
  table.missing = 3;
  EXPECT_THAT(fitMessage(), HasSubstr("'missing' is 3"));
  table.missing = FLOWC_MISSING_ERROR;
  EXPECT_THAT(fitMessage(), HasSubstr("share"));
  table.missing = FLOWC_MISSING_DROP;
  fit.dtype = 7;
  EXPECT_THAT(fitMessage(), HasSubstr("there is no element type 7"));
}
