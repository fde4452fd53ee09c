import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { staticAddressFault } from '../../src/config/static-address.ts';
import { parseOrigin } from '../../src/targets/address.ts';

const FAULTS: readonly (readonly [address: string, message: string, hint: string])[] = [
  ['localhost:http', '"localhost:http": port "http" is not a number', 'write localhost:80'],
  [
    'localhost:metrics',
    '"localhost:metrics": port "metrics" is not a number',
    'write its number, as in localhost:6060',
  ],
  [
    '*:6060',
    '"*:6060" is a pattern, and a target is one host',
    'write localhost:6060 for this machine, or one target for each host',
  ],
  [':6060', '":6060" names no host', 'write localhost:6060 for this machine, or one target for each host'],
  ['“h:1”', '"“h:1”" has a quote (“) in it', 'write h:1'],
  ['localhost: 6060', '"localhost: 6060" has a space in it', 'write localhost:6060'],
  ['::1:6060', '"::1:6060" is an IPv6 address without brackets', 'write "[::1]:6060"'],
  ['fe80::1:4040', '"fe80::1:4040" is an IPv6 address without brackets', 'write "[fe80::1]:4040"'],
  ['a:1:2', '"a:1:2" has too many colons for host:port', 'an IPv6 address stands in brackets: "[::1]:6060"'],
  ['[a]:1', '"[a]:1": "a" is not an IPv6 address', 'as in [::1]:6060'],
  ['localhost:0', '"localhost:0": there is no port "0"', 'ports are numbers from 1 to 65535'],
  ['localhost:70000', '"localhost:70000": there is no port "70000"', 'ports are numbers from 1 to 65535'],
  ['a,b:6060', '"a,b:6060": a host name has no ","', 'write ab:6060'],
  ['{{ .Host }}:6060', '"{{ .Host }}:6060" is not host:port', 'render the template first'],
  [
    'http://shop:6060/debug',
    '"http://shop:6060/debug" is not host:port',
    'write shop:6060; the scheme goes into scheme; the path into profiles.<name>.path',
  ],
];

suite('an address that can never be asked', () => {
  for (const [address, message, hint] of FAULTS) {
    test(address, () => assert.deepEqual(staticAddressFault(address), { message, hint }));
  }
});

suite('an address that can be asked', () => {
  for (const address of [
    'localhost:6060',
    'localhost',
    'h.example.com:1',
    '[::1]:6060',
    '::1',
    '2001:db8::10',
    'münchen.de:80',
    'a_b:1',
    '10.0.0.1:65535',
    'unix:///run/x.sock',
    '${HOST}:6060',
  ]) {
    test(address, () => assert.equal(staticAddressFault(address), undefined));
  }
});

test('what has no fault becomes a target, and each rewritten address has none', () => {
  const part = fc.constantFrom(
    'a',
    '1',
    ':',
    '::',
    '[',
    ']',
    '.',
    '*',
    ' ',
    '“',
    '-',
    '_',
    '6060',
    'http',
    '/',
    '@',
    'ü',
    '70000',
    '{{',
    ',',
    '\u200b',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const address = parts.join('');
      const fault = staticAddressFault(address);
      if (fault === undefined) {
        // Only the letters of a name can still be wrong: its encoding for DNS decides.
        if (/^[\w.:[\]-]*$/.test(address)) parseOrigin(address, 'http', '');
        return;
      }
      const suggested = /^write "?([^" ;]+)"?$/.exec(fault.hint)?.[1];
      if (suggested !== undefined && suggested !== 'host:port') assert.equal(staticAddressFault(suggested), undefined);
    }),
    { numRuns: 2000 },
  );
});
