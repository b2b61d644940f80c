// Check docs/asyncapi.yaml as AsyncAPI's own tools read it: `node .ci/asyncapi.mjs FILE`, with the packages in NODE_PATH.
// The official JSON Schema of AsyncAPI 3.0, the parser's rules beyond it, and every protobuf payload schema.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.NODE_PATH}/`);
const { Parser } = require('@asyncapi/parser');
const { ProtoBuffSchemaParser } = require('@asyncapi/protobuf-schema-parser');
const ADVICE = 2; // hint and information are 3 and 2: what the parser recommends and the specification does not ask for

const parser = new Parser();
parser.registerSchemaParser(ProtoBuffSchemaParser());
const { document, diagnostics } = await parser.parse(readFileSync(process.argv[2], 'utf8'));
const wrong = diagnostics.filter(({ severity }) => severity < ADVICE);
for (const { path, message } of wrong) console.error(`${path.join('.')}: ${message}`);
if (wrong.length || !document) process.exit(1);

const events = document.allMessages().all().filter((message) => message.hasPayload());
const read = events.filter((message) => message.payload().title() === message.title());
if (read.length !== events.length || !read.length) {
  console.error(`of ${events.length} payload schemas ${read.length} were read`);
  process.exit(1);
}
console.log(`${document.allChannels().all().length} channels, ${read.length} events: valid`);
