/**
 * A model server that a test plays: Chat Completions over loopback. It stands beside the scripted server of the Rust
 * tests because a test here holds a reply in the middle, looks at the screen, and goes on.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One part of a reply: text, reasoning, a tool call, or a gate that holds the stream until it is opened. */
export type Step =
  string | { thinks: string } | { call: string; with: Record<string, unknown> } | { until: Promise<void> };

export interface Gate {
  /** The step that waits. */
  step: Step;
  open: () => void;
}

export function gate(): Gate {
  let open = () => {};
  const until = new Promise<void>((opened) => (open = opened));
  return { step: { until }, open };
}

interface Message {
  role: string;
  content: unknown;
}

/** What the engine sent for a step of a turn. */
export interface Asked {
  model: string;
  messages: Message[];
  authorization: string | undefined;
}

export class Model {
  /** The steps that were asked for, in order. */
  readonly asked: Asked[] = [];
  /** The names that it lists. */
  models = ['scripted'];
  /** Requests without this key are refused. */
  key: string | null = null;

  #replies: Step[][] = [];
  /** By the name that was asked for: sessions that work at once are told apart by it. */
  #repliesOf: Record<string, Step[][]> = {};
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Model> {
    const server = createServer((request, response) => void model.#answer(request, response));
    const model = new Model(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** The next reply. Replies are given in order; without one the model says “ok”. */
  replies(...steps: Step[]): this {
    this.#replies.push(steps);
    return this;
  }

  /** The next reply of one of its names. */
  repliesOf(name: string, ...steps: Step[]): this {
    (this.#repliesOf[name] ??= []).push(steps);
    return this;
  }

  /** All text of a request, the last one unless told. */
  text(asked = this.asked.at(-1)): string {
    return JSON.stringify(asked?.messages ?? []);
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async #answer(request: IncomingMessage, response: ServerResponse) {
    const { authorization } = request.headers;
    if (this.key !== null && authorization !== `Bearer ${this.key}`) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: 'the key is wrong', type: 'invalid_api_key' } }));
      return;
    }
    if (request.method === 'GET' && request.url?.endsWith('/models')) {
      const data = this.models.map((id) => ({ id, object: 'model' }));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ object: 'list', data }));
      return;
    }
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { model, messages } = JSON.parse(body) as Asked;
    this.asked.push({ model, messages, authorization });
    const steps = this.#repliesOf[model]?.shift() ?? this.#replies.shift() ?? ['ok'];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    await this.#stream(response, model, steps);
  }

  async #stream(response: ServerResponse, model: string, steps: Step[]) {
    const number = this.asked.length;
    const send = (delta: object, finish: string | null = null, rest: object = {}) =>
      response.write(
        `data: ${JSON.stringify({
          id: `chatcmpl-${number}`,
          object: 'chat.completion.chunk',
          created: 1_700_000_000,
          model,
          choices: [{ index: 0, delta, finish_reason: finish }],
          ...rest,
        })}\n\n`,
      );
    send({ role: 'assistant', content: '' });
    let calls = 0;
    for (const step of steps) {
      if (typeof step === 'string') {
        // Word by word, as models do.
        for (const content of step.match(/\S*\s*/g) ?? []) if (content) send({ content });
      } else if ('thinks' in step) {
        send({ reasoning_content: step.thinks });
      } else if ('until' in step) {
        await step.until;
      } else {
        const call = { name: step.call, arguments: JSON.stringify(step.with) };
        const id = `call-${number}-${calls}`;
        send({ tool_calls: [{ index: calls, id, type: 'function', function: call }] });
        calls += 1;
      }
      if (response.destroyed) return;
    }
    send({}, calls > 0 ? 'tool_calls' : 'stop');
    const usage = { prompt_tokens: 1200, completion_tokens: 80, total_tokens: 1280 };
    response.write(`data: ${JSON.stringify({ id: `chatcmpl-${number}`, choices: [], usage })}\n\n`);
    response.end('data: [DONE]\n\n');
  }
}
