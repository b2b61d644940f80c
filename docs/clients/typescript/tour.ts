// A person, a task and what becomes of it, by the types of api.d.ts: `npm start`, or `npm start -- http://host:port`.
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

type Task = components['schemas']['Task'];
type Problem = components['schemas']['Problem'];

declare const process: { argv: string[] };
const baseUrl = process.argv[2] ?? 'http://127.0.0.1:8080';
const api = createClient<paths>({ baseUrl });

/** What was answered, or the problem document as an exception. */
function value<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.error) throw new Error(`${answer.error.status} ${answer.error.code}: ${answer.error.detail}`);
  return answer.data as T;
}

const person = { name: 'Ada Lovelace', email: `${crypto.randomUUID()}@example.com`, password: crypto.randomUUID() };
const session = value(await api.POST('/api/v1/auth/register', { body: person }));
api.use({
  onRequest({ request }) {
    request.headers.set('authorization', `Bearer ${session.accessToken}`);
  },
});

// A key of its own lets a request whose answer was lost be sent again.
const created = await api.POST('/api/v1/tasks', {
  params: { header: { 'Idempotency-Key': `"${crypto.randomUUID()}"` } },
  body: { title: 'Write the report', priority: 'high' },
});
let task: Task = value(created);
const path = { task_id: task.id };

// Only the task that was seen is changed: somebody else's change in between would be answered with 412.
const etag = created.response.headers.get('etag') ?? '*';
task = value(
  await api.PATCH('/api/v1/tasks/{task_id}', {
    params: { path, header: { 'If-Match': etag } },
    body: { status: 'in-progress', dueDate: null },
  }),
);
task = value(await api.POST('/api/v1/tasks/{task_id}/complete', { params: { path } }));

const { tasks, total } = value(await api.GET('/api/v1/tasks', { params: { query: { status: 'completed' } } }));
if (total !== 1 || tasks[0]?.id !== task.id) throw new Error(`${task.id} is not the one completed task`);
console.log(`${session.user.name}: “${task.title}” is ${task.status}`);
