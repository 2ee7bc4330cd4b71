import { expect, test } from 'vitest';
import { desktopCommand } from './desktop.ts';

const EVIL = '--help $(touch x) "; rm -rf /" <b>bold</b>\u202e';

test.each(['linux', 'darwin', 'win32'] as const)(
  'on %s no text is part of a script',
  (platform) => {
    const command = desktopCommand('Agent Strace', EVIL, platform);
    const { args, env = {} } = command!;
    const holding = args.filter((arg) => arg.includes('touch x'));
    // A word of its own, or a variable.
    expect(holding).toHaveLength(platform === 'win32' ? 0 : 1);
    if (platform === 'win32') expect(env.AGENT_STRACE_TEXT).toContain('touch x');
    else expect(holding[0]).toMatch(/^--help \$\(touch x\)/);
    expect(JSON.stringify(command)).not.toContain('\u202e');
    if (platform === 'linux') {
      // After `--` nothing is an option, and markup is text.
      expect(args.indexOf('--')).toBeLessThan(args.indexOf(holding[0]!));
      expect(holding[0]).toContain('&lt;b&gt;bold&lt;/b&gt;');
    }
  },
);

test('none elsewhere', () => expect(desktopCommand('a', 'b', 'freebsd')).toBeUndefined());
