/**
 * A real program that suites run against. Each file beside this one is a part and exports two functions of these types:
 * `prepare` installs and builds what the part needs and may be called again at no cost, `start` prepares and runs it.
 */
export type Prepare = () => Promise<unknown>;
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
