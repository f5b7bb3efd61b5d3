//===- ModelTest.cpp - Models and their files -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/IO/Safetensors.h"
#include "flowc/flowc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <random>

using namespace flowc;
using flowc::test::initialise;
using flowc::test::parse;
using flowc::test::take;
using flowc::test::TemporaryDirectory;
using testing::HasSubstr;

namespace {

constexpr const char *couplingText = "flow f = coupling_flow(standard_normal([3]), flow_layers = 2, nn_width = 4)\n";

std::string loadError(const std::string &path, std::string_view name = {}) {
  auto model = Model::load(path, name);
  return model ? "" : model.error().message;
}

size_t indexOf(const Model &model, const std::string &suffix) {
  for (size_t i = 0; i < model.parameters().size(); ++i)
    if (model.parameters()[i].path.ends_with(suffix))
      return i;
  ADD_FAILURE() << "no parameter " << suffix;
  return 0;
}

/// A model file that may be damaged before it is written again.
struct ModelFile {
  std::map<std::string, std::string> metadata;
  std::vector<std::string> names;
  std::vector<ElementType> types;
  std::vector<Shape> shapes;
  std::vector<std::vector<char>> data;

  explicit ModelFile(const std::string &path) {
    auto reader = SafetensorsReader::open(path);
    metadata = reader->metadata();
    for (const auto &[name, layout] : reader->tensors()) {
      names.push_back(name);
      types.push_back(layout.type);
      shapes.push_back(layout.shape);
      data.emplace_back(layout.numBytes());
      EXPECT_TRUE(bool(reader->file().readAt(data.back().data(), data.back().size(), layout.offset)));
    }
  }

  size_t find(const std::string &suffix) const {
    for (size_t i = 0; i < names.size(); ++i)
      if (names[i].ends_with(suffix))
        return i;
    ADD_FAILURE() << "no tensor " << suffix;
    return 0;
  }

  template <typename T>
  T *values(size_t tensor) {
    return reinterpret_cast<T *>(data[tensor].data());
  }

  std::string write(const TemporaryDirectory &folder) const {
    std::vector<TensorToWrite> tensors;
    for (size_t i = 0; i < names.size(); ++i)
      tensors.push_back({names[i], types[i], shapes[i], data[i].data()});
    EXPECT_TRUE(bool(writeSafetensors(folder / "damaged.safetensors", tensors, metadata)));
    return folder / "damaged.safetensors";
  }
};

struct GoldenCase {
  std::string text, eqx;
  explicit GoldenCase(const std::string &name)
      : text(TemporaryDirectory::read(FLOWC_GOLDEN_DIR "/" + name + "/model.flow")),
        eqx(FLOWC_GOLDEN_DIR "/" + name + "/model.eqx") {}
};

} // namespace

TEST(ModelTest, SaveAndLoadKeepEverything) {
  TemporaryDirectory folder;
  for (DType dtype : {F32, F64}) {
    Model model = initialise(couplingText, {.seed = 5, .dtype = dtype});
    std::string path = folder / "m.safetensors";
    ASSERT_TRUE(bool(model.save(path, "{\"rows\": 3}")));
    auto loaded = Model::load(path);
    ASSERT_TRUE(bool(loaded)) << loaded.error().message;
    EXPECT_EQ(loaded->dtype(), dtype);
    EXPECT_EQ(loaded->flow().text(), couplingText);
    EXPECT_EQ(loaded->record(), "{\"rows\": 3}");
    ASSERT_EQ(loaded->parameters().size(), model.parameters().size());
    for (size_t i = 0; i < model.parameters().size(); ++i)
      EXPECT_EQ(loaded->values(i), model.values(i)) << model.parameters()[i].path;
  }
  EXPECT_EQ(folder.numFiles(), 1u) << "no temporary is left";
}

TEST(ModelTest, FilesOfEarlierVersionsKeepTheirBits) {
  TemporaryDirectory folder;
  int files = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(FLOWC_TEST_DATA "/compatibility")) {
    std::string path = entry.path();
    if (!path.ends_with(".safetensors") || path.ends_with("_checkpoint.safetensors"))
      continue;
    auto model = Model::load(path);
    ASSERT_TRUE(bool(model)) << model.error().message;
    ASSERT_TRUE(bool(model->save(folder / "again.safetensors")));
    ModelFile before(path), after(folder / "again.safetensors");
    EXPECT_EQ(before.names, after.names) << path;
    EXPECT_EQ(before.data, after.data) << path;
    EXPECT_EQ(before.metadata["flow"], after.metadata["flow"]) << path;
    ++files;
  }
  EXPECT_GE(files, 6);
}

TEST(ModelTest, CopiesAreDeepAndTrainableIsFlat) {
  Model model = initialise(couplingText, {.seed = 1, .dtype = F64});
  Model copy = model;
  std::vector<double> flat(model.numTrainable());
  std::iota(flat.begin(), flat.end(), 1.0);
  ASSERT_TRUE(bool(copy.setTrainable(flat)));
  EXPECT_EQ(copy.trainable(), flat);
  EXPECT_NE(model.trainable(), flat);
  double next = 1;
  for (size_t i = 0; i < copy.parameters().size(); ++i)
    if (copy.parameters()[i].trainable) {
      for (double value : copy.values(i))
        EXPECT_EQ(value, next++);
    }
  EXPECT_EQ(copy.astype(F32).trainable(), flat) << "small integers are exact in float32";
}

TEST(ModelTest, WrongValuesAreRefused) {
  Model model = initialise(couplingText);
  size_t weight = indexOf(model, "layers[0].weight"), permutation = indexOf(model, ".permutation[0]");
  EXPECT_THAT(model.setValues(weight, std::vector<double>(3)).error().message, HasSubstr("but got 3"));
  std::vector<double> values = model.values(weight);
  values[0] = NAN;
  EXPECT_THAT(model.setValues(weight, values).error().message, HasSubstr("expected finite numbers"));
  std::vector<double> order = model.values(permutation);
  order[0] = 0.5;
  EXPECT_THAT(model.setValues(permutation, order).error().message, HasSubstr("expected whole numbers"));
  EXPECT_FALSE(bool(model.setTrainable(std::vector<double>(2))));
}

TEST(ModelTest, DamagedFilesSayWhatIsWrong) {
  TemporaryDirectory folder;
  std::string path = folder / "m.safetensors";
  ASSERT_TRUE(bool(initialise(couplingText).save(path)));
  const ModelFile good(path);
  auto error = [&](auto damage) {
    ModelFile file = good;
    damage(file);
    return loadError(file.write(folder));
  };
  EXPECT_EQ(error([](ModelFile &) {}), "");
  EXPECT_THAT(error([](ModelFile &f) { f.values<float>(f.find("layers[0].bias"))[1] = NAN; }),
              HasSubstr("layers[0].bias' holds NaN (element 1)"));
  EXPECT_THAT(error([](ModelFile &f) {
                std::swap(f.shapes[f.find("layers[0].weight")][1], f.shapes[f.find("layers[0].weight")][2]);
              }),
              HasSubstr("its flow expects [2, 4, 1]"));
  EXPECT_THAT(error([](ModelFile &f) { f.types[f.find("layers[0].bias")] = ElementType::I32; }),
              HasSubstr("is stored as int32, expected float32"));
  EXPECT_THAT(error([](ModelFile &f) { f.names[f.find("layers[0].bias")] = "bias"; }),
              HasSubstr("layers[0].bias' is missing"));
  EXPECT_THAT(error([](ModelFile &f) {
                f.names.push_back("more");
                f.types.push_back(ElementType::F32);
                f.shapes.push_back({1});
                f.data.emplace_back(4);
              }),
              HasSubstr("a tensor 'more' that its flow 'f' does not have"));
  EXPECT_THAT(error([](ModelFile &f) { f.values<int32_t>(f.find(".permutation[0]"))[0] = 3; }),
              HasSubstr("holds 3, expected numbers from 0 to 2"));
  EXPECT_THAT(error([](ModelFile &f) {
                int32_t *order = f.values<int32_t>(f.find(".permutation[0]"));
                order[0] = order[1];
              }),
              HasSubstr("is no permutation"));
  EXPECT_THAT(error([](ModelFile &f) {
                int32_t *order = f.values<int32_t>(f.find(".inverse_permutation[0]"));
                std::rotate(order, order + 1, order + 3);
              }),
              HasSubstr("is not the inverse of"));
  EXPECT_THAT(error([](ModelFile &f) { f.metadata.clear(); }), HasSubstr("is no flowc model"));
  EXPECT_THAT(error([](ModelFile &f) { f.metadata["format_version"] = "99"; }), HasSubstr("version is '99'"));
  EXPECT_THAT(error([](ModelFile &f) { f.metadata["dtype"] = "float16"; }), HasSubstr("'float16'"));
  EXPECT_THAT(error([](ModelFile &f) { f.metadata["dtype"] = "float64"; }),
              HasSubstr("is stored as float32, expected float64"));
  EXPECT_THAT(error([](ModelFile &f) { f.metadata["flow"] = "flow f = nonsense(3)"; }), HasSubstr("flow text in"));
  EXPECT_THAT(loadError(path, "g"), HasSubstr("a model of 'f', not of 'g'"));
  EXPECT_THAT(loadError(folder / "none.safetensors"), HasSubstr("cannot open"));
}

TEST(ModelTest, EveryCutOfAModelIsFound) {
  TemporaryDirectory folder;
  std::string path = folder / "m.safetensors";
  ASSERT_TRUE(bool(initialise("flow f = transformed(standard_normal([2]), affine(zeros(2), ones(2)))").save(path)));
  std::string bytes = TemporaryDirectory::read(path);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(loadError(folder.write("cut.safetensors", bytes.substr(0, size))), "") << size;
}

TEST(ModelTest, RandomDamageNeverCrashes) {
  TemporaryDirectory folder;
  std::string path = folder / "m.safetensors";
  ASSERT_TRUE(bool(initialise(couplingText).save(path)));
  GoldenCase golden("coupling_d2");
  const std::string model = TemporaryDirectory::read(path), leaves = TemporaryDirectory::read(golden.eqx);
  const Flow flow = parse(golden.text);
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    auto damage = [&](std::string bytes, size_t most) {
      for (int changes = 0; changes < 3; ++changes)
        bytes[random() % std::min(bytes.size(), most)] = static_cast<char>(random());
      return bytes;
    };
    // Most of what can go wrong is in the headers.
    refused += !Model::load(folder.write("m.safetensors", damage(model, 1500)));
    refused += !Model::importEquinox(flow, folder.write("m.eqx", damage(leaves, 2000)));
  }
  EXPECT_GT(refused, 500);
}

TEST(ModelTest, UnwritableModelIsAnError) {
  TemporaryDirectory folder;
  EXPECT_THAT(initialise(couplingText).save(folder / "none/m.safetensors").error().message, HasSubstr("cannot write"));
}

//===----------------------------------------------------------------------===//
// .eqx
//===----------------------------------------------------------------------===//

namespace {

std::string importError(const std::string &text, const std::string &path) {
  auto model = Model::importEquinox(parse(text), path);
  return model ? "" : model.error().message;
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

} // namespace

TEST(EquinoxTest, ImportsWhatFlowJaxSaved) {
  GoldenCase golden("coupling_d5_cond3");
  auto model = Model::importEquinox(parse(golden.text), golden.eqx);
  ASSERT_TRUE(bool(model)) << model.error().message;
  EXPECT_EQ(model->dtype(), F64);
  EXPECT_EQ(model->numTrainable(), 3 * (17 * 5 + 17 + 17 * 17 + 17 + 6 * 17 + 6))
      << "the conditioner sees 2 untransformed coordinates and 3 conditions";
}

TEST(EquinoxTest, OtherFlowsAreRefused) {
  GoldenCase coupling("coupling_d5_cond3"), spline("maf_d6_rqs");
  EXPECT_THAT(
      importError(replaced(coupling.text, "nn_width = 17", "nn_width = 18"), coupling.eqx),
      testing::AllOf(HasSubstr("layers[0].weight"), HasSubstr("[3, 17, 5] in the file, [3, 18, 5] in the flow")));
  EXPECT_THAT(importError(replaced(coupling.text, "cond_dim = 3", "cond_dim = 2"), coupling.eqx),
              HasSubstr("is 3 in the file, 2 in the flow"));
  EXPECT_NE(importError(replaced(coupling.text, "nn_depth = 2", "nn_depth = 1"), coupling.eqx), "");
  EXPECT_NE(importError(replaced(coupling.text, "flow_layers = 3", "flow_layers = 2"), coupling.eqx), "");
  EXPECT_NE(importError(replaced(spline.text, "knots = 5", "knots = 6"), spline.eqx), "");
  EXPECT_NE(importError(coupling.text, spline.eqx), "");
}

TEST(EquinoxTest, CutOffAndLongFilesAreRefused) {
  TemporaryDirectory folder;
  GoldenCase golden("coupling_d2");
  std::string bytes = TemporaryDirectory::read(golden.eqx);
  EXPECT_THAT(importError(golden.text, folder.write("x.eqx", bytes.substr(0, bytes.size() / 2))),
              HasSubstr("is cut off"));
  EXPECT_THAT(importError(golden.text, folder.write("x.eqx", bytes + bytes)), HasSubstr("goes on after"));
  EXPECT_THAT(importError(golden.text, folder.write("x.eqx", bytes.substr(0, 136))),
              HasSubstr("it ends after 1 arrays"));
  EXPECT_THAT(importError(golden.text, folder.write("x.eqx", "text")), HasSubstr("array 1 of"));
  // Equinox's documentation writes hyperparameters in a line of JSON first.
  EXPECT_EQ(importError(golden.text, folder.write("x.eqx", "{\"nn_width\": 50}\n" + bytes)), "");
}
