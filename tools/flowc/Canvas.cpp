//===- Canvas.cpp - Drawing to SVG and PNG --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Canvas.h"

#include <cairo/cairo-svg.h>
#include <cairo/cairo.h>

#include <algorithm>
#include <optional>

using namespace flowc;
using namespace flowc::tool;

struct Canvas::Impl {
  explicit Impl(OutputFile file) : file(std::move(file)) {}
  ~Impl() {
    if (cairo)
      cairo_destroy(cairo);
    if (surface)
      cairo_surface_destroy(surface);
  }

  void use(const Color &color) { cairo_set_source_rgba(cairo, color.red, color.green, color.blue, color.alpha); }

  static cairo_status_t write(void *self, const unsigned char *data, unsigned count) {
    auto *impl = static_cast<Impl *>(self);
    auto ok = impl->file.write(data, count);
    if (!ok && !impl->failure)
      impl->failure = ok.error();
    return ok ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
  }

  OutputFile file;
  std::optional<Error> failure;
  bool isSvg = false;
  cairo_surface_t *surface = nullptr;
  cairo_t *cairo = nullptr;
};

Canvas::Canvas(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Canvas::Canvas(Canvas &&) noexcept = default;
Canvas::~Canvas() = default;

Expected<Canvas> Canvas::create(const std::string &path, double width, double height) {
  auto file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  auto impl = std::make_unique<Impl>(std::move(*file));
  impl->isSvg = path.ends_with(".svg");
  constexpr double pngScale = 2;
  if (impl->isSvg) {
    impl->surface = cairo_svg_surface_create_for_stream(Impl::write, impl.get(), width, height);
  } else {
    impl->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width * pngScale),
                                               static_cast<int>(height * pngScale));
  }
  impl->cairo = cairo_create(impl->surface);
  if (!impl->isSvg)
    cairo_scale(impl->cairo, pngScale, pngScale);
  if (cairo_status(impl->cairo) != CAIRO_STATUS_SUCCESS)
    return Error{"cannot draw '" + path + "': " + cairo_status_to_string(cairo_status(impl->cairo))};
  Canvas canvas(std::move(impl));
  canvas.fill({0, 0, width, height}, {1, 1, 1});
  return canvas;
}

void Canvas::fill(const Rectangle &area, const Color &color) {
  impl->use(color);
  cairo_rectangle(impl->cairo, area.x, area.y, area.width, area.height);
  cairo_fill(impl->cairo);
}

void Canvas::frame(const Rectangle &area, const Color &color, double lineWidth) {
  impl->use(color);
  cairo_set_line_width(impl->cairo, lineWidth);
  cairo_rectangle(impl->cairo, area.x, area.y, area.width, area.height);
  cairo_stroke(impl->cairo);
}

void Canvas::line(const std::vector<std::pair<double, double>> &points, const Color &color, double lineWidth) {
  impl->use(color);
  cairo_set_line_width(impl->cairo, lineWidth);
  cairo_set_line_join(impl->cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_new_path(impl->cairo); // Text leaves a current point behind.
  for (auto [x, y] : points)
    cairo_line_to(impl->cairo, x, y);
  cairo_stroke(impl->cairo);
}

void Canvas::fillBelow(const std::vector<std::pair<double, double>> &points, double base, const Color &color) {
  if (points.empty())
    return;
  impl->use(color);
  cairo_new_path(impl->cairo);
  cairo_move_to(impl->cairo, points.front().first, base);
  for (auto [x, y] : points)
    cairo_line_to(impl->cairo, x, y);
  cairo_line_to(impl->cairo, points.back().first, base);
  cairo_close_path(impl->cairo);
  cairo_fill(impl->cairo);
}

static void selectFont(cairo_t *cairo, double size, bool bold) {
  cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, size);
}

double Canvas::textWidth(const std::string &text, double size) {
  selectFont(impl->cairo, size, false);
  cairo_text_extents_t extents;
  cairo_text_extents(impl->cairo, text.c_str(), &extents);
  return extents.x_advance;
}

void Canvas::text(double x, double y, const std::string &text, double size, const Color &color, Align align,
                  bool upwards, bool bold) {
  selectFont(impl->cairo, size, bold);
  cairo_text_extents_t extents;
  cairo_text_extents(impl->cairo, text.c_str(), &extents);
  double shift = align == Align::Left ? 0 : align == Align::Center ? extents.x_advance / 2 : extents.x_advance;
  impl->use(color);
  cairo_save(impl->cairo);
  cairo_translate(impl->cairo, x, y);
  if (upwards)
    cairo_rotate(impl->cairo, -1.5707963267948966);
  cairo_move_to(impl->cairo, -shift, 0);
  cairo_show_text(impl->cairo, text.c_str());
  cairo_restore(impl->cairo);
}

void Canvas::image(const Rectangle &area, const std::vector<uint32_t> &pixels, int columns, int rows) {
  cairo_surface_t *picture = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, columns, rows);
  unsigned char *data = cairo_image_surface_get_data(picture);
  int stride = cairo_image_surface_get_stride(picture);
  for (int row = 0; row < rows; ++row)
    std::copy_n(reinterpret_cast<const unsigned char *>(pixels.data() + static_cast<int64_t>(row) * columns),
                static_cast<int64_t>(columns) * 4, data + static_cast<int64_t>(row) * stride);
  cairo_surface_mark_dirty(picture);
  cairo_save(impl->cairo);
  cairo_rectangle(impl->cairo, area.x, area.y, area.width, area.height);
  cairo_clip(impl->cairo);
  cairo_translate(impl->cairo, area.x, area.y);
  cairo_scale(impl->cairo, area.width / columns, area.height / rows);
  cairo_set_source_surface(impl->cairo, picture, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(impl->cairo), CAIRO_FILTER_NEAREST);
  cairo_paint(impl->cairo);
  cairo_restore(impl->cairo);
  cairo_surface_destroy(picture);
}

Expected<void> Canvas::finish() {
  cairo_status_t status = cairo_status(impl->cairo);
  if (!impl->isSvg && status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_write_to_png_stream(impl->surface, Impl::write, impl.get());
  cairo_surface_finish(impl->surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status(impl->surface);
  if (impl->failure)
    return *impl->failure;
  if (status != CAIRO_STATUS_SUCCESS)
    return Error{"cannot draw '" + impl->file.path() + "': " + cairo_status_to_string(status)};
  return impl->file.commit();
}
