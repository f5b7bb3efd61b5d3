//===- DataReader.cpp - Reads data items ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DataReader.h"

#include "flowc/Frontend/Formula.h"
#include "flowc/IO/Rows.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

namespace flowc {

using ast::Item;
using llvm::StringRef;
using llvm::Twine;

std::vector<const DataArray *> getDataArrays(const Node &density) {
  std::vector<const DataArray *> arrays;
  if (density.formula)
    for (const std::shared_ptr<const DataArray> &array : density.formula->item.data)
      arrays.push_back(array.get());
  return arrays;
}

DataReader::DataReader(const SourceText &source, const ast::File &file, StringRef fileName)
    : source(source), file(file), folder(llvm::sys::path::parent_path(fileName)) {}

const Item *DataReader::find(StringRef name) const {
  auto item = llvm::find_if(file.items,
                            [&](const Item &known) { return known.kind == Item::Kind::Data && known.name == name; });
  return item == file.items.end() ? nullptr : &*item;
}

std::string DataReader::getPath(const Item &item) const {
  llvm::SmallString<128> path(folder);
  if (folder.empty() || llvm::sys::path::is_absolute(item.path))
    path = item.path;
  else
    llvm::sys::path::append(path, item.path);
  return std::string(path);
}

Expected<DataReader::Array> DataReader::read(const Item &item, const std::string &name,
                                             const std::vector<std::string> &columns, llvm::SMLoc where) {
  if (auto it = known.find(name); it != known.end())
    return it->second;
  std::string path = getPath(item);
  Expected<std::unique_ptr<RowReader>> reader = openRows(path, columns);
  if (!reader)
    return source.error(where, reader.error().message);
  Shape row = (*reader)->rowShape();
  if (row.size() > 1)
    return source.error(where,
                        "'" + path + "' has rows of shape " + formatShape(row) + ", expected a vector or a matrix");
  Expected<std::vector<double>> values = readAllRows<double>(**reader, /*finite=*/true);
  if (!values)
    return source.error(where, values.error().message);
  auto array = std::make_shared<DataArray>();
  array->name = name;
  array->values = std::move(*values);
  int64_t width = (*reader)->columns();
  array->shape = {width ? static_cast<int64_t>(array->values.size()) / width : 0};
  if (array->values.empty())
    return source.error(where, "'" + path + "' has no rows");
  if (width > 1)
    array->shape.push_back(width);
  return known[name] = std::move(array);
}

Expected<DataReader::Array> DataReader::readArray(const Item &item) {
  return read(item, item.name.str(), {}, item.pathLoc);
}

Expected<DataReader::Array> DataReader::readColumn(const Item &item, StringRef column, llvm::SMLoc where) {
  Expected<std::vector<std::string>> names = readColumnNames(getPath(item));
  if (!names)
    return source.error(item.pathLoc, names.error().message);
  std::vector<StringRef> candidates(names->begin(), names->end());
  if (!names->empty() && !llvm::is_contained(candidates, column))
    return source.error(where, "`" + item.name + "` has no column `" + column + "`" + suggestion(column, candidates) +
                                   " (its columns: " + llvm::join(candidates, ", ") + ")");
  return read(item, (item.name + "." + column).str(), {column.str()}, where);
}

} // namespace flowc
