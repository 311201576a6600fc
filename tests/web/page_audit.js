// What is wrong with how a page looks, found by the browser: contrasts below WCAG AA, texts that are
// cut or overlap, fields without a name or out of reach of the keyboard, a page wider than its window.
() => {
  const found = [];
  const number = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const over = (top, below) => {
    const a = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * a + below[i] * (1 - a));
  };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const color = number(getComputedStyle(e).backgroundColor);
      layers.push(color);
      if (color.length < 4 || color[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const named = (element, text) =>
    `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") || ""}"> ${text.slice(0, 40)}`;

  // Texts that are seen: their rectangles, as far as no box that scrolls hides them.
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    const text = node.data.trim();
    if (!text || !element.checkVisibility() || element.closest("title, noscript, option, .skip")) continue;
    const style = getComputedStyle(element);
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].map((r) => {
      const box = { left: r.left, right: r.right, top: r.top, bottom: r.bottom };
      for (let e = element; e; e = e.parentElement) {
        if (!/auto|scroll|hidden/.test(getComputedStyle(e).overflow)) continue;
        const clip = e.getBoundingClientRect();
        box.left = Math.max(box.left, clip.left); box.right = Math.min(box.right, clip.right);
        box.top = Math.max(box.top, clip.top); box.bottom = Math.min(box.bottom, clip.bottom);
      }
      return box;
    }).filter((b) => b.right - b.left > 1 && b.bottom - b.top > 1);
    if (!rects.length) continue;
    texts.push({ element, text, rects });

    const svg = element.closest("svg");
    const [inner, outer] = [range.getBoundingClientRect(), svg?.getBoundingClientRect()];
    if (svg && (inner.left < outer.left - 1 || inner.right > outer.right + 1)) {
      found.push(`cut: ${named(element, text)}`);
    }
    const shown = number(svg ? style.fill : style.color);
    const ground = behind(svg || element);
    const [a, b] = [light(over(shown, ground)), light(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if ((a + 0.05) / (b + 0.05) < least) {
      found.push(`contrast ${((a + 0.05) / (b + 0.05)).toFixed(2)}: ${named(element, text)}`);
    }
    if (style.overflow === "hidden" && style.textOverflow !== "ellipsis" && element.scrollWidth > element.clientWidth + 1) {
      found.push(`cut: ${named(element, text)}`);
    }
  }

  const boxes = texts.flatMap((t) => t.rects.map((r) => ({ ...r, of: t }))).sort((x, y) => x.top - y.top);
  boxes.forEach((one, n) => {
    for (let m = n + 1; m < boxes.length && boxes[m].top < one.bottom - 3; m++) {
      const other = boxes[m];
      const menu = (b) => b.of.element.closest(".menu");
      if (other.of === one.of || menu(one) !== menu(other)) continue;
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (wide > 2 && high > 3) {
        found.push(`overlap: ${named(one.of.element, one.of.text)} | ${named(other.of.element, other.of.text)}`);
      }
    }
  });

  for (const element of document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select")) {
    if (!element.checkVisibility()) continue;
    const label = element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.[0]?.textContent.trim();
    if (!label) found.push(`without a name: ${element.outerHTML.slice(0, 80)}`);
    if (element.tabIndex < 0) found.push(`out of reach of the keyboard: ${element.outerHTML.slice(0, 80)}`);
  }
  const room = document.documentElement;
  if (room.scrollWidth > room.clientWidth) found.push(`wider than the window by ${room.scrollWidth - room.clientWidth}`);
  return [...new Set(found)];
}
