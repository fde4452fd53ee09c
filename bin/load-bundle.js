'use strict';

// CommonJS, as the bundle is: setting up Node's ES module loader costs a short command a tenth of its time.
const { readFileSync } = require('node:fs');
const module_ = require('node:module');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const BUNDLE = join(__dirname, '..', 'dist', 'main.cjs');
/**
 * Names the Node that compiled the code. V8 compares its own version alone, which many versions of Node share: Node 20.19.0
 * takes a cache of 20.20.2 and crashes.
 */
const COMPILED_BY = `node-${process.version}-${process.platform}-${process.arch}`;
/** Code for each kind of command: reading code that a command leaves unused costs it more than it saves the others. */
const CODE_CACHES = {
  help: `${BUNDLE}.help.${COMPILED_BY}.cache`,
  config: `${BUNDLE}.config.${COMPILED_BY}.cache`,
  delta: `${BUNDLE}.delta.${COMPILED_BY}.cache`,
};
/** The same with real names, for a process that is profiled. */
const LOOP_BUNDLE = join(__dirname, '..', 'dist', 'loop.cjs');

exports.BUNDLE = BUNDLE;
exports.CODE_CACHES = CODE_CACHES;
exports.LOOP_BUNDLE = LOOP_BUNDLE;

/**
 * The bundle's exports. Compiling is most of what a short command costs, so the build keeps V8's compiled code beside the
 * bundle. Where the package was built by another Node there is none, which only costs that time.
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
