import { expect, it } from 'vitest';
import { specsOf, watchRules } from './watchRules.ts';

it.each(['loop:3/10,idle:10m=pause', 'loop:3/10', 'secret', 'lop:3/10', 'weekly:$50'])(
  'takes %s for rules in a word',
  (text) => expect(specsOf({ rules: [text] })).toEqual([text]),
);

it.each(['rules.yaml', './rules', 'team/rules', '/etc/rules.JSON', '~/rules', 'C:\\rules.yml'])(
  'takes %s for a file',
  (text) => expect(specsOf({ rules: [text] })).toEqual([]),
);

it('arms what the documentation shows', () => {
  const rules = ['loop:3/10,idle:10m=pause'];
  const { own, problems } = watchRules({ rules }, { project: '/p', cwd: '/p', env: {} });
  expect(problems).toEqual([]);
  expect(own.map(({ name, action }) => [name, action])).toEqual([
    ['loop', 'deny'],
    ['idle', 'pause'],
  ]);
});
