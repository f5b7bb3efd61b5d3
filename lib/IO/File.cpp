//===- File.cpp - Files that fail cleanly ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/IO/File.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <random>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace flowc;

namespace {

Error systemError(const std::string &what, const std::string &path) {
  return {"cannot " + what + " '" + path + "': " + std::strerror(errno)};
}

/// Names of the temporaries that exist now, for signal handlers. The strings
/// belong to the handler once it runs; a slot is emptied before its string dies.
std::array<std::atomic<char *>, 16> temporaries;

int registerTemporary(const std::string &path) {
  char *copy = ::strdup(path.c_str());
  for (size_t i = 0; i < temporaries.size(); ++i) {
    char *expected = nullptr;
    if (temporaries[i].compare_exchange_strong(expected, copy))
      return static_cast<int>(i);
  }
  std::free(copy);
  return -1;
}

void unregisterTemporary(int slot) {
  if (slot >= 0)
    std::free(temporaries[slot].exchange(nullptr));
}

/// A temporary of NAME is called NAME.flowc-XXXXXXXXXXXX.tmp, with random letters.
constexpr std::string_view kTemporaryMark = ".flowc-", kTemporaryEnd = ".tmp";
constexpr size_t kRandomLetters = 12;

/// Whether `path` still is the file that is open as `fd`.
bool isSameFile(const std::string &path, int fd) {
  struct stat named, open;
  return ::lstat(path.c_str(), &named) == 0 && ::fstat(fd, &open) == 0 && named.st_dev == open.st_dev &&
         named.st_ino == open.st_ino;
}

std::string temporaryFor(const std::string &target) {
  std::random_device random;
  std::uniform_int_distribution<int> letter('a', 'z');
  std::string letters(kRandomLetters, ' ');
  std::generate(letters.begin(), letters.end(), [&] { return static_cast<char>(letter(random)); });
  return target + std::string(kTemporaryMark) + letters + std::string(kTemporaryEnd);
}

/// A new temporary: its path, descriptor (-1 and errno on failure) and entry for handlers.
struct Temporary {
  std::string path;
  int fd = -1, slot = -1;
};

/// Makes one for `target`, locked as long as it is open: the system ends the lock with the
/// process, however that ends. Where there are no locks, nobody takes one, and temporaries
/// of killed processes stay. Handlers know the name before there is a file of it. Its
/// permissions are those of new files: umask belongs to the process and is not touched.
Temporary createTemporary(const std::string &target) {
  while (true) {
    Temporary made{temporaryFor(target)};
    made.slot = registerTemporary(made.path);
    made.fd = ::open(made.path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0666);
    while (made.fd >= 0 && ::flock(made.fd, LOCK_EX) != 0 && errno == EINTR)
      ;
    // Between the two calls another process may have taken it for one of a dead process.
    if (made.fd >= 0 && isSameFile(made.path, made.fd))
      return made;
    int problem = made.fd < 0 ? errno : EEXIST;
    if (made.fd >= 0)
      ::close(made.fd);
    unregisterTemporary(made.slot);
    errno = problem;
    if (problem != EEXIST)
      return {};
  }
}

std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

/// Removes a temporary whose process is gone: one that nobody holds a lock of.
void removeIfStale(const std::string &temporary) {
  int fd = ::open(temporary.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return;
  struct stat info;
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && ::flock(fd, LOCK_EX | LOCK_NB) == 0 &&
      isSameFile(temporary, fd))
    ::unlink(temporary.c_str());
  ::close(fd);
}

/// Removes what killed processes have left of writing `target`.
void removeStaleTemporaries(const std::string &target) {
  std::string folder = folderOf(target);
  std::string beginning = target.substr(target.rfind('/') + 1) + std::string(kTemporaryMark);
  DIR *entries = ::opendir(folder.c_str());
  if (!entries)
    return;
  while (const dirent *entry = ::readdir(entries)) {
    std::string_view name = entry->d_name;
    if (name.size() == beginning.size() + kRandomLetters + kTemporaryEnd.size() && name.starts_with(beginning) &&
        name.ends_with(kTemporaryEnd))
      removeIfStale(folder + "/" + std::string(name));
  }
  ::closedir(entries);
}

} // namespace

//===----------------------------------------------------------------------===//
// InputFile
//===----------------------------------------------------------------------===//

Expected<InputFile> InputFile::open(const std::string &path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return systemError("open", path);
  struct stat info;
  if (::fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
    if (S_ISDIR(info.st_mode))
      errno = EISDIR;
    Error error = systemError("read", path);
    ::close(fd);
    return error;
  }
  return InputFile(path, fd, S_ISREG(info.st_mode) ? static_cast<int64_t>(info.st_size) : -1);
}

/// A file without a name, in the folder for temporary ones.
static int openTemporary() {
  const char *folder = std::getenv("TMPDIR");
  std::string base = folder && *folder ? folder : "/tmp";
  int fd = ::open(base.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0)
    return fd;
  // Not every file system has files without names.
  std::string path = base + "/flowc.XXXXXX";
  fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd >= 0)
    ::unlink(path.c_str());
  return fd;
}

/// Opens what a descriptor refers to once more, with a position of its own.
static int openAgain(int fd) { return ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC); }

Expected<InputFile> InputFile::keep(const std::string &name,
                                    const std::function<Expected<size_t>(void *, size_t)> &read) {
  int fd = openTemporary();
  if (fd < 0)
    return systemError("keep", name);
  OutputFile file("a temporary copy of '" + name + "'", fd);
  std::vector<char> buffer(1 << 20);
  int64_t bytes = 0;
  while (true) {
    auto got = read(buffer.data(), buffer.size());
    if (!got)
      return got.takeError();
    if (*got == 0)
      break;
    if (auto ok = file.write(buffer.data(), *got); !ok)
      return ok.takeError();
    bytes += static_cast<int64_t>(*got);
  }
  int again = openAgain(fd);
  return again < 0 ? Expected<InputFile>(systemError("keep", name)) : InputFile(name, again, bytes);
}

Expected<InputFile> InputFile::standardInput() {
  static const std::string name = "standard input";
  struct stat info;
  if (::fstat(STDIN_FILENO, &info) != 0)
    return systemError("read", name);
  if (S_ISREG(info.st_mode)) {
    int fd = openAgain(STDIN_FILENO);
    return fd < 0 ? Expected<InputFile>(systemError("open", name)) : InputFile(name, fd, info.st_size);
  }
  // Readers of names come first, readers of rows later.
  static Expected<InputFile> kept = [] {
    InputFile input(name, ::dup(STDIN_FILENO), -1);
    return keep(name, [&](void *buffer, size_t count) { return input.readSome(buffer, count); });
  }();
  if (!kept)
    return kept.error();
  int fd = openAgain(kept->fd);
  return fd < 0 ? Expected<InputFile>(systemError("open", name)) : InputFile(name, fd, kept->bytes);
}

InputFile::InputFile(InputFile &&other) noexcept
    : name(std::move(other.name)), fd(std::exchange(other.fd, -1)), bytes(other.bytes) {}

InputFile &InputFile::operator=(InputFile &&other) noexcept {
  std::swap(name, other.name);
  std::swap(fd, other.fd);
  std::swap(bytes, other.bytes);
  return *this;
}

InputFile::~InputFile() {
  if (fd >= 0)
    ::close(fd);
}

Expected<void> InputFile::readAt(void *buffer, size_t count, int64_t offset) const {
  auto *out = static_cast<char *>(buffer);
  while (count > 0) {
    ssize_t got = ::pread(fd, out, count, offset);
    if (got < 0) {
      if (errno == EINTR)
        continue;
      return systemError("read", name);
    }
    if (got == 0)
      return Error{"'" + name + "' is cut off: " + std::to_string(count) + " bytes are missing at offset " +
                   std::to_string(offset)};
    out += got;
    offset += got;
    count -= static_cast<size_t>(got);
  }
  return {};
}

Expected<size_t> InputFile::readSome(void *buffer, size_t count) {
  while (true) {
    ssize_t got = ::read(fd, buffer, count);
    if (got >= 0)
      return static_cast<size_t>(got);
    if (errno != EINTR)
      return systemError("read", name);
  }
}

Expected<std::string> flowc::readFile(const std::string &path, int64_t limit) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  std::string text;
  while (true) {
    constexpr size_t step = 1 << 16;
    size_t used = text.size();
    text.resize(used + step);
    auto got = file->readSome(text.data() + used, step);
    if (!got)
      return got.takeError();
    text.resize(used + *got);
    if (*got == 0)
      return text;
    if (static_cast<int64_t>(text.size()) > limit)
      return Error{"'" + path + "' has more than the " + std::to_string(limit) + " bytes that are accepted here"};
  }
}

//===----------------------------------------------------------------------===//
// OutputFile
//===----------------------------------------------------------------------===//

Expected<OutputFile> OutputFile::create(const std::string &path) {
  struct stat info;
  bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    return systemError("write", path);
  }
  if (exists && !S_ISREG(info.st_mode)) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
      return systemError("write", path);
    return OutputFile(path, fd);
  }
  // A file that may not be overwritten is not replaced either.
  if (exists && ::access(path.c_str(), W_OK) != 0)
    return systemError("write", path);

  std::string target = path;
  if (exists)
    if (char *resolved = ::realpath(path.c_str(), nullptr)) {
      target = resolved;
      std::free(resolved);
    }
  Temporary made = createTemporary(target);
  if (made.fd < 0)
    return systemError("write", path);
  if (exists)
    ::fchmod(made.fd, info.st_mode & 07777);
  OutputFile file(path, made.fd);
  file.temporary = made.path;
  file.target = target;
  file.slot = made.slot;
  return file;
}

OutputFile OutputFile::standardOutput() { return OutputFile("standard output", ::dup(STDOUT_FILENO)); }

OutputFile::OutputFile(OutputFile &&other) noexcept
    : name(std::move(other.name)), temporary(std::move(other.temporary)), target(std::move(other.target)),
      slot(std::exchange(other.slot, -1)), fd(std::exchange(other.fd, -1)) {
  other.temporary.clear();
}

OutputFile::~OutputFile() {
  if (fd >= 0)
    ::close(fd);
  if (!temporary.empty())
    ::unlink(temporary.c_str());
  unregisterTemporary(slot);
}

Expected<void> OutputFile::write(const void *data, size_t count) {
  auto *from = static_cast<const char *>(data);
  while (count > 0) {
    ssize_t put = ::write(fd, from, count);
    if (put < 0) {
      if (errno == EINTR)
        continue;
      return systemError("write", name);
    }
    from += put;
    count -= static_cast<size_t>(put);
  }
  return {};
}

Expected<void> OutputFile::writeAt(const void *data, size_t count, int64_t offset) {
  auto *from = static_cast<const char *>(data);
  while (count > 0) {
    ssize_t put = ::pwrite(fd, from, count, offset);
    if (put < 0) {
      if (errno == EINTR)
        continue;
      return systemError("write", name);
    }
    from += put;
    offset += put;
    count -= static_cast<size_t>(put);
  }
  return {};
}

Expected<void> OutputFile::commit(bool toDisk) {
  if (temporary.empty()) {
    int status = ::close(std::exchange(fd, -1));
    if (status != 0 && errno != EINTR)
      return systemError("write", name);
    return {};
  }
  if (toDisk && ::fsync(fd) != 0)
    return systemError("write", name);
  // A second descriptor keeps the lock until the temporary has its final name; only
  // closing tells whether all was written.
  int lock = ::dup(fd);
  if (lock < 0)
    return systemError("write", name);
  bool isWritten = ::close(std::exchange(fd, -1)) == 0 && ::rename(temporary.c_str(), target.c_str()) == 0;
  Error problem = systemError("write", name);
  ::close(lock);
  if (!isWritten)
    return problem;
  temporary.clear();
  removeStaleTemporaries(target);
  if (!toDisk)
    return {};
  // Without this a crash of the machine could undo the rename.
  int folderFd = ::open(folderOf(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folderFd >= 0) {
    ::fsync(folderFd);
    ::close(folderFd);
  }
  return {};
}

void OutputFile::removeTemporaries() {
  for (std::atomic<char *> &entry : temporaries)
    if (const char *path = entry.load())
      ::unlink(path);
}
