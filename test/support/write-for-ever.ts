import { gzipSync } from 'node:zlib';
import { createFileSink } from '../../src/sinks/file/file-sink.ts';
import { finishedProfile, UNTIL_NANOS } from './finished-profile.ts';

// Writes profiles into the directory argv[2], as job argv[3], until it is killed; says so when it has written the first 100.
const [, , dir = '', job = ''] = process.argv;
const body = gzipSync('a profile '.repeat(1_000));
const sink = await createFileSink({ dir });
for (let count = 1; ; count++) {
  await sink.write(finishedProfile({ labels: { job }, body, untilNanos: UNTIL_NANOS + BigInt(count) * 1_000_000n }));
  if (count === 100) process.stdout.write('100\n');
}
