import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { REPOSITORY } from './places.ts';

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
  data: z.record(z.string(), z.string()).optional(),
});

export type KubernetesObject = z.infer<typeof object>;

/** The objects of examples/kubernetes, in the order of the file. */
export function kubernetesExample(): KubernetesObject[] {
  const text = readFileSync(join(REPOSITORY, 'examples/kubernetes/pyro-pull.yaml'), 'utf8');
  return parseAllDocuments(text).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], []);
    return object.parse(document.toJS());
  });
}

const RESOURCES: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  ConfigMap: 'configmaps',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  Deployment: 'deployments',
};

/** Posts to an API server as somebody who may do everything; gives status and body. */
export type PostToApiServer = (
  path: string,
  body: string,
) => Promise<{ readonly status: number; readonly text: string }>;

/**
 * Has an API server take every object as if it were created, an unknown or misspelt field being an error. Only the namespace
 * is made, as the objects in it are refused without. Gives the refusals, a line each.
 */
export async function dryRunExample(post: PostToApiServer): Promise<string[]> {
  const refusals: string[] = [];
  for (const one of kubernetesExample()) {
    const { kind, metadata } = one;
    const resource = RESOURCES[kind];
    assert.ok(resource !== undefined, `no path for ${kind}`);
    const group = one.apiVersion.includes('/') ? `/apis/${one.apiVersion}` : `/api/${one.apiVersion}`;
    const namespace = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
    const isDry = kind === 'Namespace' ? '' : '&dryRun=All';
    const path = `${group}${namespace}/${resource}?fieldValidation=Strict${isDry}`;
    const { status, text } = await post(path, JSON.stringify(one));
    const isThere = kind === 'Namespace' && status === 409;
    if (status !== 201 && !isThere) refusals.push(`${kind} ${metadata.name}: ${status} ${text}`);
  }
  return refusals;
}
