//===- CApiTest.cpp - The C interface gives the bits of the C++ one -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CApiTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Frontend/Vocabulary.h"

#include <cstddef>
#include <thread>

using namespace flowc;
using namespace flowc::test;
using testing::HasSubstr;

namespace {

constexpr const char *kFlow = "flow f = coupling_flow(standard_normal([3]), cond_dim = 2, nn_width = 3, "
                              "flow_layers = 2, invert = false)";
constexpr const char *kPlain = "flow g = coupling_flow(standard_normal([3]), nn_width = 3, flow_layers = 2)";
constexpr const char *kTarget = "density t(x[3]) = -0.5*sum((x - 1)^2) - 0.1*x[0]^4";

template <typename T>
class CApi : public testing::Test {
protected:
  static constexpr DType dtype = dtypeOf<T>;
  static constexpr int64_t rows = 37;

  Model model = makeModel(kFlow, dtype);
  Own<flowc_flow> target = make<flowc_flow>(flowc_flow_parse_density, kTarget, nullptr, nullptr);
  Own<flowc_kernels> handle = compileC(capi::wrap<const flowc_flow>(&model.flow()), dtype, target.get());
  Kernels &kernels = **capi::unwrap(handle.get());
  const flowc_model *m = modelOf(model);
  Rows<T> x = Random(1).normals<T>(rows, 3), c = Random(2).normals<T>(rows, 2);
  Rows<T> cotY = Random(3).normals<T>(rows, 3);
  Column<T> cot = Random(4).normals<T>(rows, 1);
  std::vector<double> gradient = std::vector<double>(model.numTrainable());

  flowc_output outGradient() { return flowc_out_f64(gradient.data(), 1, std::ssize(gradient)); }
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(CApi, Types);

/// Arrays of a kernel, filled with noise.
template <typename T>
std::vector<Rows<T>> arraysOf(const flowc_kernels *kernels, const char *kernel, flowc_array_role role, int64_t rows) {
  size_t count = 0;
  EXPECT_EQ(messageOf(flowc_kernels_num_arrays(kernels, kernel, role, &count)), "");
  std::vector<Rows<T>> arrays;
  for (size_t i = 0; i < count; ++i) {
    int64_t columns = 0;
    EXPECT_EQ(messageOf(flowc_kernels_array(kernels, kernel, role, i, nullptr, &columns)), "");
    arrays.push_back(Random(10 * i + role).normals<T>(rows, columns));
  }
  return arrays;
}

} // namespace

TYPED_TEST(CApi, EveryKernelOfTheTable) {
  using T = TypeParam;
  ASSERT_EQ(flowc_num_kernels(), std::size(kKernels));
  std::vector<double> direction(this->gradient.size(), 0.01);
  for (size_t k = 0; k < flowc_num_kernels(); ++k) {
    const char *name = flowc_kernel_name(k);
    SCOPED_TRACE(name);
    const KernelSpec &spec = kKernels[k];
    auto inputs = arraysOf<T>(this->handle.get(), name, FLOWC_INPUT, this->rows);
    auto outputs = arraysOf<T>(this->handle.get(), name, FLOWC_OUTPUT, this->rows), expected = outputs;
    Kernels::Call call{.kernel = spec.kernel, .rows = this->rows, .first = 5, .seed = 3};
    std::vector<flowc_input> in;
    std::vector<flowc_output> out;
    for (auto &array : inputs) {
      in.push_back(test::in(array));
      call.inputs.push_back(array.data());
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      out.push_back(test::out(outputs[i]));
      call.outputs.push_back(expected[i].data());
    }
    flowc_run_options options;
    flowc_run_options_init(&options, sizeof(options));
    options.seed = 3;
    options.first = 5;
    double loss = 0, expectedLoss = 0;
    std::vector<double> expectedGradient(this->gradient.size());
    if (spec.hasSum()) {
      options.loss = &loss;
      options.gradient = this->outGradient();
      call.loss = &expectedLoss;
      call.gradient = expectedGradient.data();
    }
    if (spec.tangent == Derivative::Params) {
      options.tangent = flowc_in_f64(direction.data(), std::ssize(direction), 1);
      call.tangent = direction;
    }
    ASSERT_EQ(
        messageOf(flowc_run(this->handle.get(), this->m, name, in.data(), in.size(), out.data(), out.size(), &options)),
        "");
    ASSERT_TRUE(this->kernels.run(this->model, call));
    for (size_t i = 0; i < outputs.size(); ++i)
      EXPECT_TRUE(isSameBits(outputs[i], expected[i])) << "output " << i;
    if (!spec.hasSum())
      continue;
    EXPECT_EQ(loss, expectedLoss);
    EXPECT_EQ(this->gradient, expectedGradient);
    EXPECT_TRUE(std::ranges::any_of(this->gradient, [](double value) { return value != 0; }));
  }
}

TYPED_TEST(CApi, FunctionsOfCommonKernels) {
  using T = TypeParam;
  const flowc_kernels *k = this->handle.get();
  Kernels &kernels = this->kernels;
  const Model &model = this->model;
  Rows<T> y(this->rows, 3);
  Column<T> number(this->rows);
  auto none = flowc_no_output();

  ASSERT_EQ(messageOf(flowc_log_prob(k, this->m, in(this->x), in(this->c), out(number))), "");
  EXPECT_TRUE(isSameBits(number, take(kernels.template logProb<T>(model, this->x, this->c))));

  ASSERT_EQ(messageOf(flowc_sample(k, this->m, 9, 4, in(this->c), out(y))), "");
  EXPECT_TRUE(isSameBits(y, take(kernels.template sample<T>(model, this->rows, 9, this->c, 4))));

  ASSERT_EQ(messageOf(flowc_sample_and_log_prob(k, this->m, 9, 4, in(this->c), out(y), out(number))), "");
  auto drawn = take(kernels.template sampleAndLogProb<T>(model, this->rows, 9, this->c, 4));
  EXPECT_TRUE(isSameBits(y, drawn.first) && isSameBits(number, drawn.second));

  ASSERT_EQ(messageOf(flowc_transform(k, this->m, in(this->x), in(this->c), out(y), out(number))), "");
  auto mapped = take(kernels.template transform<T>(model, this->x, this->c));
  EXPECT_TRUE(isSameBits(y, mapped.first) && isSameBits(number, mapped.second));

  ASSERT_EQ(messageOf(flowc_inverse(k, this->m, in(this->x), in(this->c), out(y), out(number))), "");
  auto inverse = take(kernels.template inverse<T>(model, this->x, this->c));
  EXPECT_TRUE(isSameBits(y, inverse.first) && isSameBits(number, inverse.second));

  ASSERT_EQ(messageOf(flowc_push(k, this->m, in(this->x), in(this->c), out(y), out(number))), "");
  auto pushed = take(kernels.template push<T>(model, this->x, this->c));
  EXPECT_TRUE(isSameBits(y, pushed.first) && isSameBits(number, pushed.second));

  Rows<T> z(this->rows, 3);
  ASSERT_EQ(messageOf(flowc_to_base(k, this->m, in(y), in(this->c), out(z))), "");
  EXPECT_LT((z - this->x).cwiseAbs().maxCoeff(), 1e-3);

  ASSERT_EQ(messageOf(flowc_score(k, this->m, in(this->x), in(this->c), out(y))), "");
  EXPECT_TRUE(isSameBits(y, take(kernels.template score<T>(model, this->x, this->c))));

  // What is not wanted is left out.
  Rows<T> alone(this->rows, 3);
  ASSERT_EQ(messageOf(flowc_transform(k, this->m, in(this->x), in(this->c), out(alone), none)), "");
  EXPECT_TRUE(isSameBits(alone, mapped.first));
}

TYPED_TEST(CApi, Gradients) {
  using T = TypeParam;
  const flowc_kernels *k = this->handle.get();
  double loss = 0;
  auto expect = [&](const std::pair<double, std::vector<double>> &expected) {
    EXPECT_EQ(loss, expected.first);
    EXPECT_EQ(this->gradient, expected.second);
  };
  ASSERT_EQ(messageOf(flowc_nll_gradient(k, this->m, in(this->x), in(this->c), &loss, this->outGradient())), "");
  expect(take(this->kernels.template nllValueAndGradient<T>(this->model, this->x, this->c)));
  for (int stl : {0, 1}) {
    ASSERT_EQ(messageOf(flowc_elbo_gradient(k, this->m, in(this->x), in(this->c), stl, &loss, this->outGradient())),
              "");
    expect(take(this->kernels.template elboValueAndGradient<T>(this->model, this->x, this->c, stl)));
  }
  // In the kernels' own type, without the loss.
  Column<T> raw(std::ssize(this->gradient));
  ASSERT_EQ(messageOf(flowc_nll_gradient(k, this->m, in(this->x), in(this->c), nullptr, out(raw))), "");
  ASSERT_EQ(messageOf(flowc_nll_gradient(k, this->m, in(this->x), in(this->c), nullptr, this->outGradient())), "");
  for (int64_t i = 0; i < raw.size(); ++i)
    EXPECT_EQ(double(raw(i)), this->gradient[i]);
}

TYPED_TEST(CApi, PullBacks) {
  using T = TypeParam;
  const flowc_kernels *k = this->handle.get();
  Rows<T> inputs(this->rows, 3), cond(this->rows, 2);
  auto expect = [&](const PullBack<T> &expected) {
    EXPECT_EQ(this->gradient, expected.parameters);
    EXPECT_TRUE(isSameBits(inputs, expected.inputs));
    EXPECT_TRUE(isSameBits(cond, expected.condition));
  };
  PullBackOptions all{.parameters = true, .inputs = true, .condition = true};
  this->cot(3) = 0;
  ASSERT_EQ(messageOf(flowc_pull_back_log_prob(k, this->m, in(this->x), in(this->c), in(this->cot), this->outGradient(),
                                               out(inputs), out(cond))),
            "");
  expect(take(this->kernels.template pullBackLogProb<T>(this->model, this->x, this->cot, this->c, all)));
  ASSERT_EQ(messageOf(flowc_pull_back_push(k, this->m, in(this->x), in(this->c), in(this->cotY), in(this->cot),
                                           this->outGradient(), out(inputs), out(cond))),
            "");
  expect(take(this->kernels.template pullBackPush<T>(this->model, this->x, this->cotY, this->cot, this->c, all)));

  ASSERT_EQ(messageOf(flowc_pull_back_sample(k, this->m, 9, 4, in(this->c), in(this->cotY), in(this->cot),
                                             this->outGradient())),
            "");
  EXPECT_EQ(this->gradient,
            take(this->kernels.template pullBackSample<T>(this->model, 9, this->cotY, this->cot, this->c, 4)));

  // (C++ has no function for `transform`: its kernels.)
  ASSERT_EQ(messageOf(flowc_pull_back_transform(k, this->m, in(this->x), in(this->c), in(this->cotY), in(this->cot),
                                                flowc_no_output(), out(inputs), flowc_no_output())),
            "");
  Rows<T> expected(this->rows, 3);
  ASSERT_TRUE(
      this->kernels.run(this->model, {.kernel = Kernel::VjpInputs,
                                      .inputs = {this->x.data(), this->c.data(), this->cotY.data(), this->cot.data()},
                                      .outputs = {expected.data()},
                                      .rows = this->rows}));
  EXPECT_TRUE(isSameBits(inputs, expected));
}

TYPED_TEST(CApi, OneConditionServesAllRows) {
  using T = TypeParam;
  Rows<T> one = this->c.topRows(1);
  Column<T> number(this->rows);
  ASSERT_EQ(messageOf(flowc_log_prob(this->handle.get(), this->m, in(this->x), in(one), out(number))), "");
  EXPECT_TRUE(isSameBits(number, take(this->kernels.template logProb<T>(this->model, this->x, one))));
}

TYPED_TEST(CApi, NoRows) {
  using T = TypeParam;
  flowc_input x = in(this->x), c = in(this->c);
  x.rows = c.rows = 0;
  x.data = c.data = nullptr;
  flowc_output y{nullptr, 0, 3, dtypeOf<T> == F32 ? FLOWC_F32 : FLOWC_F64, 0};
  EXPECT_EQ(messageOf(flowc_score(this->handle.get(), this->m, x, c, y)), "");
  EXPECT_THAT(messageOf(flowc_nll_gradient(this->handle.get(), this->m, x, c, nullptr, this->outGradient())),
              HasSubstr("no mean over 0 rows"));
}

//===----------------------------------------------------------------------===//
// Flows and models
//===----------------------------------------------------------------------===//

TEST(CApiFlow, Description) {
  auto flow = parseC(kFlow);
  size_t rank = 0;
  EXPECT_EQ(flowc_flow_get_kind(flow.get()), FLOWC_DISTRIBUTION);
  EXPECT_STREQ(flowc_flow_name(flow.get()), "f");
  EXPECT_STREQ(flowc_flow_text(flow.get()), kFlow);
  EXPECT_EQ(flowc_flow_dim(flow.get()), 3);
  EXPECT_EQ(flowc_flow_shape(flow.get(), &rank)[0], 3);
  EXPECT_EQ(rank, 1u);
  EXPECT_EQ(flowc_flow_cond_dim(flow.get()), 2);
  EXPECT_EQ(flowc_flow_cond_shape(flow.get(), &rank)[0], 2);
  EXPECT_EQ(rank, 1u);
  auto plain = make<flowc_flow>(flowc_flow_parse,
                                "bijection b = affine(zeros([2, 4]), ones([2, 4]))\nflow n = normal()", "b", nullptr);
  EXPECT_EQ(flowc_flow_get_kind(plain.get()), FLOWC_BIJECTION);
  EXPECT_EQ(flowc_flow_dim(plain.get()), 8);
  EXPECT_EQ(flowc_flow_shape(plain.get(), &rank)[1], 4);
  EXPECT_EQ(rank, 2u);
  EXPECT_EQ(flowc_flow_cond_shape(plain.get(), &rank), nullptr);
  EXPECT_EQ(rank, 0u);
  auto density = make<flowc_flow>(flowc_flow_parse_density, kTarget, nullptr, nullptr);
  EXPECT_EQ(flowc_flow_get_kind(density.get()), FLOWC_DENSITY);
  auto copy = make<flowc_flow>(flowc_flow_copy, flow.get());
  flow.reset();
  EXPECT_STREQ(flowc_flow_name(copy.get()), "f");
}

TEST(CApiModel, ParametersByName) {
  auto flow = parseC("flow f = transformed(standard_normal([3]), chain([affine(zeros(3), ones(3)), permute([2, 0, 1]), "
                     "non_trainable(loc([1, 2, 3]))]))");
  auto model = make<flowc_model>(flowc_model_init, flow.get(), FLOWC_F32, uint64_t(1));
  const Model &same = *capi::unwrap(model.get());
  EXPECT_EQ(flowc_model_dtype(model.get()), FLOWC_F32);
  ASSERT_EQ(flowc_model_num_parameters(model.get()), same.parameters().size());
  EXPECT_EQ(flowc_model_num_trainable(model.get()), same.numTrainable());
  int numIntegers = 0, numFrozen = 0;
  for (size_t i = 0; i < same.parameters().size(); ++i) {
    const ParameterInfo &info = same.parameters()[i];
    size_t found = 0, rank = 0;
    ASSERT_EQ(messageOf(flowc_model_find_parameter(model.get(), info.path.c_str(), &found)), "");
    EXPECT_EQ(found, i);
    EXPECT_EQ(flowc_model_parameter_name(model.get(), i), info.path);
    const int64_t *shape = flowc_model_parameter_shape(model.get(), i, &rank);
    EXPECT_EQ(std::vector<int64_t>(shape, shape + rank), info.shape);
    EXPECT_EQ(flowc_model_parameter_size(model.get(), i), 3);
    EXPECT_EQ(flowc_model_parameter_is_trainable(model.get(), i), info.trainable);
    EXPECT_EQ(flowc_model_parameter_is_integer(model.get(), i), info.integer);
    numIntegers += info.integer;
    numFrozen += !info.trainable && !info.integer;
    // Both types, both ways.
    float narrow[3];
    double wide[3];
    ASSERT_EQ(messageOf(flowc_model_get_parameter(model.get(), i, flowc_out_f32(narrow, 3, 1))), "");
    ASSERT_EQ(messageOf(flowc_model_get_parameter(model.get(), i, flowc_out_f64(wide, 1, 3))), "");
    EXPECT_EQ(std::vector<double>(wide, wide + 3), same.values(i));
    EXPECT_EQ(std::vector<double>(narrow, narrow + 3), same.values(i));
    if (info.integer)
      continue;
    std::swap(narrow[0], narrow[1]);
    ASSERT_EQ(messageOf(flowc_model_set_parameter(model.get(), i, flowc_in_f32(narrow, 3, 1))), "");
    EXPECT_EQ(same.values(i)[0], wide[1]);
    ASSERT_EQ(messageOf(flowc_model_set_parameter(model.get(), i, flowc_in_f64(wide, 3, 1))), "");
    EXPECT_EQ(std::vector<double>(wide, wide + 3), same.values(i));
  }
  EXPECT_EQ(numIntegers, 2); // The permutation and its inverse.
  EXPECT_EQ(numFrozen, 1);
  size_t i;
  EXPECT_THAT(messageOf(flowc_model_find_parameter(model.get(), "nothing", &i)), HasSubstr("2: there is no parameter"));
}

TEST(CApiModel, PermutationsAreWrittenWithTheirInverse) {
  auto flow = parseC("flow f = transformed(standard_normal([3]), permute([2, 0, 1]))");
  auto model = make<flowc_model>(flowc_model_init, flow.get(), FLOWC_F64, uint64_t(1));
  double cycle[] = {1, 2, 0}, back[] = {2, 0, 1}, flip[] = {2, 1, 0}, twice[] = {0, 0, 1}, beyond[] = {0, 1, 3};
  auto write = [&](const double *forward, const double *inverse) {
    size_t which[] = {0, 1};
    flowc_input values[] = {flowc_in_f64(forward, 3, 1), flowc_in_f64(inverse, 3, 1)};
    return messageOf(flowc_model_set_parameters(model.get(), 2, which, values));
  };
  std::vector<double> before = capi::unwrap(model.get())->values(0);
  EXPECT_THAT(messageOf(flowc_model_set_parameter(model.get(), 0, flowc_in_f64(flip, 3, 1))), HasSubstr("inverse"));
  EXPECT_THAT(write(twice, twice), HasSubstr("twice"));
  EXPECT_THAT(write(beyond, beyond), HasSubstr("holds 3, expected numbers from 0 to 2"));
  EXPECT_THAT(write(cycle, flip), HasSubstr("not the inverse"));
  EXPECT_EQ(capi::unwrap(model.get())->values(0), before);
  EXPECT_EQ(write(cycle, back), "");
  EXPECT_EQ(write(flip, flip), "");
  EXPECT_EQ(capi::unwrap(model.get())->values(0), std::vector<double>(flip, flip + 3));
  size_t none = 0;
  flowc_input nothing = flowc_no_input();
  EXPECT_THAT(messageOf(flowc_model_set_parameters(model.get(), 1000, &none, &nothing)), HasSubstr("'count' is 1000"));
}

TEST(CApiModel, TrainableParametersAreFlat) {
  Model model = makeModel(kPlain, F64);
  std::vector<double> values(model.numTrainable()), twice;
  auto all = [](std::vector<double> &array) { return flowc_out_f64(array.data(), std::ssize(array), 1); };
  ASSERT_EQ(messageOf(flowc_model_get_trainable(modelOf(model), all(values))), "");
  EXPECT_EQ(values, model.trainable());
  for (double value : values)
    twice.push_back(2 * value);
  ASSERT_EQ(messageOf(flowc_model_set_trainable(modelOf(model), flowc_in_f64(twice.data(), std::ssize(twice), 1))), "");
  EXPECT_EQ(twice, model.trainable());
}

TEST(CApiModel, Files) {
  TemporaryDirectory directory;
  Model model = makeModel(kFlow, F64);
  std::string path = directory / "m.safetensors";
  ASSERT_EQ(messageOf(flowc_model_save(modelOf(model), path.c_str(), "{\"rows\": 7}")), "");
  auto loaded = make<flowc_model>(flowc_model_load, path.c_str(), nullptr);
  EXPECT_EQ(capi::unwrap(loaded.get())->trainable(), model.trainable());
  EXPECT_THAT(flowc_model_record(loaded.get()), HasSubstr("7"));
  auto narrow = make<flowc_model>(flowc_model_astype, loaded.get(), FLOWC_F32);
  EXPECT_EQ(capi::unwrap(narrow.get())->trainable(), model.astype(F32).trainable());
  auto copy = make<flowc_model>(flowc_model_copy, narrow.get());
  narrow.reset();
  EXPECT_STREQ(flowc_flow_name(flowc_model_flow(copy.get())), "f");
  // What has no place in float32 is refused.
  std::vector<double> large(model.numTrainable(), 1e300);
  ASSERT_TRUE(model.setTrainable(large));
  flowc_model *none = nullptr;
  EXPECT_THAT(messageOf(flowc_model_astype(modelOf(model), FLOWC_F32, &none)), HasSubstr("infinite"));
  EXPECT_EQ(none, nullptr);
}

TEST(CApiModel, ImportsEquinoxFiles) {
  std::string folder = FLOWC_GOLDEN_DIR "/coupling_d5_cond3/";
  auto flow = parseC(TemporaryDirectory::read(folder + "model.flow"));
  auto model = make<flowc_model>(flowc_model_import_equinox, flow.get(), (folder + "model.eqx").c_str());
  Model expected = take(Model::importEquinox(*capi::unwrap(flow.get()), folder + "model.eqx"));
  EXPECT_EQ(capi::unwrap(model.get())->trainable(), expected.trainable());
}

//===----------------------------------------------------------------------===//
// Threads and layout
//===----------------------------------------------------------------------===//

TEST(CApiThreads, EveryThreadMakesRunsAndFreesItsOwn) {
  constexpr int count = 8;
  Rows<float> x = Random(1).normals<float>(200, 3);
  auto everything = [&](int i) {
    std::string text = "flow f = coupling_flow(standard_normal([3]), nn_width = " + std::to_string(2 + i % 2) + ")";
    auto flow = parseC(text);
    auto model = make<flowc_model>(flowc_model_init, flow.get(), FLOWC_F32, uint64_t(i));
    auto kernels = compileC(flow.get(), F32);
    Rows<float> scores(200, 3);
    EXPECT_EQ(messageOf(flowc_score(kernels.get(), model.get(), in(x), flowc_no_input(), out(scores))), "");
    flowc_flow *none = nullptr;
    std::string name = "nothing" + std::to_string(i);
    EXPECT_THAT(messageOf(flowc_flow_parse(("flow f = " + name + "()").c_str(), nullptr, nullptr, &none)),
                HasSubstr(name));
    return scores;
  };
  std::vector<Rows<float>> alone(count), together(count);
  for (int i = 0; i < count; ++i)
    alone[i] = everything(i);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] { together[i] = everything(i); });
  for (std::thread &thread : threads)
    thread.join();
  for (int i = 0; i < count; ++i)
    EXPECT_TRUE(isSameBits(alone[i], together[i])) << i;
}

// A program that writes texts can know what there is to write.
TEST(CApiVocabulary, IsThatOfTheTables) {
  ASSERT_EQ(flowc_num_constructors(), constructorNames().size());
  for (size_t i = 0; i < flowc_num_constructors(); ++i) {
    Signature signature = *describeConstructor(constructorNames()[i]);
    EXPECT_EQ(flowc_constructor_name(i), signature.name);
    EXPECT_EQ(flowc_constructor_documentation(i), signature.documentation);
    ASSERT_EQ(flowc_constructor_num_arguments(i), signature.arguments.size());
    for (size_t j = 0; j < signature.arguments.size(); ++j) {
      const char *fallback = flowc_constructor_default(i, j);
      EXPECT_EQ(flowc_constructor_argument(i, j), signature.arguments[j].name);
      EXPECT_EQ(fallback ? std::optional<std::string>(fallback) : std::nullopt, signature.arguments[j].fallback);
    }
    EXPECT_STREQ(flowc_constructor_argument(i, signature.arguments.size()), "");
    EXPECT_EQ(flowc_constructor_default(i, signature.arguments.size()), nullptr);
  }
  EXPECT_STREQ(flowc_constructor_name(flowc_num_constructors()), "");
  EXPECT_STREQ(flowc_constructor_documentation(flowc_num_constructors()), "");
  EXPECT_EQ(flowc_constructor_num_arguments(flowc_num_constructors()), 0u);
  ASSERT_EQ(flowc_num_activations(), activationNames().size());
  for (size_t i = 0; i < flowc_num_activations(); ++i)
    EXPECT_EQ(flowc_activation_name(i), activationNames()[i]);
  EXPECT_STREQ(flowc_activation_name(flowc_num_activations()), "");
}

TEST(CApiVocabulary, TextsAreFormatted) {
  Own<flowc_flow> flow = parseC("bijection b=exp([2])\nflow f=transformed( standard_normal([2]),b)");
  Own<flowc_flow> formatted = make<flowc_flow>(flowc_flow_format, flow.get());
  EXPECT_STREQ(flowc_flow_text(formatted.get()),
               "bijection b = exp([2])\nflow f = transformed(standard_normal([2]), b)\n");
  EXPECT_STREQ(flowc_flow_name(formatted.get()), "f");
}

// What programs were compiled with. Structs of options grow at the end: these numbers stay.
TEST(CApiLayout, OfVersionZero) {
  EXPECT_EQ(FLOWC_C_API_MAJOR, 0);
  EXPECT_EQ(sizeof(flowc_input), 32u);
  EXPECT_EQ(sizeof(flowc_output), 32u);
  EXPECT_EQ(offsetof(flowc_input, dtype), 24u);
  EXPECT_EQ(offsetof(flowc_compile_options, target), 32u);
  EXPECT_EQ(offsetof(flowc_run_options, gradient), 48u);
  EXPECT_EQ(offsetof(flowc_run_options, tangent), 80u);
  EXPECT_EQ(offsetof(flowc_train_options, seed), 120u);
  EXPECT_EQ(offsetof(flowc_train_options, on_recovery), 248u);
  EXPECT_EQ(offsetof(flowc_fit_table_options, interrupted), 80u);
  EXPECT_EQ(offsetof(flowc_fit_table_options, condition_names), 96u);
  EXPECT_EQ(sizeof(flowc_column), 32u);
  EXPECT_EQ(offsetof(flowc_table_options, missing), 68u);
  EXPECT_EQ(offsetof(flowc_step, seconds), 32u);
  EXPECT_EQ(offsetof(flowc_batch, seed), 40u);
}
