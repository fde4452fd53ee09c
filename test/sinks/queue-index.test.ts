import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { QueueEntry } from '../../src/sinks/queue/entry-name.ts';
import { QueueIndex } from '../../src/sinks/queue/queue-index.ts';

test('turns go to the oldest entry of a series that is free, whatever was added, removed or failed before', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), series: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ do: fc.constantFrom('send' as const, 'drop-oldest' as const, 'drop-some' as const), series: fc.nat() }),
    fc.record({ do: fc.constantFrom('succeed' as const, 'fail' as const), series: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const index = new QueueIndex();
      const model: QueueEntry[] = [];
      const sending = new Map<string, NonNullable<ReturnType<QueueIndex['takeTurn']>>>();
      let order = 0;
      const forget = (entry: QueueEntry) => {
        index.remove(entry);
        model.splice(model.indexOf(entry), 1);
      };
      for (const { do: action, series } of steps) {
        const [some] = [...sending.values()].slice(series % Math.max(1, sending.size));
        if (action === 'add') {
          order += 1;
          const entry = { name: `${order}`, order, series: `s${series}`, bytes: order };
          model.push(entry);
          index.add(entry);
        } else if (action === 'send') {
          const turn = index.takeTurn();
          assert.equal(
            turn?.entry,
            model.find((entry) => !sending.has(entry.series)),
          );
          if (turn) sending.set(turn.entry.series, turn);
        } else if (action === 'drop-oldest') {
          const oldest = index.oldest();
          assert.equal(
            oldest,
            model.find((entry) => sending.get(entry.series)?.entry !== entry),
          );
          if (oldest) forget(oldest);
        } else if (action === 'drop-some') {
          const waiting = model.filter((entry) => sending.get(entry.series)?.entry !== entry);
          const chosen = waiting[series % Math.max(1, waiting.length)];
          if (chosen) forget(chosen);
        } else if (some) {
          if (action === 'succeed') forget(some.entry);
          sending.delete(some.entry.series);
          index.makeReady(some.series);
        }
        assert.equal(index.size, model.length);
        assert.equal(
          index.bytes,
          model.reduce((sum, { bytes }) => sum + bytes, 0),
        );
      }
    }),
  );
});
