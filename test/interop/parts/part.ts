/**
 * Each file beside this one is a part, a real program that suites run against, and exports two functions: `prepare`
 * installs and builds what the part needs, and costs nothing when called again; `start` prepares it, runs it and gives
 * what a suite has to know. Parts that are only scraped start like this one.
 */
export type Start = () => Promise<RunningPart>;

export interface RunningPart {
  readonly name: string;
  /** `host:port` where it serves its profiles. */
  readonly address: string;
  /** What a scrape has to send, if anything. */
  readonly basicAuth?: { readonly username: string; readonly password: string };
  /** Keeps it busy until the returned function is called. */
  work(): () => Promise<void>;
  stop(): Promise<void>;
}
