/** A value that changes often, shown at most once in a short while; the last one always arrives. */

/** Long enough to spare work, short enough to look like flow. */
const WHILE = 45;

export class Throttled<T> {
  current: T = $state.raw() as T;

  /** Follows what `read` reads while the component is there. `now` says that it must be shown at once. */
  constructor(read: () => T, now: () => boolean) {
    this.current = read();
    let next = this.current;
    let timer: ReturnType<typeof setTimeout> | undefined;
    $effect(() => {
      next = read();
      if (now()) {
        clearTimeout(timer);
        timer = undefined;
        this.current = next;
      } else {
        timer ??= setTimeout(() => {
          timer = undefined;
          this.current = next;
        }, WHILE);
      }
    });
    $effect(() => () => clearTimeout(timer));
  }
}
