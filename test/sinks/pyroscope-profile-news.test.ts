import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PrepareNote } from '../../src/sinks/pyroscope/prepare-profile.ts';
import { ProfileNews } from '../../src/sinks/pyroscope/profile-news.ts';
import { describePushEvent } from '../../src/sinks/pyroscope/push-event.ts';
import { labelsOf, metaOf } from '../support/queue-fixtures.ts';

const MINUTE_MS = 60_000;

/** What is said, one line for each profile. */
function told(news: ProfileNews, { instance = 'a:6060', profile = 'cpu', minutes, notes = [] }: Seen): string[] {
  const clockOffsetMs = minutes === undefined ? undefined : minutes * MINUTE_MS;
  const meta = metaOf({ profile, labels: labelsOf(instance) });
  return news.of({ meta, clockOffsetMs, notes }).map((event) => describePushEvent(event).message);
}

interface Seen {
  readonly instance?: string;
  readonly profile?: string;
  readonly minutes?: number;
  readonly notes?: readonly PrepareNote[];
}

test('a wrong clock is told once for each target, until it is right again', () => {
  const news = new ProfileNews();
  assert.deepEqual(told(news, { minutes: 1 }), []);
  assert.deepEqual(told(news, { minutes: 7 }), [
    'the clock of a:6060 was 7m ahead; its profiles are sent with our time',
  ]);
  assert.deepEqual(told(news, { minutes: 9, profile: 'goroutines' }), []);
  assert.deepEqual(told(news, { profile: 'mem' }), []);
  assert.deepEqual(told(news, { minutes: -90, instance: 'b:6060' }), [
    'the clock of b:6060 was 1.5h behind; its profiles are sent with our time',
  ]);
  assert.deepEqual(told(news, { minutes: 1.5 }), [], 'neither wrong nor right');
  assert.deepEqual(told(news, { minutes: 0 }), ['the clock of a:6060 is right again']);
  assert.deepEqual(told(news, { minutes: 0 }), []);
  assert.equal(told(news, { minutes: 8 }).length, 1);
});

test('labels that are renamed are told once for a service, and again where they are others', () => {
  const news = new ProfileNews();
  const renaming = (name: string): Seen => ({
    notes: [{ type: 'sample-labels', renamed: new Map([[name, 'x']]), lostLabels: 0 }],
  });
  assert.equal(told(news, renaming('pebble.x')).length, 1);
  assert.equal(told(news, { ...renaming('pebble.x'), instance: 'b:6060' }).length, 0);
  assert.equal(told(news, renaming('a b')).length, 1);
  assert.equal(told(news, { ...renaming('a b'), profile: 'mem' }).length, 1);
});
