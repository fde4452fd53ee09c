import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ValueError } from '../../src/config/value-error.ts';
import { formatHostPort, parseOrigin } from '../../src/targets/address.ts';

const taken: readonly [address: string, scheme: string, port: string, origin: string][] = [
  ['h:6060', 'http', '', 'http://h:6060'],
  ['h', 'http', '', 'http://h:80'],
  ['h', 'https', '', 'https://h:443'],
  ['h', 'HTTPS', '', 'https://h:443'],
  ['h', '', '', 'http://h:80'],
  ['h:', 'https', '', 'https://h:443'],
  ['h:6060', 'http', '7070', 'http://h:7070'],
  ['h', 'http', '7070', 'http://h:7070'],
  ['h:name', 'http', '7070', 'http://h:7070'],
  ['::1', 'http', '', 'http://[::1]:80'],
  ['::1', 'http', '6060', 'http://[::1]:6060'],
  ['[::1]', 'https', '', 'https://[::1]:443'],
  ['[::1]:6060', 'http', '', 'http://[::1]:6060'],
  ['[::1]:', 'http', '', 'http://[::1]:80'],
  ['[fe80::1%eth0]:6060', 'http', '', 'http://[fe80::1%eth0]:6060'],
  ['My_Host.example-1.org.:1', 'http', '', 'http://My_Host.example-1.org.:1'],
  ['żółw.pl:1', 'http', '', 'http://xn--w-uga1v8h.pl:1'],
  ['h:65535', 'http', '', 'http://h:65535'],
];
for (const [address, scheme, port, expected] of taken) {
  test(`${scheme || 'no scheme'} "${address}"${port && ` with __port__ ${port}`} is ${expected}`, () => {
    const origin = parseOrigin(address, scheme, port);
    assert.equal(`${origin.scheme}://${formatHostPort(origin)}`, expected);
  });
}

const refused: readonly [address: string, scheme: string, port: string, message: RegExp][] = [
  ['', 'http', '', /^no address$/],
  ['http://h:6060/x', 'http', '', /^"http:\/\/h:6060\/x" is not a valid hostname$/],
  ['h:1/x', 'http', '', /^"h:1\/x" is not a valid hostname$/],
  ['u:p@h:1', 'http', '', /^userinfo in address "<secret>@h:1"$/],
  ['http://u:p@h:1', 'http', '', /^"http:\/\/<secret>@h:1" is not a valid hostname$/],
  ['a b:1', 'http', '', /^" " in address "a b:1"$/],
  ['h:1\r\nX: y', 'http', '', /in address/],
  ['h:1?x', 'http', '', /^"\?" in address/],
  ['h:1#x', 'http', '', /^"#" in address/],
  ['h\\x', 'http', '', /in address/],
  ['h\u0000', 'http', '', /in address/],
  ['h:5', 'ftp', '', /^scheme "ftp" not supported$/],
  ['h:0', 'http', '', /port out of range: 0$/],
  ['h:99999', 'http', '', /port out of range: 99999$/],
  ['h:-1', 'http', '', /port "-1" is not a number$/],
  ['h:http', 'http', '', /port "http" is not a number$/],
  ['h', 'http', '0', /^__port__: port out of range: 0$/],
  ['h', 'http', 'x', /^__port__: port "x" is not a number$/],
  [':6060', 'http', '', /^no host in address/],
  ['a:b:c', 'http', '', /^too many colons in address "a:b:c"$/],
  ['[h]:1', 'http', '', /^"h" is not an IPv6 address$/],
  ['[::1', 'http', '', /too many colons/],
  ['h%41:1', 'http', '', /is not a valid hostname$/],
  ['é%41:1', 'http', '', /is not a valid hostname$/],
];
for (const [address, scheme, port, message] of refused) {
  test(`refuses ${JSON.stringify(address)}${port && ` with __port__ ${port}`}`, () => {
    assert.throws(() => parseOrigin(address, scheme, port), { name: 'ValueError', message });
  });
}

test('any text is an origin or a ValueError, and an origin reads back as itself', () => {
  const address = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'a1:[]%./-@') }), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(address, (text) => {
      try {
        const origin = parseOrigin(text, 'http', '');
        assert.deepEqual(parseOrigin(formatHostPort(origin), 'http', ''), origin);
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
      }
    }),
  );
});
