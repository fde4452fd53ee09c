import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretParameter, redactLabel, redactUrl, redactUrls } from '../../src/safe-text/redact-url.ts';

const SECRET = [
  ...['sig', 'auth', 'sas', 'key', 'token', 'password', 'api_key', 'access_token', 'signature', 'secret', 'credential'],
  ...['X-Amz-Signature', 'x-amz-security-token', 'X-Amz-Credential', 'X-Goog-Signature', 'AWSAccessKeyId', 'Signature'],
  ...[
    'authKey',
    'apiKey',
    'apikey',
    'api-key',
    'subscription-key',
    'client_secret',
    'id_token',
    'private_token',
    'jwt',
  ],
  ...['PASSWORD', 'db.password', 'p%61ssword', 'x_amz_signature', 'code', 'sid', '%zz-token'],
];
const PLAIN = [
  'seconds',
  'debug',
  'gc',
  'service',
  'monkey',
  'author',
  'tokens_a',
  'signal',
  'keyboard',
  'n',
  'se',
  'sv',
];

for (const name of SECRET) test(`${name} is a secret`, () => assert.ok(isSecretParameter(name)));
for (const name of PLAIN) test(`${name} is none`, () => assert.ok(!isSecretParameter(name)));

for (const [url, shown] of [
  ['http://h/p?sig=S&seconds=1', 'http://h/p?sig=xxxxx&seconds=1'],
  ['http://h/p?seconds=1;token=S', 'http://h/p?seconds=1;token=xxxxx'],
  ['http://h/p#access_token=S&x=1', 'http://h/p#access_token=xxxxx&x=1'],
  ['http://h/p?a=b=c&key=S=S', 'http://h/p?a=b=c&key=xxxxx'],
  ['https://T@h/p', 'https://xxxxx@h/p'],
  ['/p?sas=S', '/p?sas=xxxxx'],
  ['no url at all', 'no url at all'],
] as const) {
  test(`${url} is shown as ${shown}`, () => assert.equal(redactUrl(url), shown));
}

test('in a text each URL is masked, up to its end', () => {
  assert.equal(
    redactUrls('GET "/p?sig=S1&n=1" of http://u:S2@h/?token=S3, then <a href="/x?key=S4">'),
    'GET "/p?sig=xxxxx&n=1" of http://u:xxxxx@h/?token=xxxxx then <a href="/x?key=xxxxx">',
  );
});

test('a label that sets a secret parameter is masked, of all profiles or of one', () => {
  assert.equal(redactLabel('__param_sig', 'S'), 'xxxxx');
  assert.equal(redactLabel('__profile_cpu_param_access_token', 'S'), 'xxxxx');
  assert.equal(redactLabel('__param_seconds', '1'), '1');
  assert.equal(redactLabel('__meta_url', 'http://h/?sig=S'), 'http://h/?sig=xxxxx');
});
