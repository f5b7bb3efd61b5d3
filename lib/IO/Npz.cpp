//===- Npz.cpp - NumPy's archives of arrays -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A ZIP file (PKWARE's APPNOTE 6.3.10) of .npy files, stored as they are by numpy.savez,
// deflated by savez_compressed. Arrays that are stored are read where they lie.
//
//===----------------------------------------------------------------------===//

#include "ByteStream.h"
#include "RowsDetail.h"

#include "flowc/IO/Npy.h"
#include "flowc/Support/Format.h"

#include <algorithm>
#include <cstring>

using namespace flowc;
using namespace flowc::detail;

namespace {

/// A file in the archive.
struct Entry {
  std::string name;
  unsigned method = 0; ///< 0: stored, 8: deflated
  bool isEncrypted = false;
  uint64_t packed = 0, bytes = 0, header = 0;
};

/// The directory at the end of an archive.
class Directory {
public:
  explicit Directory(const InputFile &file) : file(file) {}

  Expected<std::vector<Entry>> read();
  /// Where the bytes of an entry begin.
  Expected<int64_t> findData(const Entry &entry) const;

private:
  Error invalid(const std::string &what) const { return {"'" + file.path() + "' is no valid .npz archive: " + what}; }
  Expected<void> findBegin();
  Expected<std::string> readBytes(uint64_t offset, uint64_t count) const;

  const InputFile &file;
  uint64_t begin = 0, size = 0, entries = 0;
};

} // namespace

/// The number of `bytes` bytes at `at`, the lowest first.
static uint64_t number(std::string_view text, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(text[at + i]);
  return value;
}

Expected<std::string> Directory::readBytes(uint64_t offset, uint64_t count) const {
  auto total = static_cast<uint64_t>(file.size());
  if (offset > total || count > total - offset)
    return invalid("it is cut off");
  std::string bytes(static_cast<size_t>(count), '\0');
  if (auto ok = file.readAt(bytes.data(), bytes.size(), static_cast<int64_t>(offset)); !ok)
    return ok.takeError();
  return bytes;
}

/// The last record says where the directory is; a comment of up to 2^16 bytes follows it.
Expected<void> Directory::findBegin() {
  constexpr uint64_t recordSize = 22, locatorSize = 20;
  if (file.size() < static_cast<int64_t>(recordSize))
    return invalid("it is too short");
  auto total = static_cast<uint64_t>(file.size());
  uint64_t from = total - std::min<uint64_t>(total, recordSize + 65535);
  auto tail = readBytes(from, total - from);
  if (!tail)
    return tail.takeError();
  size_t at = tail->rfind("PK\x05\x06");
  if (at == std::string::npos || at + recordSize > tail->size())
    return invalid("it has no directory");
  entries = number(*tail, at + 10, 2);
  size = number(*tail, at + 12, 4);
  begin = number(*tail, at + 16, 4);
  if (at < locatorSize || tail->compare(at - locatorSize, 4, "PK\x06\x07") != 0)
    return {};
  // ZIP64: a larger record, at the place that the locator before the last record tells.
  auto record = readBytes(number(*tail, at - locatorSize + 8, 8), 56);
  if (!record)
    return record.takeError();
  if (!record->starts_with("PK\x06\x06"))
    return invalid("its directory is not where it should be");
  entries = number(*record, 32, 8);
  size = number(*record, 40, 8);
  begin = number(*record, 48, 8);
  return {};
}

/// Numbers that do not fit into 32 bits stand in the extra field of type 1, in this order.
static void readLargeNumbers(std::string_view extra, Entry &entry) {
  while (extra.size() >= 4) {
    size_t length = std::min<size_t>(number(extra, 2, 2), extra.size() - 4);
    if (number(extra, 0, 2) == 1) {
      size_t at = 4;
      for (uint64_t *value : {&entry.bytes, &entry.packed, &entry.header})
        if (*value == 0xFFFFFFFF && at + 8 <= 4 + length) {
          *value = number(extra, at, 8);
          at += 8;
        }
    }
    extra.remove_prefix(4 + length);
  }
}

Expected<std::vector<Entry>> Directory::read() {
  if (auto ok = findBegin(); !ok)
    return ok.takeError();
  constexpr uint64_t largest = uint64_t(1) << 28;
  if (size > largest)
    return invalid("its directory is too long");
  auto text = readBytes(begin, size);
  if (!text)
    return text.takeError();
  std::vector<Entry> result;
  std::string_view rest = *text;
  constexpr size_t fixed = 46;
  while (result.size() < entries) {
    if (rest.size() < fixed || !rest.starts_with("PK\x01\x02"))
      return invalid("its directory is damaged");
    size_t nameLength = number(rest, 28, 2), extraLength = number(rest, 30, 2), commentLength = number(rest, 32, 2);
    if (rest.size() - fixed < nameLength + extraLength + commentLength)
      return invalid("its directory is damaged");
    Entry entry{std::string(rest.substr(fixed, nameLength)),
                static_cast<unsigned>(number(rest, 10, 2)),
                (number(rest, 8, 2) & 1) != 0,
                number(rest, 20, 4),
                number(rest, 24, 4),
                number(rest, 42, 4)};
    readLargeNumbers(rest.substr(fixed + nameLength, extraLength), entry);
    result.push_back(std::move(entry));
    rest.remove_prefix(fixed + nameLength + extraLength + commentLength);
  }
  return result;
}

Expected<int64_t> Directory::findData(const Entry &entry) const {
  constexpr uint64_t fixed = 30;
  auto header = readBytes(entry.header, fixed);
  if (!header)
    return header.takeError();
  if (!header->starts_with("PK\x03\x04"))
    return invalid("'" + abbreviate(entry.name) + "' is not where its directory says");
  uint64_t data = entry.header + fixed + number(*header, 26, 2) + number(*header, 28, 2);
  auto total = static_cast<uint64_t>(file.size());
  if (data > total || entry.packed > total - data)
    return invalid("it is cut off");
  return static_cast<int64_t>(data);
}

/// The entry of this name (empty: the only one).
static Expected<Entry> choose(const std::string &path, std::vector<Entry> entries, const std::string &name) {
  if (name.empty() && entries.size() == 1)
    return entries.front();
  auto match = std::ranges::find_if(entries, [&](const Entry &entry) { return entry.name == name + ".npy"; });
  if (!name.empty() && match != entries.end())
    return *match;
  std::vector<std::string> names;
  for (const Entry &entry : entries)
    names.push_back(entry.name.ends_with(".npy") ? entry.name.substr(0, entry.name.size() - 4) : entry.name);
  std::string problem = name.empty() ? "holds several arrays, write '" + path + ":NAME' for one of them"
                                     : "has no array '" + abbreviate(name) + "'";
  return Error{"'" + path + "' " + problem + "; its arrays are: " + abbreviateList(names)};
}

/// Unpacks an entry into a file of its own.
static Expected<InputFile> unpackEntry(const InputFile &archive, const Entry &entry, int64_t data,
                                       const std::string &path) {
  auto left = static_cast<int64_t>(entry.packed);
  ReadBytes packed = [&archive, data, left](void *buffer, size_t count) mutable -> Expected<size_t> {
    auto given = std::min<int64_t>(static_cast<int64_t>(count), left);
    if (auto ok = archive.readAt(buffer, static_cast<size_t>(given), data); !ok)
      return ok.takeError();
    data += given;
    left -= given;
    return static_cast<size_t>(given);
  };
  auto kept = InputFile::keep(path, unpack(std::move(packed), Packing::RawDeflate, "'" + path + "'"));
  if (kept && kept->size() != static_cast<int64_t>(entry.bytes))
    return Error{"'" + path + "' is no valid .npz archive: it unpacks to " + std::to_string(kept->size()) +
                 " bytes, expected " + std::to_string(entry.bytes)};
  return kept;
}

Expected<std::unique_ptr<RowReader>> detail::openArchiveRows(const std::string &path, const std::string &array,
                                                             const std::vector<std::string> &columns) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  Directory directory(*file);
  auto entries = directory.read();
  if (!entries)
    return entries.takeError();
  auto entry = choose(path, std::move(*entries), array);
  if (!entry)
    return entry.takeError();
  auto data = directory.findData(*entry);
  if (!data)
    return data.takeError();
  std::string name = array.empty() ? path : path + ":" + array;
  bool isStored = entry->method == 0;
  if (entry->isEncrypted || (!isStored && entry->method != 8))
    return Error{"'" + name + "' is packed in a way that NumPy does not use: save it with numpy.savez"};
  auto source = isStored ? std::move(file) : unpackEntry(*file, *entry, *data, name);
  if (!source)
    return source.takeError();
  int64_t begin = isStored ? *data : 0;
  auto layout = readNpyHeader(*source, begin, "'" + name + "'");
  if (!layout)
    return layout.takeError();
  if (layout->offset + layout->numBytes() != begin + static_cast<int64_t>(entry->bytes))
    return Error{"'" + name + "' is no valid array: its data does not end where the archive says"};
  return openArrayRows(std::move(*source), *layout, name, columns);
}
