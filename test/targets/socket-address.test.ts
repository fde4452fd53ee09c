import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueError } from '../../src/config/value-error.ts';
import type { TargetGroup } from '../../src/discovery/target-group.ts';
import { formatHostPort, parseOrigin } from '../../src/targets/address.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { jobOf } from '../support/job-of.ts';

const TAKEN: readonly [address: string, socketPath: string][] = [
  ['unix:///run/app.sock', '/run/app.sock'],
  ['unix:/run/app.sock', '/run/app.sock'],
  ['unix:./app.sock', '/etc/pp/app.sock'],
  ['unix:../run/a b.sock', '/etc/run/a b.sock'],
];
for (const [address, socketPath] of TAKEN) {
  test(`${address} is the socket ${socketPath}`, () => {
    const origin = parseOrigin(address, 'http', '', '/etc/pp');
    assert.equal(origin.socketPath, socketPath);
    assert.equal(formatHostPort(origin), address);
  });
}

const REFUSED: readonly [address: string, message: RegExp][] = [
  ['unix:', /not the path of a socket/],
  ['unix://app.sock', /not the path of a socket/],
  ['unix:///run/', /not the path of a socket/],
  ['unix:///run/\u0000.sock', /not the path of a socket/],
  [`unix:///${'a'.repeat(107)}`, /longer than 107 bytes/],
];
for (const [address, message] of REFUSED) {
  test(`${JSON.stringify(address).slice(0, 30)} is refused`, () => {
    assert.throws(
      () => parseOrigin(address, 'http', '', '/'),
      (error) => error instanceof ValueError && message.test(error.message),
    );
  });
}

const group: TargetGroup = {
  source: 'one',
  targets: [new Map([['__address__', 'unix:./t.sock']])],
  labels: new Map([['__name__', 'app']]),
};

test('instance is the socket as it was written, and the path follows in the URL', async () => {
  const { targets, rejected } = targetsFromGroups(await jobOf({ 'enabled-profiles': ['goroutines'] }), [
    { ...group, socketDir: '/etc/pp' },
  ]);
  assert.deepEqual(rejected, []);
  assert.equal(targets[0]?.labels.get('instance'), 'unix:./t.sock');
  assert.equal(targets[0]?.url, 'unix:./t.sock:/debug/pprof/goroutine');
  assert.equal(targets[0]?.origin.socketPath, '/etc/pp/t.sock');
});

test('a source that lists targets of the network may not name sockets of this machine', async () => {
  const { targets, rejected } = targetsFromGroups(await jobOf({ 'enabled-profiles': ['goroutines'] }), [group]);
  assert.deepEqual(targets, []);
  assert.match(rejected[0]?.message ?? '', /may not name sockets of this machine/);
});
