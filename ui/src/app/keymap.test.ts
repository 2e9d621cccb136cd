import { describe, expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import { Settings } from '../state/settings.svelte';
import { Actions } from './actions.svelte';
import { chordOf, handleKey, shownKeys } from './keymap';

const press = (key: string, more: KeyboardEventInit = {}) =>
  new KeyboardEvent('keydown', { key, cancelable: true, bubbles: true, ...more });

function pressedIn(html: string, event: KeyboardEvent, keys: Record<string, string> = {}) {
  const settings = new Settings(fakeBackend());
  settings.current = { ...settings.current, keys };
  const actions = new Actions(settings);
  const ran: string[] = [];
  actions.add([
    { id: 'accept', title: 'Accept', group: 'Review', keys: 'Y', run: () => ran.push('accept') },
    { id: 'palette', title: 'Palette', group: 'Go', keys: 'Mod+K', run: () => ran.push('palette') },
    { id: 'rename', title: 'Rename', group: 'Task', keys: 'F2', run: () => ran.push('rename') },
    { id: 'off', title: 'Off', group: 'Task', keys: 'X', enabled: () => false, run: () => ran.push('off') },
  ]);
  const place = document.createElement('div');
  place.innerHTML = html;
  document.body.append(place);
  place.addEventListener('keydown', (event) => handleKey(actions, event));
  (place.querySelector('[data-here]') ?? place).dispatchEvent(event);
  place.remove();
  return ran;
}

describe('a chord', () => {
  test.each([
    ['k', { ctrlKey: true }, 'Mod+K'],
    ['N', { ctrlKey: true, shiftKey: true }, 'Mod+Shift+N'],
    ['ArrowDown', { altKey: true, shiftKey: true }, 'Alt+Shift+ArrowDown'],
    [' ', {}, 'Space'],
    ['?', { shiftKey: true }, '?'],
    // The key of plus and equals is one key on most keyboards.
    ['+', { ctrlKey: true, shiftKey: true }, 'Mod+='],
    ['+', {}, 'Plus'],
    // What Alt types on macOS.
    ['®', { altKey: true, code: 'KeyR' }, 'Alt+R'],
    ['Shift', { shiftKey: true }, null],
    ['Dead', {}, null],
  ])('of %j with %j is %j', (key, more, chord) => {
    expect(chordOf(press(key, more))).toBe(chord);
  });

  test('is shown as the system writes it', () => {
    expect(shownKeys('Mod+Shift+K')).toBe('Ctrl Shift K');
    expect(shownKeys('Alt+ArrowUp')).toBe('Alt ↑');
    expect(shownKeys('Plus')).toBe('+');
  });
});

describe('keys', () => {
  test('start the action that has them', () => {
    const event = press('y');
    expect(pressedIn('', event)).toEqual(['accept']);
    expect(event.defaultPrevented).toBe(true);
  });

  test('without Mod are left to fields, dialogs, menus and lists', () => {
    for (const html of [
      '<input data-here>',
      '<textarea data-here></textarea>',
      '<div contenteditable data-here></div>',
      '<dialog open><button data-here></button></dialog>',
      '<div role="menu"><button data-here></button></div>',
      '<div role="listbox"><button data-here></button></div>',
    ])
      expect(pressedIn(html, press('y')), html).toEqual([]);
  });

  test('with Mod, and function keys, work in fields too', () => {
    expect(pressedIn('<input data-here>', press('k', { ctrlKey: true }))).toEqual(['palette']);
    expect(pressedIn('<input data-here>', press('F2'))).toEqual(['rename']);
  });

  test('belong to an input method while it composes', () => {
    expect(pressedIn('', press('y', { isComposing: true }))).toEqual([]);
    expect(pressedIn('', press('y', { keyCode: 229 } as KeyboardEventInit))).toEqual([]);
  });

  test('of an action that makes no sense now do nothing', () => {
    expect(pressedIn('', press('x'))).toEqual([]);
  });

  test('that the user changed take the place of the old ones, and none means none', () => {
    const keys = { accept: 'Alt+A', palette: '' };
    expect(pressedIn('', press('a', { altKey: true }), keys)).toEqual(['accept']);
    expect(pressedIn('', press('y'), keys)).toEqual([]);
    expect(pressedIn('', press('k', { ctrlKey: true }), keys)).toEqual([]);
  });
});
