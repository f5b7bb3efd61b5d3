//===- TableSchemaTest.cpp - What the columns of a table are --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TemporaryDirectory.h"

#include "flowc/Table/DescribeTable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>

using namespace flowc;
using flowc::test::TemporaryDirectory;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

namespace {

class TableSchemaTest : public testing::Test {
protected:
  TableDescription describe(const std::string &text, const TableOptions &options = {}) {
    auto table = describeTable(folder.write("x.csv", text), {}, options);
    EXPECT_TRUE(table) << (table ? "" : table.error().message);
    return table ? *table : TableDescription();
  }
  /// The message of describing, or nothing.
  std::string problemOf(const std::string &text, const TableOptions &options = {}) {
    auto table = describeTable(folder.write("x.csv", text), {}, options);
    return table ? "" : table.error().message;
  }
  /// One column as text, under the header `a`.
  static std::string column(int rows, const std::function<std::string(int)> &cell) {
    std::string text = "a\n";
    for (int i = 0; i < rows; ++i)
      text += cell(i) + "\n";
    return text;
  }
  /// Numbers of the model for the rows of a text file.
  Expected<std::vector<double>> encode(const std::string &text, const TableSchema &schema, EncodedOptions how = {}) {
    auto reader = openEncoded(folder.write("y.csv", text), {}, schema, std::move(how));
    if (!reader)
      return reader.takeError();
    return readAllRows<double>(**reader, /*finite=*/false);
  }
  std::string encodeProblem(const std::string &text, const TableSchema &schema) {
    auto rows = encode(text, schema);
    return rows ? "" : rows.error().message;
  }
  /// Rows of the model as text.
  std::string decode(const std::vector<double> &rows, const TableSchema &schema) {
    auto writer = createDecodingWriter(folder / "z.csv", F64, schema, {});
    EXPECT_TRUE(writer);
    EXPECT_TRUE((*writer)->append(rows.data(), std::ssize(rows) / schema.width()));
    EXPECT_TRUE((*writer)->finish());
    return TemporaryDirectory::read(folder / "z.csv");
  }

  TemporaryDirectory folder;
};

/// A table of every kind: its cells are as they are written again.
std::string mixedTable() {
  const char *words[] = {"red", "red", "red", "green", "green", "a, \"b\""};
  std::string text = "z,rain,n,word,day,time,seven,again,none,irregular\n";
  for (int i = 0; i < 60; ++i) {
    std::string z = std::to_string(0.0123456789 + i * i * 0.317);
    std::string word = words[i % 6];
    if (word.find('"') != std::string::npos)
      word = "\"a, \"\"b\"\"\"";
    char line[200];
    std::snprintf(line, sizeof(line), "%g,%d,%s,2024-%02d-%02d,2024-01-01T%02d:30:00,7,", i % 2 ? 0 : 0.1 * (i % 14),
                  3 * i - 20, word.c_str(), 1 + i % 12, 1 + i % 28, i % 24);
    text += z + "," + line + z + ",," + (i % 3 ? "0.12345678912" : std::to_string(i) + ".98765432111") + "\n";
  }
  return text;
}

} // namespace

//===----------------------------------------------------------------------===//
// What columns are taken for
//===----------------------------------------------------------------------===//

TEST_F(TableSchemaTest, FindsGrids) {
  auto gridOf = [&](const std::function<std::string(int)> &cell) {
    return describe(column(40, cell)).schema.columns.at(0);
  };
  TableColumn whole = gridOf([](int i) { return std::to_string(i * i % 37); });
  EXPECT_EQ(whole.kind, ColumnKind::Grid);
  EXPECT_EQ(whole.grid, (Grid{0, 0, 1}));
  TableColumn fives = gridOf([](int i) { return std::to_string(5 * (i % 9) - 3); });
  EXPECT_EQ(fives.grid, (Grid{0, -3, 5}));
  TableColumn tenths = gridOf([](int i) { return std::to_string(i % 4) + "." + std::to_string(2 * (i % 5)); });
  EXPECT_EQ(tenths.grid, (Grid{1, 0, 2}));
  // A step of ten that a later value divides by four.
  const char *cells[] = {"10", "20", "12.5"};
  EXPECT_EQ(gridOf([&](int i) { return cells[i % 3]; }).grid, (Grid{1, 100, 25}));
  // Without repeated values decimals are no grid, whole numbers are.
  EXPECT_EQ(gridOf([](int i) { return std::to_string(i) + "." + std::to_string(100 + 7 * i); }).kind, ColumnKind::Real);
  EXPECT_EQ(gridOf([](int i) { return std::to_string(1000 + i * i); }).kind, ColumnKind::Grid);
  EXPECT_EQ(gridOf([](int i) { return std::to_string(0.1234567890123 * i); }).kind, ColumnKind::Real);
}

TEST_F(TableSchemaTest, FloatsHaveGridsToo) {
  std::vector<float> values;
  for (int i = 0; i < 100; ++i)
    values.insert(values.end(), {static_cast<float>(i % 17) / 10, std::sin(static_cast<float>(i))});
  auto writer = createRowWriter(folder / "x.npy", F32, {2}, {});
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->append(values.data(), 100));
  ASSERT_TRUE((*writer)->finish());
  auto table = describeTable(folder / "x.npy", {}, {});
  ASSERT_TRUE(table);
  EXPECT_EQ(table->schema.columns[0].kind, ColumnKind::Grid);
  EXPECT_EQ(table->schema.columns[0].grid, (Grid{1, 0, 1}));
  EXPECT_EQ(table->schema.columns[1].kind, ColumnKind::Real);
  auto reader = openEncoded(folder / "x.npy", {}, table->schema, {});
  ASSERT_TRUE(reader);
  auto rows = readAllRows<float>(**reader, true);
  ASSERT_TRUE(rows);
  auto decoded = createDecodingWriter(folder / "y.npy", F32, table->schema, {});
  ASSERT_TRUE(decoded);
  ASSERT_TRUE((*decoded)->append(rows->data(), 100));
  ASSERT_TRUE((*decoded)->finish());
  EXPECT_EQ(TemporaryDirectory::read(folder / "x.npy"), TemporaryDirectory::read(folder / "y.npy"));
}

TEST_F(TableSchemaTest, FindsValuesThatRowsRepeat) {
  // No grid of nine decimals has them; a third of the rows are 0.
  auto cell = [](int i) { return i % 3 ? std::to_string(i) + ".12345678912" : "0"; };
  TableColumn found = describe(column(60, cell)).schema.columns.at(0);
  EXPECT_EQ(found.kind, ColumnKind::Real);
  ASSERT_EQ(found.atoms.size(), 1u);
  EXPECT_EQ(found.bounds.lower, 0);
  // From the bound half way to the least other value, 1.12345678912.
  EXPECT_EQ(found.atoms[0], (Atom{0, 0, 0.56172839456}));
  // Numbers of the model are spread over that cell, others stay as they are.
  TableSchema schema = describe(column(60, cell), {.seed = 1}).schema;
  auto rows = encode(column(60, cell), schema);
  ASSERT_TRUE(rows);
  EXPECT_EQ((*rows)[1], 1.12345678912);
  std::set<double> drawn;
  for (int i = 0; i < 60; i += 3)
    drawn.insert((*rows)[i]);
  EXPECT_EQ(drawn.size(), 20u);
  EXPECT_THAT(drawn, Each(AllOf(Ge(0), Le(0.56172839456))));
  EXPECT_TRUE(describe(column(60, cell), {.keepTies = true}).schema.isIdentity());
  EXPECT_TRUE(describe(column(60, cell), {.kinds = {{"a", ColumnKind::Real}}}).schema.isIdentity());
}

TEST_F(TableSchemaTest, ValuesAtABoundHaveCells) {
  // One row has it, no density does.
  auto cell = [](int i) { return std::to_string(i) + (i ? ".12345678912" : ""); };
  TableColumn found = describe(column(60, cell), {.bounds = {{"a", {0}}}}).schema.columns.at(0);
  ASSERT_EQ(found.atoms.size(), 1u);
  EXPECT_EQ(found.atoms[0], (Atom{0, 0, 0.56172839456}));
  // The only value: a thousandth of it to each side.
  found = describe(column(60, [](int i) { return i % 2 ? "1234.56789012345" : "NA"; }),
                   {.bounds = {{"a", {0}}}, .missing = MissingCells::Indicator})
              .schema.columns.at(0);
  ASSERT_EQ(found.atoms.size(), 1u);
  EXPECT_NEAR(found.atoms[0].low, 1233.33332223333, 1e-8);
  EXPECT_EQ(found.atoms[0].high, 1234.56789012345) << "nothing is known to go beyond it";
}

TEST_F(TableSchemaTest, FindsBoundsThatAreEvident) {
  auto boundsOf = [&](const std::function<int(int)> &value, const TableOptions &options = {}) {
    return describe(column(100, [&](int i) { return std::to_string(value(i)); }), options).schema.columns.at(0).bounds;
  };
  // Zeros pile up; the largest value is one of many.
  EXPECT_EQ(boundsOf([](int i) { return i % 4 ? i : 0; }), (ColumnBounds{0}));
  // Counts are not negative; of whole numbers from another one on nothing is known.
  EXPECT_EQ(boundsOf([](int i) { return i; }), (ColumnBounds{0}));
  EXPECT_EQ(boundsOf([](int i) { return i + 1; }), ColumnBounds());
  // The last value holds more than twice as many as the one before it.
  EXPECT_EQ(boundsOf([](int i) { return std::min(i, 60) + 1; }), (ColumnBounds{-HUGE_VAL, 61}));
  // Few values, all of them frequent.
  EXPECT_EQ(boundsOf([](int i) { return 1 + i % 5; }), (ColumnBounds{1, 5}));
  // What is declared counts, on the grid.
  EXPECT_EQ(boundsOf([](int i) { return i; }, {.bounds = {{"a", {-2.5, 200}}}}), (ColumnBounds{-2, 200}));
  EXPECT_THAT(problemOf("a\n1\n-3\n5\n", {.bounds = {{"a", {0}}}}),
              HasSubstr("column 'a' is -3 in row 2, expected at least 0, as --bounds says"));
}

TEST_F(TableSchemaTest, FindsTextsDatesConstantsAndCopies) {
  TableSchema schema = describe(mixedTable(), {.missing = MissingCells::Indicator}).schema;
  auto kindOf = [&](size_t i) { return schema.columns.at(i).kind; };
  EXPECT_EQ(kindOf(0), ColumnKind::Real);
  EXPECT_EQ(kindOf(3), ColumnKind::Category);
  EXPECT_THAT(schema.columns[3].categories, ElementsAre("red", "green", "a, \"b\""));
  EXPECT_EQ(schema.columns[4].grid.unit, DateUnit::Day);
  EXPECT_EQ(schema.columns[5].grid.unit, DateUnit::Second);
  EXPECT_EQ(schema.columns[5].grid.step, 3600);
  EXPECT_EQ(kindOf(6), ColumnKind::Constant);
  EXPECT_EQ(kindOf(7), ColumnKind::Duplicate);
  EXPECT_EQ(schema.columns[7].original, 0);
  EXPECT_EQ(kindOf(8), ColumnKind::Constant);
  EXPECT_EQ(schema.width(), 7);
  EXPECT_THAT(schema.modelNames(), ElementsAre("z", "rain", "n", "word", "day", "time", "irregular"));
  // As conditions categories are numbers 0 and 1.
  TableSchema condition = schema;
  condition.isCondition = true;
  EXPECT_EQ(condition.width(), 8);
  EXPECT_EQ(condition.modelNames()[3], "word=green");
}

TEST_F(TableSchemaTest, SaysWhatColumnsAre) {
  EXPECT_EQ(describe(mixedTable(), {.missing = MissingCells::Indicator}).schema.describe(),
            "  z          real numbers\n"
            "  rain       multiples of 0.2, at least 0, at most 1.2, dequantised\n"
            "  n          steps of 3 from -20 on, dequantised\n"
            "  word       3 categories: red, green, a, \"b\"\n"
            "  day        dates, days from 2024-01-01 on, dequantised\n"
            "  time       dates, each 3600 seconds from 2024-01-01T00:30:00 on, dequantised\n"
            "  seven      always '7', left out\n"
            "  again      the same as 'z', left out\n"
            "  none       always '', left out\n"
            "  irregular  real numbers, of which rows repeat 0.123457, dequantised\n");
}

TEST_F(TableSchemaTest, NumbersAreCategoriesOnRequest) {
  std::string text = column(30, [](int i) { return i % 3 ? "10" : "2.50"; });
  TableSchema schema = describe(text, {.kinds = {{"a", ColumnKind::Category}}}).schema;
  EXPECT_THAT(schema.columns.at(0).categories, ElementsAre("10", "2.50"));
  auto rows = encode(text, schema);
  ASSERT_TRUE(rows);
  EXPECT_EQ(decode(*rows, schema), text);
}

//===----------------------------------------------------------------------===//
// There and back
//===----------------------------------------------------------------------===//

TEST_F(TableSchemaTest, CellsComeBackAsTheyWere) {
  TableSchema schema = describe(mixedTable(), {.missing = MissingCells::Indicator, .seed = 3}).schema;
  auto rows = encode(mixedTable(), schema);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(decode(*rows, schema), mixedTable());
  // Also by way of the model's file.
  schema.columns[2].name = "gr\u00f6\u00dfe"; // As it is, not as numbers of its characters.
  EXPECT_THAT(schema.toJson(), HasSubstr("gr\u00f6\u00dfe"));
  auto again = TableSchema::fromJson(schema.toJson());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, schema);
}

TEST_F(TableSchemaTest, NoiseIsUniformAndOfTheRowAlone) {
  std::string text = column(4000, [](int i) { return std::to_string(i % 2); });
  TableSchema schema = describe(text, {.seed = 5}).schema;
  auto rows = encode(text, schema);
  ASSERT_TRUE(rows);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < rows->size(); ++i) {
    double noise = (*rows)[i] - static_cast<double>(i % 2);
    EXPECT_LT(std::abs(noise), 0.5);
    sum += noise;
    squares += noise * noise;
  }
  // Five standard errors of the mean and of the variance, 1/12.
  EXPECT_NEAR(sum / 4000, 0, 5 * std::sqrt(1 / 12.0 / 4000));
  EXPECT_NEAR(squares / 4000, 1 / 12.0, 5 * std::sqrt(1 / 180.0 / 4000));
  // In whatever chunks they are read; another seed is another noise.
  auto reader = openEncoded(folder / "y.csv", {}, schema, {});
  ASSERT_TRUE(reader);
  std::vector<double> one(1);
  for (size_t i = 0; i < 10; ++i) {
    ASSERT_TRUE((*reader)->next(1, F64, one.data()));
    EXPECT_EQ(one[0], (*rows)[i]);
  }
  schema.seed = 6;
  EXPECT_NE((*encode(text, schema))[0], (*rows)[0]);
}

TEST_F(TableSchemaTest, NoiseStaysInItsCellAsAFloat) {
  std::string text = column(3000, [](int i) { return std::to_string(100000 + i % 7); });
  TableSchema schema = describe(text).schema;
  auto rows = encode(text, schema);
  ASSERT_TRUE(rows);
  for (size_t i = 0; i < rows->size(); ++i) {
    auto value = static_cast<float>(100000 + i % 7);
    EXPECT_LT(std::abs(static_cast<float>((*rows)[i]) - value), 0.5F);
  }
}

TEST_F(TableSchemaTest, SamplesAreRoundedAndWithinBounds) {
  TableSchema schema = describe(column(100, [](int i) { return std::to_string(i % 4 ? i : 0); })).schema;
  EXPECT_EQ(decode({-7, -0.3, 0.6, 12.4, 1000.2}, schema), "a\n0\n0\n1\n12\n1000\n");
  std::vector<double> row{-7};
  schema.snap(row.data());
  EXPECT_EQ(row[0], 0);
  EXPECT_THAT(schema.support(), ElementsAre(ColumnBounds{-0.5}));
  TableSchema words = describe(column(30, [](int i) { return i % 3 ? "x" : "y"; })).schema;
  EXPECT_EQ(decode({-3, 0.4, 0.6, 9}, words), "a\nx\nx\ny\ny\n");
  EXPECT_THAT(words.support(), ElementsAre((ColumnBounds{-0.5, 1.5})));
}

TEST_F(TableSchemaTest, NumbersThatOverflowedHaveNoText) {
  TableSchema schema = describe("a,b\nx,2024-01-01\ny,2024-01-02\nx,2024-01-09\n").schema;
  EXPECT_EQ(decode({NAN, NAN, 0, HUGE_VAL}, schema), "a,b\n,\nx,inf\n");
}

TEST_F(TableSchemaTest, StepsAreCounted) {
  TableSchema schema = describe("a,b\n0.2,5\n0.4,10\n0.2,20\n0.6,5\n").schema;
  EXPECT_NEAR(schema.logStep(), std::log(0.2) + std::log(5), 1e-12);
}

//===----------------------------------------------------------------------===//
// Cells without a value
//===----------------------------------------------------------------------===//

TEST_F(TableSchemaTest, MissingCellsAreErrorsDroppedOrNumbers) {
  std::string text = column(60, [](int i) { return i % 5 ? std::to_string(i) : i % 10 ? "NA" : "\"\""; });
  EXPECT_THAT(problemOf(text), AllOf(HasSubstr("row 1, column 'a' has no value"), HasSubstr("--missing drop")));
  TableDescription dropped = describe(text, {.missing = MissingCells::Drop});
  EXPECT_EQ(dropped.missingRows.size(), 12u);
  auto rows = encode(text, dropped.schema, {.skipped = dropped.missingRows, .rows = 60});
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->size(), 48u);
  EXPECT_THAT(encodeProblem(text, dropped.schema), HasSubstr("'a' is missing"));
  auto kept = encode(text, dropped.schema, {.keepMissing = true});
  ASSERT_TRUE(kept);
  EXPECT_TRUE(std::isnan((*kept)[0]));
  EXPECT_FALSE(std::isnan((*kept)[1]));

  TableSchema schema = describe(text, {.missing = MissingCells::Indicator}).schema;
  ASSERT_EQ(schema.width(), 2);
  EXPECT_THAT(schema.modelNames(), ElementsAre("a", "a is missing"));
  EXPECT_THAT(schema.support(), ElementsAre(ColumnBounds(), (ColumnBounds{-0.5, 1.5})));
  rows = encode(text, schema);
  ASSERT_TRUE(rows);
  const ColumnBounds &filled = schema.columns[0].filled;
  for (size_t i = 0; i < 60; ++i) {
    EXPECT_EQ((*rows)[2 * i + 1] > 0.5, i % 5 == 0);
    if (i % 5 == 0)
      EXPECT_THAT((*rows)[2 * i], AllOf(Ge(filled.lower), Le(filled.upper)));
  }
  std::string back = decode(*rows, schema);
  EXPECT_EQ(back, column(60, [](int i) { return i % 5 ? std::to_string(i) : "\"\""; }));
}

TEST_F(TableSchemaTest, AMissingTextIsACategory) {
  std::string text = "a,b\n";
  for (int i = 0; i < 30; ++i)
    text += std::to_string(i) + "," + (i % 5 ? "x" : "") + "\n";
  TableSchema schema = describe(text, {.missing = MissingCells::Indicator}).schema;
  EXPECT_THAT(schema.columns.at(1).categories, ElementsAre("x", ""));
  auto rows = encode(text, schema);
  ASSERT_TRUE(rows);
  EXPECT_EQ(decode(*rows, schema), text);
}

//===----------------------------------------------------------------------===//
// New rows
//===----------------------------------------------------------------------===//

TEST_F(TableSchemaTest, NewRowsThatCannotBeAreNamed) {
  TableSchema schema =
      describe("a,b,c,d,e\n1,red,7,1,2024-01-01\n2,green,7,2,2024-01-03\n4,red,7,4,2024-01-09\n").schema;
  EXPECT_EQ(encodeProblem("a,b,c,d,e\n3,green,7,3,2025-01-02\n", schema), "");
  EXPECT_EQ(encodeProblem("a,b,c,d,e\n3,green,7.00,3,2025-01-02\n", schema), "") << "the same number";
  EXPECT_THAT(encodeProblem("a,b,c,d,e\n3,blue,7,3,2025-01-02\n", schema),
              HasSubstr("line 2 (row 1), column 'b' is 'blue', which it was in no row of the training: expected one of "
                        "red, green"));
  EXPECT_THAT(encodeProblem("a,b,c,d,e\n3,red,8,3,2025-01-02\n", schema),
              HasSubstr("row 1: column 'c' is another than '7', which all rows of the training had"));
  EXPECT_THAT(encodeProblem("a,b,c,d,e\n3,red,7,5,2025-01-02\n", schema),
              HasSubstr("row 1: column 'd' differs from 'a', with which it agreed in all rows of the training"));
  EXPECT_THAT(encodeProblem("a,b,c,d,e\n3,red,7,3,2025-02-30\n", schema),
              HasSubstr("column 'e' is '2025-02-30', expected a date such as 2024-02-29"));
  EXPECT_THAT(encodeProblem("a,b,c,d,e\nx,red,7,x,2025-02-03\n", schema), HasSubstr("'a' is 'x', expected a number"));
  EXPECT_THAT(encodeProblem("a,b\n3,red\n", schema), HasSubstr("has 2 columns, expected 5, as in the training"));
}

TEST_F(TableSchemaTest, ModelFilesThatMakeNoSenseAreErrors) {
  auto problem = [](const std::string &text) {
    auto schema = TableSchema::fromJson(text);
    return schema ? "" : schema.error().message;
  };
  EXPECT_THAT(problem("{}"), HasSubstr("the columns of the table are malformed"));
  const std::string begin = R"({"missing": "error", "seed": 1, "condition": false, "columns": [{"name": "a", "kind": )";
  EXPECT_EQ(problem(begin + R"("real"}]})"), "");
  EXPECT_THAT(problem(begin + R"("duplicate", "original": 0}]})"), HasSubstr("make no sense"));
  EXPECT_THAT(problem(begin + R"("grid", "grid": {"decimals": 0, "offset": 0, "step": 0}}]})"),
              HasSubstr("make no sense"));
  EXPECT_THAT(problem(begin + R"("category"}]})"), HasSubstr("make no sense"));
  // A second number, for which such a column has no place.
  for (const char *kind : {R"("constant")", R"("category", "categories": ["x"])"})
    EXPECT_THAT(problem(begin + kind + R"(, "filled": {}}]})"), HasSubstr("make no sense")) << kind;
  // Numbers that are no integers, or overflow as dates.
  auto grid = [&](const std::string &numbers) { return problem(begin + R"("grid", "grid": {)" + numbers + "}}]}"); };
  EXPECT_EQ(grid(R"("decimals": 1, "offset": -5, "step": 2, "unit": "day")"), "");
  EXPECT_THAT(grid(R"("decimals": 1e300, "offset": 0, "step": 1)"), HasSubstr("are malformed"));
  EXPECT_THAT(grid(R"("decimals": 4294967296, "offset": 0, "step": 1)"), HasSubstr("make no sense"));
  EXPECT_THAT(grid(R"("decimals": 0, "offset": 1e300, "step": 1)"), HasSubstr("are malformed"));
  EXPECT_THAT(grid(R"("decimals": 0, "offset": 0, "step": 1.5)"), HasSubstr("are malformed"));
  EXPECT_THAT(grid(R"("decimals": 0, "offset": 9223372036854775807, "step": 1, "unit": "day")"),
              HasSubstr("make no sense"));
  EXPECT_THAT(problem(begin + R"("real", "original": 1e300}]})"), HasSubstr("are malformed"));
}

TEST_F(TableSchemaTest, TextHasNoPlaceInArrays) {
  TableSchema schema = describe("a,b\n1,red\n2,green\n3,red\n").schema;
  auto writer = createDecodingWriter(folder / "x.npy", F32, schema, {});
  ASSERT_FALSE(writer);
  EXPECT_THAT(writer.error().message, HasSubstr("column 'b' is text"));
}

TEST_F(TableSchemaTest, TooManyTextsAreNoCategories) {
  EXPECT_THAT(problemOf(column(1100, [](int i) { return "name" + std::to_string(i); })),
              HasSubstr("column 'a' has more than 1000 different texts"));
}
