import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FileKind } from '../../src/config/file-kind.ts';
import { chooseApplication } from '../../src/targets/application.ts';

const CONTAINER = '__meta_kubernetes_pod_container_name';

function chosen(labels: Readonly<Record<string, string>>, kind: FileKind = 'prometheus', jobName = 'pods') {
  const application = chooseApplication(new Map(Object.entries(labels)), { jobName, kind });
  return application && `${application.source}: ${application.name}`;
}

const ALL = {
  [CONTAINER]: 'container',
  service: 'service',
  app: 'app',
  app_kubernetes_io_name: 'kubernetes',
  service_name: 'service-name',
  __name__: 'name',
};

test('the best label that is there names the application, else the job does', () => {
  const left = new Map(Object.entries(ALL));
  const order: (string | undefined)[] = [];
  while (left.size > 0) {
    const now = chosen(Object.fromEntries(left));
    order.push(now);
    left.delete(now?.split(':')[0] ?? '');
  }
  assert.deepEqual(order, [
    '__name__: name',
    'service_name: service-name',
    'app_kubernetes_io_name: kubernetes',
    'app: app',
    'service: service',
    `${CONTAINER}: container`,
  ]);
  assert.equal(chosen({}), 'job-name: pods');
});

for (const kind of ['prometheus', 'parca', 'phlare', 'conprof'] as const) {
  test(`a file of ${kind} needs no application`, () => {
    assert.equal(chosen({}, kind), 'job-name: pods');
  });
}

test("a file of Pyroscope's pull mode has to name it: only service_name stands in", () => {
  assert.equal(chosen({ app: 'a', service: 's', [CONTAINER]: 'c' }, 'pyroscope'), undefined);
  assert.equal(chosen({ service_name: 'cart' }, 'pyroscope'), 'service_name: cart');
});

test('what is inferred is made a name; what was given is left to be refused', () => {
  assert.equal(chosen({ service_name: 'shop/cart' }), 'service_name: shop_cart');
  assert.equal(chosen({}, 'parca', 'my job'), 'job-name: my_job');
  assert.equal(chosen({ __name__: 'shop/cart' }), '__name__: shop/cart');
});

test('whatever the labels hold, an inferred name is one that a server takes', () => {
  const name = fc.string({ unit: 'binary', minLength: 1 });
  fc.assert(
    fc.property(
      fc.constantFrom('service_name', 'app', 'service', CONTAINER, 'none'),
      name,
      name,
      (label, value, job) => {
        assert.match(chosen({ [label]: value }, 'parca', job)?.split(': ')[1] ?? '', /^[A-Za-z0-9_.-]+$/);
      },
    ),
  );
});
