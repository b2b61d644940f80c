// What the document does not know does not compile: tsc demands an error at each of these.
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

type NewTask = components['schemas']['NewTask'];
const api = createClient<paths>();

// @ts-expect-error: a priority is low, medium or high
export const priority: NewTask = { title: 'Write the report', priority: 'urgent' };

// @ts-expect-error: there is no such path
export const path = () => api.GET('/api/v1/task');

// @ts-expect-error: a task needs a title
export const body = () => api.POST('/api/v1/tasks', { body: {} });
