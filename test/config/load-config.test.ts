import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findConfig, loadConfig } from '../../src/config/load-config.ts';
import { ConfigError } from '../../src/errors.ts';
import { createAuthority } from '../support/certificates.ts';
import { showProblem } from '../support/config-problems.ts';

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pyro-pull-config-'));
});
after(() => rm(dir, { recursive: true }));

const CONFIG = 'scrape-configs: [{job-name: j, enabled-profiles: [cpu], file-sd-configs: [{files: [t.json]}]}]\n';

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(dir, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function problemsOf(load: Promise<unknown>): Promise<string[]> {
  const error: unknown = await load.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(error instanceof ConfigError, String(error));
  return error.problems.map((problem) => showProblem(problem).replaceAll(dir, '<dir>'));
}

const options = { expandEnv: false, env: {} };

test('names in a config count from its directory', async () => {
  const path = await write('a/shop.yml', CONFIG);
  const { config } = await loadConfig(path, options);
  assert.equal(config.path, path);
  const [source] = config.scrapeConfigs[0]?.discovery ?? [];
  assert.deepEqual(source?.mechanism === 'file' && source.files, [join(dir, 'a/t.json')]);
});

test('a config named relative to another directory is found there', async () => {
  await write('b/shop.yml', CONFIG);
  const { config } = await loadConfig('b/shop.yml', { ...options, cwd: dir });
  assert.equal(config.path, 'b/shop.yml');
  const [source] = config.scrapeConfigs[0]?.discovery ?? [];
  assert.deepEqual(source?.mechanism === 'file' && source.files, [join(dir, 'b/t.json')]);
});

test('- reads standard input, and names count from the working directory', async () => {
  async function* stdin() {
    yield CONFIG.slice(0, 20);
    yield Buffer.from(CONFIG.slice(20));
  }
  const { config } = await loadConfig('-', { ...options, stdin: stdin(), cwd: dir });
  assert.equal(config.path, '-');
  const [source] = config.scrapeConfigs[0]?.discovery ?? [];
  assert.deepEqual(source?.mechanism === 'file' && source.files, [join(dir, 't.json')]);
});

test('a byte order mark is no part of the text', async () => {
  const path = await write('bom.yml', `\ufeff${CONFIG}`);
  assert.equal((await loadConfig(path, options)).config.scrapeConfigs.length, 1);
});

test('what cannot be read says why', async () => {
  assert.deepEqual(await problemsOf(loadConfig(join(dir, 'none.yml'), options)), [
    'config file not found (name another with --config FILE)',
  ]);
  assert.deepEqual(await problemsOf(loadConfig(dir, options)), [
    'this is a directory (name the config file in it with --config FILE)',
  ]);
  const latin1 = await write('latin1.yml', Buffer.from('a: b\nc: caf\xe9\n', 'latin1'));
  assert.deepEqual(await problemsOf(loadConfig(latin1, options)), [
    '2:1 this is not UTF-8 text (save the file as UTF-8)',
  ]);
  const utf16 = await write('utf16.yml', Buffer.from('\ufeffa: b\n', 'utf16le'));
  assert.deepEqual(await problemsOf(loadConfig(utf16, options)), ['the file is UTF-16 (save it as UTF-8)']);
});

test('the default config is pyro-pull.yml, else pyro-pull.yaml', async () => {
  await mkdir(join(dir, 'd'));
  assert.equal(await findConfig(join(dir, 'd')), undefined);
  await write('d/pyro-pull.yaml', CONFIG);
  assert.equal(await findConfig(join(dir, 'd')), 'pyro-pull.yaml');
  await write('d/pyro-pull.yml', CONFIG);
  assert.equal(await findConfig(join(dir, 'd')), 'pyro-pull.yml');
});

test('a secret file that is missing is a warning at its key', async () => {
  const path = await write('c/shop.yml', `${CONFIG.replace('job-name: j', 'job-name: j, bearer-token-file: token')}`);
  const { warnings } = await loadConfig(path, options);
  assert.deepEqual(
    warnings.map((problem) => showProblem(problem).replaceAll(dir, '<dir>')),
    [
      '1:51 scrape-configs[0].bearer-token-file: "<dir>/c/token" does not exist (relative names count from the directory of the config)',
    ],
  );
  await write('c/token', 'abc');
  assert.deepEqual((await loadConfig(path, options)).warnings, []);
});

test('a CA file that holds no certificate is a fault', async () => {
  const config = CONFIG.replace('job-name: j', 'job-name: j, tls-config: {ca-file: ca.pem}');
  const path = await write('e/shop.yml', config);
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  for (const content of ['hello', broken]) {
    await write('e/ca.pem', content);
    assert.deepEqual(await problemsOf(loadConfig(path, options)), [
      '1:54 scrape-configs[0].tls-config.ca-file: "<dir>/e/ca.pem" holds no PEM certificate (it starts with -----BEGIN CERTIFICATE-----)',
    ]);
  }
});

test('a CA file with a certificate is fine', async () => {
  const config = CONFIG.replace('job-name: j', 'job-name: j, tls-config: {ca-file: ca.pem}');
  const path = await write('f/shop.yml', config);
  await write('f/ca.pem', `# comment\n${createAuthority().cert}${createAuthority().cert}`);
  assert.deepEqual((await loadConfig(path, options)).warnings, []);
});
