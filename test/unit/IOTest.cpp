//===- IOTest.cpp - Data files and their errors ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TemporaryDirectory.h"

#include "flowc/IO/File.h"
#include "flowc/IO/Npy.h"
#include "flowc/IO/Rows.h"
#include "flowc/IO/Safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace flowc;
using flowc::test::TemporaryDirectory;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// All numbers of a file, or its error as the only text.
struct Content {
  std::vector<double> values;
  Shape rowShape;
  std::string error;
};

Content readAll(const std::string &path, const std::vector<std::string> &columns = {}, bool finite = false) {
  auto reader = openRows(path, columns);
  if (!reader)
    return {{}, {}, reader.error().message};
  auto values = readAllRows<double>(**reader, finite);
  if (!values)
    return {{}, {}, values.error().message};
  return {*values, (*reader)->rowShape(), {}};
}

/// The bytes of an .npy file of format 1 with this dictionary.
std::string npyBytes(const std::string &dictionary, const std::string &data, char version = 1) {
  std::string header = "\x93NUMPY";
  header += {version, '\0', static_cast<char>(dictionary.size()), '\0'};
  if (version > 1)
    header += std::string(2, '\0');
  return header + dictionary + data;
}

template <typename T>
std::string bytesOf(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char *>(values.begin()), values.size() * sizeof(T));
}

std::string safetensorsBytes(const std::string &header, const std::string &data) {
  uint64_t size = header.size();
  return std::string(reinterpret_cast<const char *>(&size), 8) + header + data;
}

std::string openError(const std::string &path) {
  auto reader = SafetensorsReader::open(path);
  return reader ? "" : reader.error().message;
}

} // namespace

//===----------------------------------------------------------------------===//
// .npy
//===----------------------------------------------------------------------===//

TEST(NpyTest, ReadsEveryVersionOrderAndType) {
  TemporaryDirectory folder;
  std::string doubles = bytesOf<double>({1, 2, 3, 4, 5, 6});
  for (char version : {1, 2, 3}) {
    std::string file = folder.write(
        "x.npy", npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }\n", doubles, version));
    EXPECT_THAT(readAll(file).values, ElementsAre(1, 2, 3, 4, 5, 6));
  }
  std::string fortran =
      folder.write("f.npy", npyBytes("{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }\n", doubles));
  EXPECT_THAT(readAll(fortran).values, ElementsAre(1, 4, 2, 5, 3, 6));
  std::string integers = folder.write(
      "i.npy", npyBytes("{'shape': (2,), 'fortran_order': False, 'descr': '|i1'}\n", bytesOf<int8_t>({-3, 7})));
  Content content = readAll(integers);
  EXPECT_THAT(content.values, ElementsAre(-3, 7));
  EXPECT_EQ(content.rowShape, Shape{});
}

TEST(NpyTest, FortranOrderOfRankThreeMatchesNumPy) {
  // numpy.arange(12).reshape(2, 3, 2), saved in Fortran order.
  TemporaryDirectory folder;
  std::string file = folder.write("x.npy", npyBytes("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 2)}\n",
                                                    bytesOf<float>({0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11})));
  Content content = readAll(file);
  EXPECT_THAT(content.values, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_EQ(content.rowShape, (Shape{3, 2}));
}

TEST(NpyTest, WriterAndReaderAgree) {
  TemporaryDirectory folder;
  std::string path = folder / "x.npy";
  auto writer = createRowWriter(path, F32, {2, 2}, {});
  ASSERT_TRUE(bool(writer));
  std::vector<float> rows = {1, 2, 3, 4, NAN, 6, 7, INFINITY};
  ASSERT_TRUE(bool((*writer)->append(rows.data(), 1)));
  ASSERT_TRUE(bool((*writer)->append(rows.data() + 4, 1)));
  EXPECT_FALSE(std::filesystem::exists(path)) << "nothing is visible before the end";
  ASSERT_TRUE(bool((*writer)->finish()));
  Content content = readAll(path);
  EXPECT_EQ(content.rowShape, (Shape{2, 2}));
  ASSERT_EQ(content.values.size(), 8u);
  EXPECT_TRUE(std::isnan(content.values[4]));
  EXPECT_EQ(content.values[7], INFINITY);
  EXPECT_EQ(folder.numFiles(), 1u);
}

TEST(NpyTest, UnfinishedWriterLeavesNothing) {
  TemporaryDirectory folder;
  {
    auto writer = createRowWriter(folder / "x.npy", F64, {}, {});
    ASSERT_TRUE(bool(writer));
    double value = 1;
    ASSERT_TRUE(bool((*writer)->append(&value, 1)));
  }
  EXPECT_EQ(folder.numFiles(), 0u);
}

TEST(NpyTest, ErrorsSayWhatIsWrong) {
  TemporaryDirectory folder;
  auto error = [&](const std::string &content) { return readAll(folder.write("x.npy", content)).error; };
  std::string data = bytesOf<double>({1, 2});
  EXPECT_THAT(error(""), HasSubstr("it is cut off (0 bytes)"));
  EXPECT_THAT(error("this is text, no array"), HasSubstr("does not start with NumPy's signature"));
  EXPECT_THAT(error(npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", data)),
              HasSubstr("shape [3] of float64 needs 24 bytes of data, the file has 16"));
  EXPECT_THAT(error(npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", data)),
              HasSubstr("8 bytes after its data"));
  EXPECT_THAT(error(npyBytes("{'descr': '>f8', 'fortran_order': False, 'shape': (2,), }", data)),
              HasSubstr("big-endian"));
  EXPECT_THAT(error(npyBytes("{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", data)),
              HasSubstr("type '<f2', expected float32, float64 or integers"));
  EXPECT_THAT(error(npyBytes("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }", data)),
              HasSubstr("records"));
  EXPECT_THAT(error(npyBytes("{'descr': '<f8', 'fortran_order': False}", data)), HasSubstr("lacks"));
  EXPECT_THAT(error(npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", data)),
              HasSubstr("impossibly large"));
  EXPECT_THAT(error(npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", data)),
              HasSubstr("no valid 'shape'"));
  EXPECT_THAT(error(npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", data, 9)),
              HasSubstr("format version is 9"));
  EXPECT_THAT(error(npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", bytesOf<double>({1}))),
              HasSubstr("a single number"));
  EXPECT_THAT(readAll(folder / "none.npy").error, HasSubstr("cannot open"));
  EXPECT_THAT(readAll(folder / "x.parquet").error, HasSubstr("expected .npy, .csv, .tsv"));
}

TEST(NpyTest, ShapesThatAFewBytesPromiseAreAnswered) {
  TemporaryDirectory folder;
  auto content = [&](const std::string &type, const std::string &shape) {
    return readAll(folder.write(
        "x.npy", npyBytes("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n", "")));
  };
  // The end of the data would lie beyond the largest offset.
  EXPECT_THAT(content("|i1", "(9223372036854775807,)").error, HasSubstr("it is cut off: shape [9223372036854775807]"));
  EXPECT_THAT(content("<f8", "(1152921504606846975,)").error, HasSubstr("it is cut off"));
  // No rows need no memory, however wide they are; rows of nothing would never end.
  EXPECT_EQ(content("<f8", "(0, 1099511627776)").error, "");
  EXPECT_THAT(content("|i1", "(4611686018427387904, 0)").error, HasSubstr("rows of no numbers: its shape is"));
  std::string axes;
  for (int i = 0; i < 65; ++i)
    axes += "1,";
  EXPECT_THAT(content("<f8", "(" + axes + ")").error, HasSubstr("more than 64 axes"));
}

TEST(NpyTest, TrainingNamesTheNaN) {
  TemporaryDirectory folder;
  std::string file = folder.write("x.npy", npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }",
                                                    bytesOf<double>({1, 2, 3, NAN})));
  EXPECT_THAT(readAll(file, {}, /*finite=*/true).error, HasSubstr("row 2, column 1 is NaN"));
}

//===----------------------------------------------------------------------===//
// .csv and .tsv
//===----------------------------------------------------------------------===//

TEST(TextTest, HeaderNamesColumns) {
  TemporaryDirectory folder;
  std::string file = folder.write("x.csv", "a,b,\"c, d\"\n1,2,3\r\n-4.5e1, +5 ,\"6\"\n\n");
  EXPECT_THAT(readAll(file).values, ElementsAre(1, 2, 3, -45, 5, 6));
  EXPECT_THAT(readAll(file, {"c, d", "a"}).values, ElementsAre(3, 1, 6, -45));
  EXPECT_THAT(*readColumnNames(file), ElementsAre("a", "b", "c, d"));
  EXPECT_THAT(readAll(folder.write("x.tsv", "a\tb\n1\t2\n")).values, ElementsAre(1, 2));
  EXPECT_THAT(readAll(folder.write("bom.csv", "\xEF\xBB\xBF"
                                              "a\n1\n"),
                      {"a"})
                  .values,
              ElementsAre(1));
}

TEST(TextTest, FilesWithoutAHeader) {
  TemporaryDirectory folder;
  std::string file = folder.write("x.csv", "1,2\n3,4");
  EXPECT_THAT(readAll(file).values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(readAll(file, {"1"}).values, ElementsAre(2, 4));
  EXPECT_THAT(readAll(file, {"u"}).error, HasSubstr("has no column names"));
  // What pandas writes for columns without names.
  EXPECT_THAT(readAll(folder.write("p.csv", "0,1\n3,4\n")).values, ElementsAre(3, 4));
}

TEST(TextTest, ErrorsNameRowAndColumn) {
  TemporaryDirectory folder;
  auto error = [&](const std::string &content, const std::vector<std::string> &columns = {}) {
    return readAll(folder.write("x.csv", content), columns).error;
  };
  EXPECT_THAT(error("a,b\n1,2\n3,\n"), HasSubstr("line 3 (row 2), column 'b' is empty, expected a number"));
  EXPECT_THAT(error("a,b\n1,2\n3,four\n"), HasSubstr("line 3 (row 2), column 'b' is 'four', expected a number"));
  EXPECT_THAT(error("a,b\n1,nan\n"), HasSubstr("line 2 (row 1), column 'b' is 'nan'"));
  EXPECT_THAT(error("a,b\n1,2,3\n"), HasSubstr("line 2 (row 1) has 3 cells, expected 2"));
  EXPECT_THAT(error("a,b\n1\n"), HasSubstr("line 2 (row 1) has 1 cell, expected 2"));
  EXPECT_THAT(error("a,b\n1,2\n\n3,4\n"), HasSubstr("line 3 is empty"));
  EXPECT_THAT(error(""), HasSubstr("is empty"));
  EXPECT_THAT(error("a,b\n1,2\n", {"c"}), HasSubstr("has no column 'c'; its columns are: a, b"));
  EXPECT_THAT(error("a,a\n1,2\n", {"a"}), HasSubstr("2 columns named 'a'"));
  EXPECT_THAT(error("1,,3\n"), HasSubstr("line 1 (row 1), column 1 is empty"));
  // A column that is not wanted may hold text.
  EXPECT_EQ(error("a,name\n1,x\n", {"a"}), "");
}

TEST(TextTest, LongFilesPassThroughTheBuffer) {
  TemporaryDirectory folder;
  std::string text = "a,b\n";
  constexpr int rows = 150000; // More than one buffer.
  for (int i = 0; i < rows; ++i)
    text += std::to_string(i) + "," + std::to_string(i) + ".5\n";
  Content content = readAll(folder.write("x.csv", text));
  ASSERT_EQ(content.values.size(), 2u * rows);
  for (int i = 0; i < rows; ++i) {
    ASSERT_EQ(content.values[2 * i], i);
    ASSERT_EQ(content.values[2 * i + 1], i + 0.5);
  }
}

TEST(TextTest, WrittenNumbersReadBackExactly) {
  TemporaryDirectory folder;
  std::vector<double> values = {0.1, 1.0 / 3, 1e300, -5e-324, 123456789.123456789, INFINITY};
  auto writer = createRowWriter(folder / "x.csv", F64, {2}, {"a", "b"});
  ASSERT_TRUE(bool(writer));
  ASSERT_TRUE(bool((*writer)->append(values.data(), 3)));
  ASSERT_TRUE(bool((*writer)->finish()));
  EXPECT_EQ(readAll(folder / "x.csv").values, values);
}

TEST(TextTest, WrittenNamesReadBackExactly) {
  TemporaryDirectory folder;
  std::vector<std::string> names = {"plain",   "a,b",     "tab\tbed", "say \"no\"", "\"",   "\"\"",
                                    "a\",\"b", " blank ", "it's",     "comma,",     "tab\t"};
  std::vector<double> row(names.size(), 1.5);
  for (const char *file : {"x.csv", "x.tsv"}) {
    auto writer = createRowWriter(folder / file, F64, {static_cast<int64_t>(names.size())}, names);
    ASSERT_TRUE(bool(writer));
    ASSERT_TRUE(bool((*writer)->append(row.data(), 1)));
    ASSERT_TRUE(bool((*writer)->finish()));
    EXPECT_EQ(*readColumnNames(folder / file), names) << file;
    EXPECT_EQ(readAll(folder / file).values, row) << file;
  }
}

//===----------------------------------------------------------------------===//
// What stands in the place of an output
//===----------------------------------------------------------------------===//

/// Calls of fsync in this program: of files, and of the folders that they are in.
static int syncedFiles = 0, syncedFolders = 0;

/// Instead of the C library's: whether data is on the disk shows after a power failure
/// only.
extern "C" int fsync(int descriptor) {
  struct stat info;
  if (::fstat(descriptor, &info) != 0)
    return -1;
  ++(S_ISDIR(info.st_mode) ? syncedFolders : syncedFiles);
  return 0;
}

static void writeOneRow(const std::string &path) {
  double value = 1;
  auto writer = createRowWriter(path, F64, {}, {"a"});
  ASSERT_TRUE(bool(writer)) << writer.error().message;
  ASSERT_TRUE(bool((*writer)->append(&value, 1)));
  ASSERT_TRUE(bool((*writer)->finish()));
}

TEST(OutputFileTest, KeepsPermissionsOfTheFileItReplaces) {
  TemporaryDirectory folder;
  std::string path = folder.write("x.csv", "old");
  for (mode_t mode : {0640, 0600, 0666, 0444 | 0200}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    writeOneRow(path);
    struct stat info;
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, mode);
  }
  // A new file has those that open(2) gives.
  mode_t mask = ::umask(027);
  writeOneRow(folder / "new.csv");
  ::umask(mask);
  struct stat info;
  ASSERT_EQ(::stat((folder / "new.csv").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640U);
}

TEST(OutputFileTest, FollowsLinks) {
  TemporaryDirectory folder;
  std::string target = folder.write("target.csv", "old"), link = folder / "link.csv", chain = folder / "chain.csv";
  ASSERT_EQ(::symlink("target.csv", link.c_str()), 0);
  ASSERT_EQ(::symlink(link.c_str(), chain.c_str()), 0);
  for (const std::string &path : {link, chain}) {
    folder.write("target.csv", "old");
    writeOneRow(path);
    EXPECT_TRUE(std::filesystem::is_symlink(path));
    EXPECT_EQ(TemporaryDirectory::read(target), "a\n1\n");
  }
}

TEST(OutputFileTest, IsOnTheDiskBeforeItTakesItsName) {
  TemporaryDirectory folder;
  syncedFiles = syncedFolders = 0;
  std::vector<float> a = {1};
  ASSERT_TRUE(bool(writeSafetensors(folder / "x.safetensors", {{"a", ElementType::F32, {1}, a.data()}}, {})));
  EXPECT_EQ(syncedFiles, 1) << "the bytes of a model";
  EXPECT_EQ(syncedFolders, 1) << "its name";
}

TEST(TextTest, UnwritableOutputIsFoundAtOnce) {
  TemporaryDirectory folder;
  auto error = [](const std::string &path) {
    auto writer = createRowWriter(path, F64, {}, {});
    return writer ? "" : writer.error().message;
  };
  EXPECT_THAT(error(folder / "none/x.csv"), HasSubstr("cannot write"));
  EXPECT_THAT(error(folder / "x.txt"), HasSubstr("ends in .npy, .csv or .tsv"));
}

//===----------------------------------------------------------------------===//
// .safetensors
//===----------------------------------------------------------------------===//

TEST(SafetensorsTest, WriterAndReaderAgree) {
  TemporaryDirectory folder;
  std::vector<float> a = {1, 2, 3};
  std::vector<int32_t> b = {4};
  std::string path = folder / "x.safetensors";
  ASSERT_TRUE(bool(writeSafetensors(
      path, {{"a", ElementType::F32, {3}, a.data()}, {"b", ElementType::I32, {}, b.data()}}, {{"key", "va\"lue"}})));
  auto reader = SafetensorsReader::open(path);
  ASSERT_TRUE(bool(reader)) << reader.error().message;
  EXPECT_EQ(reader->metadata().at("key"), "va\"lue");
  EXPECT_THAT(*readArray(reader->file(), *reader->find("a")), ElementsAre(1, 2, 3));
  EXPECT_THAT(*readArray(reader->file(), *reader->find("b")), ElementsAre(4));
  EXPECT_EQ(reader->find("c"), nullptr);
  EXPECT_THAT(readAll(path + ":a").values, ElementsAre(1, 2, 3));
  EXPECT_THAT(readAll(path + ":c").error, HasSubstr("no tensor 'c'; its tensors are: a, b"));
}

TEST(SafetensorsTest, EveryCutIsFound) {
  TemporaryDirectory folder;
  std::vector<float> a = {1, 2, 3};
  std::string path = folder / "x.safetensors";
  ASSERT_TRUE(bool(writeSafetensors(path, {{"a", ElementType::F32, {3}, a.data()}}, {{"key", "value"}})));
  std::string bytes = TemporaryDirectory::read(path);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(openError(folder.write("cut.safetensors", bytes.substr(0, size))), "") << size;
  EXPECT_THAT(openError(folder.write("long.safetensors", bytes + "x")), HasSubstr("1 bytes after the last tensor"));
  EXPECT_THAT(openError(folder.write("empty.safetensors", "")), HasSubstr("it has 0 bytes, expected at least 8"));
}

// Tensors without elements share their place with the next one: by their names, whatever the order they come in.
TEST(SafetensorsTest, TensorsWithoutElementsStandAnywhere) {
  TemporaryDirectory folder;
  float one = 1;
  TensorToWrite full{"m", ElementType::F32, {1}, &one}, b{"b", ElementType::F32, {0}, nullptr},
      z{"z", ElementType::F32, {2, 0}, nullptr};
  for (const std::vector<TensorToWrite> &tensors :
       {std::vector{z, b, full}, std::vector{full, z, b}, std::vector{z, full, b}, std::vector{z, b}}) {
    std::string path = folder / "x.safetensors";
    ASSERT_TRUE(bool(writeSafetensors(path, tensors, {})));
    EXPECT_EQ(openError(path), "") << tensors.front().name << ", " << tensors.size() << " tensors";
  }
}

TEST(SafetensorsTest, ErrorsSayWhatIsWrong) {
  TemporaryDirectory folder;
  std::string data = bytesOf<float>({1, 2, 3, 4});
  auto error = [&](const std::string &header) {
    return openError(folder.write("x.safetensors", safetensorsBytes(header, data)));
  };
  auto tensor = [](const std::string &name, const std::string &shape, int begin, int end) {
    return "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":[" + std::to_string(begin) +
           "," + std::to_string(end) + "]}";
  };
  EXPECT_EQ(error("{" + tensor("a", "[2]", 0, 8) + "," + tensor("b", "[2]", 8, 16) + "}"), "");
  EXPECT_THAT(error("{" + tensor("a", "[3]", 0, 12) + "," + tensor("b", "[2]", 8, 16) + "}"),
              HasSubstr("'a' and 'b' overlap"));
  EXPECT_THAT(error("{" + tensor("a", "[1]", 0, 4) + "," + tensor("b", "[2]", 8, 16) + "}"),
              HasSubstr("a gap of 4 bytes before tensor 'b'"));
  EXPECT_THAT(error("{" + tensor("a", "[5]", 0, 20) + "}"), HasSubstr("cut off"));
  EXPECT_THAT(error("{" + tensor("a", "[2]", 0, 16) + "}"), HasSubstr("needs 8 bytes, its 'data_offsets' span 16"));
  EXPECT_THAT(error("{" + tensor("a", "[2]", 8, 0) + "}"), HasSubstr("not in order"));
  EXPECT_THAT(error("{" + tensor("a", "[-2]", 0, 8) + "}"), HasSubstr("'shape' is no list of sizes"));
  EXPECT_THAT(error("{" + tensor("a", "[2]", 0, 8) + "," + tensor("a", "[2]", 8, 16) + "}"),
              HasSubstr("'a' occurs twice"));
  EXPECT_THAT(error("{\"a\":1}"), HasSubstr("tensor 'a': it lacks"));
  EXPECT_THAT(error("{\"a\":{\"dtype\":\"F8\",\"shape\":[],\"data_offsets\":[0,1]}}"), HasSubstr("F8"));
  EXPECT_THAT(error("[1, 2]"), HasSubstr("no JSON object"));
  EXPECT_THAT(error("{\"a\":"), HasSubstr("no valid JSON"));
  EXPECT_THAT(error("{" + tensor("a", "[9223372036854775807, 4]", 0, 8) + "}"), HasSubstr("impossibly large"));
}

TEST(SafetensorsTest, MessagesHoldNothingThatATerminalWouldObey) {
  TemporaryDirectory folder;
  for (const std::string &header : {std::string("{\"a\x1b[2J\x7f\":1}"), "{\"" + std::string(5000, '\x7f') + "\":1}",
                                    std::string("{\"a\\u001b[2J\":1}")}) {
    std::string error = openError(folder.write("x.safetensors", safetensorsBytes(header, "")));
    EXPECT_THAT(error, HasSubstr("is no valid .safetensors file"));
    EXPECT_LT(error.size(), 800u);
    EXPECT_EQ(error.find_first_of("\x1b\x7f"), std::string::npos) << error;
  }
}

TEST(SafetensorsTest, ManyTensorsTakeAsLongAsTheyAreMany) {
  // Comparing each name with all others took minutes.
  TemporaryDirectory folder;
  constexpr int count = 60000;
  std::string header = "{", data;
  for (int i = 0; i < count; ++i)
    header += (i ? ",\"" : "\"") + std::string(60, 'n') + std::to_string(i) +
              "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
  header += "}";
  const std::clock_t begin = std::clock();
  EXPECT_EQ(openError(folder.write("x.safetensors", safetensorsBytes(header, data))), "");
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
}

TEST(SafetensorsTest, HeadersOfAnySizeAreErrors) {
  TemporaryDirectory folder;
  // What comes out negative, beyond the file, or as more than there is memory.
  for (uint64_t size : {uint64_t(3), uint64_t(1) << 20, uint64_t(1) << 32, (uint64_t(1) << 62) + 1,
                        (uint64_t(1) << 63) + 5, ~uint64_t(0) - 7, ~uint64_t(0)}) {
    std::string bytes(reinterpret_cast<const char *>(&size), sizeof(size));
    EXPECT_NE(openError(folder.write("x.safetensors", bytes + "{}")), "") << size;
  }
}

//===----------------------------------------------------------------------===//
// Rows in any order
//===----------------------------------------------------------------------===//

TEST(RowsViewTest, MapsArraysOfAnyType) {
  TemporaryDirectory folder;
  std::string head = "{'descr': '<", tail = "', 'fortran_order': False, 'shape': (3, 2), }";
  folder.write("f4.npy", npyBytes(head + "f4" + tail, bytesOf<float>({1, 2, 3, 4, 5, 6})));
  folder.write("f8.npy", npyBytes(head + "f8" + tail, bytesOf<double>({1, 2, 3, 4, 5, 6})));
  folder.write("i2.npy", npyBytes(head + "i2" + tail, bytesOf<int16_t>({1, 2, 3, 4, 5, 6})));
  for (const char *file : {"f4.npy", "f8.npy", "i2.npy"})
    for (bool selects : {false, true}) {
      auto reader = openRows(folder / file, selects ? std::vector<std::string>{"1", "0"} : std::vector<std::string>());
      ASSERT_TRUE(reader);
      RowsView view = (*reader)->map();
      ASSERT_TRUE(view) << file;
      EXPECT_EQ(view.rows(), 3);
      std::vector<double> doubles(4);
      view.copy(std::array<int64_t, 2>{2, 0}, F64, doubles.data());
      EXPECT_THAT(doubles, selects ? ElementsAre(6, 5, 2, 1) : ElementsAre(5, 6, 1, 2)) << file;
      std::vector<float> floats(4);
      view.copy(1, 2, F32, floats.data());
      EXPECT_THAT(floats, selects ? ElementsAre(4, 3, 6, 5) : ElementsAre(3, 4, 5, 6)) << file;
    }
}

TEST(RowsViewTest, WhatCannotBeMappedIsRead) {
  TemporaryDirectory folder;
  folder.write("fortran.npy",
               npyBytes("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }", bytesOf<double>({1, 3, 2, 4})));
  folder.write("x.csv", "a,b\n1,2\n3,4\n");
  for (const char *file : {"fortran.npy", "x.csv"}) {
    auto reader = openRows(folder / file);
    ASSERT_TRUE(reader);
    EXPECT_FALSE((*reader)->map()) << file;
    auto view = holdRows(**reader, F64);
    ASSERT_TRUE(view) << view.error().message;
    std::vector<double> values(4);
    view->copy(0, 2, F64, values.data());
    EXPECT_THAT(values, ElementsAre(1, 2, 3, 4)) << file;
  }
}

TEST(RowsViewTest, NumbersThatAreNotFiniteAreNamed) {
  TemporaryDirectory folder;
  folder.write("x.npy", npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }",
                                 bytesOf<double>({1, 2, 3, 1e300})));
  auto hold = [&](DType dtype) {
    auto reader = openRows(folder / "x.npy");
    auto view = holdRows(**reader, dtype);
    return view ? std::string() : view.error().message;
  };
  EXPECT_EQ(hold(F64), "");
  EXPECT_THAT(hold(F32), HasSubstr("row 2, column 1 is infinite or beyond the range of float32, expected a finite number"));
}

//===----------------------------------------------------------------------===//
// Files of processes that were killed
//===----------------------------------------------------------------------===//

namespace {

void writeWhole(const std::string &path, bool toDisk) {
  auto file = OutputFile::create(path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(file->write("whole", 5));
  auto ok = file->commit(toDisk);
  ASSERT_TRUE(ok) << ok.error().message;
}

/// A process is killed while it writes `path`.
void beKilledWriting(const std::string &path) {
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto file = OutputFile::create(path);
    if (file && file->write("half", 4))
      ::kill(::getpid(), SIGKILL);
    ::_exit(1); // Not reached.
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

} // namespace

TEST(OutputFileTest, TheNextWriteRemovesWhatAKilledProcessLeft) {
  for (bool toDisk : {false, true}) {
    TemporaryDirectory folder;
    std::string path = folder / "x.npy";
    beKilledWriting(path);
    beKilledWriting(path);
    beKilledWriting(folder / "other.npy");
    ASSERT_EQ(folder.numFiles(), 3u) << "killed processes are expected to leave their temporaries";
    writeWhole(path, toDisk);
    EXPECT_EQ(TemporaryDirectory::read(path), "whole");
    EXPECT_EQ(folder.numFiles(), 2u) << "one of another name stays";
  }
}

TEST(OutputFileTest, TemporariesOfLivingWritersAndFilesOfOthersStay) {
  TemporaryDirectory folder;
  std::string path = folder / "x.npy";
  const std::vector<std::string> others = {"x.npy.backup.tmp", "x.npy.flowc-abc.tmp", "x.npy.flowc-abcdefabcdef.txt",
                                           "zx.npy.flowc-abcdefabcdef.tmp"};
  for (const std::string &name : others)
    folder.write(name, "mine");
  std::filesystem::create_directory(folder / "x.npy.flowc-folderfolder.tmp");
  std::filesystem::create_symlink(folder / others[0], folder / "x.npy.flowc-linkedlinked.tmp");
  auto living = OutputFile::create(path);
  ASSERT_TRUE(living && living->write("later", 5));
  size_t before = folder.numFiles();
  writeWhole(path, /*toDisk=*/false);
  EXPECT_EQ(folder.numFiles(), before + 1);
  auto ok = living->commit();
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(TemporaryDirectory::read(path), "later");
  for (const std::string &name : others)
    EXPECT_EQ(TemporaryDirectory::read(folder / name), "mine") << name;
}

TEST(OutputFileTest, WritersOfOneNameAtOnceAllSucceed) {
  TemporaryDirectory folder;
  std::string path = folder / "x.npy";
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(::fork());
    ASSERT_GE(children.back(), 0);
    if (children.back() != 0)
      continue;
    for (int round = 0; round < 300; ++round) {
      auto file = OutputFile::create(path);
      if (!file || !file->write("whole", 5) || !file->commit())
        ::_exit(1);
    }
    ::_exit(0);
  }
  for (pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(TemporaryDirectory::read(path), "whole");
  EXPECT_EQ(folder.numFiles(), 1u);
}
