//===- DataReader.cpp - Reads data items ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DataReader.h"

#include "flowc/Frontend/Formula.h"
#include "flowc/IO/Rows.h"
#include "flowc/Support/Format.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

namespace flowc {

using ast::Item;
using llvm::StringRef;
using llvm::Twine;

using SharedArrays = std::vector<std::shared_ptr<const DataArray>>;

static std::vector<const DataArray *> listArrays(const Node &density, SharedArrays Item::*which) {
  std::vector<const DataArray *> arrays;
  if (density.formula)
    for (const std::shared_ptr<const DataArray> &array : density.formula->item.*which)
      arrays.push_back(array.get());
  return arrays;
}

std::vector<const DataArray *> getDataArrays(const Node &density) { return listArrays(density, &Item::data); }

std::vector<const DataArray *> getPositionSources(const Node &density) {
  return listArrays(density, &Item::positionData);
}

std::string describeCompiledData(const Node &density) {
  std::string description;
  for (const DataArray *array : getDataArrays(density))
    description += formatShape(array->shape) + (array->isPositions ? "i" : "");
  if (density.formula)
    for (int64_t position : density.formula->item.dataPositions)
      description += " " + std::to_string(position);
  return description;
}

DataReader::DataReader(Diagnostics &diagnostics, const ast::File &file, StringRef fileName)
    : diagnostics(diagnostics), file(file), folder(llvm::sys::path::parent_path(fileName)) {}

const Item *DataReader::find(StringRef name) const {
  auto item = llvm::find_if(file.items,
                            [&](const Item &known) { return known.kind == Item::Kind::Data && known.name == name; });
  return item == file.items.end() ? nullptr : &*item;
}

/// `path` from where a text lies in `folder`.
static std::string getPathIn(StringRef folder, StringRef given) {
  llvm::SmallString<128> path(folder);
  if (folder.empty() || llvm::sys::path::is_absolute(given))
    path = given;
  else
    llvm::sys::path::append(path, given);
  return std::string(path);
}

std::string DataReader::getPath(const Item &item) const { return getPathIn(folder, item.path); }

/// Reads rows of one or more columns.
static Expected<DataArray> readRows(const std::string &path, const std::vector<std::string> &columns) {
  Expected<std::unique_ptr<RowReader>> reader = openRows(path, columns);
  if (!reader)
    return reader.takeError();
  Shape row = (*reader)->rowShape();
  if (row.size() > 1)
    return Error{"'" + path + "' has rows of shape " + formatShape(row) + ", expected a vector or a matrix"};
  Expected<std::vector<double>> values = readAllRows<double>(**reader, /*finite=*/true);
  if (!values)
    return values.takeError();
  int64_t width = (*reader)->columns();
  DataArray array;
  array.shape = {width ? static_cast<int64_t>(values->size()) / width : 0};
  if (width > 1)
    array.shape.push_back(width);
  array.values = std::move(*values);
  return array;
}

static Expected<DataArray> readMember(const Expected<JsonArrays> &file, const std::string &path,
                                      const std::string &name) {
  if (!file)
    return file.error();
  Expected<JsonArray> member = file->get(name);
  if (!member)
    return member.takeError();
  if (member->shape.size() > 2)
    return Error{"'" + path + "': '" + name + "' has the shape " + formatShape(member->shape) +
                 ", expected a number, a vector or a matrix"};
  // A matrix of one column is a vector, wherever it comes from.
  if (member->shape.size() == 2 && member->shape[1] == 1)
    member->shape.pop_back();
  DataArray array;
  array.shape = std::move(member->shape);
  array.values = std::move(member->values);
  return array;
}

static bool isJson(StringRef path) { return path.ends_with(".json"); }

Expected<JsonArrays> DataReader::openJson(const std::string &path) {
  if (auto it = jsonFiles.find(path); it != jsonFiles.end())
    return it->second;
  Expected<JsonArrays> json = JsonArrays::read(path);
  if (json)
    jsonFiles.emplace(path, *json);
  return json;
}

Expected<std::vector<std::string>> readDataColumns(std::string_view path, std::string_view textFile) {
  std::string file = getPathIn(llvm::sys::path::parent_path(textFile), path);
  if (!isJson(path))
    return readColumnNames(file);
  Expected<JsonArrays> json = JsonArrays::read(file);
  if (!json)
    return json.takeError();
  return json->names();
}

Expected<std::vector<std::string>> DataReader::readNames(const std::string &path) {
  if (!isJson(path))
    return readColumnNames(path);
  Expected<JsonArrays> json = openJson(path);
  if (!json)
    return json.takeError();
  return json->names();
}

DataReader::Array DataReader::read(const Item &item, const std::string &name, StringRef column, llvm::SMLoc where) {
  if (auto it = known.find(name); it != known.end())
    return it->second;
  std::string path = getPath(item);
  std::vector<std::string> columns(!column.empty(), column.str());
  Expected<DataArray> array = isJson(path) ? readMember(openJson(path), path, column.str()) : readRows(path, columns);
  if (!array)
    return fail(where, array.error().message);
  if (array->values.empty())
    return fail(where, "'" + path + "' has no rows" + (column.empty() ? "" : " of `" + column + "`"));
  array->name = name;
  return known[name] = std::make_shared<const DataArray>(std::move(*array));
}

DataReader::Array DataReader::readArray(const Item &item) {
  if (isJson(item.path))
    return fail(item.pathLoc,
                "the arrays of a JSON file have names: write `data " + item.name + " = table(\"" + item.path + "\")`");
  return read(item, item.name.str(), "", item.pathLoc);
}

DataReader::Array DataReader::readColumn(const Item &item, StringRef column, llvm::SMLoc where) {
  std::string path = getPath(item);
  Expected<std::vector<std::string>> names = readNames(path);
  if (!names)
    return fail(item.pathLoc, names.error().message);
  std::vector<StringRef> candidates(names->begin(), names->end());
  if (!names->empty() && !llvm::is_contained(candidates, column))
    return fail(where, "`" + item.name + "` has no column `" + column + "`" + suggestion(column, candidates) +
                           " (its columns: " + abbreviateList(*names) + ")");
  return read(item, (item.name + "." + column).str(), column, where);
}

} // namespace flowc
