import { setMaxListeners } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type Answer, type FakePyroscope, startFakePyroscope } from '../../test/support/fake-pyroscope.ts';
import { Random } from '../../test/support/random.ts';
import { median } from '../measure.ts';
import { snapshotOf } from './counters.ts';
import { type Breach, keyOf, Ledger } from './ledger.ts';
import { type Role, SoakTarget } from './soak-target.ts';
import { type Measured, WatchedProcess } from './watched-process.ts';
import { WrittenFiles } from './written-files.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly targets: number;
  readonly intervalMs: number;
  readonly seed: number;
  /** For config, output, state, queue and logs; empty. */
  readonly dir: string;
  /** `bin/pyro-pull.js` of what is to be tested. */
  readonly executable: string;
  readonly say: (line: string) => void;
}

export interface SoakFigures {
  readonly breaches: readonly Breach[];
  /** Ends of the process that nobody asked for, and a last exit code other than 0. */
  readonly crashes: readonly string[];
  /** Lines of the log that only a fault of pyro-pull explains. */
  readonly faults: readonly string[];
  readonly profiles: number;
  readonly pushed: number;
  /** Written, but not pushed; pushed, but not in the index. */
  readonly unpushed: readonly string[];
  readonly unindexed: readonly string[];
  /** Intervals in no delta, and in two. */
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  /** Healthy targets whose deltas do not go from the first answer to the last. */
  readonly ragged: readonly string[];
  readonly kills: number;
  /** Pairs of a target that never restarts and a cumulative profile whose deltas sum to its counters, of so many. */
  readonly settled: number;
  readonly toSettle: number;
  /** Requests that came while another one for the same profile was being answered. */
  readonly overlaps: readonly string[];
  /** Of the longest life, at a sixth of it (at most ten minutes) and at its end. */
  readonly early: Measured;
  readonly late: Measured;
  readonly clockJumps: number;
  readonly answers: Readonly<Record<Role, { readonly good: number; readonly bad: number }>>;
}

/** So many of twenty targets have each role; the others are healthy. */
const ROLES: readonly Role[] = ['restarting', 'restarting', 'hanging', 'slow', 'garbage', 'vanishing', 'cached'];

const UPSETS: readonly Answer[] = [
  { status: 429 },
  { status: 503, headers: { 'retry-after': '1' } },
  { status: 500 },
  { fault: 'reset' },
  { delayMs: 200 },
];

/** What happens at a part of the whole time. */
type Script = readonly (readonly [at: number, does: () => void | Promise<void>])[];

/** Runs pyro-pull for some time against targets, a server and a clock that fail, and tells what came of it. */
export async function runSoak(options: SoakOptions): Promise<SoakFigures> {
  return new Soak(options).run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #over = new AbortController();
  readonly #targets: SoakTarget[];
  readonly #ledger = new Ledger();
  readonly #files: WrittenFiles;
  readonly #process: WatchedProcess;
  readonly #pushed = new Set<string>();
  readonly #measured: Measured[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  #server: FakePyroscope | undefined;
  #serverPort: number | undefined;
  #isServerSteady = false;
  #kills = 0;
  #jumps = 0;

  constructor(options: SoakOptions) {
    const { dir, targets, intervalMs, seed, executable } = options;
    this.#options = options;
    this.#random = new Random(seed);
    this.#targets = Array.from({ length: targets }, (_, id) => {
      const role = ROLES[id % 20] ?? 'healthy';
      return new SoakTarget({ id, role, intervalMs, random: new Random(seed + id), signal: this.#over.signal });
    });
    mkdirSync(join(dir, 'targets'), { recursive: true });
    const command = [process.execPath, executable, 'scrape', '--loop', '-c', join(dir, 'pyro-pull.yml')];
    this.#process = new WatchedProcess([...command, '--log-format', 'logfmt'], {
      clockFile: join(dir, 'clock'),
      logFile: join(dir, 'pyro-pull.log'),
    });
    this.#files = new WrittenFiles(join(dir, 'out'), this.#ledger);
  }

  async run(): Promise<SoakFigures> {
    const { say, dir } = this.#options;
    const stopped = this.#over.signal;
    setMaxListeners(0, stopped);
    try {
      await Promise.all(this.#targets.map((target) => target.start()));
      await this.#openServer();
      this.#writeTargets(true);
      this.#writeConfig('good');
      this.#process.start();
      say(`${this.#targets.length} targets, a server at port ${this.#serverPort}, ${dir}`);
      const background = [this.#watch(stopped), this.#moveTargets(stopped), this.#upsetServer(stopped)];
      await this.#play();
      this.#over.abort();
      await Promise.all(background);
      return await this.#conclude();
    } finally {
      this.#over.abort();
      await this.#process.kill();
      for (const close of this.#closers) await close();
      await Promise.all(this.#targets.map((target) => target.stop()));
    }
  }

  /** The longest life lies between the second and the third kill. */
  #script(): Script {
    const jump = (seconds: number) => () => {
      this.#jumps += 1;
      this.#process.setClock(seconds);
    };
    const kill = () => this.#killAndStart();
    const reload = (kind: 'good' | 'broken' | 'more') => () => {
      this.#writeConfig(kind);
      this.#process.hangUp();
    };
    return [
      [0.05, kill],
      [0.08, kill],
      [0.3, jump(3600)],
      [0.35, reload('broken')],
      [0.4, jump(-1800)],
      [0.45, reload('more')],
      [0.5, jump(2)],
      [0.55, jump(0)],
      [0.6, reload('good')],
      [0.65, jump(7200)],
      [0.7, jump(0)],
      [0.93, jump(600)],
      [0.95, kill],
      [0.96, jump(0)],
      // As after a start with a wrong clock that is then set.
      [0.97, kill],
      [1, () => {}],
    ];
  }

  async #play(): Promise<void> {
    const { minutes, say } = this.#options;
    const startedAt = performance.now();
    for (const [part, does] of this.#script()) {
      const leftMs = startedAt + part * minutes * 60_000 - performance.now();
      if (leftMs > 0) await sleep(leftMs);
      await does();
      const { breaches, profiles, lost, twice } = this.#ledger;
      const now = this.#process.measure();
      say(
        `${(part * minutes).toFixed(1)} min: ${profiles} profiles, ${this.#pushed.size} pushed, ${breaches.length} breaches, ` +
          `${lost.length} lost, ${twice.length} twice, RSS ${now?.rssMb.toFixed(0)} MiB, ${now?.openFiles} open files, ` +
          `${now?.cpuSeconds.toFixed(1)} s CPU`,
      );
    }
  }

  async #killAndStart(): Promise<void> {
    await this.#process.kill();
    this.#kills += 1;
    for (const target of this.#targets) target.forgetRequests();
    await this.#files.read(true);
    this.#process.start();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { minutes } = this.#options;
    const everyMs = Math.min(5000, minutes * 1000);
    while (!signal.aborted) {
      await this.#files.read();
      const now = this.#process.measure();
      if (now) this.#measured.push(now);
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Rewrites the discovery files: by rename, in two steps with half a file in between, or away for a while. */
  async #moveTargets(signal: AbortSignal): Promise<void> {
    const { intervalMs, dir } = this.#options;
    const pause = (intervals: number) => sleep(intervals * intervalMs, undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      await pause(2 + this.#random.below(40) / 10);
      const mishap = this.#random.below(5);
      if (mishap === 0) {
        writeFileSync(join(dir, 'targets', 'vanishing.json'), '[{"targets": ["127.0.');
        await pause(0.5);
      } else if (mishap === 1) {
        rmSync(join(dir, 'targets', 'vanishing.json'), { force: true });
        await pause(0.5);
      }
      this.#writeTargets(false);
    }
    this.#writeTargets(true);
  }

  #writeTargets(areAllThere: boolean): void {
    const vanishing = this.#targets.filter(({ role }) => role === 'vanishing');
    const there = vanishing.filter(() => areAllThere || this.#random.chance(0.7));
    const path = join(this.#options.dir, 'targets', 'vanishing.json');
    const groups = [{ application: 'soak', targets: there.map(({ address }) => address) }];
    writeFileSync(`${path}.new`, JSON.stringify(groups));
    renameSync(`${path}.new`, path);
  }

  /** `more` has a second CPU job, all else is as before. */
  #writeConfig(kind: 'good' | 'broken' | 'more'): void {
    const { dir, intervalMs } = this.#options;
    const addressesOf = (isWanted: (target: SoakTarget) => boolean) =>
      this.#targets.filter(isWanted).map(({ address }) => address);
    const job = (name: string, targets: readonly string[], timeoutMs: number) => ({
      'job-name': name,
      'scrape-interval': `${intervalMs}ms`,
      'scrape-timeout': `${timeoutMs}ms`,
      'enabled-profiles': ['mem', 'mutex', 'goroutines'],
      'static-configs': [{ application: 'soak', targets }],
    });
    const seconds = Math.max(1, Math.floor(Math.min(10_000, intervalMs - 1000) / 1000));
    const cpu = (name: string, first: number) => ({
      ...job(
        name,
        addressesOf(({ id, role }) => role === 'healthy' && id % 40 === first),
        seconds * 1000 + 5000,
      ),
      'enabled-profiles': ['cpu'],
      profiles: { cpu: { params: { seconds: [String(seconds)] } } },
    });
    const config = {
      'scrape-configs': [
        job(
          'steady',
          addressesOf(({ role }) => role !== 'slow' && role !== 'vanishing'),
          Math.max(1000, intervalMs / 3),
        ),
        job(
          'slow',
          addressesOf(({ role }) => role === 'slow'),
          intervalMs * 1.2,
        ),
        {
          ...job('moving', [], Math.max(1000, intervalMs / 3)),
          'static-configs': [],
          'file-sd-configs': [{ files: [join(dir, 'targets', '*.json')] }],
        },
        cpu('cpu', 10),
        ...(kind === 'more' ? [cpu('more-cpu', 30)] : []),
      ],
      output: { dir: join(dir, 'out'), 'max-age': '12h' },
      'remote-write': [
        {
          url: `http://127.0.0.1:${this.#serverPort}`,
          queue: { dir: join(dir, 'queue'), 'max-backoff': `${Math.min(10_000, intervalMs)}ms` },
        },
      ],
    };
    const text = JSON.stringify(config, undefined, 1);
    writeFileSync(join(dir, 'pyro-pull.yml'), kind === 'broken' ? text.replace('"steady"', '["steady"') : text);
  }

  async #openServer(): Promise<void> {
    const server = await startFakePyroscope({ after: (close) => void this.#closers.push(close) }, this.#serverPort);
    this.#serverPort = Number(new URL(server.url).port);
    server.answer = ({ profile }) => {
      server.received.length = 0;
      if (!this.#isServerSteady && this.#random.chance(0.005)) {
        const upset = this.#random.pick(UPSETS);
        if (upset.delayMs === undefined) return upset;
      }
      // What is in it was compared when the file was read; this side must keep up.
      const pprof = Buffer.from(profile[0] === 0x1f ? gunzipSync(profile) : profile).toString('latin1');
      const snapshot = snapshotOf([/soak \d+ [a-z]+ \d+ \d+;/.exec(pprof)?.[0] ?? '']);
      if (snapshot === undefined) {
        this.#ledger.breaches.push({ where: 'server', what: 'a profile that no target sent' });
      } else this.#pushed.add(keyOf(snapshot));
      return {};
    };
    this.#server = server;
  }

  async #upsetServer(signal: AbortSignal): Promise<void> {
    const { intervalMs } = this.#options;
    const pause = (intervals: number) => sleep(intervals * intervalMs, undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      await pause(8 + this.#random.below(120) / 10);
      if (signal.aborted) break;
      await this.#server?.close();
      this.#closers.length = 0;
      await pause(1 + this.#random.below(50) / 10);
      await this.#openServer();
    }
    this.#isServerSteady = true;
  }

  async #conclude(): Promise<SoakFigures> {
    const { intervalMs, dir } = this.#options;
    await sleep(intervalMs * 2);
    await this.#files.read();
    for (let waited = 0; waited < 120 && this.#pushed.size < this.#ledger.seen.size; waited++) await sleep(1000);
    const code = await this.#process.stop();
    await this.#files.read();
    const { breaches, seen, lost, twice, profiles } = this.#ledger;
    const isSteady = (id: number) => this.#targets[id]?.role !== 'restarting';
    const { settled, toSettle } = this.#ledger.settle(isSteady);
    const ragged: string[] = [];
    for (const { id, role, numbers, epoch } of this.#targets) {
      if (role !== 'healthy') continue;
      for (const profile of ['mem', 'mutex'] as const) {
        const where = `target ${id}, ${profile}`;
        const first = this.#ledger.firstOf({ target: id, profile, epoch });
        const last = this.#ledger.lastOf({ target: id, profile, epoch });
        if (first !== 1) ragged.push(`${where}: its first delta starts at answer ${first}`);
        const all = numbers.get(profile);
        if (last !== all) ragged.push(`${where}: its last delta ends at answer ${last} of ${all}`);
      }
    }
    const log = readFileSync(join(dir, 'pyro-pull.log'), 'utf8').split('\n');
    const faults = log.filter((line) => /internal error|\(node:\d+\)|unhandled|^\s+at /i.test(line));
    const { early, late } = this.#life();
    const answers = Object.fromEntries(
      (['healthy', ...ROLES] as const).map((role) => {
        const those = this.#targets.filter((target) => target.role === role);
        const sum = (kind: 'good' | 'bad') => those.reduce((total, target) => total + target.answers[kind], 0);
        return [role, { good: sum('good'), bad: sum('bad') }];
      }),
    );
    return {
      breaches,
      crashes: [...this.#process.crashes, ...(code === 0 ? [] : [`exit code ${code} at the end`])],
      faults,
      profiles,
      pushed: this.#pushed.size,
      unpushed: [...seen].filter((key) => !this.#pushed.has(key)),
      unindexed: [...this.#pushed].filter((key) => !seen.has(key)),
      lost,
      twice,
      ragged,
      kills: this.#kills,
      settled,
      toSettle,
      overlaps: this.#targets.flatMap(({ id, role, overlaps }) =>
        overlaps.map((url) => `target ${id} (${role}): ${url}`),
      ),
      early,
      late,
      clockJumps: this.#process.canJump ? this.#jumps : 0,
      answers: answers as SoakFigures['answers'],
    };
  }

  /** Medians of some measurements at a sixth of the longest life (at most ten minutes) and at its end. */
  #life(): { early: Measured; late: Measured } {
    let best: Measured[] = [];
    let life: Measured[] = [];
    for (const one of this.#measured) {
      const before = life.at(-1);
      if (before !== undefined && one.ageMs < before.ageMs) life = [];
      life.push(one);
      if (life.length > best.length) best = life;
    }
    const endMs = best.at(-1)?.ageMs ?? 0;
    const widthMs = Math.min(60_000, endMs / 12);
    const earlyMs = Math.min(600_000, endMs / 6);
    const middle = (isIn: (ageMs: number) => boolean): Measured => {
      const those = best.filter(({ ageMs }) => isIn(ageMs));
      const of = (field: keyof Measured) => median(those.map((one) => one[field]));
      return { ageMs: of('ageMs'), rssMb: of('rssMb'), openFiles: of('openFiles'), cpuSeconds: of('cpuSeconds') };
    };
    return {
      early: middle((ageMs) => Math.abs(ageMs - earlyMs) <= widthMs),
      late: middle((ageMs) => ageMs >= endMs - 2 * widthMs),
    };
  }
}
