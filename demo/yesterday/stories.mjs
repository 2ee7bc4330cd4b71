/** Two runs of one prompt: what each agent does, turn by turn. Edits are made on the demo workspace's files. */
export const PROMPT =
  'Rate limit /v1/charges to 60 requests a minute for each API key. Make tests/api pass, then commit.';

const ROUTE = 'src/api/charges.py';
const DEPS = 'src/api/deps.py';
const BUCKET = 'src/core/token_bucket.py';
const TESTS = 'tests/api/test_rate_limit.py';
const PYPROJECT = 'pyproject.toml';

/** The key, as the route reads it before any of this. */
const BODY = '    api_key(request)\n    found = ';
const IMPORTS = 'from api.deps import Request, api_key\n';

const bucketSource = `"""A token bucket for each key."""

import time


class TokenBucket:
    def __init__(self, capacity: int, per_seconds: float) -> None:
        self.capacity = capacity
        self.rate = capacity / per_seconds
        self.tokens: dict[str, float] = {}
        self.updated: dict[str, float] = {}

    def take(self, key: str) -> bool:
        now = time.time()
        self._refill(now)
        if self.tokens.setdefault(key, self.capacity) < 1:
            return False
        self.tokens[key] -= 1
        return True

    def _refill(self, now: float) -> None:
        for key, tokens in self.tokens.items():
            since = now - self.updated.get(key, now)
            self.tokens[key] = min(self.capacity, tokens + since * self.rate)
            self.updated[key] = now

    def retry_after(self, key: str) -> int:
        return int((1 - self.tokens[key]) / self.rate)
`;

const pytest = (output, exit, seconds) => ({
  tool: 'Bash',
  command: 'pytest -q tests/api',
  description: 'Run the API tests',
  output,
  exit,
  seconds,
});

const noNetwork = {
  tool: 'Bash',
  command: 'pip install redis',
  description: 'Install the Redis client',
  output:
    'ERROR: Could not find a version that satisfies the requirement redis (from versions: none)\n' +
    'ERROR: No matching distribution found for redis',
  exit: 1,
  seconds: 21,
};

const BUCKET_IMPORTS = `from api.deps import HTTPError, Request, api_key\nfrom core.token_bucket import TokenBucket\n\n_bucket = TokenBucket(60, per_seconds=60)\n`;
const BUCKET_BODY = `    key = api_key(request)\n    if not _bucket.take(key):\n        raise HTTPError(429, {"Retry-After": str(_bucket.retry_after(key))})\n    found = `;
const SLOW_TEST =
  'def test_a_key_recovers():\n    for _ in range(6):\n        call("key_e")\n        time.sleep(62)\n\n\n';

/** Writes a token bucket of its own, and waits for its clock; finds the library in the end. */
export const OWN_BUCKET = [
  {
    think: 'First the issue behind this, the route, and how a request says whose key it is.',
    tools: [
      {
        tool: 'mcp__linear__get_issue',
        input: { id: 'PAY-412' },
        output:
          'PAY-412: One key took down /v1/charges with 1,900 requests a minute. Wanted: a limit per key, 429 and Retry-After, as our other APIs have it.',
        seconds: 1.4,
      },
      { tool: 'Read', file: ROUTE },
    ],
    tokens: { write: 9800, output: 310 },
  },
  {
    think: 'Where the key is checked I need not look for myself.',
    tools: [
      {
        tool: 'Agent',
        type: 'Explore',
        description: 'Find where API keys are checked',
        task: 'Find where API keys are read and checked, and which routes do it.',
        turns: [
          {
            tools: [
              { tool: 'Grep', input: { pattern: 'api_key', path: 'src' }, files: [DEPS, ROUTE] },
            ],
            tokens: { write: 4300, output: 90 },
          },
          { tools: [{ tool: 'Read', file: DEPS }], tokens: { write: 900, output: 80 } },
        ],
        answer:
          'Keys are checked by `api_key(request)` in src/api/deps.py; src/api/charges.py calls it and drops what it returns.',
      },
    ],
    tokens: { write: 2100, output: 260 },
  },
  {
    tools: [
      { tool: 'Read', file: TESTS },
      { tool: 'Read', file: DEPS },
    ],
    tokens: { write: 1900, output: 150 },
  },
  {
    think: 'How do other modules here keep state, and how are they tested?',
    tools: [
      { tool: 'Read', file: 'src/core/idempotency.py' },
      { tool: 'Read', file: 'tests/webhooks/test_resend.py' },
      {
        tool: 'Grep',
        input: { pattern: 'Retry-After|429', path: 'src' },
        files: [],
      },
    ],
    tokens: { write: 2400, output: 170 },
  },
  {
    say: 'I write a small token bucket in src/core/token_bucket.py and take a token for each request.',
    tools: [{ tool: 'Write', file: BUCKET, content: bucketSource }],
    tokens: { write: 1700, output: 1450 },
    wait: 19,
  },
  {
    tools: [
      {
        tool: 'Edit',
        file: ROUTE,
        from: IMPORTS,
        to: BUCKET_IMPORTS,
      },
      {
        tool: 'Edit',
        file: ROUTE,
        from: BODY,
        to: BUCKET_BODY,
      },
    ],
    tokens: { write: 2300, output: 620 },
    wait: 9,
  },
  {
    tools: [
      pytest(
        `${TESTS}::test_the_next_one_is_refused FAILED\nE   Failed: DID NOT RAISE HTTPError\n1 failed, 2 passed in 2.31s`,
        1,
        4,
      ),
    ],
    tokens: { write: 1400, output: 120 },
  },
  {
    think:
      'It refills while the test runs: 60 requests take long enough for a token. A fixed window then.',
    tools: [
      { tool: 'Read', file: TESTS },
      {
        tool: 'Edit',
        file: BUCKET,
        from: '            since = now - self.updated.get(key, now)\n',
        to: '            since = (now - self.updated.get(key, now)) // 60 * 60\n',
      },
    ],
    tokens: { write: 1600, output: 540 },
    wait: 14,
  },
  {
    tools: [
      pytest(
        `${TESTS}::test_keys_do_not_share_a_limit FAILED\nE   HTTPError: 429\n1 failed, 2 passed in 2.28s`,
        1,
        4,
      ),
    ],
    tokens: { write: 1200, output: 110 },
  },
  {
    think:
      'Now keys never refill, as `updated` moves on each time. I add a test that waits a real minute for each key.',
    tools: [
      {
        tool: 'Edit',
        file: BUCKET,
        from: '            self.updated[key] = now\n',
        to: '            if since or key not in self.updated:\n                self.updated[key] = now\n',
      },
      {
        tool: 'Edit',
        file: TESTS,
        from: 'def test_keys_do_not_share_a_limit():\n',
        to: `${SLOW_TEST}def test_keys_do_not_share_a_limit():\n`,
      },
    ],
    tokens: { write: 2100, output: 980 },
    wait: 22,
  },
  {
    tools: [
      pytest(
        `${TESTS}::test_a_key_recovers FAILED\nE   NameError: name 'time' is not defined\n${TESTS}::test_keys_do_not_share_a_limit FAILED\nE   HTTPError: 429\n2 failed, 2 passed in 374.90s`,
        1,
        376,
      ),
    ],
    tokens: { write: 1500, output: 120 },
  },
  {
    think: 'Clocks in tests again. Redis would count for me, with INCR and EXPIRE.',
    tools: [noNetwork],
    tokens: { write: 1300, output: 380 },
    wait: 11,
  },
  { tools: [noNetwork], tokens: { write: 700, output: 90 } },
  {
    say: 'No network here. What does the project have already?',
    tools: [{ tool: 'Read', file: PYPROJECT }],
    tokens: { write: 600, output: 130 },
  },
  {
    think: 'limits is a dependency already, and does just this. My bucket goes.',
    tools: [
      {
        tool: 'Bash',
        command: `rm ${BUCKET}`,
        description: 'Remove the token bucket',
      },
      { tool: 'Edit', file: TESTS, from: SLOW_TEST, to: '' },
    ],
    tokens: { write: 900, output: 210 },
  },
  {
    tools: [
      {
        tool: 'Edit',
        file: ROUTE,
        from: BUCKET_IMPORTS,
        to: `from limits import RateLimitItemPerMinute, storage, strategies\n\nfrom api.deps import HTTPError, Request, api_key\n\n_limit = RateLimitItemPerMinute(60)\n_limiter = strategies.FixedWindowRateLimiter(storage.MemoryStorage())\n`,
      },
      {
        tool: 'Edit',
        file: ROUTE,
        from: BUCKET_BODY,
        to: `    key = api_key(request)\n    if not _limiter.hit(_limit, key):\n        raise HTTPError(429, {"Retry-After": "60"})\n    found = `,
      },
    ],
    tokens: { write: 1700, output: 610 },
    wait: 10,
  },
  { tools: [pytest('3 passed in 0.21s', 0, 2)], tokens: { write: 1300, output: 110 } },
  {
    tools: [
      {
        tool: 'Bash',
        command: 'git commit -qam "Limit /v1/charges to 60 requests a minute for each key"',
        description: 'Commit',
        seconds: 0.4,
      },
    ],
    tokens: { write: 500, output: 120 },
  },
  {
    say: '/v1/charges takes 60 requests a minute for each key now, with the `limits` library; the next one gets 429 with Retry-After. The tests pass, and it is committed.',
    tokens: { write: 400, output: 150 },
  },
];

/** Looks at what the project has before it writes anything. */
export const THE_LIBRARY = [
  {
    think: 'I look at the route, at its test, and at what the project depends on.',
    tools: [
      {
        cmd: 'rg --files src tests',
        output: `${DEPS}\n${ROUTE}\nsrc/core/idempotency.py\nsrc/payments/webhook.py\n${TESTS}\n`,
      },
      { cmd: `cat ${ROUTE}`, reads: ROUTE },
      { cmd: `cat ${TESTS}`, reads: TESTS },
    ],
    tokens: { input: 2900, output: 410 },
    wait: 9,
  },
  {
    tools: [
      { cmd: `cat ${PYPROJECT}`, reads: PYPROJECT },
      { cmd: `sed -n '1,40p' ${DEPS}`, reads: DEPS },
    ],
    tokens: { input: 3100, output: 290 },
    wait: 8,
  },
  {
    think: 'The tests are there already. I see them fail first.',
    tools: [
      { cmd: 'cat src/core/idempotency.py', reads: 'src/core/idempotency.py' },
      {
        cmd: 'pytest -q tests/api',
        output: `${TESTS}::test_the_next_one_is_refused FAILED\nE   Failed: DID NOT RAISE HTTPError\n1 failed, 2 passed in 0.20s`,
        exit: 1,
        seconds: 2,
      },
    ],
    tokens: { input: 1900, output: 260 },
    wait: 7,
  },
  {
    think: '`limits` is a dependency already; a moving window in memory is what is asked for.',
    say: 'The project has limits already; I use it.',
    tools: [
      {
        patch: [
          {
            file: ROUTE,
            from: IMPORTS,
            to: `import math\nimport time\n\nfrom limits import RateLimitItemPerMinute, storage, strategies\n\nfrom api.deps import HTTPError, Request, api_key\n\n_limit = RateLimitItemPerMinute(60)\n_limiter = strategies.MovingWindowRateLimiter(storage.MemoryStorage())\n`,
          },
        ],
      },
      {
        patch: [
          {
            file: ROUTE,
            from: BODY,
            to: `    key = api_key(request)\n    if not _limiter.hit(_limit, key):\n        reset = _limiter.get_window_stats(_limit, key).reset_time\n        raise HTTPError(429, {"Retry-After": str(math.ceil(reset - time.time()))})\n    found = `,
          },
        ],
      },
    ],
    tokens: { input: 2400, output: 1320 },
    wait: 31,
  },
  {
    tools: [{ cmd: 'pytest -q tests/api', output: '3 passed in 0.19s', seconds: 2 }],
    tokens: { input: 2100, output: 120 },
    wait: 8,
  },
  {
    tools: [
      { cmd: 'ruff check src', output: 'All checks passed!', seconds: 0.4 },
      {
        cmd: 'git commit -qam "Limit /v1/charges to 60 requests a minute for each API key"',
        output: '',
        seconds: 0.4,
      },
    ],
    tokens: { input: 900, output: 190 },
    wait: 8,
  },
  {
    say: 'Done: each API key has 60 requests a minute on /v1/charges, counted by `limits` in a moving window. The next gets 429, with the seconds that are left in Retry-After. All three tests pass; committed.',
    tokens: { input: 700, output: 220 },
    wait: 7,
  },
];
