import { main } from './main.ts';

// `npm run dev -- ARGS`: the command line from its sources, unbundled.
await main();
