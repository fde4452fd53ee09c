import { test } from 'node:test';
import { checkProfile } from './check-case.ts';
import { readCorpus } from './corpus.ts';

for (const { name, before, after } of readCorpus()) {
  test(`${name} is read and subtracted as by the second implementation, or refused by both`, () => {
    checkProfile(before, after);
  });
}
