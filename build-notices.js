// The licence texts of what is bundled: a bundle is a copy, and each licence asks for its text to go with copies.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-](md|txt))?$/i;
const PACKAGE_DIR = /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/;

/** Of every package that an input of these esbuild metafiles comes from. Throws for a package that names no licence. */
export function thirdPartyNotices(metafiles) {
  const dirs = new Set();
  for (const { inputs } of metafiles) {
    for (const path of Object.keys(inputs)) {
      const dir = PACKAGE_DIR.exec(path)?.[0];
      if (dir !== undefined) dirs.add(dir);
    }
  }
  return [...dirs].sort().map(noticeOf).join('\n');
}

function noticeOf(dir) {
  const { name, version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`${dir}/package.json names no licence`);
  const texts = readdirSync(dir)
    .filter((file) => LICENCE_FILE.test(file))
    .map((file) => readFileSync(join(dir, file), 'utf8').trim());
  return [`${'='.repeat(80)}\n${name} ${version}: ${license}`, ...texts, ''].join('\n\n');
}
