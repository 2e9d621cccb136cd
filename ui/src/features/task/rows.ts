/** The rows of a conversation: an entry is one, a long message several, so that no row is longer than a few screens. */

import { Stretches, type Stretch } from '../../components/markdown/stretches';
import type { Entry } from '../../state/conversation.svelte';

export interface Row {
  key: string;
  entry: Entry;
  /** The part of a long message that this row shows. */
  stretch?: Stretch;
  /** Whether the entry ends here. */
  last: boolean;
}

export class Rows {
  #known = new WeakMap<Entry, { stretches: Stretches; cut: readonly Stretch[]; rows: Row[] }>();
  #all: Row[] = [];

  /** The rows now. A row that did not change is the same object; when none did, the list is the same too. */
  of(entries: Entry[]): Row[] {
    const all = entries.flatMap((entry) => this.#ofEntry(entry));
    if (all.length !== this.#all.length || all.some((row, at) => row !== this.#all[at])) this.#all = all;
    return this.#all;
  }

  #ofEntry(entry: Entry): Row[] {
    let known = this.#known.get(entry);
    const { item } = entry;
    if (!known) {
      known = { stretches: new Stretches(), cut: [], rows: [] };
      this.#known.set(entry, known);
    }
    const text = item.type === 'agent_message' ? item.text : '';
    const cut = known.stretches.read(text, item.status === 'running');
    if (cut !== known.cut) {
      const before = known;
      known.rows = cut.map((stretch, at) => {
        const last = at === cut.length - 1;
        const row = before.rows[at];
        if (row && row.stretch === (cut.length > 1 ? stretch : undefined) && row.last === last) return row;
        return {
          key: at === 0 ? entry.id : `${entry.id} ${stretch.from}`,
          entry,
          stretch: cut.length > 1 ? stretch : undefined,
          last,
        };
      });
      known.cut = cut;
    }
    return known.rows;
  }
}
