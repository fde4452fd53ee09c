import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { needCommand } from '../support/debian.ts';
import { keepAsking } from '../support/load.ts';
import { freshDirectory } from '../support/places.ts';
import { startProgram, untilAnswers } from '../support/program.ts';
import type { RunningPart } from './part.ts';

export function prepare(): Promise<string> {
  return needCommand('rclone', 'rclone');
}

/** The remote control of rclone, behind basic authentication, with mutex and block profiles switched on at run time. */
export async function start(): Promise<RunningPart> {
  const basicAuth = { username: 'interop', password: 'pass: w%rd' };
  const directory = freshDirectory('rclone');
  const configFile = join(directory, 'rclone.conf');
  writeFileSync(configFile, '');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const flags = ['--rc-addr', address, '--rc-user', basicAuth.username, '--rc-pass', basicAuth.password];
  const program = startProgram('rclone', [await prepare(), 'rcd', ...flags, '--config', configFile]);
  const credentials = Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString('base64');
  const headers = { authorization: `Basic ${credentials}` };
  await untilAnswers(program, `http://${address}/debug/pprof/cmdline`, headers);
  for (const name of ['set-mutex-profile-fraction', 'set-block-profile-rate']) {
    const response = await fetch(`http://${address}/debug/${name}?rate=1`, { method: 'POST', headers });
    if (!response.ok) throw new Error(`rclone answers ${response.status} to ${name}`);
  }
  const files = join(directory, 'files');
  mkdirSync(files);
  for (let file = 0; file < 500; file++) writeFileSync(join(files, `${file}`), '');
  const list = `operations/list?fs=${files}&remote=`;
  return {
    name: 'rclone',
    address,
    basicAuth,
    work: () => keepAsking(8, () => [`http://${address}/${list}`, { method: 'POST', headers }]),
    stop: program.stop,
  };
}
