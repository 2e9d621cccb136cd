/** Texts that lie on each other. For tests; what it needs is inside it, so that it can be sent into a page. */

/** Pairs of texts in a part of the page that lie on each other, and texts that leave it. */
export function overlaps(part: Element): string[] {
  const common = (a: DOMRect, b: DOMRect) => {
    const left = Math.max(a.left, b.left);
    const top = Math.max(a.top, b.top);
    const width = Math.max(0, Math.min(a.right, b.right) - left);
    return new DOMRect(left, top, width, Math.max(0, Math.min(a.bottom, b.bottom) - top));
  };
  /** Whether something that is not clear stands before the element at a place. */
  const isCovered = (element: Element, { left, top, width, height }: DOMRect) => {
    for (const before of document.elementsFromPoint(left + width / 2, top + height / 2)) {
      if (before.contains(element)) return false;
      if (!element.contains(before) && !/, 0\)|transparent/.test(getComputedStyle(before).backgroundColor))
        return true;
    }
    return false;
  };
  const edge = part.getBoundingClientRect();
  const boxes: { text: string; element: Element; box: DOMRect }[] = [];
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent?.trim();
    if (!text || !element || element.closest('.unseen')) continue;
    const style = getComputedStyle(element);
    if (style.visibility === 'hidden' || style.opacity === '0') continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    // Words that break over lines have a box for each.
    for (let box of range.getClientRects()) {
      // A text that is cut ends where its element ends.
      for (let around: Element | null = element; around && around !== part; around = around.parentElement)
        if (getComputedStyle(around).overflow !== 'visible')
          box = common(box, around.getBoundingClientRect());
      if (box.width > 1 && box.height > 1) boxes.push({ text, element, box });
    }
  }
  const found: string[] = [];
  boxes.forEach((a, at) => {
    if (a.box.right > edge.right + 1 || a.box.left < edge.left - 1) found.push(`${a.text} leaves its part`);
    for (const b of boxes.slice(at + 1)) {
      const both = common(a.box, b.box);
      const isOn = both.width > 1 && both.height > 2 && a.element !== b.element;
      if (isOn && !isCovered(a.element, both) && !isCovered(b.element, both))
        found.push(`${a.text} on ${b.text}`);
    }
  });
  return found;
}
