'use strict';

// CommonJS, as the bundle is: setting up Node's ES module loader costs a short command a tenth of its time.
const { readFileSync } = require('node:fs');
const module_ = require('node:module');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const BUNDLE = join(__dirname, '..', 'dist', 'main.cjs');
/** Of what each kind of command runs: code that a command leaves unused costs it more to read than it saves the others. */
const CODE_CACHES = {
  help: `${BUNDLE}.help.cache`,
  config: `${BUNDLE}.config.cache`,
  delta: `${BUNDLE}.delta.cache`,
};
/** The same with real names, for a process that is profiled. */
const LOOP_BUNDLE = join(__dirname, '..', 'dist', 'loop.cjs');

exports.BUNDLE = BUNDLE;
exports.CODE_CACHES = CODE_CACHES;
exports.LOOP_BUNDLE = LOOP_BUNDLE;

/**
 * The bundle's exports. Compiling is most of what a short command costs, so the build keeps V8's compiled code beside the
 * bundle. A cache of another Node version, or none, only costs that time: V8 refuses what doesn't fit.
 */
exports.loadBundle = (argv) => {
  if (argv.includes('--loop')) return require(LOOP_BUNDLE);
  // From Node 22.1 on Node does the same by itself, for whatever version it is.
  const keepsCode = module_.enableCompileCache?.().directory !== undefined;
  return keepsCode ? require(BUNDLE) : exports.evaluate(exports.compileBundle(readCache(argv)));
};

exports.compileBundle = (cachedData) =>
  new Script(module_.wrap(readFileSync(BUNDLE, 'utf8')), { filename: BUNDLE, cachedData });

exports.evaluate = (script) => {
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, module_.createRequire(BUNDLE), bundle, BUNDLE, dirname(BUNDLE));
  return bundle.exports;
};

function readCache(argv) {
  const isHelp = argv.length === 0 || argv.some((word) => word === '--help' || word === '-h');
  const kind = isHelp ? 'help' : argv[0] === 'delta' ? 'delta' : 'config';
  try {
    return readFileSync(CODE_CACHES[kind]);
  } catch {
    return undefined;
  }
}
