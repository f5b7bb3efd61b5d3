//===- TablesTest.cpp - Text files as other programs write them -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TemporaryDirectory.h"

#include "flowc/IO/JsonArrays.h"
#include "flowc/IO/Rows.h"
#include "flowc/Support/Format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

using namespace flowc;
using flowc::test::TemporaryDirectory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

struct Table {
  std::vector<std::string> names;
  std::vector<double> values;
  std::string error;
};

class TablesTest : public testing::Test {
protected:
  Table readFrom(const std::string &path, const std::vector<std::string> &columns = {}) {
    auto reader = openRows(path, columns);
    if (!reader)
      return {{}, {}, reader.error().message};
    auto values = readAllRows<double>(**reader, /*finite=*/true);
    if (!values)
      return {{}, {}, values.error().message};
    return {(*reader)->columnNames(), *values, {}};
  }
  Table read(const std::string &text, const std::vector<std::string> &columns = {}) {
    return readFrom(folder.write("x.csv", text), columns);
  }

  TemporaryDirectory folder;
};

} // namespace

//===----------------------------------------------------------------------===//
// Headers
//===----------------------------------------------------------------------===//

TEST_F(TablesTest, NumbersThatMayBeNamesAreAskedAbout) {
  for (const char *text : {"1990,1991,1992\n0.5,0.25,1.5\n", "1990,1991\n0.5,0.25\n", "1990,1995,2000\n7,12,3\n"}) {
    EXPECT_THAT(read(text).error, HasSubstr("may be names or numbers: write '")) << text;
    std::string file = folder.write("years.csv", text);
    EXPECT_EQ(readFrom(file + ":header").names.front(), "1990");
    EXPECT_THAT(readFrom(file + ":no-header").names, IsEmpty());
    EXPECT_EQ(readFrom(file + ":no-header").values.front(), 1990);
    EXPECT_NE(readFrom(file + ":header").values.front(), 1990);
  }
  // A word among numbers: a row with a mistake, or a header.
  EXPECT_THAT(read("id,1990\n1,2\n").error, HasSubstr("neither a header nor a row"));
  EXPECT_THAT(readFrom(folder.write("m.csv", "id,1990\n1,2\n") + ":header").names, ElementsAre("id", "1990"));
  EXPECT_THAT(readFrom(folder.write("m.csv", "1,oops\n1,2\n") + ":no-header").error,
              HasSubstr("line 1 (row 1), column 1 is 'oops'"));
}

TEST_F(TablesTest, YearsAboveOtherWholeNumbersAreAskedAbout) {
  for (const char *text : {"2019,2020\n1,2\n3,4\n", "2015,2018,2020\n1,2,3\n", "2020;2019\n12;7\n"})
    EXPECT_THAT(read(text).error, HasSubstr("may be names or numbers: write '")) << text;
  for (const char *text : {"1950,2010\n1980,1400\n", "2019,2019\n1,2\n", "1999,2100\n1,2\n", "2019,2020\n"})
    EXPECT_THAT(read(text).names, IsEmpty()) << text;
}

TEST_F(TablesTest, RowsOfWholeNumbersAreRows) {
  EXPECT_THAT(read("1,2\n3,4\n").values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(read("1,2,3\n4,5,6\n").values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(read("3,1,2\n0.5,1.5,2.5\n").values, ElementsAre(3, 1, 2, 0.5, 1.5, 2.5));
  EXPECT_THAT(read("5\n0.5\n").values, ElementsAre(5, 0.5));
  EXPECT_THAT(read("1,2,3\n").values, ElementsAre(1, 2, 3));
}

TEST_F(TablesTest, ProgramsHaveHeadersOfNumbers) {
  // pandas: columns without names, with and without an index.
  EXPECT_THAT(read("0,1\n3,4\n").names, ElementsAre("0", "1"));
  EXPECT_THAT(read(",0,1\n0,3.5,4\n", {"1", "0"}).values, ElementsAre(4, 3.5));
  // csv.QUOTE_NONNUMERIC, and flowc itself.
  EXPECT_THAT(read("\"1990\",\"1991\"\n0.5,2\n").names, ElementsAre("1990", "1991"));
}

//===----------------------------------------------------------------------===//
// Separators, comments, decimal commas
//===----------------------------------------------------------------------===//

TEST_F(TablesTest, TheFirstTwoLinesTellTheSeparator) {
  for (const char *text :
       {"a;b\n1.5;2\n-3;4e1\n", "a\tb\n1.5\t2\n-3\t4e1\n", "a b\n1.5 2\n-3   4e1\n", "  a   b\n  1.5  2 \n -3\t4e1\n",
        "a;b\n1,5;2\n-3;4e1\n", "a\tb\n1,5\t2\n-3\t4e1\n", "# from elsewhere\na,b\n1.5,2\n# half of it\n-3,4e1\n",
        "# a b\n1.5 2\n-3 4e1\n", "#a,b\n1.5,2\n-3,4e1\n"}) {
    Table table = read(text);
    EXPECT_THAT(table.values, ElementsAre(1.5, 2, -3, 40)) << text << table.error;
    EXPECT_THAT(table.names, ElementsAre("a", "b")) << text;
  }
  EXPECT_THAT(read("1,5;2\n-3;4\n").values, ElementsAre(1.5, 2, -3, 4));
  EXPECT_THAT(readFrom(folder.write("x.txt", "1 2\n3 4\n")).values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(readFrom(folder.write("x.dat", "x\n1\n")).names, ElementsAre("x"));
  // One column whose name has a blank.
  EXPECT_THAT(read("mass of it\n1\n").names, ElementsAre("mass of it"));
}

TEST_F(TablesTest, DecimalMarksAreNotMixed) {
  EXPECT_THAT(read("a;b\n1,5;2\n1.500;3\n").error,
              HasSubstr("line 3 (row 2), column 'a' is '1.500' where others have decimal commas"));
  EXPECT_THAT(read("a;b\n1.5;2\n1,5;3\n").error, HasSubstr("column 'a' is '1,5', expected a number"));
  EXPECT_THAT(read("a,b\n\"1,5\",2\n").error, HasSubstr("column 'a' is '1,5', expected a number"));
}

//===----------------------------------------------------------------------===//
// Quotes
//===----------------------------------------------------------------------===//

TEST_F(TablesTest, NamesSurviveQuotes) {
  std::vector<std::string> names{"plain", "a,b", "say \"x\"", "two\nlines", " blanks ", "#3", "semi;colon", ""};
  std::vector<double> row{1, 2, 3, 4, 5, 6, 7, 8};
  for (const char *ending : {"x.csv", "x.tsv"}) {
    auto writer = createRowWriter(folder / ending, F64, {8}, names);
    ASSERT_TRUE(bool(writer));
    ASSERT_TRUE(bool((*writer)->append(row.data(), 1)));
    ASSERT_TRUE(bool((*writer)->finish()));
    Table table = readFrom(folder / ending);
    EXPECT_EQ(table.names, names) << ending;
    EXPECT_EQ(table.values, row) << ending;
  }
}

TEST_F(TablesTest, NamesThatBeginLikeOtherFilesStayNames) {
  for (const char *name : {"\x1f\x8b", "\xEF\xBB\xBFmass", "\x93NUMPY"}) {
    auto writer = createRowWriter(folder / "x.csv", F64, {2}, {name, "b"});
    ASSERT_TRUE(bool(writer) && (*writer)->finish());
    EXPECT_THAT(readFrom(folder / "x.csv").names, ElementsAre(name, "b"));
  }
}

TEST_F(TablesTest, SignsInQuotesDoNotSeparate) {
  // With rows below it their number of cells would tell.
  EXPECT_THAT(read(",\"a\tb\"").names, ElementsAre("", "a\tb"));
  EXPECT_THAT(read("x,\"a;b;c\",z").names, ElementsAre("x", "a;b;c", "z"));
  EXPECT_THAT(read("x\t\"a;b\"").names, ElementsAre("x", "a;b"));
}

TEST_F(TablesTest, ManyQuotesTakeAsLongAsTheyAreMany) {
  // Closing the gap of each would take minutes.
  const size_t count = size_t(1) << 21;
  const std::clock_t begin = std::clock();
  Table table = read("\"" + std::string(2 * count, '"') + "\",b\n1,2\n");
  ASSERT_EQ(table.names.size(), 2u);
  EXPECT_EQ(table.names[0], std::string(count, '"'));
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
}

TEST_F(TablesTest, NamesWithoutRowsReadBack) {
  for (const std::vector<std::string> &names :
       {std::vector<std::string>{"a", "b\tc", "d"}, {"a;b;c", "d"}, {"two words"}, {"", "x\ty"}})
    for (const char *ending : {"x.csv", "x.tsv"}) {
      auto writer = createRowWriter(folder / ending, F64, {std::ssize(names)}, names);
      ASSERT_TRUE(bool(writer));
      ASSERT_TRUE(bool((*writer)->finish()));
      EXPECT_EQ(readFrom(folder / ending).names, names) << ending;
    }
}

TEST_F(TablesTest, NumbersAsNamesReadBackAsNames) {
  std::vector<double> row{0.5, 0.25};
  auto writer = createRowWriter(folder / "x.csv", F64, {2}, {"1990", "1991"});
  ASSERT_TRUE(bool(writer));
  ASSERT_TRUE(bool((*writer)->append(row.data(), 1)));
  ASSERT_TRUE(bool((*writer)->finish()));
  EXPECT_THAT(readFrom(folder / "x.csv").names, ElementsAre("1990", "1991"));
}

TEST_F(TablesTest, ColumnsThatAreNotReadMayHoldAnyText) {
  std::string text = "a,text,b\n1,\"x, \"\"y\"\"\nand more\",2\n3,plain,4\n";
  EXPECT_THAT(read(text, {"a", "b"}).values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(read(text).error, HasSubstr("line 2 (row 1), column 'text' is 'x, \"\"y\"\"?and more'"));
  EXPECT_THAT(read("a,text\n1,x\n2,\"y\nz\"\noops,w\n", {"a"}).error,
              HasSubstr("line 5 (row 3), column 'a' is 'oops'"));
  EXPECT_THAT(read("a,b\n1,2\n\"3,4\n5,6\n").error, HasSubstr("line 3 opens a quote that nothing closes"));
}

TEST_F(TablesTest, AnyColumnCanBeNamed) {
  EXPECT_THAT(splitColumnNames("a,\"b,c\",\"say \"\"x\"\"\",\"\""), ElementsAre("a", "b,c", "say \"x\"", ""));
  std::string text = "a,a,,#0\n1,2,3,4\n";
  EXPECT_THAT(read(text, {"#1", "#2"}).values, ElementsAre(2, 3));
  EXPECT_THAT(read(text, {"#0"}).values, ElementsAre(4)); // a name comes first
  EXPECT_THAT(read(text, {""}).values, ElementsAre(3));
  EXPECT_THAT(read(text, {"a"}).error, HasSubstr("2 columns named 'a': choose by position, e.g. #0"));
  EXPECT_THAT(read(text, {"#9"}).error, HasSubstr("has no column '#9'"));
  EXPECT_THAT(read("1,2.5\n3,4\n", {"#1"}).values, ElementsAre(2.5, 4));
}

//===----------------------------------------------------------------------===//
// Limits
//===----------------------------------------------------------------------===//

TEST_F(TablesTest, EndlessLinesAreErrors) {
  std::string line(size_t(1) << 27, '1');
  EXPECT_THAT(read("a\n" + line).error, HasSubstr("line 2 has more than 67108864 bytes"));
  std::string quoted = "a,text\n1,\"";
  for (int i = 0; i < 70; ++i)
    quoted += std::string(1 << 20, 'x') + "\n";
  EXPECT_THAT(read(quoted, {"a"}).error, HasSubstr("line 2 has more than 67108864 bytes"));
}

TEST_F(TablesTest, ManyMembersOfAnObjectTakeAsLongAsTheyAreMany) {
  // Comparing each name with all others took minutes.
  const std::clock_t begin = std::clock();
  std::string text = "{";
  for (int i = 0; i < 60000; ++i)
    text += (i ? ",\"m" : "\"m") + std::to_string(60000 - i) + "\":1";
  auto object = JsonArrays::read(folder.write("x.json", text + ",\"m5\":[7]}"));
  ASSERT_TRUE(bool(object));
  ASSERT_EQ(object->names().size(), 60000u);
  EXPECT_EQ(object->names()[1], "m59999"); // in their order
  EXPECT_THAT(object->get("m5")->values, ElementsAre(7));
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
}

// As many as there is room for, and no word of others where there are none.
TEST_F(TablesTest, ListsInMessagesAreAbbreviated) {
  EXPECT_EQ(abbreviateList({}, 2), "");
  EXPECT_EQ(abbreviateList({"a", "b"}, 2), "a, b");
  EXPECT_EQ(abbreviateList({"a", "b", "c"}, 2), "a, b, … (3 in all)");
}

TEST_F(TablesTest, MessagesShowTheBeginningOfWhatIsLong) {
  std::string longName(5000, 'n'), many;
  for (int i = 0; i < 300; ++i)
    many += "c" + std::to_string(i) + ",";
  for (const std::string &error :
       {read("a\n" + longName + "\n").error, read(many + longName + "\n" + many + "\n").error,
        read(many + longName + "\n", {"none"}).error, read("a,b\n1,2\n", {longName}).error,
        readFrom(folder.write("x." + std::string(200, 'e'), "")).error}) {
    EXPECT_FALSE(error.empty());
    EXPECT_LT(error.size(), 800u) << error;
  }
  EXPECT_THAT(read(many + "z\n1\n", {"none"}).error, HasSubstr("… (301 in all)"));
}
