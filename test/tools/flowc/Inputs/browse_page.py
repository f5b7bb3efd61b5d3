"""Looks at pages in a browser: browse_page.py BROWSER FOLDER FILE ...

Each page is shown at the widths of a phone and of a desktop, in light and in dark. A script in a copy
of it measures: nothing is wider than the screen, text can be told from what is behind it and is not
cut off or printed over other text, nothing was asked of the network, nothing went wrong.
"""

import json
import pathlib
import re
import subprocess
import sys

MEASURE = r"""
const problems = [];
addEventListener("error", event => problems.push("error: " + event.message));
for (const name of ["error", "warn"]) console[name] = (...words) => problems.push(name + ": " + words.join(" "));
document.addEventListener("securitypolicyviolation", event => problems.push("blocked: " + event.blockedURI));

function numbers(color) { return color.match(/[\d.]+/g).map(Number); }
function luminance(color) {
  const [r, g, b] = numbers(color).slice(0, 3).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function backgroundOf(element) {
  for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if ((numbers(color)[3] ?? 1) > 0.99) return color;
  }
  return "rgb(255, 255, 255)";
}
function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}
function checkText(element, color, size) {
  const found = contrast(color, backgroundOf(element));
  const text = element.textContent.trim().slice(0, 40);
  if (found < 4.5) problems.push(`contrast ${found.toFixed(2)} of '${text}'`);
  if (size < 6.5) problems.push(`'${text}' is ${size.toFixed(1)} pixels high`);
}
addEventListener("load", () => {
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) problems.push(`the page is ${wide} wide on a screen of ${innerWidth}`);
  let texts = 0;
  for (const element of document.querySelectorAll("body *:not(svg, svg *)")) {
    const box = element.getBoundingClientRect();
    if (box.right > innerWidth + 1 && !element.closest(".scroll, pre"))
      problems.push(`<${element.tagName}> reaches ${box.right} of ${innerWidth}`);
    if ([...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) {
      ++texts;
      const style = getComputedStyle(element);
      checkText(element, style.color, parseFloat(style.fontSize));
    }
  }
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect(), boxes = [];
    if (frame.width < 50 || frame.height < 50) problems.push(`a picture is ${frame.width} by ${frame.height}`);
    for (const text of svg.querySelectorAll("text")) {
      ++texts;
      const style = getComputedStyle(text), box = text.getBoundingClientRect();
      checkText(text, style.fill, parseFloat(style.fontSize) * frame.width / svg.viewBox.baseVal.width);
      const name = `'${text.textContent}' of '${svg.getAttribute("aria-label")}'`;
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        problems.push(`${name} is cut off`);
      // Boxes are higher than letters are.
      const inner = {left: box.left, right: box.right, top: box.top + box.height / 5, bottom: box.bottom - box.height / 5};
      for (const [other, otherName] of boxes)
        if (inner.left < other.right && other.left < inner.right && inner.top < other.bottom && other.top < inner.bottom)
          problems.push(`${name} meets ${otherName}`);
      boxes.push([inner, name]);
    }
  }
  for (const entry of performance.getEntriesByType("resource")) problems.push("asked for " + entry.name);
  const isDark = luminance(backgroundOf(document.body)) < 0.5;
  document.title = JSON.stringify({width: innerWidth, dark: isDark, texts, problems});
});
"""

browser, folder = sys.argv[1], pathlib.Path(sys.argv[2])
failed = False
for page in map(pathlib.Path, sys.argv[3:]):
    text = page.read_text(encoding="utf-8")
    # The copy allows its own script; the page allows none.
    assert "default-src 'none'; style-src" in text
    text = text.replace("default-src 'none'; style-src", "default-src 'none'; script-src 'unsafe-inline'; style-src")
    copy = folder / f"browsed-{page.name}"
    copy.write_text(text.replace("</head>", f"<script>{MEASURE}</script></head>"), encoding="utf-8")
    for width, height in ((390, 844), (1280, 900)):
        for scheme in ("light", "dark"):
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                       f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}",
                       f"--blink-settings=preferredColorScheme={int(scheme == 'light')}", "--dump-dom", copy.as_uri()]
            result = subprocess.run(command, capture_output=True, text=True, timeout=240)
            found = re.search(r"<title>(\{.*?\})</title>", result.stdout, re.S)
            if not found:
                sys.exit(f"{page.name}: the browser gave no page: {result.stderr[-2000:]}")
            measured = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
            problems = measured["problems"]
            if measured["width"] != width:
                problems.append(f"the screen is {measured['width']} wide")
            if measured["dark"] != (scheme == "dark"):
                problems.append(f"the page is {'dark' if measured['dark'] else 'light'}")
            print(f"{page.name}, {width} {scheme}: {measured['texts']} texts, {len(problems)} problems")
            for problem in problems[:30]:
                print("  " + problem)
            failed |= bool(problems)
sys.exit(failed)
