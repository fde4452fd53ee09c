import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report } from '../../src/cli/render/report.ts';
import { ScrapeError } from '../../src/errors.ts';
import { EMPTY_LABELS } from '../../src/labels/label-set.ts';
import type { PullEvent, Stage } from '../../src/pull.ts';
import type { WrittenProfile } from '../../src/sinks/sink.ts';
import { adHocConfig } from '../../src/targets/ad-hoc-job.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import type { Target } from '../../src/targets/target.ts';

const [job] = adHocConfig(['unused:1']).scrapeConfigs;

function targetOf(address: string, profile: string): Target {
  assert.ok(job);
  const labels = new Map([
    ['__address__', address],
    ['__name__', 'app'],
  ]);
  const { targets } = targetsFromGroups(job, [{ source: 'test', labels: EMPTY_LABELS, targets: [labels] }]);
  const found = targets.find((target) => target.profile.name === profile);
  assert.ok(found);
  return found;
}

function finished(target: Target, more: { durationMs?: number; isReset?: boolean } = {}): PullEvent {
  const profile: WrittenProfile = {
    target,
    profileKind: 'delta',
    labels: target.labels,
    bytes: 1024,
    fromNanos: 0n,
    untilNanos: 1n,
    sampleTypes: [],
    samples: 3,
    isReset: more.isReset ?? false,
    isPartial: false,
  };
  const receipts = [{ path: `${target.profile.name}.pb.gz`, bytes: 1024 }];
  return { type: 'finished', target, profile, receipts, durationMs: more.durationMs ?? 1 };
}

function failed(target: Target, message: string, stage: Stage = 'scrape'): PullEvent {
  return { type: 'failed', target, stage, error: new ScrapeError('X', message, { hint: 'mend it' }) };
}

function reportOf(targets: readonly Target[], events: readonly PullEvent[]): Report {
  assert.ok(job);
  const report = new Report(0);
  const found = {
    job,
    targets,
    dropped: [],
    droppedCount: 0,
    rejected: [],
    duplicates: 0,
    warnings: [],
    applicationSources: new Set<never>(),
    validUntilMs: undefined,
  };
  const steps = targets.map((target) => ({ target, scrapes: 'once' as const, windowMs: 0 }));
  report.add({ type: 'planned', plan: { steps, jobs: [found], windowMs: 0 } });
  for (const event of events) report.add(event);
  return report;
}

test('an instance is up, partly or down by the scrapes of all its profiles', () => {
  const [a, b, c, d, e] = [
    targetOf('up:1', 'mem'),
    targetOf('partly:1', 'mem'),
    targetOf('partly:1', 'block'),
    targetOf('down:1', 'mem'),
    targetOf('down:1', 'block'),
  ];
  const report = reportOf([a, b, c, d, e], [finished(a), finished(b), failed(c, 'x'), failed(d, 'x'), failed(e, 'x')]);
  assert.match(
    report.summaryLines(2000)[0] ?? '',
    /^2 profiles written \(2\.0 KiB\), 3 failed; 1 instance up, 1 partly, 1 down; took 2\.0 s$/,
  );
});

test('a target is down whose answers are no profiles, and up where only we could not write', () => {
  const [a, b] = [targetOf('garbage:1', 'mem'), targetOf('fine:1', 'mem')];
  const report = reportOf([a, b], [failed(a, 'malformed', 'delta'), failed(b, 'disk full', 'write')]);
  assert.match(report.summaryLines(0)[0] ?? '', /2 failed; 1 instance up, 1 down;/);
});

test('a target that the run was stopped before is neither up nor down', () => {
  const [a, b] = [targetOf('a:1', 'mem'), targetOf('b:1', 'mem')];
  const report = reportOf([a, b], [finished(a)]);
  assert.match(report.summaryLines(0)[0] ?? '', /; 1 instance up, 1 not scraped;/);
  assert.deepEqual(Object(report.summary(0)['summary']).instances, {
    up: 1,
    partly: 0,
    down: 0,
    unknown: 1,
    rejected: 0,
    dropped: 0,
  });
});

test('the same failure is one line, with the hint and how many more', () => {
  const [a, b, c] = [targetOf('a:1', 'mem'), targetOf('b:1', 'mem'), targetOf('c:1', 'mem')];
  const report = reportOf(
    [a, b, c],
    [failed(a, 'connection refused'), failed(b, 'connection refused'), failed(c, 'HTTP 404')],
  );
  assert.deepEqual(report.failureLines(), [
    'http://a:1/debug/pprof/heap (and 1 more): connection refused — mend it',
    'http://c:1/debug/pprof/heap: HTTP 404 — mend it',
  ]);
});

test('where other profiles of an address answer over http, its scheme is not to blame for a TLS port', () => {
  const [mem, cpu, other] = [targetOf('a:1', 'mem'), targetOf('a:1', 'cpu'), targetOf('b:1', 'mem')];
  const error = new ScrapeError('TLS_EXPECTED', 'HTTP 400', { hint: 'set scheme: https' });
  const tls = (target: Target): PullEvent => ({ type: 'failed', target, stage: 'scrape', error });
  assert.match(reportOf([mem, cpu], [tls(mem), finished(cpu)]).failureLines()[0] ?? '', /so scheme is right: a proxy/);
  assert.match(reportOf([other], [tls(other)]).failureLines()[0] ?? '', /— set scheme: https$/);
});

test('a run is clean only if everything came through, and something was there', () => {
  const a = targetOf('a:1', 'mem');
  assert.equal(reportOf([a], [finished(a)]).isClean, true);
  assert.equal(reportOf([a], [{ type: 'empty', target: a }]).isClean, true);
  assert.equal(reportOf([a], [failed(a, 'x')]).isClean, false);
  assert.equal(reportOf([], []).isClean, false);
});

test('the time that a target measures does not make it the slowest', () => {
  const [cpu, mem] = [targetOf('a:1', 'cpu'), targetOf('a:1', 'mem')];
  const report = reportOf([cpu, mem], [finished(cpu, { durationMs: 10_020 }), finished(mem, { durationMs: 500 })]);
  assert.match(report.summaryLines(0)[1] ?? '', /^slowest: http:\/\/a:1\/debug\/pprof\/heap 500 ms$/);
});

test('a CPU profile is the one to open first', () => {
  const [cpu, mem] = [targetOf('a:1', 'cpu'), targetOf('a:1', 'mem')];
  assert.equal(reportOf([cpu, mem], [finished(mem), finished(cpu)]).suggestedPath, 'cpu.pb.gz');
});

test('a counter reset is counted', () => {
  const a = targetOf('a:1', 'mem');
  assert.match(reportOf([a], [finished(a, { isReset: true })]).summaryLines(0)[0] ?? '', /, 1 counter reset;/);
});

test('a target that answers before its seconds are over has taken no time, and not less than none', () => {
  const [cpu, fgprof] = [targetOf('a:1', 'cpu'), targetOf('b:1', 'cpu')];
  const report = reportOf([cpu, fgprof], [finished(cpu, { durationMs: 5 }), finished(fgprof, { durationMs: 4 })]);
  assert.match(report.summaryLines(0)[1] ?? '', /^slowest: http:\/\/a:1\/debug\/pprof\/profile\?seconds=10 0 ms$/);
});
