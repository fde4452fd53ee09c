import { formatLabels, INSTANCE_LABEL, type LabelSet, NAME_LABEL, SERVICE_NAME_LABEL } from '../../labels/label-set.ts';
import { MAX_OFFSET_MS, type PreparedProfile, type PrepareNote } from './prepare-profile.ts';
import type { PushEvent } from './push-event.ts';

/** A clock that was wrong counts as right again only within this, lest one at the limit be told with every profile. */
const RIGHT_AGAIN_MS = MAX_OFFSET_MS / 2;
/** Targets come and go for ever; what was told of so many is forgotten, and told again. */
const MAX_TOLD = 10_000;

/** Decides what of the findings about single profiles is news: a loop makes the same ones with every scrape. */
export class ProfileNews {
  readonly #wrongClocks = new Set<string>();
  readonly #toldNotes = new Set<string>();

  of({ meta, clockOffsetMs, notes }: Pick<PreparedProfile, 'meta' | 'clockOffsetMs' | 'notes'>): PushEvent[] {
    const target = nameOf(meta.labels);
    const events: PushEvent[] = [];
    const isTold = this.#wrongClocks.has(target);
    const off = Math.abs(clockOffsetMs ?? MAX_OFFSET_MS);
    if (clockOffsetMs !== undefined && off > MAX_OFFSET_MS && !isTold) {
      remember(this.#wrongClocks, target);
      events.push({ type: 'clock-wrong', target, offsetMs: clockOffsetMs });
    } else if (isTold && off <= RIGHT_AGAIN_MS) {
      this.#wrongClocks.delete(target);
      events.push({ type: 'clock-right', target });
    }
    for (const note of notes) {
      const service = meta.labels.get(SERVICE_NAME_LABEL) ?? meta.labels.get(NAME_LABEL) ?? target;
      const key = `${service} ${meta.profile} ${contentOf(note)}`;
      if (this.#toldNotes.has(key)) continue;
      remember(this.#toldNotes, key);
      events.push({ type: 'note', note, profile: meta.profile, target });
    }
    return events;
  }
}

/** What makes a note differ from another: instances of one service have the same labels inside their profiles. */
function contentOf(note: PrepareNote): string {
  return note.type === 'over-burst' ? note.type : `${note.type} ${[...note.renamed.keys()].sort().join(' ')}`;
}

function remember(told: Set<string>, key: string): void {
  if (told.size === MAX_TOLD) told.clear();
  told.add(key);
}

/** A target as its user knows it. */
export function nameOf(labels: LabelSet): string {
  return labels.get(INSTANCE_LABEL) ?? formatLabels(labels);
}
