// Make a Postman collection of an OpenAPI document: `node collection.mjs openapi.json > collection.json`.
// Its requests can be sent one by one, or from the first to the last: each that needs a token or an id takes it from an
// answer before it, and each has to be answered as the document says of a success.
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import converter from 'openapi-to-postmanv2';

// What is kept of an answer for the requests that come after it: the variable, and where its value stands.
const SESSION = { bearerToken: 'accessToken', refreshToken: 'refreshToken' };
const KEPT = {
  register: { ...SESSION, email: 'user.email' },
  login: SESSION,
  refresh: SESSION,
  createTask: { task_id: 'id' },
  listNotifications: { notification_id: 'notifications[0]?.id' },
};
// What a body takes from there, or has for itself alone.
const TAKEN = {
  register: { email: '{{$guid}}@example.com' },
  login: { email: '{{email}}' },
  refresh: { refreshToken: '{{refreshToken}}' },
  logout: { refreshToken: '{{refreshToken}}' },
};
// What Kafka brings may not have arrived yet: ask again, as long as newman's --timeout has it.
const AWAITED = {
  listNotifications: [
    'if (!pm.response.json().notifications.length) {',
    '  setTimeout(() => {}, 250);',
    '  pm.execution.setNextRequest(pm.info.requestName);',
    '}',
  ],
};
// A walk deletes what it made when nothing needs it any more, and logs out when nothing else is left to do.
const last = ({ operationId, method }) => (operationId === 'logout' ? 2 : method === 'delete' ? 1 : 0);

const document = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const resolved = (schema) => (schema.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)] : schema);
const operations = new Map();
for (const [path, item] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    const success = Object.entries(operation.responses).find(([status]) => status < 300);
    // An answer without an end cannot be walked past.
    if (success[1].content?.['text/event-stream']) delete item[method];
    const name = `${method} ${path.replace(/{(\w+)}/g, ':$1')}`;
    operations.set(name, { ...operation, method, status: Number(success[0]) });
    // The converter reads examples beside a schema, not those in it.
    const json = operation.requestBody?.content['application/json'];
    if (json) json.example = { ...resolved(json.schema).examples[0], ...TAKEN[operation.operationId] };
  }
}

const options = { folderStrategy: 'Tags', parametersResolution: 'Example', enableOptionalParameters: false };
const converted = await promisify(converter.convertV2)({ type: 'json', data: document }, options);
if (!converted.result) throw new Error(converted.reason);
const [{ data: collection }] = converted.output;

const leaves = (items) => items.flatMap((item) => (item.item ? leaves(item.item) : item));
const operationOf = ({ request }) => operations.get(`${request.method.toLowerCase()} /${request.url.path.join('/')}`);
collection.item = leaves(collection.item).sort((one, other) => last(operationOf(one)) - last(operationOf(other)));
collection.variable = [{ key: 'baseUrl', value: 'http://127.0.0.1:8080' }];
for (const item of collection.item) {
  const operation = operationOf(item);
  for (const variable of item.request.url.variable) variable.value = `{{${variable.key}}}`;
  item.event = [{ listen: 'test', script: { type: 'text/javascript', exec: checks(operation) } }];
}
console.log(JSON.stringify(collection, null, 2));

function checks({ operationId, status }) {
  const keep = ([variable, path]) => `pm.collectionVariables.set('${variable}', pm.response.json().${path});`;
  return [
    `pm.test('${operationId} answers ${status}', () => pm.response.to.have.status(${status}));`,
    ...Object.entries(KEPT[operationId] ?? {}).map(keep),
    ...(AWAITED[operationId] ?? []),
  ];
}
