/** What the fields share that stand among the changes: how they get the keyboard, and the keys that end them. */

/** Gives a field the keyboard. A row of a virtual list cannot be seen, nor take the focus, before it is measured. */
export function takesFocus(taken: (field: HTMLTextAreaElement) => void = () => {}) {
  return (field: HTMLTextAreaElement) => {
    let frame = 0;
    const take = () => {
      field.focus({ preventScroll: true });
      if (document.activeElement !== field) frame = requestAnimationFrame(take);
      else taken(field);
    };
    take();
    return () => cancelAnimationFrame(frame);
  };
}

/** Escape leaves the field, Mod and Enter take what was written. */
export function endsBy(leave: () => void, done: () => unknown) {
  return (event: KeyboardEvent) => {
    // The keys of an input method are its own.
    if (event.isComposing) return;
    const takes = event.key === 'Enter' && (event.metaKey || event.ctrlKey);
    if (!takes && event.key !== 'Escape') return;
    event.preventDefault();
    if (takes) done();
    else leave();
  };
}
