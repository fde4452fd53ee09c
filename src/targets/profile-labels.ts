import { canonicalProfileName } from '../config/presets.ts';
import type { ScrapeConfig } from '../config/scrape-config.ts';
import { type LabelSet, PROFILE_PREFIX } from '../labels/label-set.ts';
import type { ParamOverride } from './url.ts';

/** What the labels of one instance say about one profile. */
export interface ProfileSettings {
  enabled: boolean | undefined;
  path: string | undefined;
  readonly params: ParamOverride[];
}

type Meaning =
  | { readonly type: 'enabled' | 'path'; readonly profile: string; readonly isAlias: boolean }
  | { readonly type: 'param'; readonly profile: string; readonly key: string; readonly isAlias: boolean };

/** Reads `__profile_<name>_enabled`, `__profile_<name>_path` and `__profile_<name>_param_<key>` for the profiles of a job. */
export class ProfileLabels {
  readonly #job: ScrapeConfig;
  readonly #warn: (message: string) => void;
  /** Label names are the same on thousands of targets. */
  readonly #meanings = new Map<string, Meaning | undefined>();

  constructor(job: ScrapeConfig, warn: (message: string) => void) {
    this.#job = job;
    this.#warn = warn;
  }

  /** By canonical profile name; profiles that no label speaks of are not in it. Undefined where there are none at all. */
  read(labels: LabelSet): ReadonlyMap<string, ProfileSettings> | undefined {
    const found: { readonly meaning: Meaning; readonly value: string }[] = [];
    for (const [name, value] of labels) {
      if (!name.startsWith(PROFILE_PREFIX)) continue;
      const meaning = this.#meaningOf(name);
      if (meaning !== undefined) found.push({ meaning, value });
    }
    if (found.length === 0) return undefined;
    // A label with the profile's own name wins over one with an alias: the first to set something holds it.
    found.sort((a, b) => Number(a.meaning.isAlias) - Number(b.meaning.isAlias));
    const settings = new Map<string, ProfileSettings>();
    for (const { meaning, value } of found) this.#apply(meaning, value, settings);
    return settings;
  }

  #apply(meaning: Meaning, value: string, settings: Map<string, ProfileSettings>): void {
    let own = settings.get(meaning.profile);
    if (own === undefined) {
      own = { enabled: undefined, path: undefined, params: [] };
      settings.set(meaning.profile, own);
    }
    if (meaning.type === 'path') own.path ??= value;
    else if (meaning.type === 'param') {
      if (!own.params.some(({ key }) => key === meaning.key)) own.params.push({ key: meaning.key, value });
    } else if (value === 'true' || value === 'false') own.enabled ??= value === 'true';
    else
      this.#warn(`label ${PROFILE_PREFIX}${meaning.profile}_enabled="${value}" is ignored: it must be true or false`);
  }

  #meaningOf(label: string): Meaning | undefined {
    if (this.#meanings.has(label)) return this.#meanings.get(label);
    const meaning = this.#parse(label.slice(PROFILE_PREFIX.length));
    this.#meanings.set(label, meaning);
    return meaning;
  }

  /** Profile names have underscores too, so each place where the name could end is tried. */
  #parse(text: string): Meaning | undefined {
    for (const type of ['enabled', 'path'] as const) {
      if (!text.endsWith(`_${type}`)) continue;
      const known = this.#resolve(text.slice(0, -type.length - 1));
      if (known !== undefined) return { type, ...known };
    }
    for (let at = text.indexOf('_param_'); at >= 0; at = text.indexOf('_param_', at + 1)) {
      const key = text.slice(at + '_param_'.length);
      const known = this.#resolve(text.slice(0, at));
      if (known !== undefined && key !== '') return { type: 'param', key, ...known };
    }
    if (text.endsWith('_enabled')) {
      const known = [...this.#job.profiles.keys()].join(', ');
      this.#warn(`label ${PROFILE_PREFIX}${text} is ignored: there is no such profile; known: ${known}`);
    }
    return undefined;
  }

  #resolve(name: string): { profile: string; isAlias: boolean } | undefined {
    if (this.#job.profiles.has(name)) return { profile: name, isAlias: false };
    const canonical = canonicalProfileName(name);
    return this.#job.profiles.has(canonical) ? { profile: canonical, isAlias: true } : undefined;
  }
}
