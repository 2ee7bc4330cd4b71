/** Secrets whose name stands near them, but not as `name=value`: see `keyed.ts` for those. */
import { argument } from './commandRules.ts';
import type { Finder, Rule } from './engine.ts';
import { type NameVendor, valueSpan } from './keyed.ts';
import { classifyKey } from './keys.ts';

const VALUE = argument('([^\\s"\'`<>,;{}\\\\]{1,500})');

export const besideRules = (nameVendor: NameVendor): readonly Rule[] => {
  /**
   * @param source its first group is the name; the value follows
   * @param weak the name alone proves little here: the value must look like a secret
   */
  const rule = (on: string, ahead: string, source: string, weak = false): Rule => {
    let re: RegExp | undefined;
    const find: Finder = (text, at) => {
      re ??= new RegExp(source + VALUE, 'dy');
      re.lastIndex = at;
      const m = re.exec(text);
      const cls = m && classifyKey(m[1]!);
      if (!cls) return [];
      const [start, end] = m.indices!.slice(2).find(Boolean)!;
      const form = m[4] === undefined ? 'quoted' : 'tight';
      return valueSpan(nameVendor, weak ? { ...cls, weak } : cls, text, start, end, form);
    };
    return { kind: 'keyed', on, ahead, find };
  };
  return [
    rule(
      'ENV |setx |set -',
      '\\w',
      '(?:(?<=(?:^|\\n)[ \\t]{0,8})ENV|setx|set -[gxUu]{1,4}) {1,4}([A-Z][A-Z0-9_]{1,60}) {1,4}',
    ),
    rule('configure set ', '\\w', 'configure set ([\\w.-]{2,64}) {1,4}', true),
    // `- name: DB_PASSWORD⏎  value: x` of manifests, `name="token" value="x"` of forms.
    rule(
      'value|Value',
      `[\\\\"']{0,3}[^\\S\\n]{0,4}[:=]`,
      `(?<=\\b[Nn]ame\\\\*["']?\\s{0,4}[:=]\\s{0,4}\\\\*["']?([\\w.-]{2,64})\\\\*["']?,?\\s{1,60}\\\\*["']?)` +
        `[Vv]alue\\\\*["']?[^\\S\\n]{0,4}[:=][^\\S\\n]{0,4}`,
    ),
    // of Terraform
    rule(
      'variable ',
      '\\\\*"',
      'variable "([\\w-]{2,64})"\\s{0,8}\\{[^{}]{0,600}?\\bdefault\\s{0,8}=\\s{0,8}',
    ),
  ];
};
