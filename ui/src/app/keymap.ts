/** Keys: from what was pressed to the action that it starts, and to what is shown of it. */

import type { Action, Actions } from './actions.svelte';

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** `Mod+Shift+K` for what was pressed; null for a modifier alone. */
export function chordOf(event: KeyboardEvent): string | null {
  if (['Control', 'Shift', 'Alt', 'Meta', 'Dead', 'Process'].includes(event.key)) return null;
  const key = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const mod = MAC ? event.metaKey : event.ctrlKey;
  // A sign that needs Shift to be typed says so itself.
  const shift = event.shiftKey && (key.length > 1 || /[A-Z]/.test(key));
  return [mod && 'Mod', event.altKey && 'Alt', shift && 'Shift', key].filter(Boolean).join('+');
}

/** The keys as this system writes them. */
export function shownKeys(chord: string): string {
  const words: Record<string, string> = MAC
    ? { Mod: '⌘', Alt: '⌥', Shift: '⇧', Enter: '↵', ArrowUp: '↑', ArrowDown: '↓' }
    : { Mod: 'Ctrl', Enter: '↵', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };
  return chord
    .split('+')
    .map((part) => words[part] ?? part)
    .join(MAC ? '' : ' ');
}

/** Starts the action whose keys were pressed. Keys without Mod or Alt are left to fields and to open dialogs. */
export function handleKey(actions: Actions, event: KeyboardEvent) {
  if (event.defaultPrevented || event.isComposing) return;
  const chord = chordOf(event);
  if (chord === null) return;
  const plain = !/^(Mod|Alt)\+/.test(chord) && !/^F\d+$/.test(chord);
  if (plain && takesKeys(event.target)) return;
  const action = actions.listed.find((action: Action) => actions.keysOf(action) === chord);
  if (!action) return;
  event.preventDefault();
  action.run();
}

function takesKeys(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('[role=dialog],[role=alertdialog],[role=menu],[role=listbox]')) return true;
  return target.isContentEditable || target.matches('input, textarea, select');
}
