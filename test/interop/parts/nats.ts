import { connect } from 'node:net';
import { freePort } from '../../support/free-port.ts';
import { needCommand } from '../support/debian.ts';
import { startProgram, untilAnswers } from '../support/program.ts';
import type { RunningPart } from './part.ts';

export function prepare(): Promise<string> {
  return needCommand('nats-server', 'nats-server');
}

/** A NATS server; its profile port also switches block profiling on. */
export async function start(): Promise<RunningPart> {
  const [port, profilePort] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${profilePort}`;
  const flags = ['-a', '127.0.0.1', '-p', String(port), '--profile', String(profilePort)];
  const program = startProgram('nats', [await prepare(), ...flags]);
  await untilAnswers(program, `http://${address}/debug/pprof/cmdline`);
  return {
    name: 'nats',
    address,
    work: () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.write('CONNECT {"verbose":false}\r\nSUB foo.* 1\r\n');
      const publishing = setInterval(() => socket.write('PUB foo.1 3\r\nabc\r\n'.repeat(200)), 5);
      return async () => {
        clearInterval(publishing);
        socket.destroy();
      };
    },
    stop: program.stop,
  };
}
