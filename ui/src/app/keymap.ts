/** Keys: from what was pressed to the action that it starts, and to what is shown of it. */

import type { Action, Actions } from './actions.svelte';

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** `Mod+Shift+K` for what was pressed; null for a modifier alone. */
export function chordOf(event: KeyboardEvent): string | null {
  if (['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'Dead', 'Process', 'Unidentified'].includes(event.key))
    return null;
  const mod = MAC ? event.metaKey : event.ctrlKey;
  const key = keyOf(event, mod);
  // A sign that needs Shift to be typed says so itself.
  const shift = event.shiftKey && (key.length > 1 || /[A-Z]/.test(key));
  return [mod && 'Mod', event.altKey && 'Alt', shift && 'Shift', key].filter(Boolean).join('+');
}

function keyOf({ key, code, altKey }: KeyboardEvent, mod: boolean): string {
  if (key === ' ') return 'Space';
  // Plus stands between the parts of a chord. With Mod it is the same as the key it shares on most keyboards.
  if (key === '+') return mod ? '=' : 'Plus';
  // Alt types another sign on macOS; the letter on the key is meant.
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (altKey && letter && !/^[a-z]$/i.test(key)) return letter;
  return key.length === 1 ? key.toUpperCase() : key;
}

/** The keys as this system writes them. */
export function shownKeys(chord: string): string {
  const words: Record<string, string> = {
    ...(MAC ? { Mod: '⌘', Alt: '⌥', Shift: '⇧' } : { Mod: 'Ctrl' }),
    Enter: '↵',
    Escape: 'Esc',
    ArrowUp: '↑',
    ArrowDown: '↓',
    ArrowLeft: '←',
    ArrowRight: '→',
    Plus: '+',
    '-': '−',
  };
  return chord
    .split('+')
    .map((part) => words[part] ?? part)
    .join(MAC ? '' : ' ');
}

/** Starts the action whose keys were pressed. Keys without Mod or Alt are left to fields and to open dialogs. */
export function handleKey(actions: Actions, event: KeyboardEvent) {
  // An input method that is at work has the keys; WebKit says so by the number only.
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
  const chord = chordOf(event);
  if (chord === null) return;
  const plain = !/^(Mod|Alt)\+/.test(chord) && !/^(Shift\+)?F\d+$/.test(chord);
  if (plain && takesKeys(event.target)) return;
  const action = actions.listed.find((action: Action) => actions.keysOf(action) === chord);
  if (!action) return;
  event.preventDefault();
  action.run();
}

function takesKeys(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('dialog,[role=dialog],[role=alertdialog],[role=menu],[role=listbox]')) return true;
  return target.isContentEditable || target.matches('input, textarea, select');
}
