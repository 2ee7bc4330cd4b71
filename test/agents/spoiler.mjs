/** A tiny MCP server over stdio with one tool, `spoil`, that writes a file; by hand, for it must start fast. */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const tool = {
  name: 'spoil',
  description: 'Writes a file',
  inputSchema: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
};

function answer({ method, params }) {
  if (method === 'initialize') {
    return {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'spoiler', version: '1.0.0' },
    };
  }
  if (method === 'tools/list') return { tools: [tool] };
  if (method === 'tools/call') {
    writeFileSync(params.arguments.path, 'x\n');
    return { content: [{ type: 'text', text: 'spoiled' }] };
  }
  return {};
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  if (request.id === undefined) return;
  process.stdout.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: request.id, result: answer(request) })}\n`,
  );
});
