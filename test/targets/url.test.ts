import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePath, formatQuery } from '../../src/targets/url.ts';

const queries: readonly [params: Readonly<Record<string, readonly string[]>>, query: string][] = [
  [{}, ''],
  [{ b: ['2'], a: ['1'] }, 'a=1&b=2'],
  [{ a: ['1', '2'] }, 'a=1&a=2'],
  [{ a: [] }, ''],
  [{ 'a b': ['c d+e&f=g/h'] }, 'a+b=c+d%2Be%26f%3Dg%2Fh'],
  [{ a: ["-_.~!*'()é"] }, 'a=-_.~%21%2A%27%28%29%C3%A9'],
];
for (const [params, query] of queries) {
  test(`${JSON.stringify(params)} is "${query}"`, () => {
    assert.equal(formatQuery(new Map(Object.entries(params))), query);
  });
}

const paths: readonly [path: string, encoded: string][] = [
  ['/debug/pprof/heap', '/debug/pprof/heap'],
  ['custom/heap', '/custom/heap'],
  ['', '/'],
  ['/a b/é', '/a%20b/%C3%A9'],
  ['/100%', '/100%25'],
  ['/a\r\nHost: x', '/a%0D%0AHost:%20x'],
];
for (const [path, encoded] of paths) {
  test(`path ${JSON.stringify(path)} is requested as ${encoded}`, () => assert.equal(encodePath(path), encoded));
}

for (const path of ['/p?x=1', '/p#x']) {
  test(`refuses the path ${path}`, () => assert.throws(() => encodePath(path), { name: 'ValueError' }));
}
