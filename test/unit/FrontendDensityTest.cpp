//===- FrontendDensityTest.cpp - Formulas of densities --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TemporaryDirectory.h"
#include "flowc/Frontend/Data.h"
#include "flowc/Frontend/Formula.h"
#include "flowc/Frontend/Frontend.h"
#include "flowc/Frontend/Warnings.h"

#include <gtest/gtest.h>

namespace flowc {
namespace {

/// The message for `density d(x[3]) = TEXT`, columns counted from the start of TEXT.
std::string messageFor(const std::string &text) {
  std::string head = "density d(x[3]) = ";
  Expected<ParsedItem> item = parseDensity(head + text, "t");
  if (item)
    return "no error";
  std::string message = item.error().message;
  message = message.substr(0, message.find('\n'));
  if (message.rfind("t:1:", 0) != 0)
    return message;
  size_t end = message.find(':', 4);
  return std::to_string(std::stoul(message.substr(4)) - head.size()) + message.substr(end);
}

TEST(Density, ShapesThatFit) {
  for (const char *text : {"sum(x)", "x[0]", "x[-1]", "dot(x, [1, 2, 3])", "sum(x[0:2] * x[1:3])", "sum(2*x + 1)", "pi",
                           "sum([x[0], 1])", "max(x) - min(x)", "sum(max(x, 0))", "where(x[0] > 0, 1, x[1])",
                           "sum(where(x > 0, x, 0))", "let y = x^2 in sum(y)", "sum(x[1:])", "sum(x[:-1])", "x[1 + 1]",
                           "let c = x > 1 in where(c[0], 1, 2)", "logsumexp(x)", "let x = 2 in x"})
    EXPECT_EQ(messageFor(text), "no error") << text;
}

TEST(Density, ShapesThatDoNotFit) {
  EXPECT_EQ(messageFor("x"),
            "1: error: a log-density is a number, but the formula of `d` is a vector of 3 numbers; add "
            "its elements up with `sum(...)`");
  EXPECT_EQ(messageFor("x[0] > 1"), "6: error: a log-density is a number, but the formula of `d` is a condition");
  EXPECT_EQ(messageFor("sum(x + x[0:2])"), "7: error: `+` needs vectors of one length, found 3 and 2 elements");
  EXPECT_EQ(messageFor("sum(x[0])"), "1: error: `sum` needs a vector, found a number");
  EXPECT_EQ(messageFor("dot(x, 2)"), "8: error: `dot` needs vectors, found a number");
  EXPECT_EQ(messageFor("dot(x, [1, 2])"), "1: error: `dot` needs vectors of one length, found 3 and 2 elements");
  EXPECT_EQ(messageFor("1 + (x[0] > 1)"),
            "11: error: `+` needs numbers, found a condition; write `where(CONDITION, 1, 0)` to count it");
  EXPECT_EQ(messageFor("where(x[0], 1, 2)"),
            "8: error: `where` needs a comparison first, as in `where(x[0] > 0, a, b)`, found a number");
  EXPECT_EQ(messageFor("sum(where(x > 0, x[0:2], 1))"),
            "5: error: `where` needs vectors of one length, found 3 and 2 elements");
  EXPECT_EQ(messageFor("sum([x, 1])"), "6: error: an array in a formula holds numbers, found a vector of 3 numbers");
  EXPECT_EQ(messageFor("x[0][0]"), "5: error: only vectors have elements, found a number");
  EXPECT_EQ(messageFor("x[x[0]]"), "4: error: an index is a whole number in the text, as in `x[2]`");
  EXPECT_EQ(messageFor("x[0.5]"), "3: error: `x` has the elements 0 to 2, found the index 0.5");
  EXPECT_EQ(messageFor("x[-4]"), "3: error: a vector of 3 elements has the positions -3 to 2 (negative ones count from "
                                 "the end), found -4");
  EXPECT_EQ(messageFor("sum(x[2:2])"), "6: error: the slice from 2 to 2 is empty");
  EXPECT_EQ(messageFor("sum(x[0:4])"),
            "9: error: a vector of 3 elements has the positions -3 to 3 (negative ones count "
            "from the end), found 4");
}

TEST(Density, IsChosenFromItems) {
  const char *text = "density a(x[2]) = sum(x)\nflow f = standard_normal([2])\ndensity b(x[3]) = sum(x)\n";
  Expected<ParsedItem> flow = parseFlow(text);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->name, "f");
  Expected<ParsedItem> last = parseDensity(text);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->name, "b");
  EXPECT_EQ(last->category, Node::Category::Density);
  EXPECT_EQ(last->root->shape, Shape{3});
  Expected<ParsedItem> named = parseFlow(text, "t", "a");
  ASSERT_TRUE(named);
  // Its formula outlives the parser.
  EXPECT_EQ(named->root->formula->item.variable, "x");
  EXPECT_EQ(named->root->formula->source->locate(named->root->formula->item.formula.loc).column, 19u);
  Expected<ParsedItem> wrong = parseDensity(text, "t", "f");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "t: error: expected a `density`, but `f` is a flow");
  Expected<ParsedItem> none = parseDensity("flow f = standard_normal([2])", "t");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("expected a `density`"), std::string::npos);
}

TEST(Density, NestedCallsAreCheckedOnce) {
  // Checking operands twice would take 2^100 steps here.
  std::string text = "x[0]";
  for (int i = 0; i < 100; ++i)
    text = "dot(x, x*" + text + ")";
  EXPECT_EQ(messageFor(text), "no error");
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

/// A folder with a table and arrays, and the densities that read them.
struct DataFolder {
  test::TemporaryDirectory folder;

  DataFolder() {
    folder.write("t.csv", "y,group,mom iq,name\n1.5,1,90,ann\n2.5,3,80,bob\n-1,2,85.5,cy\n0,1,100,dan\n");
    folder.write("m.csv", "1,2,3\n4,5,6\n");
    folder.write("v.csv", "v\n1\n2\n3\n");
    folder.write("s.json",
                 "{\"N\": 3, \"y\": [1, 2.5, -3], \"X\": [[1, 2, 3], [4, 5, 6]], \"c\": [[1], [2]], \"e\": [], "
                 "\"t\": [[[1]]], \"ragged\": [[1, 2], [3]], \"mixed\": [1, [2]], \"text\": [\"a\"]}");
    folder.write("broken.json", "{\"N\": 3");
    folder.write("empty.csv", "v\n");
    folder.write("infinite.csv", "v\n1\ninf\n");
  }

  /// The density `d` of x[3] that is `formula`, in a file in the folder.
  Expected<ParsedItem> parse(const std::string &formula) const {
    std::string text = "data t = table(\"t.csv\")\ndata m = array(\"m.csv\")\ndata v = array(\"v.csv\")\n"
                       "data bad = array(\"empty.csv\")\ndata inf = array(\"infinite.csv\")\n"
                       "data gone = array(\"gone.npy\") data s = table(\"s.json\") data b = "
                       "table(\"broken.json\")\ndensity d(x[3]) = " +
                       formula;
    return parseDensity(text, folder / "d.flow");
  }

  /// The first line of the message, from the place on; columns start at the formula.
  std::string messageFor(const std::string &formula) const {
    Expected<ParsedItem> item = parse(formula);
    if (item)
      return "no error";
    std::string message = item.error().message.substr((folder / "d.flow").size() + 1);
    message = message.substr(0, message.find('\n'));
    if (message.rfind("7:", 0) != 0)
      return message;
    size_t column = std::stoul(message.substr(2)) - std::string("density d(x[3]) = ").size();
    return std::to_string(column) + message.substr(message.find(':', 2));
  }

  std::vector<DataArray> arraysOf(const std::string &formula) const {
    Expected<ParsedItem> item = parse(formula);
    EXPECT_TRUE(item) << item.error().message;
    std::vector<DataArray> arrays;
    for (const DataArray *array : getDataArrays(*item->root))
      arrays.push_back(*array);
    return arrays;
  }
};

TEST(DensityData, IsReadOnceFromFilesBesideTheText) {
  std::vector<DataArray> arrays =
      DataFolder().arraysOf("sum(t.y * t[\"mom iq\"]) + sum(dot(m, v)) + sum(dot([1, 2], m)) + t.y[0]");
  ASSERT_EQ(arrays.size(), 4u);
  EXPECT_EQ(arrays[0].name, "t.y");
  EXPECT_EQ(arrays[0].values, (std::vector<double>{1.5, 2.5, -1, 0}));
  EXPECT_EQ(arrays[1].values, (std::vector<double>{90, 80, 85.5, 100}));
  EXPECT_EQ(arrays[2].shape, (Shape{2, 3}));
  EXPECT_EQ(arrays[2].values, (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(arrays[3].shape, Shape{3});
}

TEST(DensityData, PositionsAreComputedFromData) {
  DataFolder folder;
  std::vector<DataArray> arrays =
      folder.arraysOf("sum(x[t.group - 1]) + sum(x[t.group[1:] - 1]^2) + sum(x[[2, 0]])"
                      " + (let g = 4 - t.group in sum(x[g - [1, 1, 1, 1]] * x[t.group - 1]))");
  // What only positions were computed from is left out.
  ASSERT_EQ(arrays.size(), 4u);
  EXPECT_TRUE(arrays[0].isPositions);
  EXPECT_EQ(arrays[0].values, (std::vector<double>{0, 2, 1, 0}));
  EXPECT_EQ(arrays[1].values, (std::vector<double>{2, 1, 0}));
  EXPECT_EQ(arrays[2].values, (std::vector<double>{2, 0}));
  EXPECT_EQ(arrays[3].values, (std::vector<double>{2, 0, 1, 2}));
  EXPECT_EQ(folder.arraysOf("x[t.group[1] - 1]").size(), 0u);
  arrays = folder.arraysOf("let g = t.group in sum(x[g - 1]*g*t.y)");
  ASSERT_EQ(arrays.size(), 3u) << "it is read as numbers, too";
  EXPECT_EQ(arrays[0].name, "t.group");
  EXPECT_EQ(arrays[2].name, "t.y");
  // A `let` hides what is around it, also where a value is asked for later.
  arrays = folder.arraysOf("let a = 1 in let g = t.group - a in let a = x in sum(a[g])");
  EXPECT_EQ(arrays.back().values, (std::vector<double>{0, 2, 1, 0}));
  // Positions that are one number.
  EXPECT_EQ(folder.messageFor("x[t.group[2]] + x[t.group[0] - 1]"), "no error");
}

TEST(DensityData, ArraysThatOnlySayPositionsAreKnown) {
  DataFolder folder;
  auto sourcesOf = [&](const std::string &formula) {
    Expected<ParsedItem> item = folder.parse(formula);
    EXPECT_TRUE(item) << item.error().message;
    std::vector<std::string> names;
    for (const DataArray *array : getPositionSources(*item->root))
      names.push_back(array->name);
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(sourcesOf("sum(x[t.group - 1]) + sum(t.y) + sum(x[3 - t.group])"), Names{"t.group"});
  EXPECT_EQ(sourcesOf("x[t.group[1] - 1]"), Names{"t.group"}) << "a single position";
  EXPECT_EQ(sourcesOf("sum(x[t.group[0] - 1:2])"), Names{"t.group"}) << "the end of a slice";
  EXPECT_EQ(sourcesOf("let g = t.group - 1 in sum(x[g])"), Names{"t.group"});
  EXPECT_EQ(sourcesOf("let g = t.y in sum(x[t.group - 1])"), Names{"t.group"}) << "what nothing needs is not read";
  EXPECT_EQ(sourcesOf("let g = t.group in sum(x[g - 1]*g*t.y)"), Names{}) << "it is an argument, too";
}

TEST(DensityData, ShapesThatFit) {
  DataFolder folder;
  for (const char *formula :
       {"sum(cumsum(x))", "sum(cumsum(t.y))", "sum(scan s = 0 over (a = t.y) in s + a)", "sum(dot(m, x))",
        "sum(scan s = x[0] over (a = t.y, b = t.group) in 0.5*s + a*x[1]*b)",
        "sum(scan s = 1 over (r = m) in dot(r, x)*s)", "sum(t.y[1:] - x[0]*t.y[:-1])", "let t = x in sum(t)",
        "sum(scan s = 0 over (a = x) in s + sum(x*a))", "sum(where((x > 0)[[0, 0, 1]], x, 1))",
        "sum(scan s = 0 over (a = x) in sum(scan u = s over (b = x) in u*b + a))"})
    EXPECT_EQ(folder.messageFor(formula), "no error") << formula;
}

TEST(DensityData, ShapesThatDoNotFit) {
  DataFolder folder;
  EXPECT_EQ(folder.messageFor("t"), "1: error: `t` is a table: write `t.COLUMN` for one of its columns");
  EXPECT_EQ(folder.messageFor("sum(v.y)"),
            "7: error: only tables have columns, as in `data t = table(\"FILE.csv\")` and then `t.y`");
  EXPECT_EQ(folder.messageFor("let t = x in sum(t.y)"),
            "20: error: only tables have columns, as in `data t = table(\"FILE.csv\")` and then `t.y`");
  EXPECT_EQ(folder.messageFor("sum(t.grup)"), "7: error: `t` has no column `grup`; did you mean `group`? (its columns: "
                                              "y, group, mom iq, name)");
  EXPECT_EQ(folder.messageFor("sum(m)"), "5: error: `sum` works on numbers and vectors, found a matrix of 2 rows and 3 "
                                         "columns; multiply it with a vector by `dot`");
  EXPECT_EQ(folder.messageFor("m[0]"), "2: error: only vectors have elements, found a matrix of 2 rows and 3 columns");
  EXPECT_EQ(folder.messageFor("sum(dot(m, [1, 2]))"),
            "5: error: `dot` of a matrix of 2 rows and 3 columns needs a vector of 3 elements behind it, found 2");
  EXPECT_EQ(folder.messageFor("sum(dot(x, m))"),
            "5: error: `dot` of a matrix of 2 rows and 3 columns needs a vector of 2 elements before it, found 3");
  EXPECT_EQ(folder.messageFor("sum(dot(m, m))"), "5: error: `dot` takes one matrix and a vector, found two matrices");
  EXPECT_EQ(folder.messageFor("sum(t.y - x)"), "9: error: `-` needs vectors of one length, found 4 and 3 elements");
  EXPECT_EQ(folder.messageFor("sum(x[t.group])"),
            "9: error: an index vector holds whole numbers from 0 to 2, found 3 as its element 1");
  EXPECT_EQ(folder.messageFor("sum(x[[0, -1]])"),
            "7: error: an index vector holds whole numbers from 0 to 2, found -1 as its element 1");
  EXPECT_EQ(folder.messageFor("sum(x[t.y])"),
            "9: error: an index vector holds whole numbers from 0 to 2, found 1.5 as its element 0");
  EXPECT_EQ(folder.messageFor("sum(x[x])"), "7: error: an index vector is made of numbers in the text and of data, as "
                                            "in `x[t.group - 1]`");
  EXPECT_EQ(folder.messageFor("cumsum(x[0])"), "1: error: `cumsum` needs a vector, found a number");
}

TEST(DensityData, ScansThatDoNotFit) {
  DataFolder folder;
  EXPECT_EQ(folder.messageFor("scan s = 0 over (a = x) in a"),
            "6: error: a log-density is a number, but the formula of `d` is a vector of 3 numbers; add its elements up "
            "with `sum(...)`");
  EXPECT_EQ(folder.messageFor("sum(scan s = x over (a = x) in a)"),
            "14: error: the state `s` of a scan is a number, found a vector of 3 numbers");
  EXPECT_EQ(folder.messageFor("sum(scan s = 0 over (a = x) in s + x)"),
            "34: error: the next state `s` of a scan is a number, found a vector of 3 numbers");
  EXPECT_EQ(folder.messageFor("sum(scan s = 0 over (a = x) in a > 0)"),
            "34: error: the next state `s` of a scan is a number, found a condition");
  EXPECT_EQ(folder.messageFor("sum(scan s = 0 over (a = 1) in a)"),
            "26: error: a scan runs over vectors, found a number");
  EXPECT_EQ(folder.messageFor("sum(scan s = 0 over (a = x, b = t.y) in a)"),
            "29: error: a scan runs over vectors of one length, found 3 and 4 elements");
  EXPECT_EQ(folder.messageFor("sum(scan s = 0 over (s = x) in s)"), "22: error: the name `s` occurs twice");
  EXPECT_EQ(folder.messageFor("sum(scan s = 0 over (a = x) in q)"),
            "32: error: unknown name `q` in the formula of `d`");
  EXPECT_EQ(folder.messageFor("sum(scan s = 0 in s)"),
            "16: error: expected `over (NAME = VECTOR, ...)` after the start of `scan s`, found `in`");
  EXPECT_EQ(folder.messageFor("sum(x[scan s = 0 over (a = x) in a])"),
            "12: error: an index vector is made of numbers in the text and of data, as in `x[t.group - 1]`");
}

TEST(DensityData, FilesThatDoNotFit) {
  DataFolder folder;
  std::string at = folder.folder / "";
  EXPECT_EQ(folder.messageFor("sum(gone)"), "6:19: error: cannot open '" + at + "gone.npy': No such file or directory");
  EXPECT_EQ(folder.messageFor("sum(bad)"), "4:18: error: '" + at + "empty.csv' has no rows");
  EXPECT_EQ(folder.messageFor("sum(inf)"),
            "5:18: error: '" + at + "infinite.csv': row 2, column 'v' is infinite, expected a finite number");
  EXPECT_EQ(folder.messageFor("sum(t.name)"),
            "7: error: '" + at + "t.csv', line 2 (row 1), column 'name' is 'ann', expected a number");
}

TEST(DensityData, IsReadFromJson) {
  DataFolder folder;
  std::vector<DataArray> arrays = folder.arraysOf("s.N*sum(s.y*x) + sum(dot(s.X, x)*s.c) + x[s.N - 1] + s.y[s.N - 2]");
  ASSERT_EQ(arrays.size(), 4u);
  EXPECT_EQ(arrays[0].shape, Shape());
  EXPECT_EQ(arrays[0].values, std::vector<double>{3});
  EXPECT_EQ(arrays[1].values, (std::vector<double>{1, 2.5, -3}));
  EXPECT_EQ(arrays[2].shape, (Shape{2, 3}));
  EXPECT_EQ(arrays[2].values, (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(arrays[3].shape, Shape{2});
  std::string at = "'" + (folder.folder / "");
  EXPECT_EQ(folder.messageFor("s.ragge"),
            "3: error: `s` has no column `ragge`; did you mean `ragged`? (its columns: N, y, X, c, e, t, "
            "ragged, mixed, text)");
  EXPECT_EQ(folder.messageFor("sum(s.e)"), "7: error: " + at + "s.json' has no rows of `e`");
  EXPECT_EQ(folder.messageFor("sum(s.t)"), "7: error: " + at +
                                               "s.json': 't' has the shape [1, 1, 1], expected a number, "
                                               "a vector or a matrix");
  EXPECT_EQ(folder.messageFor("sum(s.ragged)"), "7: error: " + at +
                                                    "s.json': 'ragged' holds lists of different lengths, "
                                                    "expected a number or lists of equal lengths");
  EXPECT_EQ(folder.messageFor("sum(s.mixed)"), "7: error: " + at +
                                                   "s.json': 'mixed' holds lists of different lengths, "
                                                   "expected a number or lists of equal lengths");
  EXPECT_EQ(folder.messageFor("sum(s.text)"), "7: error: " + at +
                                                  "s.json': 'text' holds more than numbers and lists of "
                                                  "them, expected a number or lists of equal lengths");
  EXPECT_EQ(folder.messageFor("sum(b.N)"), "6:71: error: " + at + "broken.json' is no valid JSON");
  Expected<ParsedItem> item = parseDensity("data s = array(\"s.json\")\ndensity d(x[2]) = sum(s)", "t");
  ASSERT_FALSE(item);
  EXPECT_EQ(item.error().message.substr(0, item.error().message.find('\n')),
            "t:1:16: error: the arrays of a JSON file have names: write `data s = table(\"s.json\")`");
}

TEST(DensityData, IsReadForTheDensityOnly) {
  DataFolder folder;
  std::string text = "data gone = table(\"gone.csv\")\nflow f = standard_normal([2])\n"
                     "density d(x[2]) = sum(gone.y)*x[0]";
  EXPECT_TRUE(parseFlow(text, folder.folder / "d.flow"));
  EXPECT_FALSE(parseDensity(text, folder.folder / "d.flow"));
  Expected<ParsedItem> item = parseFlow(text, "t", "gone");
  ASSERT_FALSE(item);
  EXPECT_NE(item.error().message.find("`gone` is data, expected a `flow`"), std::string::npos) << item.error().message;
  item = parseFlow("data t = table(\"t.csv\")\nbijection b(x) = x + t", "t");
  ASSERT_FALSE(item);
  EXPECT_NE(item.error().message.find("2:22: error: `t` is data, which only densities read"), std::string::npos);
}

/// The places and the messages of warnings.
std::vector<std::string> warningsFor(const std::string &text) {
  Expected<ParsedItem> item = parseFlow(text);
  EXPECT_TRUE(item) << text;
  std::vector<std::string> result;
  for (const Warning &warning : findWarnings(*item->root))
    result.push_back(std::to_string(warning.location.line) + ":" + std::to_string(warning.location.column) + " " +
                     warning.message.substr(0, 40));
  return result;
}

TEST(Warnings, NameThePlaceOnce) {
  // One layer is used three times, in lines of its own.
  std::vector<std::string> found =
      warningsFor("bijection b = masked_autoregressive(affine(), dim = 1, nn_width = 2, nn_depth = 1)\n"
                  "flow f = transformed(standard_normal([1]), chain([b, b, b]))");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], "1:15 a masked layer of dimension 1 without a ");
}

TEST(Warnings, RedundantParametersBehindMoves) {
  EXPECT_EQ(
      warningsFor("flow f = transformed(normal(zeros(3), ones(3)), chain([flip([3]), affine(zeros(3), ones(3))]))"),
      std::vector<std::string>{"1:67 the base distribution already has a loca"});
  // The other end of the chain meets the data.
  EXPECT_TRUE(
      warningsFor("flow f = transformed(normal(zeros(3), ones(3)), chain([tanh([3]), affine(zeros(3), ones(3))]))")
          .empty());
  EXPECT_TRUE(warningsFor("flow f = transformed(standard_normal([3]), affine(zeros(3), ones(3)))").empty());
  EXPECT_EQ(warningsFor("flow f = transformed(normal(zeros(3), ones(3)), invert(chain([tanh([3]), affine(zeros(3), "
                        "ones(3))])))")
                .size(),
            2u); // and the inverse of tanh does not take all numbers
}

TEST(Warnings, CaretsStandBelowCharacters) {
  Warning warning{{2, 6}, "message"};
  EXPECT_EQ(formatWarning(warning, "# x\n\té é = 1\r\nz", "f"), "f:2:6: warning: message\n\té é = 1\n\t    ^");
}

TEST(ExposedSplines, StopAtWhatKnowsTheRange) {
  auto count = [](const std::string &bijection) {
    Expected<ParsedItem> item = parseFlow("flow f = transformed(standard_normal([2]), " + bijection + ")");
    EXPECT_TRUE(item) << bijection;
    return findExposedSplines(*item->root).size();
  };
  std::string layer = "coupling(rational_quadratic_spline(knots = 4, interval = 3), untransformed_dim = 1, dim = 2, "
                      "nn_width = 4, nn_depth = 1)";
  EXPECT_EQ(count(layer), 1u);
  EXPECT_EQ(count("invert(" + layer + ")"), 1u);
  // Data meets the last bijection first.
  EXPECT_EQ(count("chain([" + layer + ", affine(zeros(2), ones(2))])"), 0u);
  EXPECT_EQ(count("chain([affine(zeros(2), ones(2)), " + layer + "])"), 1u);
  EXPECT_EQ(count("invert(chain([tanh([2]), " + layer + "]))"), 0u);
}

} // namespace
} // namespace flowc
