//===- Progress.cpp - A progress bar --------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Progress.h"

#include "Common.h"

#include <algorithm>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace flowc;
using namespace flowc::tool;

/// E.g. 1:02:03 or 2:03.
static std::string formatTime(double time) {
  auto whole = static_cast<int64_t>(time + 0.5);
  char text[40];
  if (whole >= 3600)
    std::snprintf(text, sizeof(text), "%d:%02d:%02d", static_cast<int>(whole / 3600), static_cast<int>(whole / 60 % 60),
                  static_cast<int>(whole % 60));
  else
    std::snprintf(text, sizeof(text), "%d:%02d", static_cast<int>(whole / 60), static_cast<int>(whole % 60));
  return text;
}

Progress::Progress(std::string label, int64_t total, std::string unit, int64_t done)
    : label(std::move(label)), unit(std::move(unit)), total(total), doneBefore(done), enabled(::isatty(STDERR_FILENO)),
      start(Clock::now()), last(start) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (drawn)
    std::fputs("\r\033[K", stderr);
}

bool Progress::isDue() const { return enabled && secondsSince(last) >= 0.1; }

void Progress::update(int64_t done, const std::string &note) {
  if (!isDue())
    return;
  last = Clock::now();
  drawn = true;
  winsize window{};
  size_t width = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col ? window.ws_col : 80;

  double elapsed = toSeconds(last - start);
  std::string line = label + " ";
  std::string tail = " " + formatCount(done);
  if (total > 0) {
    double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    if (unit.empty())
      tail = " " + std::to_string(static_cast<int>(share * 100)) + " %";
    else
      tail += "/" + formatCount(total) + " " + unit;
    if (done > doneBefore)
      tail += ", " +
              formatTime(elapsed / static_cast<double>(done - doneBefore) *
                         static_cast<double>(std::max<int64_t>(total - done, 0))) +
              " left";
    tail += note.empty() ? "" : "  " + note;
    size_t used = line.size() + tail.size() + 3;
    size_t cells = std::clamp<size_t>(width > used ? width - used : 0, 8, 30);
    // Eighths of a block make the bar smooth.
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    auto eighths = static_cast<size_t>(share * static_cast<double>(cells) * 8);
    // What does not fit would begin another line, which nothing clears.
    size_t room = width - std::min(width, label.size() + 1 + cells + 3);
    if (tail.size() > room) {
      size_t end = tail.rfind("  ", room);
      tail.resize(std::min(end == std::string::npos ? room : end, room));
    }
    line += "▕";
    for (size_t i = 0; i < eighths / 8; ++i)
      line += "█";
    line += parts[eighths % 8];
    line.append(cells - eighths / 8 - (eighths % 8 != 0), ' ');
    line += "▏";
  } else {
    tail += " " + unit + ", " + formatTime(elapsed) + (note.empty() ? "" : "  " + note);
  }
  std::fprintf(stderr, "\r%s%s\033[K", line.c_str(), tail.c_str());
  std::fflush(stderr);
}
