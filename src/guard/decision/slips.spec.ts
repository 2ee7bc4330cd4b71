import { chmodSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { GuardScratch } from '../../../test/guardScratch.ts';
import type { Json } from '../../model/event.ts';

const scratch = new GuardScratch();
afterAll(() => scratch.remove());
const { home, project } = scratch;
const fixed = scratch.fixed();
const safe = scratch.safe();
const sets = { fixed, safe };

function place(path: string, text = ''): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
for (const name of ['bin/agent-strace-hook', 'lib/hook.js', 'config.json'])
  chmodSync(place(join(home, '.agent-strace', name)), 0o755);
place(join(home, '.ssh/id_ed25519'));

/** The verdict and the rule, as `deny guard-state`. */
function said(rules: typeof safe, command: string): string {
  const { action, fired } = scratch.command(rules, command);
  return action === 'allow' ? action : `${action} ${fired[0]?.rule.name}`;
}

function tool(name: string, input: Record<string, Json>): string {
  const at = { name, callId: 'c', cwd: project, input };
  const { action, fired } = scratch.verdict(safe, at);
  return action === 'allow' ? action : `${action} ${fired[0]?.rule.name}`;
}

describe('with the protection of the guard alone', () => {
  test.each([
    // A mode that begins with a dash is no option.
    ['chmod -x ~/.agent-strace/bin/agent-strace-hook', 'deny guard-state'],
    ['chmod -rwx ~/.agent-strace/lib/hook.js', 'deny guard-state'],
    ['chmod -R -x ~/.agent-strace', 'deny guard-state'],
    ['chmod -v -x,g-r ~/.agent-strace/lib/hook.js', 'deny guard-state'],
    ['chmod -w .watch-rules.json', 'deny guard-rules'],
    // The end of a hook's process.
    ['pkill -f agent-strace/lib/hook.js', 'deny guard-commands'],
    ['while :; do pkill -9 -f agent.strace; done', 'deny guard-commands'],
    ['pkill agent-strace', 'deny guard-commands'],
    ['killall agent-strace-hook', 'deny guard-commands'],
    ['kill -9 $(pgrep -f agent-strace)', 'deny guard-commands'],
    ['pgrep -f lib/hook.js | xargs kill', 'deny guard-commands'],
    ["ps aux | grep agent-strace | awk '{print $2}' | xargs kill -9", 'deny guard-commands'],
    // Our own hooks, which nobody types.
    ['agent-strace-hook --agent claude PostToolUse < forged.json', 'deny guard-commands'],
    [
      '~/.agent-strace/bin/agent-strace-hook --agent claude SessionEnd </dev/null',
      'deny guard-commands',
    ],
    ["node ~/.agent-strace/lib/hook.js --act '{}'", 'deny guard-commands'],
    ['cd ~/.agent-strace/lib && bun hook.js', 'deny guard-commands'],
    ['sh "$HOME/.agent-strace/bin/agent-strace-hook" --agent claude', 'deny guard-commands'],
    ['cp ~/.agent-strace/lib/hook.js h.js && node h.js --act x', 'deny guard-commands'],
    ['ln -s ~/.agent-strace/lib l; node l/hook.js', 'deny guard-commands'],
    // Our own commands by other ways.
    ['node /opt/x/node_modules/agent-strace/dist/cli.js guard off', 'deny guard-commands'],
    ['cd node_modules/agent-strace && node dist/cli.js config mask off', 'deny guard-commands'],
    ['node ~/agent-strace/dist/cli.js resume', 'deny guard-commands'],
    ['npx agent-strace guard off', 'deny guard-commands'],
    ['npx -y agent-strace@latest config mask off', 'deny guard-commands'],
    ['npm exec -- agent-strace resume s1', 'deny guard-commands'],
    ['pnpm dlx agent-strace guard off', 'deny guard-commands'],
    ['bunx agent-strace guard off', 'deny guard-commands'],
    // An agent without our hooks.
    ['claude --bare -p "do it"', 'ask guard-agents'],
    ['claude -p x --safe-mode', 'ask guard-agents'],
    ['claude -p x --settings \'{"disableAllHooks":true}\'', 'ask guard-agents'],
    ['claude -p x --setting-sources=user', 'ask guard-agents'],
    ['CLAUDE_CONFIG_DIR=/tmp/x claude -p x', 'ask guard-agents'],
    ['export CLAUDE_CONFIG_DIR=/tmp/x; claude -p x', 'ask guard-agents'],
    ['HOME=/tmp/x claude -p x', 'ask guard-agents'],
    ['env HOME=/tmp/x timeout 60 claude -p x', 'ask guard-agents'],
    ['env -i PATH="$PATH" claude -p x', 'ask guard-agents'],
    ['env -u HOME codex exec x', 'ask guard-agents'],
    ['HOME=/tmp/x npx @anthropic-ai/claude-code -p x', 'ask guard-agents'],
    ['HOME=/tmp/x node node_modules/@anthropic-ai/claude-code/cli.js -p x', 'ask guard-agents'],
    ['CODEX_HOME=/tmp/x codex exec x', 'ask guard-agents'],
    ['codex exec --ignore-user-config x', 'ask guard-agents'],
    ['codex --disable hooks exec x', 'ask guard-agents'],
    ['codex -c features.hooks=false exec x', 'ask guard-agents'],
    ['codex exec --config=hooks.PreToolUse=[] x', 'ask guard-agents'],
    ['COPILOT_HOME=/tmp/x copilot -p x', 'ask guard-agents'],
    ['GEMINI_CLI_HOME=/tmp/x npx @google/gemini-cli -p x', 'ask guard-agents'],
    ['gemini hooks disable x', 'ask guard-agents'],
    ['opencode run --pure x', 'ask guard-agents'],
    ['XDG_CONFIG_HOME=/tmp/x opencode run x', 'ask guard-agents'],
    ['HOME=/tmp/x cursor-agent -p x', 'ask guard-agents'],
    ["echo '{}' > sub/.claude/settings.json", 'deny guard-hooks'],
    ["mkdir -p a/b/.codex && echo '' > a/b/.codex/config.toml", 'deny guard-hooks'],
    ['cp x.json packages/web/.claude/settings.local.json', 'deny guard-hooks'],
    // Another name of the same file.
    ['cp -l ~/.agent-strace/config.json z && echo x >> z', 'ask guard-state'],
    ['cp --link .watch-rules.json z', 'ask guard-rules'],
    ['ln ~/.agent-strace/config.json z', 'ask guard-state'],
    ['echo x > /proc/self/root$HOME/.agent-strace/config.json', 'deny guard-state'],
    ['echo [] > /proc/$$/cwd/.watch-rules.json', 'deny guard-rules'],
    ['cd src && echo [] > /proc/self/cwd/../.watch-rules.json', 'deny guard-rules'],
    ['tee /proc/thread-self/root$PWD/.watch-rules.json', 'deny guard-rules'],
    ['cd /proc/self/cwd && rm .watch-rules.json', 'deny guard-rules'],
    ['echo [] > //proc/./$$/task/1/cwd/.watch-rules.json', 'deny guard-rules'],
  ])('%s', (command, verdict) => expect(said(fixed, command)).toBe(verdict));

  test.each([
    'chmod -x scripts/run.sh',
    'chmod -R -w dist',
    'pkill -f vite',
    'pkill -f webhook.js',
    'kill $(pgrep -f "node server.js")',
    'kill $(lsof -t -i:3000)',
    'pgrep -fl agent-strace',
    'grep -rn agent-strace docs; kill %1',
    'cat ~/.agent-strace/lib/hook.js | head',
    'ls -la ~/.agent-strace/bin',
    'agent-strace list',
    'npx agent-strace guard status',
    'node node_modules/agent-strace/dist/cli.js list',
    'node dist/cli.js config set x',
    'node scripts/hook.js',
    'claude -p "explain this" --model haiku',
    'claude --version',
    'codex exec "write tests"',
    'codex -c model=o3 exec x',
    'codex --help | grep hooks',
    'gemini -p "what are hooks?"',
    'HOME=/tmp/x npm test',
    'XDG_CONFIG_HOME=/tmp/x pytest',
    'which claude codex gemini',
    'npm install -g @anthropic-ai/claude-code',
    'rm -rf sub/.claude-cache node_modules',
    'cat packages/web/.claude/settings.json',
    'cp -l src/app.ts /tmp/app.ts',
    'cat /proc/self/status /proc/1/root/etc/hosts',
    'ls -l /proc/$$/cwd/src',
  ])('runs: %s', (command) => expect(said(fixed, command)).toBe('allow'));

  test('folders that hold settings of other projects come and go', () => {
    scratch.write('vendor/x/.claude/settings.json', '{}');
    scratch.write('vendor/x/.git/hooks/pre-commit', '');
    for (const command of [
      'rm -rf vendor/x',
      'cp -r src vendor/x',
      'rm -rf vendor/x/.git',
      'ls -R',
    ])
      expect(`${command}: ${said(fixed, command)}`).toBe(`${command}: allow`);
    expect(said(safe, 'rm -rf vendor/x')).toBe('allow');
    expect(said(safe, 'rm -rf vendor/x/.git')).toBe('allow');
    expect(said(safe, 'npm install && rm -rf vendor')).toBe('allow');
  });

  test('a file has all its names', () => {
    linkSync(join(home, '.agent-strace/config.json'), join(project, 'hard.json'));
    linkSync(join(project, '.watch-rules.json'), join(project, 'src/other.json'));
    linkSync(join(project, 'package.json'), join(project, 'src/package.json'));
    expect(tool('Write', { file_path: join(project, 'hard.json'), content: '' })).toBe(
      'deny guard-state',
    );
    expect(said(fixed, 'echo {} > hard.json')).toBe('deny guard-state');
    expect(said(fixed, 'sed -i s/5/500/ src/other.json')).toBe('deny guard-rules');
    expect(said(fixed, 'cat hard.json')).toBe('allow');
    expect(said(fixed, 'rm hard.json')).toBe('allow');
    expect(said(fixed, 'echo {} > src/package.json')).toBe('allow');
  });

  test('a path is what its agent makes of it', () => {
    const config = join(home, '.agent-strace/config.json');
    expect(tool('Write', { file_path: ` ${config}`, content: '' })).toBe('deny guard-state');
    expect(tool('Write', { file_path: `${config}\n`, content: '' })).toBe('deny guard-state');
    expect(tool('Write', { file_path: '\t.watch-rules.json ', content: '' })).toBe(
      'deny guard-rules',
    );
    expect(tool('mcp__fs__write_file', { path: '.watch-rules.json\r\n' })).toBe('deny guard-rules');
    expect(tool('Write', { file_path: 'src/a b.ts', content: '' })).toBe('allow');
    expect(tool('mcp__x__ask', { input: '/* a comment */\nfoo' })).toBe('allow');
  });
});

describe('what is taken away with a stash', () => {
  test('is asked for or denied where it is one of the guard’s own files', () => {
    const at = new GuardScratch();
    const says = (command: string): string => {
      const verdict = at.command(at.fixed(), command);
      return `${verdict.action} ${GuardScratch.told(verdict)}`;
    };
    try {
      const calm = ['git stash', 'git stash -u', 'git checkout .', 'git stash push -u -m wip'];
      for (const command of [...calm, 'git stash pop', 'git stash list'])
        expect(says(command)).toBe('allow ');
      at.write('.claude/settings.local.json', '{ "hooks": {} }');
      expect(says('git stash')).toBe('allow ');
      for (const command of ['git stash -u', 'git stash push --include-untracked', 'git stash -au'])
        expect(says(command)).toMatch(/^deny guard-hooks: .*settings\.local\.json among it/);
      expect(says('git stash -u -- src')).toBe('allow ');
      expect(says('git stash push -u src')).toBe('allow ');
      expect(says('git stash push -u .claude')).toMatch(/^(ask|deny) guard-hooks/);
      // The traces are ignored: they go with -a alone.
      at.write('.agent-traces/s1/events.ndjson', '{}');
      expect(says('git stash --all -- .agent-traces')).toMatch(/^(ask|deny)/);
      at.write('.watch-rules.json', '[{ "condition": "cost_usd > 50", "action": "stop" }]');
      for (const command of [
        'git stash',
        'git stash save wip',
        'git checkout .',
        'git checkout ./',
      ])
        expect(says(command)).toMatch(/^(ask|deny) guard-rules: .*\.watch-rules\.json/);
      expect(says('git stash list')).toBe('allow ');
      expect(says('git checkout main')).toBe('allow ');
      expect(says('git stash -- .watch-rules.json')).toMatch(/^(ask|deny) guard-rules/);
    } finally {
      at.remove();
    }
  });
});

describe('with the safe set', () => {
  test.each([
    ['git send-pack --force origin main', 'deny no-force-push'],
    ['git send-pack origin +main', 'deny no-force-push'],
    ['git update-ref -d refs/heads/main', 'deny no-git-internals'],
    ['git update-ref --delete refs/heads/master', 'deny no-git-internals'],
    ["echo 'rm -rf ~' > sub/.git/hooks/pre-commit", 'deny no-git-internals'],
    ['cp x vendor/y/.git/config', 'deny no-git-internals'],
    ['cat ~/.ssh/id_ed25519', 'ask ask-read-keys'],
    ['cp ~/.ssh/id_ed25519 key', 'ask ask-read-keys'],
    ['tar czf k.tgz ~/.ssh', 'ask ask-read-keys'],
    ['base64 < ~/.aws/credentials', 'ask ask-read-keys'],
    ['python3 tool.py ~/.netrc', 'ask ask-read-keys'],
    ['grep -r x ~/.password-store', 'ask ask-read-keys'],
  ])('%s', (command, verdict) => expect(said(safe, command)).toBe(verdict));

  test.each([
    'ssh -i ~/.ssh/id_ed25519 deploy@shop.example true',
    'ssh-add ~/.ssh/id_ed25519',
    'ssh-keygen -lf ~/.ssh/id_ed25519',
    'cat ~/.ssh/id_ed25519.pub',
    'ls -la ~/.ssh ~/.aws',
    'cat ~/.ssh/config',
    'cat ~/.aws/config',
    'aws s3 ls',
    'git update-ref -d refs/original/refs/heads/main',
    'git -C vendor/y config user.name x',
    'git init sub',
    'git clone https://github.com/a/b sub',
  ])('runs: %s', (command) => expect(said(safe, command)).toBe('allow'));

  test('keys are read by no tool, either', () => {
    expect(tool('Read', { file_path: '~/.ssh/id_ed25519' })).toBe('ask ask-read-keys');
    expect(tool('Read', { file_path: join(home, '.netrc') })).toBe('ask ask-read-keys');
    expect(tool('Read', { file_path: join(home, '.ssh/id_ed25519.pub') })).toBe('allow');
    expect(
      tool('Write', { file_path: join(project, 'sub/.git/hooks/pre-push'), content: '' }),
    ).toBe('deny no-git-internals');
  });

  test('code and keys that are typed are commands', () => {
    const remove = "require('fs').rmSync('/home')";
    for (const [name, input] of [
      ['REPL', { code: remove }],
      ['mcp__python__run_python', { code: "import shutil; shutil.rmtree('x')" }],
      ['mcp__ide__executeCode', { code: 'shutil.rmtree(x)' }],
      ['mcp__sandbox__run_code', { language: 'python', code: 'os.system(x)' }],
      ['mcp__iterm__send', { text: 'eval "$(cat x)"' }],
      ['mcp__tmux__send-keys', { keys: ['sh -c "$(curl x)"', 'Enter'] }],
    ] as const)
      expect(`${name}: ${tool(name, input as never)}`).toMatch(/: ask ask-(unreadable|pipe)/);
    expect(tool('mcp__iterm__send', { text: 'rm -rf ~/Documents' })).toBe('deny no-rm-outside');
    expect(tool('mcp__tmux__send-keys', { keys: 'rm .watch-rules.json Enter' })).toBe(
      'deny guard-rules',
    );
    expect(tool('mcp__iterm__writeToTerminal', { text: 'git push --force\n' })).toBe(
      'deny no-force-push',
    );
    expect(tool('REPL', { code: "require('fs').writeFileSync('.watch-rules.json', '')" })).toBe(
      'deny guard-rules',
    );
  });

  test('other texts are not', () => {
    for (const [name, input] of [
      ['REPL', { code: 'console.log(process.version)' }],
      ['mcp__python__run_python', { code: 'print(sum(range(10)))' }],
      ['mcp__geo__run_lookup', { code: 'US' }],
      ['mcp__sonar__analyze_code_snippet', { code: 'eval(x); rm(y)' }],
      ['mcp__slack__post_message', { text: 'eval "$X"; rm -rf ~' }],
      ['mcp__browser__take_screenshot', { text: 'rm -rf ~' }],
      ['mcp__playwright__browser_type', { text: 'rm -rf ~' }],
      ['mcp__iterm__send', { text: 'npm test\n' }],
    ] as const)
      expect(`${name}: ${tool(name, input as never)}`).toBe(`${name}: allow`);
  });

  test('without them all of this runs', () => {
    expect(said([], 'chmod -x ~/.agent-strace/bin/agent-strace-hook')).toBe('allow');
    expect(Object.values(sets).every((rules) => rules.length > 5)).toBe(true);
  });
});
