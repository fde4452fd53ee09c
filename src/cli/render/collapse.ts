/** How a crowd of equal lines is told. */
export interface CrowdRule {
  /** So many lines of a group are told one by one in a window; 0: none. */
  readonly limit: number;
  readonly windowMs: number;
  /** The line for the others, at the end of the window. */
  summary(others: number): void;
}

interface Crowd {
  count: number;
  readonly summarise: () => void;
  readonly cancel: () => void;
}

/**
 * Lets the first lines of a group pass and tells of the others in one line at the end of a window, so that an outage of a
 * thousand targets is a handful of lines.
 */
export class Collapse {
  readonly #schedule: (ms: number, run: () => void) => () => void;
  readonly #crowds = new Map<string, Crowd>();

  constructor(schedule: (ms: number, run: () => void) => () => void) {
    this.#schedule = schedule;
  }

  /** Whether this line of the group is to be told; `weight` counts it as several. */
  admits(group: string, rule: CrowdRule, weight = 1): boolean {
    const crowd = this.#crowds.get(group) ?? this.#open(group, rule);
    crowd.count += weight;
    return crowd.count <= rule.limit;
  }

  /** Tells what is held back, and stops. */
  close(): void {
    for (const { cancel, summarise } of this.#crowds.values()) {
      cancel();
      summarise();
    }
    this.#crowds.clear();
  }

  #open(group: string, { limit, windowMs, summary }: CrowdRule): Crowd {
    const crowd: Crowd = {
      count: 0,
      summarise: () => {
        if (crowd.count > limit) summary(crowd.count - limit);
      },
      cancel: this.#schedule(windowMs, () => {
        this.#crowds.delete(group);
        crowd.summarise();
      }),
    };
    this.#crowds.set(group, crowd);
    return crowd;
  }
}
