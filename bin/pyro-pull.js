#!/usr/bin/env node
'use strict';

const argv = process.argv.slice(2);
const [flag, ...more] = argv;
if (more.length === 0 && (flag === '--version' || flag === '-V')) {
  // Answered before the bundle is loaded: scripts ask it often.
  process.stdout.write(`${require('../package.json').version}\n`);
} else {
  require('./load-bundle.js').loadBundle(argv).main();
}
