#!/usr/bin/env node
'use strict';

// The syntax of Node 12 and no package, so that every Node back to that one can read this file and say what is missing.
const OLDEST_NODE = '20.19';

if (isOlder(process.versions.node, OLDEST_NODE)) {
  process.stderr.write(`pyro-pull needs Node ${OLDEST_NODE} or newer, this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  start(process.argv.slice(2));
}

function start(argv) {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    // Answered before the bundle is loaded: scripts ask it often.
    process.stdout.write(`${require('../package.json').version}\n`);
  } else {
    require('./load-bundle.js').loadBundle(argv).main();
  }
}

/** Compares major and minor numbers. */
function isOlder(version, oldest) {
  const [major, minor] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldest.split('.').map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
