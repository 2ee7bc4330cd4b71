import { type ChildProcess, spawn } from 'node:child_process';
import { visibleText } from '../../src/model/visibleText.ts';

/** A relay between pipes and a terminal of 40 × 120, in which an interactive Bash runs. */
const RELAY = `
import fcntl, os, pty, struct, sys, termios, select
pid, fd = pty.fork()
if pid == 0:
    os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 120, 0, 0))
while True:
    ready, _, _ = select.select([0, fd], [], [])
    for source, to in ((0, fd), (fd, 1)):
        if source not in ready: continue
        try: data = os.read(source, 65536)
        except OSError: data = b''
        if not data: sys.exit(0)
        while data: data = data[os.write(to, data):]
`;

/** An interactive Bash on a terminal. Needs Python 3. */
export class Terminal {
  readonly child: ChildProcess;
  output = '';

  constructor(options: { cwd: string; env: Record<string, string> }) {
    this.child = spawn('python3', ['-c', RELAY], { ...options, stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.stdout!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stdin!.on('error', () => {});
  }

  /** Without colours and movements: enough to look for words. */
  get text(): string {
    return visibleText(
      this.output.replace(/\u001b(\[[0-9;?<>=]*[A-Za-z~]|\][^\u0007]*\u0007|.)/g, ''),
    );
  }

  type(keys: string): void {
    this.child.stdin!.write(keys);
  }
}
