import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_JSON_NODES, MAX_YAML_NODES, tooManyNodes } from '../../src/config/document/count-nodes.ts';
import { SourceText } from '../../src/config/document/source-text.ts';

function faultOf(text: string, format: 'json' | 'yaml'): string | undefined {
  return tooManyNodes(new SourceText('f', text), format)?.message;
}

test('a JSON list of as many values as allowed passes, with one more it does not', () => {
  assert.equal(faultOf(`[${'0,'.repeat(MAX_JSON_NODES - 2)}0]`, 'json'), undefined);
  assert.match(faultOf(`[${'0,'.repeat(MAX_JSON_NODES - 1)}0]`, 'json') ?? '', /more than 2000000 values/);
});

test('what stands in a JSON string is not counted', () => {
  assert.equal(faultOf(`["${',\\"['.repeat(MAX_JSON_NODES / 2)}"]`, 'json'), undefined);
});

test('keys and mappings count', () => {
  assert.match(faultOf(`[${'{"a":0},'.repeat(MAX_JSON_NODES / 2)}0]`, 'json') ?? '', /values/);
});

test('YAML is refused earlier, as reading it takes more memory', () => {
  assert.equal(faultOf('- a\n'.repeat(MAX_YAML_NODES - 1), 'yaml'), undefined);
  assert.match(faultOf('- a\n'.repeat(MAX_YAML_NODES), 'yaml') ?? '', /more than 500000 values/);
});
