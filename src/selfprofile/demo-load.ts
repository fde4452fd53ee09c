import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Part of one core that the load may take: a machine of two cores stays usable. */
const BUSY_SHARE = 0.35;
/** Length of a burst of requests, after which there is a pause. */
const BURST_MS = 10;

interface Visit {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

/** What customers do, over and over; the n-th round differs a little from the one before. */
function visitsOfRound(round: number): readonly Visit[] {
  const lines = Array.from({ length: 8 }, (_, line) => ({
    id: (round * 13 + line * 29) % 400,
    quantity: 1 + (line % 3),
  }));
  return [
    { method: 'GET', path: '/products?q=a' },
    { method: 'GET', path: `/recommendations?product=${round % 400}` },
    { method: 'GET', path: '/products?q=kettle+lantern' },
    { method: 'POST', path: '/checkout', body: JSON.stringify({ customer: `customer ${round}`, lines }) },
    { method: 'POST', path: '/checkout', body: JSON.stringify({ customer: `customer ${-round}`, lines }) },
    { method: 'GET', path: '/report' },
  ];
}

/**
 * Visits the shop for ever over one connection, in bursts with pauses in proportion to how long the burst took. Client
 * and server share a thread, so the time of a burst is the CPU time of both, and on a loaded machine the load gives way.
 */
export async function loadShop(host: string, port: number): Promise<never> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let round = 0, started = performance.now(); ; round++) {
    for (const visit of visitsOfRound(round)) {
      await visitShop(agent, host, port, visit);
      const busyMs = performance.now() - started;
      if (busyMs < BURST_MS) continue;
      await sleep(busyMs * (1 / BUSY_SHARE - 1));
      started = performance.now();
    }
  }
}

function visitShop(agent: Agent, host: string, port: number, { method, path, body }: Visit): Promise<void> {
  return new Promise((resolve, reject) => {
    const req = request({ agent, host, port, method, path }, (res) => {
      res.resume();
      res.once('end', resolve);
    });
    req.once('error', reject);
    req.end(body);
  });
}
