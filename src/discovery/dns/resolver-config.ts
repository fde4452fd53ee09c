import { readFile } from 'node:fs/promises';

/** How names are completed and who is asked. */
export interface ResolverConfig {
  /** `address:port`; undefined: the system's. */
  readonly servers: readonly string[] | undefined;
  /** Domains that a short name is tried with. */
  readonly search: readonly string[];
  /** A name with this many dots is tried as it stands first. */
  readonly ndots: number;
}

/** What /etc/resolv.conf says about search domains, which Node's resolver does not look at. */
export async function readResolverConfig(path = '/etc/resolv.conf'): Promise<ResolverConfig> {
  try {
    return parseResolverConfig(await readFile(path, 'utf8'));
  } catch {
    // Windows has no such file; resolv.conf(5) gives the defaults.
    return { servers: undefined, search: [], ndots: 1 };
  }
}

/** resolv.conf(5): the last `search` or `domain` counts, `ndots` is at most 15. */
export function parseResolverConfig(text: string): ResolverConfig {
  let search: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [statement = ''] = line.split(/[#;]/, 1);
    const [keyword, ...words] = statement.trim().split(/\s+/);
    if (keyword === 'search') search = words;
    else if (keyword === 'domain') search = words.slice(0, 1);
    else if (keyword === 'options') {
      for (const option of words) {
        const value = /^ndots:(\d+)$/.exec(option)?.[1];
        if (value !== undefined) ndots = Math.min(15, Number(value));
      }
    }
  }
  return { servers: undefined, search: search.map((domain) => domain.replace(/\.$/, '')).filter(Boolean), ndots };
}

/** The names to ask for, in order, until one exists. A final dot says that the name is complete. */
export function candidateNames(name: string, { search, ndots }: Pick<ResolverConfig, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name];
  const completed = search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...completed] : [...completed, name];
}
